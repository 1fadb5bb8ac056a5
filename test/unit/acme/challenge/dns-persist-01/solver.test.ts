import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPersistSolver } from "../../../../../provider/src/acme/challenge/dns-persist-01/solver";
import type { ChallengeTask } from "../../../../../provider/src/acme/challenge/solver";
import { createSolver } from "../../../../../provider/src/acme/challenge/solvers";
import type { AcmeDirectory, DirectoryMeta } from "../../../../../provider/src/acme/client/directory";
import { readAccountKey } from "../../../../../provider/src/acme/client/jws";
import type { PropagationSettings } from "../../../../../provider/src/acme/dns/look-up";
import { Deadline, systemClock } from "../../../../../provider/src/acme/run/deadline";
import { type TestClock, testClock } from "../../../../support/acme/clock";
import { type DnsRecord, type DnsServer, type DnsType, startDnsServer } from "../../../../support/dns/server";
import { rejection } from "../../../../support/rejection";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = readAccountKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const accountUrl = "https://ca.test/acct/1";
const start = new Date("2026-11-28T12:00:00Z");
const name = "_validation-persist.www.example.test";
const good = `ca.test; accounturi=${accountUrl}`;
const record = (of: string, type: DnsType, value: string): DnsRecord => ({ name: of, type, value });
const txt = (value: string) => record(name, "TXT", value);
const zone = [
  record("example.test", "SOA", "ns1.example.test"),
  record("example.test", "NS", "ns1.example.test"),
  record("example.test", "NS", "ns2.example.test"),
  record("ns1.example.test", "A", "127.0.0.2"),
  record("ns2.example.test", "A", "127.0.0.3"),
  record("www.example.test", "A", "192.0.2.1"),
];

let one: DnsServer;
let two: DnsServer;
let resolver: DnsServer;
let clock: TestClock;
let deadline: Deadline;
/** What the directory says. */
let meta: DirectoryMeta;

beforeEach(async () => {
  [one, two, resolver] = await Promise.all([
    startDnsServer({ address: "127.0.0.2", records: zone }),
    startDnsServer({ address: "127.0.0.3", records: zone }),
    startDnsServer({ records: zone }),
  ]);
  clock = testClock(start);
  deadline = new Deadline(600, clock);
  meta = { issuerDomainNames: ["ca.test"], caaIdentities: ["ca.test"] };
});

afterEach(async () => {
  deadline.dispose();
  await Promise.all([one, two, resolver].map((server) => server.stop()));
});

const servers = () => [one, two, resolver];
const put = (value: string, at = servers()) => {
  for (const server of at) server.records.push(txt(value));
};

function solver(propagation: false | PropagationSettings = {}, now: TestClock = clock) {
  const directory = async () => ({ meta }) as AcmeDirectory;
  const settings = propagation === false ? propagation : { resolvers: [resolver.endpoint], ...propagation };
  return createPersistSolver(
    { type: "dns-persist-01", propagation: settings },
    { key, accountUrl, clock: now, directory },
    { portOf: (address) => servers().find((server) => server.address === address)?.port ?? 1 },
  );
}

const host = { identifier: { type: "dns", value: "www.example.test" }, isWildcard: false } as const;
const star = { ...host, isWildcard: true };
const task: ChallengeTask = { ...host, token: "", keyAuthorization: "", issuerDomainNames: ["ca.test"] };
const preflight = async (
  names: readonly (typeof host | typeof star)[] = [host],
  propagation: false | PropagationSettings = {},
) => (await solver(propagation).preflight?.(names, deadline)) ?? [];
const seconds = () => clock.sleeps.map((ms) => ms / 1000);

