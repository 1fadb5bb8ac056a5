import { createHash } from "node:crypto";
import { readAccountKey } from "../../acme/client/jws";
import { AcmeSession, type UnsignedSession } from "../../acme/client/session";
import { AcmeTransport } from "../../acme/client/transport";
import { requestLimiter } from "../../acme/limits/limiter";
import { Deadline, systemClock } from "../../acme/run/deadline";
import { known } from "../input/parse";
import type { Preview } from "../lifecycle";

/** Where a session leads. */
export interface UnsignedSessionRequest {
  readonly directoryUrl: string;
  readonly caBundlePem?: string | undefined;
  readonly requestTimeoutSeconds?: number | undefined;
  readonly linkOrigins?: readonly string[] | undefined;
}

/** Where a session leads, and as whom. */
export interface SessionRequest extends UnsignedSessionRequest {
  /** PEM; secret. */
  readonly accountKeyPem: string;
}

/**
 * One session for each account, CA and setting in the process, since one process serves all resources of a run: they
 * share connections, nonces, the directory and the CA's limits per second.
 */
const sessions = new Map<string, AcmeSession>();

/**
 * The session of an account.
 * @throws TlsError `KEY_INVALID`, `PEM_INVALID`
 */
export function sessionFor(request: SessionRequest): AcmeSession {
  return sharedSession(request, request.accountKeyPem);
}

/** The session for what a CA tells anybody. */
export function unsignedSessionFor(request: UnsignedSessionRequest): UnsignedSession {
  return sharedSession(request, undefined);
}

function sharedSession(request: UnsignedSessionRequest, accountKeyPem: string | undefined): AcmeSession {
  const { directoryUrl, caBundlePem, requestTimeoutSeconds, linkOrigins = [] } = request;
  const parts = [directoryUrl, accountKeyPem ?? "", caBundlePem ?? "", requestTimeoutSeconds ?? "", ...linkOrigins];
  const name = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  const known = sessions.get(name);
  if (known !== undefined) return known;
  const transport = new AcmeTransport({
    ...(caBundlePem !== undefined && { caBundlePem }),
    ...(requestTimeoutSeconds !== undefined && { requestTimeoutSeconds }),
  });
  const session = new AcmeSession({
    directoryUrl,
    linkOrigins,
    ...(accountKeyPem !== undefined && { key: readAccountKey(accountKeyPem) }),
    transport,
    throttle: requestLimiter.throttle(directoryUrl),
  });
  sessions.set(name, session);
  return session;
}

/** The part of the properties of an account, or of what belongs to one, that a session needs, as far as it is known. */
export function readSessionRequest(
  properties: Preview<SessionRequest> & Pick<SessionRequest, "directoryUrl" | "accountKeyPem">,
): SessionRequest {
  return { ...readUnsignedRequest(properties), accountKeyPem: properties.accountKeyPem };
}

/** The same for a session that signs nothing. */
export function readUnsignedRequest(
  properties: Preview<UnsignedSessionRequest> & Pick<UnsignedSessionRequest, "directoryUrl">,
): UnsignedSessionRequest {
  const { directoryUrl, caBundlePem, requestTimeoutSeconds, linkOrigins } = properties;
  return {
    directoryUrl,
    caBundlePem: known(caBundlePem),
    requestTimeoutSeconds: known(requestTimeoutSeconds),
    linkOrigins: known(linkOrigins),
  };
}

/** Does work that has so many seconds, waits and repetitions included, and ends with the signal. */
export async function within<T>(
  seconds: number,
  work: (deadline: Deadline) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const deadline = new Deadline(seconds, systemClock, signal);
  try {
    return await work(deadline);
  } finally {
    deadline.dispose();
  }
}
