import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resolversOf } from "../../../../provider/src/acme/dns/resolvers";
import { type HttpLook, lookByHttp, nextPlace } from "../../../../provider/src/acme/look/http";
import { Deadline, systemClock } from "../../../../provider/src/acme/run/deadline";
import {
  type HttpResponder,
  type Responder,
  redirecting,
  responding,
  startHttpResponder,
} from "../../../support/acme/http-responder";
import { type DnsServer, startDnsServer } from "../../../support/dns/server";
import { rejection } from "../../../support/rejection";

let dns: DnsServer;
let deadline: Deadline;
let responder: HttpResponder | undefined;

beforeEach(async () => {
  dns = await startDnsServer({
    records: [
      { name: "other.test", type: "A", value: "127.0.0.1" },
      { name: "inside.test", type: "A", value: "127.0.0.2" },
      { name: "outside.test", type: "A", value: "93.184.215.14" },
    ],
  });
  deadline = new Deadline(60, systemClock);
});
afterEach(async () => {
  vi.useRealTimers();
  deadline.dispose();
  await Promise.all([dns.stop(), responder?.stop()]);
  responder = undefined;
});

const start = async (four?: Responder, six?: Responder) => {
  responder = await startHttpResponder({ ...(four && { four }), ...(six && { six }) });
  return responder;
};
const context = () => ({ resolvers: resolversOf([dns.endpoint], "resolvers"), clock: systemClock, deadline });
const look = (port: number, ...addresses: readonly string[]) =>
  lookByHttp({ host: "site.test", port, path: "/token" }, addresses, context());
async function lookOnce(four: Responder): Promise<HttpLook> {
  const { port } = await start(four);
  const [only] = await look(port, "127.0.0.1");
  if (only === undefined) throw new Error("no look");
  return only;
}

describe("an answer", () => {
  it("is that of the address, for the host and the path that a CA asks for", async () => {
    const { port, requests } = await start(
      responding(200, "four", { "content-type": "text/plain" }),
      responding(404, "six"),
    );
    expect(await look(port, "127.0.0.1", "::1")).toMatchObject([
      { kind: "answer", address: "127.0.0.1", status: 200, body: "four", contentType: "text/plain", redirects: 0 },
      { kind: "answer", address: "::1", status: 404, body: "six", isCut: false },
    ]);
    const asked = requests.map(({ url, headers: { host } }) => ({ url, host }));
    expect(asked).toEqual([0, 1].map(() => ({ url: "/token", host: `site.test:${port}` })));
  });

  it("of an address that is ordered is asked for by it, IPv6 in brackets", async () => {
    const { port, requests } = await start(undefined, responding(200));
    await lookByHttp({ host: "::1", port, path: "/token" }, ["::1"], context());
    expect(requests[0]?.headers.host).toBe(`[::1]:${port}`);
  });

  it("is not asked of a proxy of the environment", async () => {
    for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY"]) vi.stubEnv(name, "http://127.0.0.1:9");
    vi.stubEnv("NODE_USE_ENV_PROXY", "1");
    expect(await lookOnce(responding(200, "direct"))).toMatchObject({ body: "direct" });
    vi.unstubAllEnvs();
  });

  it("is read up to 64 KiB, and has no end that is waited for", async () => {
    const seen = await lookOnce((_, response) => {
      const write = () => response.write(Buffer.alloc(4096, "x"), () => response.destroyed || write());
      write();
    });
    expect(seen).toMatchObject({ kind: "answer", isCut: true });
    expect(seen.kind === "answer" && seen.body.length).toBe(64 * 1024);
  });
});