describe("before an order", () => {
  it("nothing is found when every server has the record, and each was asked once", async () => {
    put(good);
    expect(await preflight()).toEqual([]);
    expect(seconds()).toEqual([]);
    expect(servers().map(({ questions }) => questions.filter(({ type }) => type === "TXT").length)).toEqual([1, 1, 1]);
  });

  it("a record that is nowhere is an error, with the value to the letter, after three looks", async () => {
    expect(await preflight()).toEqual([
      {
        severity: "error",
        subject: "www.example.test",
        found: `the TXT record ${name} is not what the CA needs: ns1.example.test (127.0.0.2), ns2.example.test (127.0.0.3) have no TXT record; expected is ${good}`,
        hint: expect.stringContaining("account.validationRecords"),
      },
    ]);
    expect(seconds()).toEqual([3, 6]);
    expect(resolver.questions.some(({ type }) => type === "TXT")).toBe(false);
  });

  it("it is looked once where there is no time, as in a preview", async () => {
    deadline.dispose();
    deadline = new Deadline(3, clock);
    expect(await preflight()).toHaveLength(1);
    expect(seconds()).toEqual([]);
  });

  it("a record that only a part of the servers has is on its way: a warning, at once", async () => {
    put(good, [one]);
    put("ca2.test; accounturi=x", [two]);
    put(`ca.test; accounturi=${accountUrl}0`, [two]);
    const [finding] = await preflight();
    expect(finding?.severity).toBe("warning");
    expect(finding?.found).toContain(
      `ns1.example.test (127.0.0.2) has it; ns2.example.test (127.0.0.3) has "ca.test; accounturi=${accountUrl}0", which is for another account, "${accountUrl}0", and "ca2.test; accounturi=x", which is for another CA, "ca2.test"; expected`,
    );
    expect(seconds()).toEqual([]);
  });

  it("a wildcard and its name are one record, which must be for the wildcard", async () => {
    put(good);
    const [finding, ...more] = await preflight([host, star]);
    expect(more).toEqual([]);
    expect(finding?.subject).toBe("*.www.example.test");
    expect(finding?.found).toContain("which is for the name alone: it lacks policy=wildcard; expected is");
    expect(finding?.found.endsWith(`${good}; policy=wildcard`)).toBe(true);
    expect(await preflight([star, host])).toEqual([finding]);
    put(`${good}; policy=wildcard`);
    expect(await preflight([star, host])).toEqual([]);
  });

  it("the record is looked for where its CNAME leads", async () => {
    for (const server of servers()) {
      server.records.push(record(name, "CNAME", "to.example.test"), record("to.example.test", "TXT", `${good};`));
    }
    const [finding] = await preflight();
    expect(finding?.found).toContain(`the TXT record ${name} (by CNAME to.example.test) is not what the CA needs`);
    expect(finding?.found).toContain("which is malformed: it has an empty parameter, or a semicolon at its end");
  });

  it.each([
    [30 * 86_400 + 60, []],
    [30 * 86_400 - 60, ["warning"]],
    [-1, ["error"]],
  ])("a record that ends in %i s is %j", async (left, severities) => {
    put(`${good}; persistUntil=${start.getTime() / 1000 + left}`);
    const findings = await preflight();
    expect(findings.map(({ severity }) => severity)).toEqual(severities);
    if (severities[0] === "warning") {
      expect(findings[0]?.found).toBe(
        `the TXT record ${name} is good until 2026-12-28T11:59:00Z, its persistUntil, and for no order after that`,
      );
    }
  });

  it("a server that is silent beside one that answers is no fault, and all silent are one", async () => {
    put(good);
    two.mode = "refused";
    expect(await preflight()).toEqual([]);
    one.mode = "refused";
    const [finding] = await preflight();
    expect(finding?.severity).toBe("error");
    expect(finding?.found).toContain("is not to be seen: ns1.example.test (127.0.0.2), ns2");
    expect(finding?.hint).toContain("propagation.authoritative to false");
  });

  it("a resolver that has an older answer is told as such", async () => {
    put(good, [one, two]);
    put("old", [resolver]);
    const [finding] = await preflight();
    expect([finding?.severity, finding?.hint]).toEqual(["warning", expect.stringContaining("time to live")]);
  });

  it("by names of the CA that are a guess, a value that is right but for them is a warning, and none an error", async () => {
    meta = { caaIdentities: ["other.test"] };
    expect((await preflight()).map(({ severity }) => severity)).toEqual(["error"]);
    put(good);
    const [finding] = await preflight();
    expect(finding?.severity).toBe("warning");
    expect(finding?.found).toContain(`expected is other.test; accounturi=${accountUrl} (by the CA's caaIdentities: `);
  });

  it("nobody is asked when the CA says no name of itself, and when propagation is false", async () => {
    meta = {};
    const unseen = { severity: "warning", isUnseen: true, subject: "www.example.test" };
    expect(await preflight()).toEqual([expect.objectContaining(unseen)]);
    meta = { issuerDomainNames: ["ca.test"] };
    expect(await preflight([host], false)).toEqual([]);
    expect(servers().flatMap(({ questions }) => questions)).toEqual([]);
  });
});

