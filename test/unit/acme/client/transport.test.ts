// Requests to real servers on loopback, which answer well and in every bad way.
import { getEventListeners, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { AcmeTransport, type TransportOptions } from "../../../../provider/src/acme/client/transport";
import type { TlsError } from "../../../../provider/src/errors";
import { nextAnswer } from "../../../support/client-answer";
import { timersLeftBy } from "../../../support/left-timers";
import { freePorts } from "../../../support/ports";
import { rejection } from "../../../support/rejection";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../../support/x509/openssl-pki";

const pki = new OpensslPki();
let root: IssuedPair;
let web: IssuedPair;
let server: Server;
let seen: IncomingMessage[];
let connections: number;
const ends: (() => unknown)[] = [];
const mebibyte = 1024 * 1024;

const handlers: Readonly<Record<string, (response: ServerResponse, asked: IncomingMessage, body: string) => void>> = {
  "/echo": (response, asked, body) => response.end(JSON.stringify({ method: asked.method, body })),
  "/moved": (response) => response.writeHead(302, { location: "/echo" }).end(),
  "/teapot": (response) => response.writeHead(418, { "x-kind": "pot" }).end("short and stout"),
  "/silent": () => {},
  "/stalled": (response) => response.writeHead(200, { "content-length": 1000 }).write("123"),
  "/half": (response) => {
    response.writeHead(200, { "content-length": 1000 });
    response.write("123", () => response.socket?.resetAndDestroy());
  },
  "/cut": (response) => response.socket?.destroy(),
  "/reset": (response) => response.socket?.resetAndDestroy(),
  "/declared": (response) => response.writeHead(200, { "content-length": 1024 * mebibyte }).write("x"),
  "/endless": (response) => {
    const chunk = Buffer.alloc(65_536);
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on("drain", more);
    more();
  },
  "/full": (response) => response.end(Buffer.alloc(mebibyte)),
  "/gzip": (response) => response.writeHead(200, { "content-encoding": "gzip" }).end("x"),
  "/not-http": (response) => response.socket?.end("220 mail.test ESMTP\r\n"),
  "/upgrade": (response) => response.socket?.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\r\n"),
};

async function serve(asked: IncomingMessage, response: ServerResponse): Promise<void> {
  seen.push(asked);
  let body = "";
  for await (const chunk of asked) body += String(chunk);
  handlers[asked.url?.split("?")[0] ?? ""]?.(response, asked, body);
}

async function start(pair?: IssuedPair): Promise<Server> {
  const handler = (asked: IncomingMessage, response: ServerResponse) => void serve(asked, response);
  const started = pair ? createTlsServer({ cert: pair.pem, key: pair.keyPem }, handler) : createServer(handler);
  started.on("connection", () => {
    connections += 1;
  });
  started.listen(0, "127.0.0.1");
  await once(started, "listening");
  ends.push(async () => {
    const closed = once(started, "close");
    started.close();
    started.closeAllConnections();
    await closed;
  });
  return started;
}

function portOf(one: Server): number {
  return (one.address() as AddressInfo).port;
}

function transport(options: TransportOptions = {}): AcmeTransport {
  const made = new AcmeTransport(options);
  ends.push(() => made.close());
  return made;
}

const never = new AbortController().signal;

function get(path: string, options: TransportOptions = {}, signal = never) {
  const url = `http://127.0.0.1:${portOf(server)}${path}`;
  return transport(options).request({ method: "GET", url, signal, doing: "reading the order" });
}

beforeAll(() => {
  root = pki.issue("Root", { extensions: caExtensions() });
  web = pki.issue("web", { issuer: root, extensions: leafExtensions("DNS:localhost,IP:127.0.0.1") });
});
afterAll(() => pki.remove());
beforeEach(async () => {
  [seen, connections] = [[], 0];
  server = await start();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const end of ends.splice(0).reverse()) await end();
});

