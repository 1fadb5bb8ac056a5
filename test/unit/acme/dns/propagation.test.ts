import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PropagationSettings } from "../../../../provider/src/acme/dns/look-up";
import { awaitPropagation } from "../../../../provider/src/acme/dns/propagation";
import { type AcmeClock, Deadline } from "../../../../provider/src/acme/run/deadline";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";
import { type DnsRecord, type DnsServer, type DnsType, startDnsServer } from "../../../support/dns/server";

/** A clock whose sleeps cost no time. */
class TestClock implements AcmeClock {
  readonly sleeps: number[] = [];
  beforeSleep: (count: number) => void = () => {};
  #now = Date.parse("2026-11-24T12:00:00Z");

  now(): Date {
    return new Date(this.#now);
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.sleeps.push(ms / 1000);
    this.beforeSleep(this.sleeps.length);
    this.#now += ms;
    if (signal.aborted) throw signal.reason;
    await new Promise(setImmediate);
  }
}

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === "::1");

const challenge = "_acme-challenge.www.example.test";
const value = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF";
const other = "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3R";
const record = (name: string, type: DnsType, text: string): DnsRecord => ({ name, type, value: text });
const txt = (name: string, text = value) => record(name, "TXT", text);

let one: DnsServer;
let two: DnsServer;
let elsewhere: DnsServer;
let resolver: DnsServer;
let clock: TestClock;
let deadline: Deadline;

const zone = [
  record("example.test", "SOA", "ns1.example.test"),
  record("example.test", "NS", "ns1.example.test"),
  record("example.test", "NS", "ns2.example.test"),
  record("ns1.example.test", "A", "127.0.0.2"),
  record("ns2.example.test", "A", "127.0.0.3"),
  record("www.example.test", "A", "192.0.2.1"),
];
const elsewhereZone = [
  record("acme.elsewhere.test", "NS", "ns.elsewhere.test"),
  record("ns.elsewhere.test", "A", "127.0.0.4"),
];

beforeEach(async () => {
  one = await startDnsServer({ address: "127.0.0.2", records: zone });
  two = await startDnsServer({ address: "127.0.0.3", records: zone });
  elsewhere = await startDnsServer({ address: "127.0.0.4", records: elsewhereZone });
  resolver = await startDnsServer({ records: [...zone, ...elsewhereZone] });
  clock = new TestClock();
  deadline = new Deadline(3600, clock);
});

afterEach(async () => {
  deadline.dispose();
  await Promise.all([one, two, elsewhere, resolver].map((server) => server.stop()));
});

const portOf = (address: string) =>
  [one, two, elsewhere].find((server) => server.address === address)?.port ?? resolver.port;

const wait = (settings: PropagationSettings = {}, values: readonly string[] = [value], name = challenge) =>
  awaitPropagation([{ name, values }], { resolvers: [resolver.endpoint], ...settings }, { clock, deadline, portOf });

async function failure(waiting: Promise<void>): Promise<TlsError> {
  const error: unknown = await waiting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTlsError(error)) throw new Error(`no TlsError but ${String(error)}`);
  return error;
}

const askedFor = (server: DnsServer, type: DnsType, name = challenge) =>
  server.questions.filter((question) => question.name === name && question.type === type).length;

