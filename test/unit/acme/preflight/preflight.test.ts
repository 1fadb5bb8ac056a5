import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { refusalsOf } from "../../../../provider/src/acme/challenge/refusal";
import type { ChallengeName, ChallengeSolver } from "../../../../provider/src/acme/challenge/solver";
import type { ChallengeType } from "../../../../provider/src/acme/client/identifier";
import { readAccountKey } from "../../../../provider/src/acme/client/jws";
import { AcmeSession } from "../../../../provider/src/acme/client/session";
import { AcmeTransport } from "../../../../provider/src/acme/client/transport";
import type { PreflightFinding } from "../../../../provider/src/acme/look/finding";
import {
  type PreflightRequest,
  renderFindings,
  requirePreflight,
  runPreflight,
} from "../../../../provider/src/acme/preflight/preflight";
import { Deadline, systemClock } from "../../../../provider/src/acme/run/deadline";
import { type HttpResponder, startHttpResponder } from "../../../support/acme/http-responder";
import { type DnsServer, startDnsServer } from "../../../support/dns/server";
import { rejection } from "../../../support/rejection";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = readAccountKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());

let dns: DnsServer;
let ca: HttpResponder;
let deadline: Deadline;
let transport: AcmeTransport;
/** Seconds by which the CA's clock is ahead. */
let ahead: number;

beforeEach(async () => {
  ahead = 0;
  dns = await startDnsServer({
    records: [
      { name: "pydio.com", type: "A", value: "93.184.215.14" },
      { name: "www.pydio.com", type: "A", value: "93.184.215.14" },
      { name: "www.pydio.com", type: "CAA", value: '0 issue "ca.example; validationmethods=dns-01"' },
      { name: "closed.pydio.com", type: "CAA", value: '0 issue ";"' },
    ],
  });
  ca = await startHttpResponder({
    four: (_, response) => {
      const url = (path: string) => `http://127.0.0.1:${ca.port}/${path}`;
      const names = ["newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"];
      const urls = Object.fromEntries(names.map((name) => [name, url(name)]));
      const meta = { caaIdentities: ["ca.example"], profiles: { classic: "" } };
      const date = new Date(Date.now() + ahead * 1000).toUTCString();
      response.writeHead(200, { "content-type": "application/json", date }).end(JSON.stringify({ ...urls, meta }));
    },
  });
  deadline = new Deadline(60, systemClock);
  transport = new AcmeTransport();
});
afterEach(async () => {
  deadline.dispose();
  transport.close();
  await Promise.all([dns.stop(), ca.stop()]);
});

const nameOf = (text: string): ChallengeName => ({
  identifier: { type: "dns", value: text.replace(/^\*\./, "") },
  isWildcard: text.startsWith("*."),
});
const solver = (type: ChallengeType, preflight?: ChallengeSolver["preflight"]): ChallengeSolver => ({
  type,
  refuse: type === "http-01" ? refusalsOf("http-01") : () => undefined,
  present: () => Promise.reject(new Error("nothing is presented")),
  cleanUp: () => Promise.reject(new Error("nothing is taken away")),
  ...(preflight && { preflight }),
});

const run = (names: readonly string[], request: Partial<PreflightRequest> = {}) => {
  const session = new AcmeSession({ directoryUrl: `http://127.0.0.1:${ca.port}/dir`, key, transport });
  const common = { accountUrl: "https://ca.example/acct/1", resolvers: [dns.endpoint], isPublic: true };
  const solvers = [solver("http-01"), solver("dns-01")];
  return runPreflight({ session, ...common, names: names.map(nameOf), solvers, ...request }, deadline);
};
const told = (findings: readonly PreflightFinding[]) =>
  findings.map(({ severity, subject, found }) => `${severity} ${subject}: ${found}`);