describe("a request", () => {
  it("says who asks, what it sends, and that it wants the answer as it is", async () => {
    const url = `http://127.0.0.1:${portOf(server)}/echo?x=1`;
    const answer = await transport().request({ method: "POST", url, body: '{"ü":1}', accept: "a/b", signal: never });
    expect(JSON.parse(answer.body.toString())).toEqual({ method: "POST", body: '{"ü":1}' });
    expect(seen[0]?.url).toBe("/echo?x=1");
    expect(seen[0]?.headers).toMatchObject({
      "user-agent": expect.stringMatching(/^pulumi-tls-gateway\/\d+\.\d+\.\d+\S* node\/\d+\.\d+\.\d+$/),
      "content-type": "application/jose+json",
      "content-length": "8",
      "accept-encoding": "identity",
      accept: "a/b",
    });
  });

  it("gives every status as an answer, and follows no redirection", async () => {
    expect(await get("/teapot")).toMatchObject({ status: 418, headers: { "x-kind": "pot" } });
    expect(await get("/moved")).toMatchObject({ status: 302, headers: { location: "/echo" } });
    expect(seen).toHaveLength(2);
  });

  it("has no body for HEAD", async () => {
    const url = `http://127.0.0.1:${portOf(server)}/full`;
    expect((await transport().request({ method: "HEAD", url, signal: never })).body).toHaveLength(0);
  });

  it("uses a connection again, and at most 16 at once", async () => {
    const one = transport();
    const url = `http://127.0.0.1:${portOf(server)}/echo`;
    const ask = () => one.request({ method: "GET", url, signal: never });
    for (let count = 0; count < 5; count++) await ask();
    expect(connections).toBe(1);
    await Promise.all(Array.from({ length: 60 }, ask));
    expect(connections).toBeLessThanOrEqual(16);
    // a failed one is not used again
    await rejection(one.request({ method: "GET", url: url.replace("echo", "half"), signal: never }));
    expect((await ask()).status).toBe(200);
  });

  it("leaves no timer behind, which would keep the process", async () => {
    expect(await timersLeftBy(() => get("/echo"))).toBe(0);
  });

  it("reads 1 MiB", async () => {
    expect((await get("/full")).body).toHaveLength(mebibyte);
  });
});

describe("an answer that does not come whole", () => {
  afterEach(() => vi.useRealTimers());

  const told = async (asked: Promise<unknown>, code: TlsError["code"], words: RegExp) => {
    const error = await rejection(asked);
    expect(error).toMatchObject({ code });
    expect(error.reason).toMatch(words);
    expect(error.reason).toMatch(/^reading the order: "http:\/\/127.0.0.1:\d+\/[a-z-]+\?…"/);
    expect(error.message).not.toMatch(/secret|issuer/);
    expect(error.hint).toBeDefined();
  };

  it.each<[string, RegExp, () => Promise<unknown>]>([
    ["/silent", /it was connected to and has not answered/, () => once(server, "request")],
    ["/stalled", /only 3 bytes of its answer have come/, () => nextAnswer().then(() => new Promise(setImmediate))],
  ])("%s is waited for until the time is over", async (path, words, reached) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const isReached = reached();
    const asked = get(`${path}?jwt=secret`, { requestTimeoutSeconds: 7 });
    const checked = told(asked, "ACME_UNREACHABLE", new RegExp(`not answered within 7 s; ${words.source}`));
    await isReached;
    vi.advanceTimersByTime(7000);
    await checked;
  });

  it.each<[string, TlsError["code"], RegExp]>([
    ["/half", "ACME_UNREACHABLE", /cut by the other side \(ECONNRESET\)/],
    ["/cut", "ACME_UNREACHABLE", /cut by the other side \(ECONNRESET\)/],
    ["/reset", "ACME_UNREACHABLE", /cut by the other side \(ECONNRESET\)/],
    ["/declared", "ACME_PROTOCOL", /more than 1048576 bytes/],
    ["/endless", "ACME_PROTOCOL", /more than 1048576 bytes/],
    ["/gzip", "ACME_PROTOCOL", /is compressed \(content-encoding "gzip"\)/],
    ["/not-http", "ACME_PROTOCOL", /does not speak HTTP/],
  ])("%s", async (path, code, words) => {
    await told(get(`${path}?jwt=secret`), code, words);
  });

  it.each(["/declared", "/gzip", "/endless"])("%s: the connection is not kept", async (path) => {
    const closed = new Promise((resolve) => {
      server.once("connection", (socket) => socket.once("close", resolve));
    });
    await rejection(get(path));
    await closed;
  });

  it("status 101 is given as what it is", async () => {
    expect((await get("/upgrade")).status).toBe(101);
  });

  it("because nobody listens", async () => {
    const [port] = await freePorts(1);
    const asked = transport().request({ method: "GET", url: `http://127.0.0.1:${port}/`, signal: never });
    expect((await rejection(asked)).message).toMatch(/ACME_UNREACHABLE: asking the CA: .*refused \(ECONNREFUSED\)/);
  });

  it("because it is stopped, before or meanwhile; nothing stays at the signal", async () => {
    const stop = new AbortController();
    const asked = rejection(get("/silent", {}, stop.signal));
    await once(server, "request");
    stop.abort();
    expect((await asked).message).toMatch(/it was stopped; it was connected to/);
    expect((await rejection(get("/echo", {}, stop.signal))).message).toMatch(/it was stopped; no connection/);
    expect(seen).toHaveLength(1);
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(0);
  });
});

