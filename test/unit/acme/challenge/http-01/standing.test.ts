import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createGatewaySolver,
  createOrderResourcesSolver,
} from "../../../../../provider/src/acme/challenge/http-01/standing";
import type { ChallengeTask, SolverContext } from "../../../../../provider/src/acme/challenge/solver";
import { keyAuthorization, readAccountKey } from "../../../../../provider/src/acme/client/jws";
import type { PreflightFinding } from "../../../../../provider/src/acme/look/finding";
import { type AcmeClock, Deadline, systemClock } from "../../../../../provider/src/acme/run/deadline";
import {
  answering,
  challengePath,
  type HttpResponder,
  type Responder,
  redirecting,
  responding,
  startHttpResponder,
} from "../../../../support/acme/http-responder";
import { type DnsServer, startDnsServer } from "../../../../support/dns/server";
import { rejection } from "../../../../support/rejection";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = readAccountKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const otherThumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

const context: SolverContext = {
  ...{ key, accountUrl: "https://ca.example/acct/1", clock: systemClock },
  directory: () => Promise.reject(new Error("no CA is asked")),
};

let dns: DnsServer;
let deadline: Deadline;
let responder: HttpResponder;

beforeEach(async () => {
  const record = (name: string, type: "A" | "AAAA", value: string) => ({ name, type, value });
  dns = await startDnsServer({
    records: [
      record("site.test", "A", "127.0.0.1"),
      record("split.test", "A", "127.0.0.1"),
      record("split.test", "AAAA", "::1"),
    ],
  });
  deadline = new Deadline(120, systemClock);
});
afterEach(async () => {
  deadline.dispose();
  await Promise.all([dns.stop(), responder?.stop()]);
});

const start = async (four?: Responder, six?: Responder) => {
  responder = await startHttpResponder({ ...(four && { four }), ...(six && { six }) });
};
const settings = () => ({ port: responder.port, resolvers: [dns.endpoint] });
const nameOf = (value: string) => ({ identifier: { type: "dns", value } as const, isWildcard: false });
const taskOf = (value: string, token = "token-of-a-test"): ChallengeTask => ({
  ...{ ...nameOf(value), token },
  keyAuthorization: keyAuthorization(key, token),
});
const gateway = () => createGatewaySolver({ type: "http-01", via: "gateway", ...settings() }, context);
const look = async (name: string): Promise<readonly PreflightFinding[]> =>
  (await gateway().preflight?.([nameOf(name)], deadline)) ?? [];

