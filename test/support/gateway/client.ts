// Guards: a client that is kinder than an attacker. Requests to a gateway on loopback, with every part chosen: address, name
// of the handshake, Host, path as it is, certificate, HTTP/1.1 or HTTP/2, a PROXY header first.
import { once } from "node:events";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { Echo, WantedAnswer } from "./upstream";

/** Where a connection goes and how it begins. */
export interface GatewayTarget {
  /** Default 127.0.0.1. */
  readonly address?: string;
  readonly port: number;
  /** The client's own address; default what the system takes. */
  readonly from?: string;
  /** Octets before all else: a header of the PROXY protocol. */
  readonly proxyHeader?: Buffer;
  /** Absent: plain. `servername` undefined: no name is sent. */
  readonly tls?: Pick<
    ConnectionOptions,
    "ca" | "servername" | "cert" | "key" | "minVersion" | "maxVersion" | "ciphers" | "ecdhCurve" | "session"
  > & { readonly alpn?: readonly string[] };
}

/** What is asked over it. */
export interface GatewayAsk {
  readonly host: string;
  readonly method?: string;
  /** As it goes over the wire. */
  readonly path?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** A Buffer goes with Content-Length, a stream in chunks. */
  readonly body?: Buffer | Readable;
  readonly answer?: WantedAnswer;
  /** Default "1.1". */
  readonly http?: "1.1" | "2";
  /** Hears of each part of the answer when it arrives. */
  readonly onPart?: (text: string) => void;
}

/** What came back. */
export interface GatewayAnswer {
  readonly status: number;
  /** Of one name, in lower case, in order. */
  readonly all: (name: string) => readonly string[];
  readonly text: string;
  readonly length: number;
  /** What the upstream saw; fails when the answer is not the upstream's. */
  readonly echo: () => Echo;
}

/** Opens a connection; rejects when it, or the handshake, is refused. The certificate must be of `tls.ca`. */
export async function openSocket(target: GatewayTarget): Promise<Socket | TLSSocket> {
  const { address = "127.0.0.1", port, from, proxyHeader, tls } = target;
  const socket = connect({ host: address, port, ...(from !== undefined && { localAddress: from }) });
  await once(socket, "connect");
  socket.on("error", () => undefined);
  if (proxyHeader !== undefined) socket.write(proxyHeader);
  if (tls === undefined) return socket;
  const { alpn = [], servername, ...options } = tls;
  const secure = connectTls({
    socket,
    ...options,
    ...(servername !== undefined && { servername }),
    ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    // the name of the certificate is the business of each test
    checkServerIdentity: () => undefined,
  });
  try {
    await once(secure, "secureConnect");
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return secure.on("error", () => undefined);
}

/** Longer than any answer that a test waits for takes on a busy machine, in milliseconds. */
const PATIENCE = 60_000;

/** One request over a connection of its own; rejects when the connection ends without an answer. */
export async function ask(target: GatewayTarget, request: GatewayAsk): Promise<GatewayAnswer> {
  const protocol = request.http === "2" ? "h2" : "http/1.1";
  const tls = target.tls && { alpn: [protocol], ...target.tls };
  const socket = await openSocket(tls === undefined ? target : { ...target, tls });
  const timer = setTimeout(() => socket.destroy(new Error(`no answer in ${PATIENCE} ms`)), PATIENCE);
  try {
    if (request.http === "2") {
      if ("alpnProtocol" in socket && socket.alpnProtocol !== "h2") throw new Error("the gateway does not speak h2");
      return await askHttp2(socket, request);
    }
    return await askHttp1(socket, request);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function wantedHeaders({ headers = [], answer }: GatewayAsk): readonly (readonly [string, string])[] {
  return answer === undefined ? headers : [...headers, ["x-answer", JSON.stringify(answer)]];
}

async function askHttp1(socket: Socket, ask: GatewayAsk): Promise<GatewayAnswer> {
  const { host, method = "GET", path = "/", body } = ask;
  const headers = [["Host", host], ["Connection", "close"], ...wantedHeaders(ask)];
  if (Buffer.isBuffer(body)) headers.push(["Content-Length", String(body.length)]);
  else if (body !== undefined) headers.push(["Transfer-Encoding", "chunked"]);
  const request = requestHttp({
    createConnection: () => socket,
    method,
    path,
    headers: headers.flat(),
    setHost: false,
  });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).on("error", reject);
  });
  if (body === undefined || Buffer.isBuffer(body)) request.end(body);
  else body.pipe(request);
  const message = await response;
  const parts = await collect(message, ask.onPart);
  const pairs = message.rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), message.rawHeaders[index + 1] ?? ""] as const] : [],
  );
  return answerOf(message.statusCode ?? 0, pairs, Buffer.concat(parts));
}

