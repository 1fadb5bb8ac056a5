import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { join } from "node:path";
import { createSecureContext, getCACertificates, rootCertificates, type SecureContext } from "node:tls";
import { TlsError } from "../../errors";
import { type ConnectionFailure, readConnectionFailure } from "../../network/connection-failure";
import { answerOf } from "../../network/http-answer";
import { renderUrl } from "../../network/url";
import { renderQuoted } from "../../text/quoted";
import { readPemBlocks } from "../../x509/asn1/pem";
import { parseAcmeUrl } from "./url";

export interface TransportOptions {
  /** Roots of the CA's own https server, beside Node's and NODE_EXTRA_CA_CERTS. */
  readonly caBundlePem?: string;
  /** For one request, from its connection to the last octet of the answer; 30 by default. */
  readonly requestTimeoutSeconds?: number;
}

export interface AcmeRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: string;
  readonly body?: string;
  /** `application/jose+json` by default, RFC 8555 section 6.2. */
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal: AbortSignal;
  /** Begins every message. */
  readonly doing?: string;
}

export interface AcmeResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A chain of ten RSA4096 certificates has 25 kB, a directory 2 kB. */
const MOST_BYTES = 1024 * 1024;

/** Connections to one CA at once. Let's Encrypt allows 250 requests in a second; with 0.1 s each this is 160. */
export const MOST_CONNECTIONS = 16;

/**
 * Sends requests to CAs over connections that stay open: https, or http on loopback. No redirections, cookies or
 * credentials; a proxy of the environment only with NODE_USE_ENV_PROXY=1, as for the rest of Node. One for all
 * accounts with the same settings.
 */
export class AcmeTransport {
  readonly #https: HttpsAgent;
  readonly #http: HttpAgent;
  readonly #limitMs: number;

  /** @throws TlsError PEM_INVALID, CERTIFICATE_INVALID for the bundle */
  constructor(options: TransportOptions = {}) {
    const { caBundlePem, requestTimeoutSeconds = 30 } = options;
    this.#limitMs = requestTimeoutSeconds * 1000;
    const common = {
      keepAlive: true,
      maxSockets: MOST_CONNECTIONS,
      // the last used connection is the least likely to have been closed by the server
      scheduling: "lifo" as const,
      ...(process.env.NODE_USE_ENV_PROXY === "1" ? { proxyEnv: process.env } : {}),
    };
    this.#http = new HttpAgent(common);
    const trust = caBundlePem === undefined ? {} : { secureContext: trustOf(caBundlePem) };
    // NODE_TLS_REJECT_UNAUTHORIZED=0 of the environment would let anyone on the way answer for the CA
    this.#https = new HttpsAgent({ ...common, ...trust, rejectUnauthorized: true });
  }

  /**
   * Sends one request and reads the answer, whatever its status: at most 1 MiB, not compressed.
   * @throws TlsError ACME_UNREACHABLE: nothing whole came back within the time; ACME_PROTOCOL: the URL is not https, the
   * server is not trusted, speaks something else, or answers too much
   */
  async request(asked: AcmeRequest): Promise<AcmeResponse> {
    const { doing = "asking the CA", signal } = asked;
    const url = parseAcmeUrl(asked.url, doing);
    const what = `${doing}: ${renderUrl(url)}`;
    let reached = "no connection came about";
    const stop = new AbortController();
    const follow = () => stop.abort("it was stopped");
    const timer = setTimeout(() => stop.abort(`not answered within ${this.#limitMs / 1000} s`), this.#limitMs);
    if (signal.aborted) follow();
    signal.addEventListener("abort", follow, { once: true });
    let request: ClientRequest | undefined;
    try {
      request = this.#open(url, asked, stop.signal);
      request.once("finish", () => {
        reached = "it was connected to and has not answered";
      });
      const answered = answerOf(request);
      request.end(asked.body);
      const response = await answered;
      refuseByHeaders(response.headers, what);
      const body = await readBody(response, what, (length) => {
        reached = `only ${length} bytes of its answer have come`;
      });
      return { status: response.statusCode ?? 0, headers: response.headers, body };
    } catch (error) {
      // a connection in an unknown state is not used again
      request?.destroy();
      if (!stop.signal.aborted) throw explainTransportFailure(error, what);
      throw new TlsError("ACME_UNREACHABLE", `${what}: ${String(stop.signal.reason)}; ${reached}.`, {
        hint: hints.unreachable,
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", follow);
    }
  }

  /** Closes what is open. */
  close(): void {
    this.#https.destroy();
    this.#http.destroy();
  }

  #open(url: URL, asked: AcmeRequest, signal: AbortSignal): ClientRequest {
    const { method, body, accept, contentType = "application/jose+json" } = asked;
    const isHttps = url.protocol === "https:";
    const content =
      body === undefined ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(body) };
    return (isHttps ? httpsRequest : httpRequest)({
      method,
      // an IPv6 address stands in brackets in a URL only
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port,
      path: `${url.pathname}${url.search}`,
      headers: { "user-agent": userAgent(), accept: accept ?? "*/*", "accept-encoding": "identity", ...content },
      agent: isHttps ? this.#https : this.#http,
      signal,
    });
  }
}

/** What the headers promise need not be read first. */
function refuseByHeaders(answered: IncomingHttpHeaders, what: string): void {
  const encoding = answered["content-encoding"];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity") {
    throw new TlsError(
      "ACME_PROTOCOL",
      `${what}: the answer is compressed (content-encoding ${renderQuoted(encoding)}), which was not asked for.`,
      { hint: "Look whether a proxy between this machine and the CA changes what passes." },
    );
  }
  if (Number(answered["content-length"] ?? 0) > MOST_BYTES) throw tooLong(what);
}

