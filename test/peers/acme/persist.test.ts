// Guards: records that one of both takes and the other does not. Each set of TXT values at `_validation-persist` is shown to
// Pebble, which validates by draft -01 of dns-persist-01 with a parser of its own, and to ours, by the same DNS.
import { describe, expect, it } from "vitest";
import { rollOverKey } from "../../../provider/src/acme/account/account";
import { createPersistSolver } from "../../../provider/src/acme/challenge/dns-persist-01/solver";
import type { ChallengeName, ChallengeSolver } from "../../../provider/src/acme/challenge/solver";
import { readAccountKey } from "../../../provider/src/acme/client/jws";
import { isAcmeError } from "../../../provider/src/acme/client/problem";
import { persistRecordName } from "../../../provider/src/acme/persist/record-value";
import { standingRecordSets } from "../../../provider/src/acme/persist/standing-records";
import { Deadline, systemClock } from "../../../provider/src/acme/run/deadline";
import { renderPrivateKey } from "../../../provider/src/x509/keys/private-key";
import { testClock } from "../../support/acme/clock";
import { newKey, PebbleOrders, usePebble } from "../../support/acme/pebble-orders";
import { describeWithPeer } from "../../support/peer";
import { rejection } from "../../support/rejection";

const caaIdentities = ["ca.test", "other-name.ca.test"];
const now = Math.floor(Date.now() / 1000);
const day = 86_400;
const month = 30 * day;

/** What Pebble says: the certificate, or the type of its problem. */
type Verdict = "valid" | "unauthorized" | "malformed";

interface Case {
  readonly title: string;
  /** `me` is `accounturi=` and this account's URL. */
  readonly values: (me: string) => readonly string[];
  /** What is ordered of the host; the host alone by default. */
  readonly names?: (host: string) => readonly string[];
  readonly pebble: Verdict;
  /** What is found before an order, if it is neither nothing for what is valid nor an error for what is not. */
  readonly ours?: "warning";
}

