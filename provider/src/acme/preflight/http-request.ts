import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { isTlsError } from "../../errors";
import { refuseNonPublic } from "../../network/address-policy";
import { describeConnectionFailure } from "../../network/connection-failure";
import { answerOf } from "../../network/http-answer";
import { userAgent } from "../client/transport";
import type { HttpPlace } from "./http-redirect";

/** One answer. */
export interface HttpReply {
  readonly status: number;
  /** The header of an answer with a status of 3xx. */
  readonly location?: string;
  readonly contentType?: string;
  /** At most 64 KiB, whatever the status is; UTF-8, what is none replaced. */
  readonly body: string;
  /** Whether there was more. */
  readonly isCut: boolean;
}

/** Why there was none; see `HttpLook`. */
export interface HttpFailure {
  readonly found: string;
  readonly isUnseen: boolean;
  readonly isUnconnected: boolean;
}

/** A key authorization has 87 octets; a page of an error is worth a look. */
const mostBytes = 64 * 1024;

/** The machine itself has no such network, or is forbidden to use it. */
const ownCodes: readonly string[] = ["ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EACCES", "EPERM"];
/** Of another network than ours these say that there is no way, of a public address that nothing is there. */
const wayCodes: readonly string[] = ["EHOSTUNREACH", "ETIMEDOUT"];

/** Sends one GET to an address. The signal's reason is a text that says why it ended. */
export async function requestOnce({ url, address }: HttpPlace, signal: AbortSignal): Promise<HttpReply | HttpFailure> {
  const isHttps = url.protocol === "https:";
  const name = url.hostname.replace(/^\[|\]$/g, "");
  const request = (isHttps ? httpsRequest : httpRequest)({
    host: address,
    port: url.port === "" ? (isHttps ? 443 : 80) : url.port,
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, "user-agent": userAgent(), accept: "*/*", "accept-encoding": "identity" },
    // without a pool there is neither a proxy from the environment nor a connection that stays open
    agent: false,
    // who is about to get a certificate has none yet
    rejectUnauthorized: false,
    ...(isHttps && isIP(name) === 0 && { servername: name }),
    signal,
  });
  let isConnected = false;
  request.once("socket", (socket) =>
    socket.once("connect", () => {
      isConnected = true;
    }),
  );
  try {
    const answered = answerOf(request);
    request.end();
    const response = await answered;
    const { statusCode: status = 0, headers } = response;
    const [contentType, location] = [headers["content-type"], status < 400 ? headers.location : undefined];
    const given = { ...(contentType !== undefined && { contentType }), ...(location !== undefined && { location }) };
    return { status, ...given, ...(await readBody(response)) };
  } catch (error) {
    return failureOf(error, { address, isConnected, signal });
  } finally {
    request.destroy();
  }
}

async function readBody(response: IncomingMessage): Promise<Pick<HttpReply, "body" | "isCut">> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > mostBytes) break;
  }
  const body = Buffer.concat(chunks).subarray(0, mostBytes).toString();
  return { body, isCut: length > mostBytes };
}

interface Circumstances {
  readonly address: string;
  readonly isConnected: boolean;
  readonly signal: AbortSignal;
}

function failureOf(error: unknown, { address, isConnected, signal }: Circumstances): HttpFailure {
  const isElsewhere = refuseNonPublic(address) !== undefined;
  if (signal.aborted) {
    const found = `${String(signal.reason)}${isConnected ? "" : "; no connection came about"}`;
    return { found, isUnseen: !isConnected && isElsewhere, isUnconnected: !isConnected };
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isUnseen = ownCodes.includes(code) || (wayCodes.includes(code) && isElsewhere);
  const told = describeConnectionFailure(error, "");
  if (!isTlsError(told)) throw told;
  // the words are those for any server
  return { found: told.reason.replace(/^: |\.$/g, ""), isUnseen, isUnconnected: !isConnected };
}