describe("a redirection", () => {
  it("is followed to https at the same address, whatever certificate is there", async () => {
    const { port, requests } = await start(
      redirecting(301, (path) => `https://site.test:${responder?.port}${path}`, responding(200, "moved")),
    );
    expect(await look(port, "127.0.0.1")).toMatchObject([{ status: 200, body: "moved", redirects: 1 }]);
    expect(requests.map(({ isHttps }) => isHttps)).toEqual([false, true]);
  });

  it.each([301, 302, 307, 308])("of status %i is followed to another host, found by the resolvers", async (status) => {
    const { port, requests } = await start(
      redirecting(status, (path) => `http://other.test:${responder?.port}${path}`, responding(200, "moved")),
    );
    expect(await look(port, "127.0.0.1")).toMatchObject([{ status: 200, address: "127.0.0.1", redirects: 1 }]);
    expect(requests[1]?.headers.host).toBe(`other.test:${port}`);
  });

  it("of status 303 is an answer, as to CAs", async () => {
    const seen = await lookOnce(redirecting(303, (path) => path, responding(200, "moved")));
    expect(seen).toMatchObject({ kind: "answer", status: 303, redirects: 0 });
  });

  it("is followed ten times, not eleven", async () => {
    const chain =
      (length: number): Responder =>
      (request, response) => {
        const step = Number(/\d+$/.exec(request.url ?? "")?.[0] ?? 0);
        if (step === length) response.end("end");
        else response.writeHead(302, { location: `/${step + 1}` }).end();
      };
    expect(await lookOnce(chain(10))).toMatchObject({ kind: "answer", body: "end", redirects: 10 });
    await responder?.stop();
    expect(await lookOnce(chain(11))).toMatchObject({ kind: "failure", found: "it redirects more than 10 times" });
  });

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ["in a circle", "/token", /^it redirects in a circle$/],
    ["to another port", "http://site.test:8080/", /8080\/", and CAs follow to the ports 80 and 443 only$/],
    ["to another scheme", "ftp://site.test/", /and CAs follow to http and https only$/],
    ["that lacks its slash", "https://site.test.well-known/acme-challenge/x", /which is no host$/],
    ["to no URL", "http://[", /which is no URL$/],
    ["to a name that is not there", "http://nowhere.test/", /the DNS has no such name$/],
  ];
  it.each(refused)("%s is not followed", async (_, location, found) => {
    const seen = await lookOnce((_request, response) => response.writeHead(302, { location }).end());
    expect(seen).toMatchObject({ kind: "failure", found: expect.stringMatching(found), isUnseen: false });
  });

  it("into the network of this machine is not followed", async () => {
    const seen = await lookOnce((_, response) => response.writeHead(302, { location: "http://inside.test/" }).end());
    const found = 'it redirects to "http://inside.test/" at 127.0.0.2, a loopback address, which is not asked';
    expect(seen).toMatchObject({ kind: "failure", found, isUnseen: true });
    // from a public address no CA gets there either
    const from = { url: new URL("http://site.test/"), address: "93.184.215.14" };
    expect(await nextPlace("http://169.254.169.254/", from, 80, context())).toMatchObject({
      found: expect.stringContaining("where clouds serve their metadata"),
      isUnseen: false,
    });
    expect(await nextPlace("http://outside.test/", from, 80, context())).toMatchObject({ address: "93.184.215.14" });
  });
});

describe("a connection that fails", () => {
  it("by a refusal is told of as such", async () => {
    const { port } = await start(responding(200));
    expect(await look(port, "::1")).toMatchObject([
      { kind: "failure", found: "the connection was refused (ECONNREFUSED)", isUnseen: false, isUnconnected: true },
    ]);
  });

  it("for want of a network of this machine says nothing of what a CA sees", async () => {
    // the system connects nobody to its broadcast address
    const [seen] = await look(80, "255.255.255.255");
    expect(seen).toMatchObject({ kind: "failure", isUnseen: true, isUnconnected: true });
  });

  it("by what is no HTTP is told of as such", async () => {
    const seen = await lookOnce((request) => request.socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    expect(seen).toMatchObject({
      kind: "failure",
      found: expect.stringContaining("does not speak HTTP"),
      isUnconnected: false,
    });
  });

  it("by silence is waited for 10 s", async () => {
    const { port } = await start(() => {});
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const asked = new Promise((resolve) => {
      if (responder !== undefined) responder.onRequest = resolve;
    });
    const looks = look(port, "127.0.0.1");
    await asked;
    vi.advanceTimersByTime(10_000);
    const found = "it was not answered within 10 s";
    expect(await looks).toMatchObject([{ kind: "failure", found, isUnseen: false, isUnconnected: false }]);
  });

  it("by the end of the run is no failure of the server", async () => {
    const stop = new AbortController();
    const stopped = new Deadline(60, systemClock, stop.signal);
    const { port } = await start(() => stop.abort(new Error("SIGINT")));
    const target = { host: "site.test", port, path: "/token" };
    const error = await rejection(lookByHttp(target, ["127.0.0.1"], { ...context(), deadline: stopped }));
    stopped.dispose();
    expect(error.code).toBe("ACME_ABORTED");
  });
});
