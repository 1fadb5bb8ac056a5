// Guards: servers that outlive their test. An HTTP server on loopback that publishes certificates as a CA does at its
// caIssuers URL (RFC 5280 section 4.2.2.1), well and in every bad way.
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

/** What the server was asked. */
interface AiaRequest {
  readonly method: string | undefined;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** A server that runs. */
export interface AiaServer {
  readonly port: number;
  /** The URL of a path, which starts with a slash: one of the keys of `handlers` below, or of {@link answers}. */
  url(path: string): string;
  /** Every request, in order. */
  readonly requests: readonly AiaRequest[];
  /** Every connection ever made, with or without a request. */
  readonly connections: number;
  /** What further paths answer: set also after the start, for certificates that name this server's URLs. */
  readonly answers: Map<string, Buffer | string>;
  /** Resolves when no connection is open any more. */
  idle(): Promise<void>;
  /** Cuts what is open; resolves when the server is gone. */
  stop(): Promise<void>;
}

/** With `tls` it speaks https, with this certificate and key in PEM. */
export interface AiaServerOptions {
  readonly tls?: { readonly cert: string; readonly key: string };
}

type Handler = (response: ServerResponse, asked: URL, certificates: readonly string[]) => void;

const [certificateType, pkcs7Type] = ["application/pkix-cert", "application/pkcs7-mime"];
const kilobyte = Buffer.alloc(1024, 0x30);

const handlers: Readonly<Record<string, Handler>> = {
  "/issuer.cer": (response, _, [first]) => send(response, derOf(first), certificateType),
  "/issuer.pem": (response, _, all) => send(response, all.join(""), "application/x-pem-file"),
  "/issuers.p7c": (response, _, all) => send(response, pkcs7(all, "DER"), pkcs7Type),
  "/issuers.p7b": (response, _, all) => send(response, pkcs7(all, "PEM"), pkcs7Type),
  // a byte at a time, for ever in the eyes of who waits
  "/slow-drip": (response, _, [first]) => {
    const body = derOf(first);
    response.writeHead(200, { "content-type": certificateType, "content-length": body.length });
    let at = 0;
    const timer = setInterval(() => response.write(body.subarray(at, ++at)), 20);
    response.once("close", () => clearInterval(timer));
  },
  "/endless": (response) => {
    response.writeHead(200, { "content-type": certificateType });
    flood(response, Number.POSITIVE_INFINITY);
  },
  "/silent": () => {},
  // headers, and then nothing of the body
  "/stalled": (response) => {
    response.writeHead(200, { "content-type": certificateType, "content-length": 1000 }).flushHeaders();
  },
  "/huge-declared": (response) => {
    response.writeHead(200, { "content-type": certificateType, "content-length": 10_000 * kilobyte.length });
    flood(response, 10_000);
  },
  "/huge-chunked": (response) => {
    response.writeHead(200, { "content-type": certificateType });
    flood(response, 10_000);
  },
  // ?to=<URL or path>, ?status=<code>
  "/redirect": (response, { searchParams }) => {
    const location = searchParams.get("to") ?? "/issuer.cer";
    response.writeHead(Number(searchParams.get("status") ?? 302), { location }).end("moved");
  },
  // ?times=<n>: through as many redirections to the certificate
  "/redirects": (response, { searchParams }) => {
    const left = Number(searchParams.get("times"));
    response.writeHead(302, { location: left > 1 ? `/redirects?times=${left - 1}` : "/issuer.cer" }).end();
  },
  "/redirect-loop": (response) => response.writeHead(301, { location: "/redirect-loop" }).end(),
  "/redirect-private": (response) => response.writeHead(302, { location: "http://0xa9.0xfe.43518/latest" }).end(),
  "/redirect-ldap": (response) => response.writeHead(302, { location: "ldap://ca.test/cn=CA?cACertificate" }).end(),
  "/redirect-nowhere": (response) => response.writeHead(302).end(),
  // ?code=<status>, ?retry-after=<value>
  "/status": (response, { searchParams }) => {
    const after = searchParams.get("retry-after");
    const headers = after === null ? {} : { "retry-after": after };
    response.writeHead(Number(searchParams.get("code")), headers).end("sorry");
  },
  "/page.html": (response) => send(response, "\r\n<!DOCTYPE html><title>Sign in</title>", "text/html"),
  "/truncated.cer": (response, _, [first]) => send(response, derOf(first).subarray(0, 100), certificateType),
  "/key.pem": (response, _, all) => send(response, all.join("") + newKey(), certificateType),
  "/gzip.cer": (response, _, [first]) => {
    response.setHeader("content-encoding", "gzip");
    send(response, gzipSync(derOf(first)), certificateType);
  },
  "/empty": (response) => send(response, "", certificateType),
  // half of the body, then a reset
  "/reset": (response, _, [first]) => {
    const body = derOf(first);
    response.writeHead(200, { "content-type": certificateType, "content-length": body.length });
    response.write(body.subarray(0, body.length / 2), () => response.socket?.resetAndDestroy());
  },
  "/reset-before": (response) => response.socket?.resetAndDestroy(),
  "/not-http": (response) => response.socket?.end("220 mail.test ESMTP\r\n"),
  "/upgrade": (response) =>
    response.socket?.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
};

/** Starts a server on loopback that publishes `certificates`, PEM texts of one certificate each. */
export async function startAiaServer(
  certificates: readonly string[],
  { tls }: AiaServerOptions = {},
): Promise<AiaServer> {
  const requests: AiaRequest[] = [];
  const answers = new Map<string, Buffer | string>();
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { method, url: path = "/", headers } = request;
    requests.push({ method, path, headers });
    const asked = new URL(path, "http://loopback");
    const body = answers.get(asked.pathname);
    // a client that leaves in the middle is what many tests are about
    response.on("error", () => {});
    if (body !== undefined) return send(response, body, "application/octet-stream");
    const handler = handlers[asked.pathname];
    if (handler === undefined) return response.writeHead(404).end("not found");
    return handler(response, asked, certificates);
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  let [connections, open] = [0, 0];
  server.on("connection", (socket) => {
    connections++;
    open++;
    socket.on("error", () => {});
    socket.once("close", () => {
      open--;
      if (open === 0) server.emit("idle");
    });
  });
  // a client that does not like the certificate
  server.on("tlsClientError", () => {});
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: (path) => `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}${path}`,
    requests,
    get connections() {
      return connections;
    },
    answers,
    idle: async () => {
      if (open > 0) await once(server, "idle");
    },
    stop: async () => {
      const closed = once(server.close(), "close");
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, body: Buffer | string, type: string): void {
  response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}

/** As many kilobytes as the client takes; one that is slow holds the server back. */
function flood(response: ServerResponse, count: number): void {
  let left = count;
  const go = () => {
    while (left > 0 && !response.destroyed) {
      left--;
      if (!response.write(kilobyte)) return void response.once("drain", go);
    }
    response.end();
  };
  go();
}

function derOf(pem = ""): Buffer {
  return new X509Certificate(pem).raw;
}

/** Certificates alone, made by openssl. */
function pkcs7(certificates: readonly string[], form: "DER" | "PEM"): Buffer {
  // openssl opens the file by its name, which a pipe of the shell has and one of Node has not
  const command = `cat | openssl crl2pkcs7 -nocrl -certfile /dev/stdin -outform ${form}`;
  return execFileSync("sh", ["-c", command], { input: certificates.join("") });
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
