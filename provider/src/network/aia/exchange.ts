import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { type ConnectionFailure, readConnectionFailure } from "../connection-failure";
import { answerOf } from "../http-answer";

/** An answer; its body is read for status 200 alone. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What an exchange is bound by. */
export interface ExchangeBounds {
  /** Begins every message. */
  readonly what: string;
  /** Resolves the host, and judges what it resolves to. */
  readonly lookup: LookupFunction;
  /** Ends the exchange at any moment; its reason is a text that says why. */
  readonly signal: AbortSignal;
}

/** A certificate has 1 to 3 kB, PKCS#7 with the whole past of a CA 20 kB. */
const MOST_BYTES = 256 * 1024;

/** Nobody needs to know more of the machine that asks. */
const headers = {
  "user-agent": "pulumi-tls-gateway",
  // the media types of RFC 5280 section 4.2.2.1; some servers have others in their tables
  accept: "application/pkix-cert, application/pkcs7-mime, */*;q=0.1",
  "accept-encoding": "identity",
};

/**
 * Sends one GET over a connection of its own, without proxy, cookies or credentials, and reads the answer: at most
 * 256 KiB, not compressed. The connection is gone when the promise settles.
 * @throws TlsError AIA_UNREACHABLE: the connection fails or is cut, the signal; AIA_REFUSED: the body is too long or
 * compressed, the server is not trusted or speaks something else than HTTP; whatever the lookup fails with
 */
export async function exchange(url: URL, bounds: ExchangeBounds): Promise<HttpAnswer> {
  const { what, lookup, signal } = bounds;
  let reached = "no connection came about";
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const request = send({
    // an IPv6 address stands in brackets in a URL only
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port,
    path: `${url.pathname}${url.search}`,
    headers,
    // without a pool there is neither a proxy from the environment nor a connection that stays open
    agent: false,
    rejectUnauthorized: true,
    lookup,
    signal,
  });
  request.once("finish", () => {
    reached = "it was connected to and has not answered";
  });
  try {
    const answered = answerOf(request);
    request.end();
    const response = await answered;
    const { statusCode: status = 0 } = response;
    if (status !== 200) return { status, headers: response.headers, body: Buffer.alloc(0) };
    refuseByHeaders(response.headers, what);
    const body = await readBody(response, what, (length) => {
      reached = `only ${length} bytes of its answer have come`;
    });
    return { status, headers: response.headers, body };
  } catch (error) {
    if (!signal.aborted) throw explainExchangeFailure(error, what);
    throw new TlsError("AIA_UNREACHABLE", `${what}: ${String(signal.reason)}; ${reached}.`, {
      hint: UNREACHABLE_HINT,
    });
  } finally {
    request.destroy();
  }
}

/** What to do about a server that is not reached. */
export const UNREACHABLE_HINT =
  "Run it again; if it stays so, check the DNS and the firewall of the machine that runs Pulumi, or append the issuer's certificate by hand.";

/** What to do about each failure of a connection. */
const hints: Readonly<Record<ConnectionFailure["kind"], string>> = {
  unreachable: UNREACHABLE_HINT,
  untrusted:
    "Append the issuer's certificate by hand; for a CA inside your own network, NODE_EXTRA_CA_CERTS names a file with its root.",
  otherProtocol:
    "Look whether scheme and port of the URL are right and no proxy stands in between, or append the issuer's certificate by hand.",
};

/** The error of an exchange as one about the world; any other is given back as it came. */
function explainExchangeFailure(error: unknown, what: string): unknown {
  const failure = readConnectionFailure(error);
  if (failure === undefined) return error;
  const code = failure.kind === "unreachable" ? "AIA_UNREACHABLE" : "AIA_REFUSED";
  return new TlsError(code, `${what}: ${failure.found}.`, { hint: hints[failure.kind], cause: error });
}

/** What the headers promise need not be read first. */
function refuseByHeaders(answered: IncomingHttpHeaders, what: string): void {
  const encoding = answered["content-encoding"];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity") {
    throw new TlsError(
      "AIA_REFUSED",
      `${what}: the answer is compressed (content-encoding ${renderQuoted(encoding)}), which was not asked for.`,
      { hint: "Have the server send the file as it is, or append the issuer's certificate by hand." },
    );
  }
  const length = Number(answered["content-length"] ?? 0);
  if (length > MOST_BYTES) throw tooLong(`has ${length} bytes`, what);
}

/** Whatever was promised, what comes is counted. */
async function readBody(response: IncomingMessage, what: string, progress: (length: number) => void): Promise<Buffer> {
  // one buffer: a body in pieces of one byte costs no more than another
  const body = Buffer.allocUnsafe(MOST_BYTES);
  let length = 0;
  progress(length);
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (length + chunk.length > MOST_BYTES) throw tooLong(`goes on after ${length + chunk.length} bytes`, what);
    length += chunk.copy(body, length);
    progress(length);
  }
  return body.subarray(0, length);
}

function tooLong(found: string, what: string): TlsError {
  return new TlsError("AIA_REFUSED", `${what}: the answer ${found}, at most ${MOST_BYTES} bytes are read.`, {
    hint: "No issuer's certificate is as long: look at what the URL holds, or append the certificate by hand.",
  });
}
