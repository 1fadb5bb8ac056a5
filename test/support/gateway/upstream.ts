// Guards: answers that a gateway could have made up. An upstream on loopback that tells what reached it: HTTP/1.1, HTTP/2
// and gRPC on one port, plain or over TLS, and WebSockets.
import { EventEmitter, once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { createGrpcServer } from "./grpc";
import { serveWebSocket } from "./websocket";

/** A request as the upstream saw it; the body of every usual answer, as JSON. */
export interface Echo {
  /** Of {@link UpstreamOptions}. */
  readonly upstream: string;
  readonly method: string;
  /** As it was sent. */
  readonly url: string;
  readonly httpVersion: string;
  /** In order, names in lower case; of HTTP/2 without pseudo-headers but `host`, which is the authority. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bodyLength: number;
  /** Asked for in the handshake of TLS. */
  readonly serverName?: string;
}

/** How a request, by its header `X-Answer` (JSON), wants to be answered. */
export interface WantedAnswer {
  readonly status?: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Never answered. */
  readonly hang?: true;
  /** This many octets in place of the echo. */
  readonly size?: number;
  /** Answered before the body is read; then that is read and dropped, or the connection is closed. */
  readonly early?: "drop" | "close";
  /** "first" is sent, and "second" when {@link GatewayUpstream.release} is called. */
  readonly halves?: true;
}

/** What kind of upstream is started. */
export interface UpstreamOptions {
  readonly label: string;
  /** Default: one that is free. */
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Who takes connections of HTTP/2: the service of gateway-grpc.ts, or the echo. */
  readonly http2?: "grpc" | "echo";
}

/** A running upstream. */
export interface GatewayUpstream {
  readonly port: number;
  /** Requests whose headers arrived, WebSockets and calls of gRPC not counted. */
  readonly seen: () => number;
  /** Requests whose bodies arrived whole. */
  readonly whole: () => number;
  /** What requests asked to be upgraded to since the last time, WebSockets not counted; each was answered 101. */
  readonly upgrades: () => readonly string[];
  /** What handshakes of TLS asked for since the last time, each once; false: nothing. */
  readonly askedNames: () => readonly (string | false)[];
  /** Octets of a body, once they have arrived while it goes on. */
  readonly partArrived: () => Promise<number>;
  readonly release: () => void;
  readonly stop: () => Promise<void>;
}

type Ask = IncomingMessage | Http2ServerRequest;
type Reply = ServerResponse | Http2ServerResponse;

/** Starts an upstream on 127.0.0.1. */
export async function startUpstream({
  label,
  port = 0,
  tls,
  http2 = "grpc",
}: UpstreamOptions): Promise<GatewayUpstream> {
  const events = new EventEmitter();
  const sockets = new Set<Socket>();
  const askedNames = new Set<string | false>();
  const upgrades: string[] = [];
  let [seen, whole] = [0, 0];
  events.on("whole", () => {
    whole += 1;
  });
  const answer = (request: Ask, reply: Reply) => {
    seen += 1;
    answerRequest(label, events, request, reply).catch(() => request.destroy());
  };
  const http1 = createHttpServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, answer);
  http1.on("upgrade", (request, socket, head) => {
    const asked = String(request.headers.upgrade);
    if (/^websocket$/i.test(asked)) return serveWebSocket(request, socket, head);
    upgrades.push(asked);
    socket.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${asked}\r\n\r\n`);
  });
  const echo = createHttp2Server(answer);
  const calls = createGrpcServer();
  const injector = calls.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const takeHttp2 = (socket: Socket) =>
    http2 === "grpc" ? injector.injectConnection(socket) : echo.emit("connection", socket);
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).once("close", () => sockets.delete(socket));
  };
  const front =
    tls === undefined
      ? createServer((socket) => {
          keep(socket);
          // prior knowledge of HTTP/2 shows in the first octets (RFC 9113 section 3.4)
          socket.once("readable", () => {
            const first: Buffer | null = socket.read();
            if (first === null) return;
            socket.unshift(first);
            if (first.subarray(0, 4).toString() === "PRI ") takeHttp2(socket);
            else http1.emit("connection", socket);
          });
        })
      : createTlsServer({ ...tls, ALPNProtocols: ["h2", "http/1.1"] }, (socket) => {
          keep(socket);
          askedNames.add(socket.servername ?? false);
          if (socket.alpnProtocol === "h2") takeHttp2(socket);
          else http1.emit("connection", socket);
        });
  front.on("tlsClientError", () => undefined);
  front.listen(port, "127.0.0.1");
  await once(front, "listening");
  return {
    port: (front.address() as { port: number }).port,
    seen: () => seen,
    whole: () => whole,
    upgrades: () => upgrades.splice(0),
    askedNames: () => {
      const names = [...askedNames];
      askedNames.clear();
      return names;
    },
    partArrived: async () => (await once(events, "part"))[0] as number,
    release: () => void events.emit("release"),
    stop: async () => {
      const closed = once(front, "close");
      front.close();
      for (const socket of sockets) socket.destroy();
      calls.forceShutdown();
      http1.close();
      echo.close();
      await closed;
    },
  };
}

async function answerRequest(label: string, events: EventEmitter, request: Ask, reply: Reply): Promise<void> {
  const wanted = JSON.parse(String(request.headers["x-answer"] ?? "{}")) as WantedAnswer;
  let bodyLength = 0;
  if (wanted.early !== undefined) return await answerEarly(wanted, label, request, reply);
  for await (const part of request) {
    bodyLength += (part as Buffer).length;
    events.emit("part", bodyLength);
  }
  events.emit("whole");
  if (wanted.hang === true) return;
  const serverName = (request.socket as TLSSocket).servername || undefined;
  const seen: Echo = {
    upstream: label,
    method: request.method ?? "",
    url: request.url ?? "",
    httpVersion: request.httpVersion,
    headers: headersOf(request),
    bodyLength,
    ...(serverName !== undefined && { serverName }),
  };
  const headers = new Map([["content-type", ["application/json"]]]);
  for (const [name, value] of wanted.headers ?? []) headers.set(name, [...(headers.get(name) ?? []), value]);
  for (const [name, values] of headers) reply.setHeader(name, values.length === 1 ? (values[0] ?? "") : values);
  reply.statusCode = wanted.status ?? 200;
  if (wanted.size !== undefined) return sendOctets(reply, wanted.size);
  if (wanted.halves === true) {
    write(reply, "first");
    await once(events, "release");
    reply.end("second");
    return;
  }
  reply.end(JSON.stringify(seen));
}

/** As a service does that can tell by the headers that it does not want the body. */
async function answerEarly(
  { early, status = 200 }: WantedAnswer,
  label: string,
  request: Ask,
  reply: Reply,
): Promise<void> {
  const text = "early";
  reply.setHeader("x-early", label);
  reply.setHeader("content-length", String(text.length));
  // not of HTTP/2 (RFC 9113 section 8.2.2)
  if (early === "close" && request.httpVersionMajor === 1) reply.setHeader("connection", "close");
  if (early === "drop") request.resume();
  (reply as ServerResponse).writeHead(status);
  if (early === "close" || request.httpVersionMajor === 2) {
    reply.end(text);
    return;
  }
  // Node would close the connection at the end of the answer: it is held open while the body comes
  write(reply, text);
  await new Promise((resolve) => request.once("end", resolve).once("close", resolve));
  reply.end();
}

function headersOf({ rawHeaders, headers }: Ask): readonly (readonly [string, string])[] {
  const pairs = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ""] as const] : [],
  );
  const plain = pairs.filter(([name]) => !name.startsWith(":"));
  const authority = headers[":authority"];
  const hasHost = plain.some(([name]) => name === "host");
  return authority === undefined || hasHost ? plain : [["host", String(authority)], ...plain];
}

async function sendOctets(reply: Reply, size: number): Promise<void> {
  const part = Buffer.alloc(64 * 1024, "x");
  for (let sent = 0; sent < size; sent += part.length) {
    if (!write(reply, part.subarray(0, Math.min(part.length, size - sent)))) await once(reply, "drain");
  }
  reply.end();
}

/** The two kinds of replies have overloads that don't go together. */
function write(reply: Reply, part: string | Buffer): boolean {
  return "stream" in reply && reply.stream !== undefined && reply.stream !== null
    ? reply.stream.write(part)
    : (reply as ServerResponse).write(part);
}
