// Guards: draft -02 of dns-persist-01 end to end, from the records that are written for an account to the certificate.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureAccount, rollOverKey } from "../../../../provider/src/acme/account/account";
import type { SolverContext } from "../../../../provider/src/acme/challenge/solver";
import { createSolver } from "../../../../provider/src/acme/challenge/solvers";
import { readAccountKey } from "../../../../provider/src/acme/client/jws";
import { isAcmeError } from "../../../../provider/src/acme/client/problem";
import { AcmeSession } from "../../../../provider/src/acme/client/session";
import { AcmeTransport } from "../../../../provider/src/acme/client/transport";
import { makeCertificateRequest } from "../../../../provider/src/acme/order/certificate-request";
import { fulfilOrder } from "../../../../provider/src/acme/order/flow";
import { persistAccountUris } from "../../../../provider/src/acme/persist/account-uri";
import { standingRecordSets } from "../../../../provider/src/acme/persist/standing-records";
import { Deadline } from "../../../../provider/src/acme/run/deadline";
import { type TestClock, testClock } from "../../../support/acme/clock";
import { namesOf, newKeyPem } from "../../../support/acme/memory-orders";
import { PersistCa, type PersistCaOptions } from "../../../support/acme/persist-ca";
import { type DnsServer, startDnsServer } from "../../../support/dns/server";
import { rejection } from "../../../support/rejection";

const issuerDomainNames = ["authority.test", "other.authority.test"];
const ends: (() => void | Promise<void>)[] = [];
let dns: DnsServer;
let deadline: Deadline;
/** Waits cost no time. */
let clock: TestClock;

beforeEach(async () => {
  dns = await startDnsServer();
  clock = testClock();
  deadline = new Deadline(90, clock);
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  deadline.dispose();
  await dns.stop();
});

/** A CA that reads the same DNS as ours, and an account there. */
async function open(options: Partial<PersistCaOptions> = {}) {
  const resolveTxt = (name: string) =>
    dns.records.filter((record) => record.name === name && record.type === "TXT").map(({ value }) => value);
  const ca = await PersistCa.start({ resolveTxt, issuerDomainNames, ...options });
  const transport = new AcmeTransport();
  ends.push(
    () => ca.stop(),
    () => transport.close(),
  );
  const directoryUrl = `${ca.url}/directory`;
  const session = new AcmeSession({ directoryUrl, key: readAccountKey(newKeyPem()), transport, clock });
  const { url: accountUrl } = await ensureAccount(session, { contacts: [], acceptTermsOfService: true }, deadline);
  return { ca, session, accountUrl };
}

const put = (name: string, value: string) => dns.records.push({ name, type: "TXT", value });

function solverOf(session: AcmeSession, accountUrl: string) {
  const context: SolverContext = {
    ...{ key: session.key, accountUrl, clock, directory: (end) => session.directory(end) },
  };
  return createSolver(
    { type: "dns-persist-01", propagation: { resolvers: [dns.endpoint], authoritative: false } },
    context,
  );
}

/** What is found before an order, and the certificate's names or why there is none. */
async function order(
  names: readonly string[],
  session: AcmeSession,
  accountUrl: string,
  solver = solverOf(session, accountUrl),
) {
  const identifiers = namesOf(...names);
  const asked = identifiers.map(({ type, value }) => ({
    identifier: { type, value: value.replace(/^\*\./, "") },
    isWildcard: value.startsWith("*."),
  }));
  const findings = (await solver.preflight?.(asked, deadline)) ?? [];
  const waits = clock.sleeps.length;
  const issued = fulfilOrder(
    {
      ...{ session, accountUrl, request: { identifiers }, solvers: [solver], deadline },
      csr: (known) => {
        const keyPem = known ?? newKeyPem();
        return { der: makeCertificateRequest(createPrivateKey(keyPem), identifiers), keyPem };
      },
      save: async () => {},
      checkAlive: async () => {},
      say: () => {},
    },
    {},
  );
  return { findings, waits, issued };
}