describe("before an order", () => {
  it("nothing is told of what is right", async () => {
    expect(await run(["pydio.com"], { profile: "classic" })).toEqual([]);
  });

  it("all that is wrong is told of together", async () => {
    ahead = 7200;
    const names = ["pydio.com", "nowhere.pydio.com", "closed.pydio.com", "cells.local"];
    const findings = told(await run(names, { profile: "other", solvers: [solver("http-01")] }));
    expect(findings).toEqual([
      expect.stringMatching(/^error the CA: the clock of this machine is 1\d\d minutes behind/),
      'error the CA: it does not offer the profile "other", but "classic"',
      expect.stringMatching(/^error cells\.local: the names under local/),
      "error nowhere.pydio.com: the DNS has no such name",
      "error closed.pydio.com: the name has neither an A nor an AAAA record",
      'error closed.pydio.com: the CAA record 0 issue ";" of closed.pydio.com forbids every CA',
      "error cells.local: the DNS has no such name",
    ]);
  });

  it("addresses are asked for where the CA connects to the name, CAA records of every name", async () => {
    expect(told(await run(["*.closed.pydio.com"]))).toEqual([
      expect.stringMatching(/^error \*\.closed\.pydio\.com: the CAA/),
    ]);
    expect(dns.questions.map(({ type }) => type)).not.toContain("A");
  });

  it("a challenge that the CAA records do not allow is warned of where another one is allowed", async () => {
    expect(told(await run(["www.pydio.com"]))).toEqual([
      "warning www.pydio.com: it is going to be proved by http-01, but the CAA records of www.pydio.com allow dns-01 only",
    ]);
    expect(await run(["www.pydio.com"], { solvers: [solver("dns-01"), solver("http-01")] })).toEqual([]);
    expect(told(await run(["www.pydio.com"], { solvers: [solver("http-01")] }))).toEqual([
      expect.stringMatching(/^error www\.pydio\.com: the CAA record .* is for other methods than http-01$/),
    ]);
  });

  it("CAA records that can't be read are a warning", async () => {
    dns.records.push({ name: "broken.pydio.com", type: "CAA", value: '0 issue ""' });
    expect(told(await run(["broken.pydio.com"], { solvers: [] }))).toEqual([
      expect.stringMatching(
        /^warning broken\.pydio\.com: the CAA records of broken\.pydio\.com can't be read \(EBADRESP\)/,
      ),
    ]);
  });

  it("an order whose names others prove is looked at for what any way has to fulfil", async () => {
    expect(await run(["www.pydio.com"], { solvers: [] })).toEqual([]);
    expect(told(await run(["closed.pydio.com"], { solvers: [] }))).toEqual([
      expect.stringMatching(/^error closed.* CAA/),
    ]);
  });

  it("each solver tells of the names that it is going to prove, and what two see is told once", async () => {
    const finding = {
      severity: "error",
      subject: "nowhere.pydio.com",
      found: "the DNS has no such name",
      hint: "Add it.",
    } as const;
    const asked: string[] = [];
    const looking = solver("http-01", async (names) => {
      asked.push(...names.map(({ identifier }) => identifier.value));
      return [finding, { ...finding, found: "no gateway answers" }];
    });
    const findings = await run(["nowhere.pydio.com", "*.pydio.com"], {
      solvers: [looking, solver("dns-01", async () => [])],
    });
    expect(asked).toEqual(["nowhere.pydio.com"]);
    expect(findings.map(({ found }) => found)).toEqual(["the DNS has no such name", "no gateway answers"]);
  });

  it("a private CA's DNS is not the one of this machine, which is asked for nothing then", async () => {
    const session = new AcmeSession({ directoryUrl: `http://127.0.0.1:${ca.port}/dir`, key, transport });
    const request = { session, accountUrl: "https://ca.example/acct/1", solvers: [solver("http-01")], isPublic: false };
    expect(await runPreflight({ ...request, names: [nameOf("nowhere.invalid")] }, deadline)).toEqual([]);
  });

  it("what is not seen within the time is a warning", async () => {
    dns.mode = "silent";
    const slow = solver("http-01", async (_, bound) => {
      await bound.wait(3_600_000, "waiting");
      return [];
    });
    const findings = await run(["pydio.com"], { timeoutSeconds: 0.3, solvers: [slow] });
    expect(told(findings)).toEqual([
      expect.stringMatching(/^warning pydio\.com: its addresses could not be looked at within the time/),
      expect.stringMatching(/^warning pydio\.com: its CAA records could not be looked at/),
      expect.stringMatching(/^warning the answers by http-01: whether they are in place could not be looked at/),
    ]);
  });

  it.each([
    ["its time limit", "ACME_TIMEOUT", (end: () => void) => end()],
    ["a stop from outside", "ACME_ABORTED", (_: unknown, stop: AbortController) => stop.abort(new Error("SIGINT"))],
  ])("the end of the run by %s is no finding", async (_, code, end) => {
    dns.mode = "silent";
    const stop = new AbortController();
    const late = { now: () => new Date(), sleep: systemClock.sleep };
    const ending = new Deadline(60, late, stop.signal);
    dns.onQuestion = () => {
      const over = () => {
        late.now = () => new Date(Date.now() + 3_600_000);
        ending.remainingSeconds();
      };
      end(over, stop);
    };
    const session = new AcmeSession({ directoryUrl: `http://127.0.0.1:${ca.port}/dir`, key, transport });
    const common = { session, accountUrl: "https://ca.example/acct/1", resolvers: [dns.endpoint], isPublic: true };
    const running = runPreflight({ ...common, names: [nameOf("pydio.com")], solvers: [solver("http-01")] }, ending);
    expect((await rejection(running)).code).toBe(code);
    ending.dispose();
  });

  it("resolvers that are none are refused", async () => {
    const error = await rejection(run(["pydio.com"], { resolvers: ["dns.example"] }));
    expect(error.message).toContain('preflight.resolvers: "dns.example" is no IP address');
  });
});

describe("findings", () => {
  const finding = (index: number, severity: "error" | "warning" = "error"): PreflightFinding => ({
    ...{ severity, subject: `n${index}.test`, found: "it is wrong", hint: "Put it right." },
  });
  const failure = (findings: readonly PreflightFinding[]) =>
    rejection(Promise.resolve().then(() => requirePreflight(findings)));

  it("that are warnings let the order pass", () => {
    expect(requirePreflight([finding(1, "warning")])).toBeUndefined();
    expect(renderFindings([finding(1, "warning")])).toEqual(["n1.test: it is wrong. Put it right."]);
  });

  it("that are errors end the run with each of them, numbered", async () => {
    const { code, message } = await failure([finding(1), finding(2, "warning"), finding(3)]);
    expect(code).toBe("ACME_PREFLIGHT");
    expect(message.split("\n")).toEqual([
      "ACME_PREFLIGHT: looking at what the CA is going to look at: 2 things would keep the order from its end:",
      "1. n1.test: it is wrong. Put it right.",
      "2. n3.test: it is wrong. Put it right.",
      " Hint: Nothing was ordered, so no limit of the CA was touched: put it right, and run it again.",
    ]);
  });

  it("are told of up to the tenth, and the rest counted", async () => {
    const { message } = await failure(Array.from({ length: 12 }, (_, index) => finding(index)));
    expect(message).toContain("\n10. n9.test: it is wrong. Put it right.\nand 2 more\n");
    expect(message).not.toContain("n10.test");
  });
});