const star = (host: string) => [`*.${host}`];
const both = (host: string) => [host, `*.${host}`];
const cases: readonly Case[] = [
  { title: "the account's value", values: (me) => [`ca.test; ${me}`], pebble: "valid" },
  { title: "another name of the CA", values: (me) => [`other-name.ca.test; ${me}`], pebble: "valid" },
  {
    title: "no space after the semicolons, tags in upper case",
    values: (me) => [`ca.test;${me.replace("accounturi", "AccountURI")};POLICY=x`],
    pebble: "valid",
  },
  {
    title: "spaces wherever they may stand",
    values: (me) => [`  ca.test  ; ${me.replace("=", "  = ")}  `],
    pebble: "valid",
  },
  { title: "nothing", values: () => [], pebble: "unauthorized" },
  { title: "another account", values: (me) => [`ca.test; ${me}1`], pebble: "unauthorized" },
  {
    title: "an account in upper case",
    values: (me) => [`ca.test; ${me.replace("https", "HTTPS")}`],
    pebble: "unauthorized",
  },
  { title: "no account", values: () => ["ca.test; policy=wildcard"], pebble: "malformed" },
  { title: "an empty account", values: () => ["ca.test; accounturi="], pebble: "malformed" },
  { title: "the CA's name alone", values: () => ["ca.test"], pebble: "malformed" },
  {
    title: "an end that is over",
    values: (me) => [`ca.test; ${me}; persistUntil=${now - 60}`],
    pebble: "unauthorized",
  },
  { title: "an end before 1970", values: (me) => [`ca.test; ${me}; persistUntil=-1`], pebble: "unauthorized" },
  {
    title: "an end within a month",
    values: (me) => [`ca.test; ${me}; persistUntil=${now + day}`],
    pebble: "valid",
    ours: "warning",
  },
  {
    title: "an end after that",
    values: (me) => [`ca.test; ${me}; persistuntil=${now + month + day}`],
    pebble: "valid",
  },
  {
    title: "an end in the year 9999",
    values: (me) => [`ca.test; ${me}; persistUntil=253402300799`],
    pebble: "valid",
  },
  {
    title: "an end that 64 bits do not hold",
    values: (me) => [`ca.test; ${me}; persistUntil=9223372036854775808`],
    pebble: "malformed",
  },
  {
    title: "an end that is a date",
    values: (me) => [`ca.test; ${me}; persistUntil=2099-01-01T00:00:00Z`],
    pebble: "malformed",
  },
  { title: "an empty end", values: (me) => [`ca.test; ${me}; persistUntil=`], pebble: "malformed" },
  { title: "a tag twice", values: (me) => [`ca.test; ${me}; policy=wildcard; Policy=wildcard`], pebble: "malformed" },
  { title: "a semicolon at the end", values: (me) => [`ca.test; ${me};`], pebble: "malformed" },
  { title: "an empty parameter", values: (me) => [`ca.test;; ${me}`], pebble: "malformed" },
  { title: "a parameter without a value", values: (me) => [`ca.test; ${me}; wildcard`], pebble: "malformed" },
  { title: "a parameter without a tag", values: (me) => [`ca.test; ${me}; =x`], pebble: "malformed" },
  { title: "a space within a value", values: (me) => [`ca.test; ${me}; note=two words`], pebble: "malformed" },
  { title: "an unknown parameter", values: (me) => [`ca.test; ${me}; note=a=b,c`], pebble: "valid" },
  { title: "another CA", values: (me) => [`ca2.test; ${me}`], pebble: "unauthorized", ours: "warning" },
  { title: "the CA in upper case", values: (me) => [`CA.test; ${me}`], pebble: "unauthorized", ours: "warning" },
  { title: "the CA with a dot at its end", values: (me) => [`ca.test.; ${me}`], pebble: "unauthorized" },
  { title: "what is no record of the challenge", values: () => ["v=spf1 -all", ";", "=;="], pebble: "unauthorized" },
  {
    title: "several CAs and other records",
    values: (me) => ["ca2.test; accounturi=https://ca2.test/1", "v=spf1 -all", `ca.test; ${me}`, "ca3.test;"],
    pebble: "valid",
  },
  { title: "a malformed value beside a good one", values: (me) => ["ca.test;", `ca.test; ${me}`], pebble: "valid" },
  {
    title: "an expired value beside a good one",
    values: (me) => [`ca.test; ${me}; persistUntil=1`, `ca.test; ${me}`],
    pebble: "valid",
  },
  { title: "a value of 600 octets", values: (me) => [`ca.test; ${me}; note=${"x".repeat(550)}`], pebble: "valid" },
  {
    title: "a wildcard, with the policy",
    values: (me) => [`ca.test; ${me}; policy=WildCard`],
    names: star,
    pebble: "valid",
  },
  { title: "a wildcard, without it", values: (me) => [`ca.test; ${me}`], names: star, pebble: "unauthorized" },
  {
    title: "a wildcard, with another policy",
    values: (me) => [`ca.test; ${me}; policy=wildcards`],
    names: star,
    pebble: "unauthorized",
  },
  {
    title: "a wildcard and its name, with the policy",
    values: (me) => [`ca.test; ${me}; policy=wildcard`],
    names: both,
    pebble: "valid",
  },
  {
    title: "a wildcard and its name, without it",
    values: (me) => [`ca.test; ${me}`],
    names: both,
    pebble: "unauthorized",
  },
  {
    title: "a name below, with the policy",
    values: (me) => [`ca.test; ${me}; policy=wildcard`],
    names: (host) => [`www.${host}`],
    pebble: "unauthorized",
  },
];

// not in the table: Pebble sees tabs as "\009", as its DNS library writes them, and takes dates near 2^63 s for past ones

/** Answers without having looked. */
const blind: ChallengeSolver = {
  ...{ type: "dns-persist-01", isStanding: true, refuse: () => undefined },
  present: () => Promise.resolve(),
  cleanUp: () => Promise.resolve(),
};