async function askHttp2(socket: Socket, ask: GatewayAsk): Promise<GatewayAnswer> {
  const { host, method = "GET", path = "/", body } = ask;
  const session = connectHttp2(`https://${host}`, { createConnection: () => socket });
  session.on("error", () => undefined);
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of wantedHeaders(ask)) {
    const known = headers[name.toLowerCase()];
    headers[name.toLowerCase()] = known === undefined ? value : [known, value].flat();
  }
  if (Buffer.isBuffer(body)) headers["content-length"] = String(body.length);
  const pseudo = { ":method": method, ":path": path, ":authority": host, ":scheme": "https" };
  const stream = session.request({ ...headers, ...pseudo }, { endStream: body === undefined });
  const response = new Promise<IncomingHttpHeaders>((resolve, reject) => {
    stream.once("response", resolve).on("error", reject);
    stream.once("close", () => reject(new Error(`the stream was closed: ${stream.rstCode}`)));
  });
  if (Buffer.isBuffer(body)) stream.end(body);
  else body?.pipe(stream);
  try {
    const found = await response;
    const parts = await collect(stream, ask.onPart);
    const pairs = Object.entries(found).flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)]));
    return answerOf(Number(found[":status"]), pairs as [string, string][], Buffer.concat(parts));
  } finally {
    session.destroy();
  }
}

async function collect(stream: Readable, onPart?: (text: string) => void): Promise<readonly Buffer[]> {
  const parts: Buffer[] = [];
  for await (const part of stream) {
    parts.push(part as Buffer);
    onPart?.(String(part));
  }
  return parts;
}

function answerOf(status: number, headers: readonly (readonly [string, string])[], body: Buffer): GatewayAnswer {
  const text = body.subarray(0, 100_000).toString();
  return {
    status,
    all: (name) => headers.flatMap(([found, value]) => (found === name ? [value] : [])),
    text,
    length: body.length,
    echo: () => {
      try {
        return JSON.parse(text) as Echo;
      } catch {
        throw new Error(`not the upstream's answer: ${status} ${text.slice(0, 300)}`);
      }
    },
  };
}

/** What a handshake shows. */
export interface TlsFacts {
  readonly version: string | null;
  readonly cipher: string;
  /** The group of the key exchange, as OpenSSL calls it. */
  readonly group: string | undefined;
  readonly alpn: string | false | null;
  /** Common name of the leaf, and the number of certificates that came with it, itself counted. */
  readonly subject: string;
  readonly serialNumber: string;
}

/** The facts of one handshake; rejects when it is refused. */
export async function shakeHands(target: GatewayTarget): Promise<TlsFacts> {
  const socket = (await openSocket(target)) as TLSSocket;
  const { subject, serialNumber } = socket.getPeerCertificate();
  const group = (socket.getEphemeralKeyInfo() as { name?: string } | null)?.name;
  const version = socket.getProtocol();
  const { name } = socket.getCipher();
  socket.destroy();
  return { version, cipher: name ?? "", group, alpn: socket.alpnProtocol, subject: String(subject.CN), serialNumber };
}

/** A session of TLS that a site gave with its answer to a GET, if it gave one; of TLS 1.2 it comes in the handshake. */
export async function sessionOf(target: GatewayTarget, host: string): Promise<Buffer | undefined> {
  const socket = (await openSocket(target)) as TLSSocket;
  let session: Buffer | undefined = socket.getProtocol() === "TLSv1.2" ? socket.getSession() : undefined;
  socket.on("session", (given: Buffer) => {
    session = given;
  });
  // a ticket of TLS 1.3 comes with the answer
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  for await (const _ of socket);
  return session;
}

/** What comes back for octets, until the connection ends, or has been silent for long. */
export async function exchange(target: GatewayTarget, octets: string | Buffer): Promise<string> {
  const socket = await openSocket(target);
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error(`no answer in ${PATIENCE} ms`)));
  socket.write(octets);
  let text = "";
  try {
    for await (const part of socket) text += String(part);
  } catch {
    // ended by the other side: what came before counts
  }
  return text;
}

/** PROXY protocol, version 1: one line of text. */
export function proxyHeaderV1(source: string, port = 40_000): Buffer {
  const [family, destination] = source.includes(":") ? ["TCP6", "2001:db8::1"] : ["TCP4", "192.0.2.1"];
  return Buffer.from(`PROXY ${family} ${source} ${destination} ${port} 443\r\n`);
}

/** PROXY protocol, version 2, in octets; without a source the command is LOCAL, as load balancers ask for health. */
export function proxyHeaderV2(source?: readonly number[], port = 40_000): Buffer {
  const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
  if (source === undefined) return Buffer.concat([signature, Buffer.from([0x20, 0, 0, 0])]);
  const destination = source.length === 4 ? [192, 0, 2, 1] : [0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1];
  const ports = [port >> 8, port & 255, 443 >> 8, 443 & 255];
  const addresses = [...source, ...destination, ...ports];
  return Buffer.concat([
    signature,
    Buffer.from([0x21, source.length === 4 ? 0x11 : 0x21, 0, addresses.length, ...addresses]),
  ]);
}