describe("when the CA asks", () => {
  it("records that stand are enough, by the names of the challenge", async () => {
    meta = {};
    put(`third.test; accounturi=${accountUrl}`);
    await solver().present([{ ...task, issuerDomainNames: ["ca.test", "third.test"] }], deadline);
    expect(seconds()).toEqual([]);
  });

  it("a record that comes at the third look is in time", async () => {
    one.onQuestion = () => {
      if (clock.sleeps.length === 2 && one.records.length === zone.length) put(good);
    };
    await solver().present([task], deadline);
    expect(seconds()).toEqual([3, 6]);
  });

  it("a record that spreads is waited for, as long as dns-01 waits", async () => {
    put(good, [one]);
    two.onQuestion = () => {
      if (clock.now().getTime() - start.getTime() > 60_000 && two.records.length === zone.length)
        put(good, [two, resolver]);
    };
    await solver().present([task], deadline);
    expect(seconds().slice(0, 4)).toEqual([3, 6, 10, 10]);
    two.records.pop();
    two.onQuestion = () => {};
    const before = clock.now().getTime();
    const { code, reason } = await rejection(solver().present([task], deadline));
    expect(code).toBe("ACME_CHALLENGE");
    expect(reason).toContain("ns1.example.test (127.0.0.2) has it; ns2.example.test (127.0.0.3) has no TXT record");
    expect((clock.now().getTime() - before) / 1000).toBe(180);
  });

  it("timeoutSeconds says how long a record is waited for that is nowhere", async () => {
    await rejection(solver({ timeoutSeconds: 25 }).present([task], deadline));
    expect(seconds()).toEqual([3, 6, 10, 6]);
  });

  it("it fails with three names and how many more there are", async () => {
    const tasks = ["a", "b", "c", "d", "e"].map((label) => ({
      ...task,
      identifier: { type: "dns" as const, value: `${label}.example.test` },
    }));
    const { reason, hint } = await rejection(solver().present(tasks, deadline));
    expect(reason.match(/is not what the CA needs/g)).toHaveLength(3);
    expect(reason).toMatch(
      /^a\.example\.test: the TXT record _validation-persist\.a\.example\.test .*; and 2 more names\.$/,
    );
    expect(hint).toContain("account.validationRecords");
  });

  it("nobody is asked when propagation is false, but a malformed challenge is refused", async () => {
    await solver(false).present([task], deadline);
    expect(servers().flatMap(({ questions }) => questions)).toEqual([]);
    const { code } = await rejection(solver(false).present([{ ...task, issuerDomainNames: [] }], deadline));
    expect(code).toBe("ACME_PROTOCOL");
  });

  it("what the servers said is told when the deadline ends first, and its parent's abort ends it", async () => {
    deadline.dispose();
    deadline = new Deadline(2, clock);
    expect((await rejection(solver().present([task], deadline))).reason).toContain("have no TXT record");
    deadline.dispose();
    const parent = new AbortController();
    deadline = new Deadline(600, clock, parent.signal);
    one.onQuestion = () => parent.abort("SIGINT");
    expect((await rejection(solver().present([task], deadline))).code).toBe("ACME_ABORTED");
  });

  it.each([
    { type: "ip", value: "192.0.2.1" },
    { type: "dns", value: "a b.test" },
    { type: "dns", value: "-x.test" },
  ] as const)("no question is asked about what is no DNS name: %j", async (identifier) => {
    const { code } = await rejection(solver().present([{ ...task, identifier }], deadline));
    expect(code).toBe("ACME_CHALLENGE");
  });
});

it("takes names and wildcards, no addresses and no name that leaves its label no room, and takes nothing away", async () => {
  const context = { key, accountUrl, clock: systemClock, directory: () => Promise.reject(new Error("no CA is asked")) };
  const made = createSolver({ type: "dns-persist-01" }, context);
  expect([made.type, made.isStanding]).toEqual(["dns-persist-01", true]);
  expect(made.refuse(host.identifier, false)).toBeUndefined();
  expect(made.refuse(host.identifier, true)).toBeUndefined();
  expect(made.refuse({ type: "ip", value: "192.0.2.1" }, false)).toContain("an IP address");
  const long = `${`${"a".repeat(59)}.`.repeat(3)}${"b".repeat(54)}`;
  expect(made.refuse({ type: "dns", value: long }, false)).toBe(
    "its TXT record would have a name of 254 octets, more than 253",
  );
  expect(made.refuse({ type: "dns", value: long.slice(1) }, false)).toBeUndefined();
  await made.cleanUp([task]);
});