describe("a gateway that answers by itself", () => {
  it("is asked for a token that nobody can know, another one each time, and has nothing wrong", async () => {
    await start(answering(key.thumbprint, "\n"));
    expect([await look("site.test"), await look("site.test")]).toEqual([[], []]);
    const tokens = responder.requests.map(({ url }) => url.slice(challengePath.length));
    expect(new Set(tokens).size).toBe(2);
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it("is asked for the real tokens once there are some, and nothing is taken away", async () => {
    await start(answering(key.thumbprint));
    const solver = gateway();
    await solver.present([taskOf("site.test", "one"), taskOf("site.test", "two")], deadline);
    expect(responder.requests.map(({ url }) => url).sort()).toEqual([`${challengePath}one`, `${challengePath}two`]);
    await solver.cleanUp([taskOf("site.test", "one")]);
    expect(responder.requests).toHaveLength(2);
  });

  it("is asked by no token that is none", async () => {
    await start(answering(key.thumbprint));
    const error = await rejection(gateway().present([taskOf("site.test", "../x")], deadline));
    expect(error.code).toBe("ACME_CHALLENGE");
    expect(responder.requests).toEqual([]);
  });

  const wrong: readonly (readonly [what: string, responder: Responder, found: RegExp, hint: RegExp])[] = [
    [
      "another account's answer",
      answering(otherThumbprint),
      new RegExp(
        `at 127.0.0.1: it answers for another account's key, with the thumbprint ${otherThumbprint}; expected`,
      ),
      /responder is of this account/,
    ],
    ["nothing there", responding(404, "no such page"), /status 404, "no such page"; expected/, /^Nothing answers/],
    ["the right answer, as an error", answeringAs(404), /status 404, "<token>\.<thumbprint>"; expected/, /^Nothing/],
    ["the thumbprint alone", responding(200, key.thumbprint), /status 200, "<thumbprint>"; expected/, /^Look whether/],
    ["an empty answer", responding(200), /status 200, an empty answer/, /responder of this account, is in force/],
    ["a login", responding(401), /status 401/, /^A login or a filter/],
    ["a fault", responding(502, "<html>Bad Gateway"), /status 502/, /^The server has a fault/],
    [
      "an HTML page",
      responding(200, "<!DOCTYPE html><title>Pydio</title>", { "content-type": "text/html" }),
      /status 200, an HTML page, "<!DOCTYPE html><title>Pydio<\/title>"/,
      /^Another site, or an application/,
    ],
    ["a byte order mark", answeringWithMark(), /status 200, "\\u\{feff\}<token>\.<thumbprint>"/, /^Look whether/],
    [
      "a redirection that ends nowhere",
      redirecting(302, (path) => path, responding(404)),
      /\(by a redirection\): status 404/,
      /Or let the path be answered before the redirection\.$/,
    ],
    [
      "a redirection that no CA follows",
      redirecting(303, (path) => path, responding(200)),
      /status 303/,
      /^CAs follow/,
    ],
  ];
  it.each(wrong)("that has %s is told of with what was seen and what to do", async (_, four, found, hint) => {
    await start(four);
    const [only, ...more] = await look("site.test");
    expect(more).toEqual([]);
    expect(only).toMatchObject({ severity: "error", subject: "site.test" });
    expect(only?.found).toMatch(found);
    expect(only?.found).toMatch(new RegExp(`^"http://site\\.test:${responder.port}/`));
    expect(only?.hint).toMatch(hint);
  });

  it("that is wrong once there are tokens ends the run before the CA is told", async () => {
    await start(answering(otherThumbprint));
    const error = await rejection(gateway().present([taskOf("site.test")], deadline));
    expect(error.message).toMatch(
      /^ACME_CHALLENGE: asking the gateway for the answers to the challenges: site\.test: /,
    );
    expect(error.hint).toContain("responder is of this account");
  });

  it.each(["text/html; charset=utf-8", ""])("that calls its answers %j is warned of", async (type) => {
    await start(answering(key.thumbprint, "", type));
    expect(await look("site.test")).toMatchObject([
      { severity: "warning", found: expect.stringContaining("a browser may take") },
    ]);
    await gateway().present([taskOf("site.test")], deadline);
  });

  it("that is not in the DNS of the given resolvers is an error, and a warning where they do not answer", async () => {
    await start(answering(key.thumbprint));
    expect(await look("nowhere.test")).toMatchObject([{ severity: "error", found: "the DNS has no such name" }]);
    dns.mode = "servfail";
    expect(await look("site.test")).toMatchObject([
      { severity: "warning", found: expect.stringContaining("ESERVFAIL") },
    ]);
    expect(responder.requests).toEqual([]);
  });
});

it("a gateway in a network that this machine does not have is left to the CA", async () => {
  await start(answering(key.thumbprint));
  // the system connects nobody to its broadcast address
  dns.records.push({ name: "far.test", type: "A", value: "255.255.255.255" });
  expect(await look("far.test")).toMatchObject([
    { severity: "warning", hint: expect.stringContaining("no way there") },
  ]);
  await gateway().present([taskOf("far.test")], deadline);
});

describe("a gateway with an IPv6 address", () => {
  it("that answers otherwise than over IPv4 is an error of its own, since CAs ask it first", async () => {
    await start(answering(key.thumbprint), responding(404));
    expect(await look("split.test")).toMatchObject([
      {
        severity: "error",
        found: expect.stringMatching(/ at ::1: status 404.*; over IPv4 the answer is right, but CAs ask IPv6 first$/),
        hint: "Let the AAAA record lead to the same gateway as the A record, or remove it.",
      },
    ]);
  });

  it("that refuses connections is a warning, since CAs may go on with IPv4", async () => {
    await start(answering(key.thumbprint));
    expect(await look("split.test")).toMatchObject([
      {
        severity: "warning",
        found: expect.stringMatching(/ at ::1: the connection was refused \(ECONNREFUSED\); over IPv4/),
      },
    ]);
  });

  it("that is right makes a warning of what is wrong over IPv4", async () => {
    await start(responding(404), answering(key.thumbprint));
    expect(await look("split.test")).toMatchObject([
      { severity: "warning", found: expect.stringContaining("at 127.0.0.1") },
    ]);
  });

  it("is an error in both when both are wrong", async () => {
    await start(responding(404), responding(404));
    expect((await look("split.test")).map(({ severity }) => severity)).toEqual(["error", "error"]);
  });
});

/** Sleeps that cost no time, and what happens in them. */
function fastClock(beforeSleep: (count: number) => void = () => {}): AcmeClock & { readonly sleeps: number[] } {
  let now = Date.parse("2026-11-24T12:00:00Z");
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => new Date(now),
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      sleeps.push(ms / 1000);
      beforeSleep(sleeps.length);
      now += ms;
    },
  };
}