describe("propagation is awaited", () => {
  it("not at all when every server has the record", async () => {
    for (const server of [one, two, resolver]) server.records.push(txt(challenge));
    await wait();
    expect(clock.sleeps).toEqual([]);
    expect([one, two, resolver].map((server) => askedFor(server, "TXT"))).toEqual([1, 1, 1]);
  });

  it("until the last server has it, with growing pauses, asking no server again that had it", async () => {
    one.records.push(txt(challenge));
    clock.beforeSleep = (count) => {
      if (count === 6) for (const server of [two, resolver]) server.records.push(txt(challenge));
    };
    await wait();
    expect(clock.sleeps).toEqual([1, 2, 4, 8, 10, 10]);
    expect([one, two, resolver].map((server) => askedFor(server, "TXT"))).toEqual([1, 7, 1]);
  });

  it("until both values of a name and its wildcard are there, whatever else stands beside them", async () => {
    const all = [txt(challenge), txt(challenge, "old"), txt(challenge, other)];
    one.records.push(...all);
    two.records.push(...all.slice(0, 2));
    resolver.records.push(...all);
    clock.beforeSleep = () => two.records.push(txt(challenge, other));
    await wait({}, [value, other]);
    expect(clock.sleeps).toEqual([1]);
  });

  it("without asking a resolver for a name that is not there yet, which it would remember", async () => {
    resolver.mode = "remembers";
    clock.beforeSleep = (count) => {
      if (count === 2) for (const server of [one, two, resolver]) server.records.push(txt(challenge));
    };
    await wait();
    expect(clock.sleeps).toEqual([1, 2]);
    expect(resolver.questions.filter(({ name }) => name === challenge).map(({ type }) => type)).toEqual(["NS", "TXT"]);
  });

  it("at the servers of another zone that CNAMEs lead to, not at those of the first", async () => {
    const [first, last] = ["middle.example.test", "id.acme.elsewhere.test"];
    for (const server of [one, two, resolver]) {
      server.records.push(record(challenge, "CNAME", first), record(first, "CNAME", "ID.acme.elsewhere.test"));
    }
    elsewhere.records.push(record(last, "A", "192.0.2.2"));
    clock.beforeSleep = () => {
      elsewhere.records.push(txt(last));
      resolver.records.push(txt("ID.acme.elsewhere.test"));
    };
    await wait();
    expect(clock.sleeps).toEqual([1]);
    expect(askedFor(elsewhere, "TXT", last)).toBe(2);
    expect(one.questions.filter(({ type }) => type === "TXT")).toEqual([]);
  });

  it("at the servers of the challenge's own zone when it is delegated", async () => {
    const inner = await startDnsServer({ address: "127.0.0.5", records: [txt(challenge)] });
    await Promise.all([one, two].map((server) => server.stop()));
    one = await startDnsServer({ address: "127.0.0.2", records: zone, delegated: [challenge] });
    two = await startDnsServer({ address: "127.0.0.3", records: zone, delegated: [challenge] });
    resolver.records.push(
      record(challenge, "NS", "ns.inner.test"),
      record("ns.inner.test", "A", "127.0.0.5"),
      txt(challenge),
    );
    try {
      await awaitPropagation(
        [{ name: challenge, values: [value] }],
        { resolvers: [resolver.endpoint] },
        { clock, deadline, portOf: (address) => (address === "127.0.0.5" ? inner.port : portOf(address)) },
      );
      expect(askedFor(inner, "TXT")).toBe(1);
      expect(askedFor(one, "TXT") + askedFor(two, "TXT")).toBe(0);
    } finally {
      await inner.stop();
    }
  });

  it("over TCP where UDP answers are cut", async () => {
    for (const server of [one, two, resolver]) server.records.push(txt(challenge, "x".repeat(700)));
    one.mode = "cut";
    await wait({}, ["x".repeat(700)]);
    expect(one.questions.filter(({ transport }) => transport === "tcp").map(({ type }) => type)).toContain("TXT");
  });

  it("at the address that answers when a server's other address is silent", async () => {
    for (const server of [one, two, resolver]) server.records.push(txt(challenge));
    // nobody listens there
    resolver.records.push(record("ns1.example.test", "A", "127.0.0.9"));
    await awaitPropagation(
      [{ name: challenge, values: [value] }],
      { resolvers: [resolver.endpoint] },
      { clock, deadline, portOf },
    );
    expect(clock.sleeps).toEqual([]);
  });

  it.skipIf(!hasIpv6)("at a server that has an IPv6 address only", async () => {
    await two.stop();
    two = await startDnsServer({ address: "::1", records: [...zone, txt(challenge)] });
    const records = zone.map((each) => (each.name === "ns2.example.test" ? record(each.name, "AAAA", "::1") : each));
    resolver.records.splice(0, resolver.records.length, ...records, txt(challenge));
    one.records.push(txt(challenge));
    await wait();
    expect(askedFor(two, "TXT")).toBe(1);
  });

  it("by the resolvers alone when they know of no zone, or when that is the setting", async () => {
    const flat = await startDnsServer({ records: [txt(challenge)] });
    try {
      await wait({ resolvers: [flat.endpoint] });
      await wait({ resolvers: [flat.endpoint], authoritative: false });
      expect(flat.questions.at(-1)).toMatchObject({ type: "TXT" });
    } finally {
      await flat.stop();
    }
    resolver.records.push(txt(challenge));
    await wait({ authoritative: false });
    expect([...one.questions, ...two.questions]).toEqual([]);
  });

  it("for many names at once", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `_acme-challenge.n${index}.example.test`);
    for (const server of [one, two, resolver]) server.records.push(...names.map((name) => txt(name)));
    await awaitPropagation(
      names.map((name) => ({ name, values: [value] })),
      { resolvers: [resolver.endpoint] },
      { clock, deadline, portOf },
    );
    expect(askedFor(resolver, "NS", "example.test")).toBeLessThanOrEqual(8);
  });
});