describe("by draft -02", () => {
  it("the records that are written for an account are there before the first order, and make a certificate", async () => {
    const { ca, session, accountUrl } = await open({ caaIdentities: issuerDomainNames });
    const { meta } = await session.directory(deadline);
    const names = ["a.test", "*.a.test", "xn--mnchen-3ya.test"];
    const account = { accountUrl, thumbprint: session.key.thumbprint, ...meta };
    for (const { name, values } of standingRecordSets({ accounts: [account], names })) {
      for (const value of values) put(name, value);
    }
    expect(ca.orderCount).toBe(0);
    const { findings, issued } = await order(names, session, accountUrl);
    expect(findings).toEqual([]);
    const { certPem } = await issued;
    expect(new X509Certificate(certPem).subjectAltName).toBe(names.map((name) => `DNS:${name}`).join(", "));
    expect(ca.answers).toEqual([{}, {}, {}]);
  });

  it("one hash for all domains is taken, under any name of the challenge", async () => {
    const { ca, session, accountUrl } = await open({ challengeNames: [...issuerDomainNames, "third.test"] });
    const { accountHashPrefix } = ca;
    const thumbprints = [session.key.thumbprint];
    const [, anywhere] = persistAccountUris({ accountUrl, thumbprints, accountHashPrefix, domain: "any.test" });
    for (const domain of ["a.test", "b.test"]) {
      put(`_validation-persist.${domain}`, `other.authority.test; accounturi=${anywhere}`);
    }
    const { findings, issued } = await order(["a.test", "b.test"], session, accountUrl);
    expect(findings).toEqual([]);
    await issued;
  });

  it("records that were made with an earlier key are good at the CA, and a warning before the order", async () => {
    const { session, accountUrl } = await open();
    const { meta } = await session.directory(deadline);
    const accounts = [{ accountUrl, thumbprint: session.key.thumbprint, ...meta }];
    const [set] = standingRecordSets({ accounts, names: ["*.a.test"] });
    put("_validation-persist.a.test", set?.values[0] ?? "");
    const newer = readAccountKey(newKeyPem());
    await rollOverKey(session, accountUrl, newer, deadline);
    const { findings, waits, issued } = await order(["*.a.test"], session.withKey(newer), accountUrl);
    // it does not change by waiting
    expect(waits).toBe(0);
    expect(findings).toEqual([
      expect.objectContaining({
        severity: "warning",
        subject: "*.a.test",
        found: expect.stringContaining("earlier key"),
      }),
    ]);
    const [expected] = standingRecordSets({
      accounts: [{ ...accounts[0], accountUrl, thumbprint: newer.thumbprint }],
      names: ["*.a.test"],
    });
    expect(findings[0]?.found.endsWith(`expected is ${expected?.values[0]}`)).toBe(true);
    await issued;
  });

  it("the account's URL in the clear is refused, by us and by the CA", async () => {
    const { ca, session, accountUrl } = await open();
    put("_validation-persist.a.test", `authority.test; accounturi=${accountUrl}`);
    const { findings, issued } = await order(["a.test"], session, accountUrl);
    expect(findings).toEqual([expect.objectContaining({ severity: "error" })]);
    const { code, reason } = await rejection(issued);
    expect(code).toBe("ACME_CHALLENGE");
    expect(reason).toContain(
      `which has an accounturi that is no hash of this CA, "${accountUrl}"; expected is authority.test; `,
    );
    expect(ca.answers).toEqual([]);
  });

  it("the hash of another domain looks like that of an earlier key, and is refused by the CA", async () => {
    const { ca, session, accountUrl } = await open();
    const { accountHashPrefix } = ca;
    const thumbprints = [session.key.thumbprint];
    const [uri] = persistAccountUris({ accountUrl, thumbprints, accountHashPrefix, domain: "b.test" });
    put("_validation-persist.a.test", `authority.test; accounturi=${uri}`);
    const { findings, issued } = await order(["a.test"], session, accountUrl);
    expect(findings).toEqual([expect.objectContaining({ severity: "warning" })]);
    expect((await rejection(issued)).code).toBe("ACME_UNAUTHORIZED");
  });

  const second = Math.floor(Date.now() / 1000);
  it.each([
    { value: "authority.test; accounturi=$hash", names: ["a.test"], ca: "valid", ours: [] },
    { value: "authority.test; accounturi=$hash", names: ["*.a.test"], ca: "unauthorized", ours: ["error"] },
    { value: "authority.test;accounturi=$hash;Policy=WILDCARD;x=", names: ["*.a.test"], ca: "valid", ours: [] },
    {
      value: `authority.test; accounturi=$hash; persistUntil=${second - 5}`,
      names: ["a.test"],
      ca: "unauthorized",
      ours: ["error"],
    },
    {
      value: `authority.test; accounturi=$hash; persistUntil=${second + 86_400}`,
      names: ["a.test"],
      ca: "valid",
      ours: ["warning"],
    },
    {
      value: "authority.test; accounturi=$hash; persistUntil=soon",
      names: ["a.test"],
      ca: "malformed",
      ours: ["error"],
    },
    { value: "authority.test; accounturi=$hash;", names: ["a.test"], ca: "malformed", ours: ["error"] },
    {
      value: "authority.test; accounturi=$hash; accounturi=$hash",
      names: ["a.test"],
      ca: "malformed",
      ours: ["error"],
    },
    { value: "authority.test; accounturi=$hash; a_b=c", names: ["a.test"], ca: "malformed", ours: ["error"] },
    { value: "authority.test; accounturi=$hash=", names: ["a.test"], ca: "malformed", ours: ["error"] },
    { value: "Authority.test; accounturi=$hash", names: ["a.test"], ca: "unauthorized", ours: ["error"] },
    { value: "\tauthority.test\t;\taccounturi = $hash ", names: ["a.test"], ca: "valid", ours: [] },
  ])(
    "the same is said by the CA and before an order of $value for $names",
    async ({ value, names, ca: verdict, ours }) => {
      const { ca, session, accountUrl } = await open();
      const { accountHashPrefix } = ca;
      const [hash] = persistAccountUris({
        accountUrl,
        thumbprints: [session.key.thumbprint],
        accountHashPrefix,
        domain: "a.test",
      });
      put("_validation-persist.a.test", value.replaceAll("$hash", hash));
      const { findings, issued } = await order(names, session, accountUrl, {
        ...solverOf(session, accountUrl),
        // answers without having looked
        present: () => Promise.resolve(),
      });
      expect(findings.map(({ severity }) => severity)).toEqual(ours);
      const kind = issued.then(
        () => "valid",
        (error: unknown) => (isAcmeError(error) ? error.problem?.kind : error),
      );
      expect(await kind).toBe(verdict);
    },
  );

  it.each([
    [{ challengeNames: [] }, "are empty"],
    [{ challengeNames: ["authority.test"] }, 'lack "other.authority.test"'],
    [{ caaIdentities: ["authority.test"] }, "caaIdentities lack"],
    [{ challengeNames: Array.from({ length: 11 }, (_, index) => `ca${index}.test`) }, "more than 10"],
  ])("a challenge is malformed with %j", async (options, found) => {
    const { ca, session, accountUrl } = await open(options);
    const { issued } = await order(["a.test"], session, accountUrl);
    const { code, reason } = await rejection(issued);
    expect([code, reason]).toEqual(["ACME_PROTOCOL", expect.stringContaining(found)]);
    expect(ca.answers).toEqual([]);
  });
});