describeWithPeer("pebble", () => {
  const used = usePebble({ caaIdentities });

  /** Ours, looking by the same DNS; its waits cost no time. */
  const solver = (orders = used.orders) =>
    createPersistSolver(
      { type: "dns-persist-01", propagation: { resolvers: [used.pebble.dnsAddress], authoritative: false } },
      { ...orders.solverContext, clock: testClock() },
    );
  const named = (name: string): ChallengeName => ({
    identifier: { type: "dns", value: name.replace(/^\*\./, "") },
    isWildcard: name.startsWith("*."),
  });
  const put = async (host: string, values: readonly string[]) => {
    for (const value of values) await used.pebble.setTxt(persistRecordName(host), value);
  };
  const atPebble = (names: readonly string[], orders = used.orders): Promise<Verdict> =>
    orders.issue({ names, solvers: [blind] }).then(
      () => "valid",
      (error: unknown) => {
        if (isAcmeError(error) && error.problem !== undefined) return error.problem.kind as Verdict;
        throw error;
      },
    );
  const atOurs = async (names: readonly string[], orders = used.orders) => {
    const deadline = new Deadline(60, systemClock);
    const tasks = names.map((name) => ({
      ...named(name),
      token: "",
      keyAuthorization: "",
      issuerDomainNames: caaIdentities,
    }));
    try {
      const findings = (await solver(orders).preflight?.(names.map(named), deadline)) ?? [];
      const refusal = await rejectionOf(solver(orders).present(tasks, deadline));
      return { findings, refusal };
    } finally {
      deadline.dispose();
    }
  };

  describe("the same is said by Pebble, before an order, and when it asks, of", () => {
    it.concurrent.each(cases.map((one, index) => ({ ...one, host: `n${index}.persist.test` })))(
      "$title",
      async (one) => {
        const { host, values, names = (name) => [name], pebble, ours } = one;
        await put(host, values(`accounturi=${used.orders.accountUrl}`));
        const [theirs, { findings, refusal }] = [await atPebble(names(host)), await atOurs(names(host))];
        expect(theirs).toBe(pebble);
        expect(findings.map(({ severity }) => severity)).toEqual([ours ?? (pebble === "valid" ? [] : "error")].flat());
        expect(refusal === undefined).toBe(pebble === "valid");
        if (refusal !== undefined) expect(refusal).toBe("ACME_CHALLENGE");
      },
    );
  });

  it("records that are written by us make a certificate for a name, its wildcard and an A-label, with our solver", async () => {
    const { accountUrl, session } = used.orders;
    const names = ["whole.test", "*.whole.test", "xn--mnchen-3ya.test"];
    const account = { accountUrl, thumbprint: session.key.thumbprint, caaIdentities };
    const records = standingRecordSets({ accounts: [account], names, until: new Date((now + 10 * month) * 1000) });
    expect(records.map(({ name }) => name)).toEqual([
      "_validation-persist.whole.test",
      "_validation-persist.xn--mnchen-3ya.test",
    ]);
    for (const { name, values } of records) for (const value of values) await used.pebble.setTxt(name, value);
    const { certPem } = await used.orders.issue({ names, solvers: [solver()] });
    expect(certPem).toContain("BEGIN CERTIFICATE");
    // another name: one time in a hundred Pebble takes an authorization again, whatever it is told
    const gone = await rejection(used.orders.issue({ names: ["gone.test"], solvers: [solver()] }));
    expect(gone.code).toBe("ACME_CHALLENGE");
    expect(gone.reason).toBe(
      `gone.test: the TXT record _validation-persist.gone.test is not what the CA needs: the resolver ${used.pebble.dnsAddress} has no TXT record; expected is ca.test; accounturi=${accountUrl}.`,
    );
  });

  it("a record stays good when the account gets another key", async () => {
    const opened = [await PebbleOrders.open(used.pebble)];
    const after = readAccountKey(renderPrivateKey(newKey("P384")));
    const deadline = new Deadline(60, systemClock);
    try {
      const [before = used.orders] = opened;
      await put("rolled.test", [`ca.test; accounturi=${before.accountUrl}`]);
      await rollOverKey(before.session, before.accountUrl, after, deadline);
      const rolled = await PebbleOrders.open(used.pebble, used.pebble, after);
      opened.push(rolled);
      expect(rolled.accountUrl).toBe(before.accountUrl);
      expect(await atPebble(["rolled.test"], rolled)).toBe("valid");
      expect(await atOurs(["rolled.test"], rolled)).toEqual({ findings: [], refusal: undefined });
    } finally {
      deadline.dispose();
      for (const one of opened) one.close();
    }
  });
});

async function rejectionOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error === undefined ? undefined : (error as { code: string }).code;
}