describe("propagation fails", () => {
  it("at the end of its time, with what each server said", async () => {
    one.records.push(txt(challenge));
    two.records.push(txt(challenge, "something-else-by-someone"), txt(challenge, other));
    const { code, reason, hint } = await failure(wait({ timeoutSeconds: 20 }));
    expect(code).toBe("ACME_CHALLENGE");
    expect(reason).toBe(
      `the TXT record ${challenge} is not to be seen after 20 s: ns1.example.test (127.0.0.2) has it; ` +
        `ns2.example.test (127.0.0.3) has 2 others ("somethin…", "b3RoZXJv…").`,
    );
    expect(hint).toContain("the zone that these servers serve");
    expect(clock.sleeps).toEqual([1, 2, 4, 8, 5]);
  });

  it("with what is missing of two values, and where CNAMEs led to", async () => {
    for (const server of [one, two, resolver]) {
      server.records.push(record(challenge, "CNAME", "to.example.test"), txt("to.example.test"));
    }
    two.records.splice(two.records.length - 1);
    const { reason } = await failure(wait({ timeoutSeconds: 1 }, [value, other]));
    expect(reason).toContain(`${challenge} (by CNAME to.example.test) is not to be seen after 1 s: `);
    expect(reason).toContain("(127.0.0.2) has 1 of 2 values; ");
    expect(reason).toContain("(127.0.0.3) has no TXT record.");
  });

  it("with a hint for a resolver that keeps an older answer", async () => {
    for (const server of [one, two]) server.records.push(txt(challenge));
    resolver.records.push(txt(challenge, "old"));
    const { reason, hint } = await failure(wait({ timeoutSeconds: 1 }));
    expect(reason).toContain(`the resolver ${resolver.endpoint} has 1 other ("old").`);
    expect(hint).toContain("time to live");
  });

  it.each([
    ["servfail", "did not answer as it should (ESERVFAIL)"],
    ["refused", "did not answer as it should (EREFUSED)"],
  ] as const)("when every server of the zone says %s", async (mode, found) => {
    one.mode = mode;
    two.mode = mode;
    const { reason, hint } = await failure(wait({ timeoutSeconds: 1 }));
    expect(reason).toContain(`ns1.example.test (127.0.0.2) ${found}; ns2.example.test (127.0.0.3) ${found}.`);
    expect(hint).toContain("set propagation.authoritative to false");
  });

  it("when all are silent, and ends no later than its time", async () => {
    for (const server of [one, two]) server.mode = "silent";
    const { reason } = await failure(wait({ timeoutSeconds: 0 }));
    expect(reason).toContain("(127.0.0.2) did not answer; ");
  });

  it("at once for CNAMEs that lead back, and for too many", async () => {
    const alias = (from: string, to: string) => record(from, "CNAME", to);
    for (const server of [one, two]) {
      server.records.push(alias(challenge, "a.example.test"), alias("a.example.test", challenge));
      for (let index = 0; index < 9; index += 1)
        server.records.push(alias(`c${index}.example.test`, `c${index + 1}.example.test`));
    }
    const loop = await failure(wait());
    expect(loop.reason).toBe(
      `the CNAME records of ${challenge} lead back to themselves: ${challenge} -> a.example.test -> ${challenge}.`,
    );
    const long = await failure(wait({}, [value], "c0.example.test"));
    expect(long.reason).toContain("are more than 8: c0.example.test -> c1.example.test");
    expect(clock.sleeps).toEqual([]);
  });

  it("when the resolvers can't say which servers the zone has, though they know the record", async () => {
    resolver.records.push(txt(challenge));
    resolver.onQuestion = ({ type }) => {
      resolver.mode = type === "TXT" ? "answers" : "servfail";
    };
    const { reason, hint } = await failure(wait({ timeoutSeconds: 1 }));
    expect(reason).toContain("is not to be seen after 1 s: no name server of its zone was found.");
    expect(hint).toContain("propagation.resolvers names another DNS server");
  });

  it("at once for a resolver that is no address", async () => {
    const { reason, hint } = await failure(wait({ resolvers: ["dns.example"] }));
    expect(reason).toBe('propagation.resolvers: "dns.example" is no IP address.');
    expect(hint).toContain("192.0.2.53");
  });

  it("with what was said when the deadline ends first, and as stopped when its parent aborts", async () => {
    const parent = new AbortController();
    deadline.dispose();
    deadline = new Deadline(5, clock, parent.signal);
    const short = await failure(wait({ timeoutSeconds: 60 }));
    expect([short.code, short.reason]).toEqual([
      "ACME_CHALLENGE",
      expect.stringContaining("not to be seen after 5 s: ns1"),
    ]);
    deadline.dispose();
    deadline = new Deadline(500, clock, parent.signal);
    clock.beforeSleep = () => parent.abort("SIGINT");
    expect((await failure(wait())).code).toBe("ACME_ABORTED");
  });

  it("while a question is open when its parent aborts", async () => {
    const parent = new AbortController();
    deadline.dispose();
    deadline = new Deadline(500, clock, parent.signal);
    for (const server of [one, two]) {
      server.mode = "silent";
      server.onQuestion = () => parent.abort("SIGTERM");
    }
    expect((await failure(wait())).code).toBe("ACME_ABORTED");
    // no second try
    expect([...one.questions, ...two.questions].length).toBeLessThanOrEqual(2);
  });
});