describe("answers that other resources put in place", () => {
  const present = (clock: AcmeClock, ...tasks: readonly ChallengeTask[]) =>
    createOrderResourcesSolver({ type: "http-01", via: "order", ...settings() }, { ...context, clock }).present(
      tasks,
      deadline,
    );

  it("are waited for until they are served, each no longer than it is missing", async () => {
    await start(responding(404));
    const clock = fastClock((count) => {
      if (count === 3) responder.four = answering(key.thumbprint);
    });
    const files = new Set(["first"]);
    const serve: Responder = (request, response) => {
      const token = (request.url ?? "").slice(challengePath.length);
      (files.has(token) ? answering(key.thumbprint) : responding(404))(request, response);
    };
    responder.four = serve;
    await present(clock, taskOf("site.test", "first"), taskOf("site.test", "second"));
    expect(clock.sleeps).toEqual([1, 2, 4]);
    expect(responder.requests.filter(({ url }) => url.endsWith("first"))).toHaveLength(1);
  });

  it("that do not come within a minute end the run with what each address answered", async () => {
    await start(responding(404), responding(403));
    const clock = fastClock();
    const error = await rejection(present(clock, taskOf("split.test")));
    expect(clock.sleeps.reduce((sum, seconds) => sum + seconds)).toBeLessThanOrEqual(60);
    expect(error.message).toMatch(/^ACME_CHALLENGE: the answers to the challenges are not served: split\.test: /);
    expect(error.message).toMatch(/ at ::1: status 403.* at 127\.0\.0\.1: status 404/);
    expect(error.hint).toContain("the resource that puts the answer in place");
  });

  it("end with the run", async () => {
    await start(responding(404));
    const stop = new AbortController();
    const stopped = new Deadline(60, systemClock, stop.signal);
    const clock = fastClock(() => stop.abort(new Error("SIGINT")));
    const solver = createOrderResourcesSolver({ type: "http-01", via: "order", ...settings() }, { ...context, clock });
    const error = await rejection(solver.present([taskOf("site.test")], stopped));
    stopped.dispose();
    expect(error.code).toBe("ACME_ABORTED");
  });
});

function answeringAs(status: number): Responder {
  return (request, response) => {
    const token = (request.url ?? "").slice(challengePath.length);
    response.writeHead(status, { "content-type": "text/plain" }).end(`${token}.${key.thumbprint}`);
  };
}

function answeringWithMark(): Responder {
  return (request, response) => {
    const token = (request.url ?? "").slice(challengePath.length);
    response.writeHead(200, { "content-type": "text/plain" }).end(`\ufeff${token}.${key.thumbprint}`);
  };
}