/** Whatever was promised, what comes is counted. */
async function readBody(response: IncomingMessage, what: string, progress: (length: number) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  progress(length);
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BYTES) throw tooLong(what);
    chunks.push(chunk);
    progress(length);
  }
  return Buffer.concat(chunks, length);
}

function tooLong(what: string): TlsError {
  return new TlsError("ACME_PROTOCOL", `${what}: the answer has more than ${MOST_BYTES} bytes.`, {
    hint: "No answer of a CA is as long: look whether the URL of the directory is right.",
  });
}

/** What to do about each failure of a connection. */
const hints: Readonly<Record<ConnectionFailure["kind"], string>> = {
  unreachable:
    "Run it again; if it stays so, look at the CA's status page and at the DNS and the firewall of the machine that runs Pulumi.",
  untrusted:
    "Give the root of the CA's own server as caBundlePem, or name a file with it in NODE_EXTRA_CA_CERTS; if it is a public CA, something on the way answers for it.",
  otherProtocol: "Look whether scheme and port of the directory's URL are right and no proxy stands in between.",
};

/** The error of a request to a CA as one about the world; any other is given back as it came. */
function explainTransportFailure(error: unknown, what: string): unknown {
  const failure = readConnectionFailure(error);
  if (failure === undefined) return error;
  const code = failure.kind === "unreachable" ? "ACME_UNREACHABLE" : "ACME_PROTOCOL";
  return new TlsError(code, `${what}: ${failure.found}.`, { hint: hints[failure.kind], cause: error });
}

/**
 * What a CA's own https server is judged by: the roots of Node, those of NODE_EXTRA_CA_CERTS, and `caBundlePem`. Made
 * once: reading the roots takes 20 ms. (Node before 22.15 can't say what it was given by NODE_EXTRA_CA_CERTS; there a
 * bundle stands beside Node's own roots alone.)
 * @throws TlsError PEM_INVALID, CERTIFICATE_INVALID: the bundle holds no certificate, or a damaged one
 */
function trustOf(caBundlePem: string): SecureContext {
  const blocks = readPemBlocks(caBundlePem, "caBundlePem").filter(({ label }) => label === "CERTIFICATE");
  if (blocks.length === 0) {
    throw new TlsError("CERTIFICATE_INVALID", "caBundlePem: holds no certificate", {
      hint: "Give the root of the CA's own server as PEM, from BEGIN CERTIFICATE to END CERTIFICATE.",
    });
  }
  // OpenSSL leaves out silently what it can't read
  for (const [at, { der }] of blocks.entries()) refuseDamaged(der, at + 1);
  const roots = typeof getCACertificates === "function" ? getCACertificates("default") : rootCertificates;
  return createSecureContext({ ca: [...roots, ...blocks.map(({ text }) => text)] });
}

function refuseDamaged(der: Buffer, number: number): void {
  try {
    new X509Certificate(der);
  } catch (cause) {
    throw new TlsError("CERTIFICATE_INVALID", `caBundlePem: its certificate ${number} can't be read`, {
      hint: "Look at it: openssl storeutl -noout -text <file>.",
      cause,
    });
  }
}

let ownUserAgent: string | undefined;

/** Who asks, RFC 8555 section 6.1: CAs look for it when a client misbehaves. */
export function userAgent(): string {
  if (ownUserAgent === undefined) {
    const { version } = JSON.parse(readFileSync(join(__dirname, "../../../package.json"), "utf8")) as {
      version: string;
    };
    ownUserAgent = `pulumi-tls-gateway/${version} node/${process.versions.node}`;
  }
  return ownUserAgent;
}
