// Guards: web servers that outlive their test. One port of loopback, of IPv4 and IPv6 apart, that speaks http and https,
// and answers http-01 as a test says: well, for another account, by redirections, late, without end.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from "node:net";
import { issueCaCertificate } from "../../../provider/src/x509/certificate/issue";
import { renderPrivateKey } from "../../../provider/src/x509/keys/private-key";

/** Where a key authorization stands (RFC 8555 section 8.3). */
export const challengePath = "/.well-known/acme-challenge/";

/** What was asked. */
interface RespondedRequest {
  /** The address that was connected to. */
  readonly address: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly isHttps: boolean;
}

/** How a family answers; undefined at the start: it refuses connections for good. */
export type Responder = RequestListener;

/** A server that runs. */
export interface HttpResponder {
  readonly port: number;
  /** May be changed at any time. */
  four: Responder;
  six: Responder;
  readonly requests: RespondedRequest[];
  /** Called at each request, before it is answered. */
  onRequest: (request: RespondedRequest) => void;
  stop(): Promise<void>;
}

/** Starts a server on a port that is free in the families that it answers in, or on a given one. */
export async function startHttpResponder(
  responders: { readonly four?: Responder; readonly six?: Responder; readonly port?: number } = {},
): Promise<HttpResponder> {
  const notFound = responding(404, "no such page");
  const sockets = new Set<Socket>();
  const responder = {
    port: 0,
    four: responders.four ?? notFound,
    six: responders.six ?? notFound,
    requests: [] as RespondedRequest[],
    onRequest: (_: RespondedRequest) => {},
  };
  const listener =
    (isHttps: boolean): RequestListener =>
    (request, response) => {
      const address = request.socket.localAddress ?? "";
      const asked = { address, url: request.url ?? "", headers: request.headers, isHttps };
      responder.requests.push(asked);
      responder.onRequest(asked);
      (address.includes(":") ? responder.six : responder.four)(request, response);
    };
  const plain = createServer(listener(false));
  const secure = createHttpsServer(expiredCertificate(), listener(true));
  const makeServer = () =>
    createNetServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {}).once("close", () => sockets.delete(socket));
      // the first octet of TLS is that of a handshake record
      socket.once("data", (first: Buffer) => {
        socket.pause();
        socket.unshift(first);
        (first[0] === 0x16 ? secure : plain).emit("connection", socket);
        process.nextTick(() => socket.resume());
      });
    });
  const addresses = [
    ...(responders.four === undefined ? [] : ["127.0.0.1"]),
    ...(responders.six === undefined ? [] : ["::1"]),
  ];
  const { servers, port } = await listen(addresses, responders.port, makeServer);
  return Object.assign(responder, {
    port,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => once(server.close(), "close")));
      secure.close();
      plain.close();
    },
  });
}

/** Answers every path with this. */
export function responding(
  status: number,
  body: string | Buffer = "",
  headers: Readonly<Record<string, string>> = {},
): Responder {
  return (_, response) => response.writeHead(status, headers).end(body);
}

/** Answers every token for the account of this thumbprint, as a gateway does; `end` comes after it. */
export function answering(thumbprint: string, end = "", type = "text/plain"): Responder {
  return (request, response) => {
    const token = (request.url ?? "").slice(challengePath.length);
    response.writeHead(200, { "content-type": type }).end(`${token}.${thumbprint}${end}`);
  };
}

/** Redirects every path, once: what comes by the redirection is answered by `then`. */
export function redirecting(status: number, location: (path: string) => string, then: Responder): Responder {
  return (request, response) => {
    const path = request.url ?? "";
    if (path.startsWith("/moved")) {
      request.url = path.slice("/moved".length);
      return then(request, response);
    }
    response.writeHead(status, { location: location(`/moved${path}`) }).end();
  };
}

/** An address of one family alone has a port that the other may not have. */
async function listen(
  addresses: readonly string[],
  fixedPort: number | undefined,
  makeServer: () => Server,
): Promise<{ readonly servers: readonly Server[]; readonly port: number }> {
  for (;;) {
    const servers: Server[] = [];
    let port = fixedPort ?? 0;
    try {
      for (const address of addresses) {
        const server = makeServer();
        await once(server.listen({ port, host: address, ipv6Only: true }), "listening");
        servers.push(server);
        port = (server.address() as AddressInfo).port;
      }
      return { servers, port };
    } catch (error) {
      await Promise.all(servers.map((server) => once(server.close(), "close")));
      const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
      if (!isTaken || fixedPort !== undefined) throw error;
    }
  }
}

/** Nobody who verifies takes it. */
function expiredCertificate(): { readonly cert: string; readonly key: string } {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { pem } = issueCaCertificate({
    subject: { commonName: "nobody" },
    privateKey,
    serialNumber: randomBytes(16),
    validFrom: new Date("2020-01-01T00:00:00Z"),
    validTo: new Date("2020-02-01T00:00:00Z"),
  });
  return { cert: pem, key: renderPrivateKey(privateKey) };
}