describe("a URL", () => {
  it.each([
    ["http://ca.test/order", /is not https/],
    ["ftp://127.0.0.1/order", /is not https/],
    ["https://user:secret@ca.test/", /user name or password/],
    ["/order", /is no URL/],
  ])("%s is not asked", async (url, words) => {
    const error = await rejection(transport().request({ method: "GET", url, signal: never }));
    expect(error).toMatchObject({ code: "ACME_PROTOCOL" });
    expect(error.message).toMatch(words);
    expect(error.message).not.toContain("secret");
  });
});

describe("over https", () => {
  async function ask(options: TransportOptions, pair = web) {
    const url = `https://127.0.0.1:${portOf(await start(pair))}/echo`;
    return transport(options).request({ method: "GET", url, signal: never });
  }

  it("a private CA is trusted by its bundle, whatever else stands in it", async () => {
    const other = pki.issue("Other", { extensions: caExtensions() });
    expect((await ask({ caBundlePem: `# roots\n${other.pem}\n${root.pem}` })).status).toBe(200);
  });

  it("and not without, which the hint says", async () => {
    const error = await rejection(ask({}));
    expect(error).toMatchObject({ code: "ACME_PROTOCOL" });
    expect(error.message).toMatch(/is not trusted.*caBundlePem.*NODE_EXTRA_CA_CERTS/);
  });

  it("NODE_TLS_REJECT_UNAUTHORIZED=0 of the environment trusts no CA", async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    try {
      for (const options of [{}, { caBundlePem: pki.issue("Other", { extensions: caExtensions() }).pem }]) {
        expect((await rejection(ask(options))).message).toContain("is not trusted");
      }
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("what Node trusts is trusted beside the bundle", async () => {
    const before = getCACertificates("default");
    const other = pki.issue("Another", { extensions: caExtensions() });
    // NODE_EXTRA_CA_CERTS is part of the default ones
    setDefaultCACertificates([...before, root.pem]);
    try {
      expect((await ask({ caBundlePem: other.pem })).status).toBe(200);
    } finally {
      setDefaultCACertificates(before);
    }
  });

  it("a certificate for another name is none", async () => {
    const wrong = pki.issue("wrong", { issuer: root, extensions: leafExtensions("DNS:ca.test") });
    const error = await rejection(ask({ caBundlePem: root.pem }, wrong));
    expect(error.message).toMatch(/ACME_PROTOCOL.*ALTNAME/);
  });

  it("what speaks http there is told", async () => {
    const url = `https://127.0.0.1:${portOf(server)}/echo`;
    const error = await rejection(transport().request({ method: "GET", url, signal: never }));
    expect(error.message).toMatch(/ACME_PROTOCOL.*does not speak HTTP or TLS.*scheme and port/);
  });

  it.each([
    ["no PEM", "CERTIFICATE_INVALID", () => "x"],
    ["a key", "CERTIFICATE_INVALID", () => root.keyPem],
    ["half a certificate", "PEM_INVALID", () => root.pem.slice(0, 300)],
    ["a damaged certificate", "CERTIFICATE_INVALID", () => root.pem.replace(/\n[^\n]{64}\n/, `\n${"A".repeat(64)}\n`)],
  ])("%s is no bundle", (_, code, bundle) => {
    let thrown: unknown;
    try {
      transport({ caBundlePem: bundle() });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: "TlsError", code, message: expect.stringContaining("caBundlePem") });
    expect((thrown as TlsError).message).not.toMatch(/[A-Za-z0-9+/]{40}/);
  });
});

describe("a proxy of the environment", () => {
  /** Connects where it is told to, and notes it. */
  async function startProxy(): Promise<{ port: number; asked: string[] }> {
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on("connect", (request, client) => {
      asked.push(request.url ?? "");
      const [host = "", port = ""] = (request.url ?? "").split(":");
      const target = connect(Number(port), host, () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        client.pipe(target).pipe(client);
      });
      target.on("error", () => client.destroy());
      client.on("error", () => target.destroy());
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    ends.push(async () => {
      const closed = once(proxy, "close");
      proxy.close();
      proxy.closeAllConnections();
      await closed;
    });
    return { port: portOf(proxy), asked };
  }

  it.each(["", "1"])("is used only where Node itself is told to: NODE_USE_ENV_PROXY=%s", async (use) => {
    const proxy = await startProxy();
    vi.stubEnv("HTTPS_PROXY", `http://127.0.0.1:${proxy.port}`);
    vi.stubEnv("NO_PROXY", "");
    vi.stubEnv("NODE_USE_ENV_PROXY", use);
    const port = portOf(await start(web));
    const made = transport({ caBundlePem: root.pem });
    const answer = await made.request({ method: "GET", url: `https://localhost:${port}/echo`, signal: never });
    expect(answer.status).toBe(200);
    expect(proxy.asked).toEqual(use === "1" ? [`localhost:${port}`] : []);
    made.close();
  });
});
