import { renderQuoted } from "../../text/quoted";
import { parseObject } from "../client/directory";
import type { AcmeIdentifier } from "../client/identifier";
import { readProblem } from "../client/problem";
import type { AcmeProblem } from "../client/problem-types";
import type { AcmeSession } from "../client/session";
import { malformed, type OrderContext, readAcmeIdentifier } from "./order";

/** What an account must prove for one name (RFC 8555 section 7.1.4). */
export interface Authorization {
  readonly url: string;
  /** "pending", "valid", "invalid", "deactivated", "expired", "revoked", or what a CA invents. */
  readonly status: string;
  /** Without the "*." of a wildcard. */
  readonly identifier: AcmeIdentifier;
  readonly isWildcard: boolean;
  readonly challenges: readonly Challenge[];
  /** Header of the answer. */
  readonly retryAfter?: string;
}

/** One way to prove it (RFC 8555 section 8). */
export interface Challenge {
  /** For instance "dns-01"; a CA may offer what is not known here. */
  readonly type: string;
  readonly url: string;
  /** "pending", "processing", "valid" or "invalid". */
  readonly status: string;
  /** base64url; some kinds have none. */
  readonly token?: string;
  /** Of dns-persist-01: `issuer-domain-names` in the drafts -00 and -01, `issuerDomainNames` in -02. */
  readonly issuerDomainNames?: readonly string[];
  readonly error?: AcmeProblem;
}

/** A CA offers one of each type; IANA's registry has eight types. */
const MOST_CHALLENGES = 32;

/** base64url without padding (RFC 8555 section 8.3): it becomes part of a path, of a command's environment. */
const tokenForm = /^[A-Za-z0-9_-]{1,512}$/;

/** Asks for an authorization. @throws TlsError of the request; ACME_PROTOCOL */
export async function fetchAuthorization(context: OrderContext, url: string): Promise<Authorization> {
  const { session, accountUrl, deadline } = context;
  const doing = "asking for an authorization";
  const { body, headers } = await session.post(url, "", { kid: accountUrl, doing, deadline });
  const json = parseObject(body);
  const identifier = readAcmeIdentifier(json?.identifier);
  const status = json?.status;
  if (typeof status !== "string" || identifier === undefined || !Array.isArray(json?.challenges)) {
    throw malformed(doing, "the answer is no authorization with a status, an identifier and challenges");
  }
  if (json.challenges.length > MOST_CHALLENGES) {
    throw malformed(
      doing,
      `the authorization has ${json.challenges.length} challenges, at most ${MOST_CHALLENGES} are read`,
    );
  }
  const isStarred = identifier.value.startsWith("*.");
  const retryAfter = headers["retry-after"];
  return {
    url,
    status,
    identifier: isStarred ? { ...identifier, value: identifier.value.slice(2) } : identifier,
    isWildcard: isStarred || json?.wildcard === true,
    challenges: json.challenges.map((challenge: unknown) => readChallenge(challenge, session, doing)),
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

/**
 * Tells the CA that a challenge's answer is in place (RFC 8555 section 7.5.1).
 * @throws TlsError of the request
 */
export async function answerChallenge(context: OrderContext, challenge: Challenge, of: Authorization): Promise<void> {
  const { session, accountUrl, deadline } = context;
  const doing = `answering the ${challenge.type} challenge for ${renderAuthorized(of)}`;
  await session.post(challenge.url, {}, { kid: accountUrl, doing, deadline });
}

/** The name as it was ordered, a wildcard with its "*.". */
export function renderAuthorized({ identifier, isWildcard }: Authorization): string {
  return isWildcard ? `*.${identifier.value}` : identifier.value;
}

function readChallenge(value: unknown, session: AcmeSession, doing: string): Challenge {
  const challenge = (value ?? {}) as Readonly<Record<string, unknown>>;
  const { type, url, status, token, error } = challenge;
  const issuers = challenge.issuerDomainNames ?? challenge["issuer-domain-names"];
  if (typeof type !== "string" || typeof url !== "string") {
    throw malformed(doing, "one of its challenges has no type or no URL");
  }
  session.readLink(url, `${doing}: a challenge`);
  if (typeof token === "string" && !tokenForm.test(token)) {
    throw malformed(doing, `the token of the challenge ${renderQuoted(type)} is not base64url`);
  }
  const problem = readProblem(error);
  return {
    type,
    url,
    // RFC 8555 section 8: it is required, and nothing else is a sensible default
    status: typeof status === "string" ? status : "pending",
    ...(typeof token === "string" && { token }),
    ...(Array.isArray(issuers) && { issuerDomainNames: issuers.filter((name) => typeof name === "string") }),
    ...(problem !== undefined && { error: problem }),
  };
}
