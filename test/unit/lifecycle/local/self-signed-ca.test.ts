import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, it, test } from "vitest";
import { UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { selfSignedCa } from "../../../../provider/src/lifecycle/local/self-signed-ca";
import { DAY } from "../../../../provider/src/text/time";
import { checked, created, refused, TODAY, updated } from "../../../support/engine/lifecycle";

const given = { name: "local" };
const daysLater = (days: number) => new Date(TODAY.getTime() + days * DAY);
const long = "x".repeat(1001);

describe("check", () => {
  it("plans ten years, P-256 and the resource's name as subject", () => {
    expect(checked(selfSignedCa, given)).toEqual({
      subject: { commonName: "local" },
      keyType: "P256",
      validFrom: "2026-11-23T00:00:00Z",
      validTo: "2036-11-19T23:59:59Z",
    });
  });

  it("accepts its own result as it is, and a second time too", () => {
    const args = { subject: { commonName: "a" }, nameConstraints: { permittedDnsDomains: ["B.test", "a.test"] } };
    const once: Record<string, unknown> = checked(selfSignedCa, args);
    expect(once.nameConstraints).toMatchObject({ permittedDnsDomains: ["a.test", "b.test"] });
    const { validFrom: _, validTo: __, ...again } = once;
    expect(checked(selfSignedCa, again, TODAY, once)).toEqual(once);
  });

  it("keeps subject, key type and dates of the last run, whatever the defaults are now", () => {
    const olds = { ...checked(selfSignedCa, { name: "first" }), keyType: "P384" };
    expect(checked(selfSignedCa, { name: "renamed" }, daysLater(100), olds)).toEqual(olds);
  });

  it("plans anew when what is certified changes, and when the renewal is due", () => {
    const olds = checked(selfSignedCa, given);
    const constrained = { ...given, nameConstraints: { permittedDnsDomains: ["a.test"] } };
    expect(checked(selfSignedCa, constrained, daysLater(1), olds).validFrom).toBe("2026-11-24T00:00:00Z");
    expect(checked(selfSignedCa, { ...given, validityDays: 30 }, daysLater(1), olds).validTo).toBe(
      "2026-12-23T23:59:59Z",
    );
    expect(checked(selfSignedCa, given, daysLater(2500), olds).validTo).toBe("2043-09-24T23:59:59Z");
  });

  it("takes policy for policy: it moves no dates until they are due", () => {
    const olds = checked(selfSignedCa, given);
    const inputs = checked(selfSignedCa, { ...given, minDaysRemaining: 100 }, daysLater(1), olds);
    expect(inputs).toEqual({ ...olds, minDaysRemaining: 100 });
  });

  test.each(["subject", "keyType", "nameConstraints"])("leaves an unknown %s unknown, and the rest known", (name) => {
    const inputs = checked(selfSignedCa, { ...given, [name]: UNKNOWN });
    expect(inputs).toMatchObject({ [name]: UNKNOWN, validTo: "2036-11-19T23:59:59Z" });
  });

  test.each(["validityDays", "minDaysRemaining", "checkIntervalHours"])(
    "plans no dates while %s is unknown",
    (name) => {
      const inputs = checked(selfSignedCa, { ...given, [name]: UNKNOWN });
      expect(inputs).toMatchObject({ validFrom: UNKNOWN, validTo: UNKNOWN, subject: { commonName: "local" } });
    },
  );

  it("judges what is known beside what is not", () => {
    expect(refused(selfSignedCa, { subject: UNKNOWN, keyType: "DSA" })).toHaveLength(1);
  });
});

describe("bad input gets one failure that begins with its property", () => {
  test.each<[string, object, RegExp]>([
    ["a life of no time", { validityDays: 0 }, /^validityDays: found 0 days, expected at least one second/],
    ["a negative life", { validityDays: -5 }, /^validityDays: found -5 days/],
    ["a life of centuries", { validityDays: 40_000 }, /^validityDays: found 40000 days, expected at most 36525/],
    ["a life that is text", { validityDays: "90" }, /^validityDays: found a text, expected a number of days/],
    ["a life that is no number", { validityDays: Number.NaN }, /^validityDays: .*expected a number of days/],
    [
      "a renewal longer than the life",
      { minDaysRemaining: 3650 },
      /^minDaysRemaining: found 3650 .* 3650 days: .*Hint/,
    ],
    [
      "a renewal longer than the given life",
      { validityDays: 30, minDaysRemaining: 30 },
      /^minDaysRemaining: found 30 .* of 30 days/,
    ],
    ["a negative renewal", { minDaysRemaining: -1 }, /^minDaysRemaining: found -1 days, expected 0 or more/],
    ["an endless interval", { checkIntervalHours: 1e9 }, /^checkIntervalHours: found 1000000000 hours/],
    ["another kind of key", { keyType: "DSA" }, /^keyType: found "DSA", expected one of P256, P384/],
    ["no subject", { subject: {} }, /^subject: found no attribute.*Hint: give at least { commonName/],
    ["a subject that is text", { subject: "CN=x" }, /^subject: found a text, expected an object such as/],
    ["a foreign attribute", { subject: { CN: "x" } }, /^subject\.CN: there is no such property/],
    ["an empty attribute", { subject: { commonName: "" } }, /^subject: .*commonName/],
    ["a country by its name", { subject: { country: "Germany" } }, /^subject: .*country "Germany"/],
    ["an attribute of a thousand characters", { subject: { commonName: long } }, /^subject\.commonName: is longer/],
    ["an attribute with a line break", { subject: { organization: "a\nb" } }, /^subject: .*organization "a\\u\{a\}b"/],
    ["a foreign constraint", { nameConstraints: { permitted: [] } }, /^nameConstraints\.permitted: there is no/],
    ["a constraint with an empty label", domains("a..test"), /^nameConstraints: permittedDnsDomains "a\.\.test"/],
    ["a constraint that is a wildcard", domains("*.test"), /^nameConstraints: permittedDnsDomains: "\*\.test"/],
    ["a domain that is a number", domains(5), /^nameConstraints\.permittedDnsDomains\[0\]: found a number/],
    [
      "a range with bits of a host",
      { nameConstraints: { permittedIpRanges: ["10.0.0.5/8"] } },
      /^nameConstraints: permittedIpRanges: "10\.0\.0\.5\/8".*10\.0\.0\.0\/8/,
    ],
    ["a passphrase without a key", { passphrase: "hunter2" }, /^passphrase: opens a key .*privateKeyPem is not given/],
    ["an unknown property", { keytype: "P256" }, /^keytype: there is no such property; did you mean keyType\?/],
    ["a name of a thousand characters", { name: long }, /^name: is longer than 1000 characters/],
  ])("%s", (_, change, failure) => {
    const failures = refused(selfSignedCa, { ...given, ...change });
    expect(failures).toEqual([expect.stringMatching(failure)]);
    expect(failures.join()).not.toContain("hunter2");
  });
});

describe("the certificate", () => {
  it("is what was checked, signed by its own key, the key being of the wanted type", async () => {
    const { inputs, state } = await created(selfSignedCa, { subject: { commonName: "Root" }, keyType: "Ed25519" });
    const certificate = new X509Certificate(state.certPem as string);
    expect(certificate.subject).toBe("CN=Root");
    expect(certificate.validFromDate.toISOString()).toBe("2026-11-23T00:00:00.000Z");
    expect(certificate.validToDate.toISOString()).toBe("2036-11-19T23:59:59.000Z");
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyType).toBe("ed25519");
    expect(certificate.checkPrivateKey(createPrivateKey(state.privateKeyPem as string))).toBe(true);
    expect(certificate.fingerprint256.replaceAll(":", "").toLowerCase()).toBe(state.fingerprintSha256);
    expect(Object.keys(inputs)).not.toContain("privateKeyPem");
  });

  it("renews with the same key, so that whoever trusts it goes on to", async () => {
    const first = await created(selfSignedCa, given);
    const second = await updated(selfSignedCa, first, given, daysLater(2500));
    expect(second.state.privateKeyPem).toBe(first.state.privateKeyPem);
    expect(second.state.subjectKeyId).toBe(first.state.subjectKeyId);
    expect(second.state.serialNumber).not.toBe(first.state.serialNumber);
    const [one, other] = [first, second].map(({ state }) => new X509Certificate(state.certPem as string));
    expect(other?.validToDate.getTime()).toBeGreaterThan(one?.validToDate.getTime() ?? 0);
    expect(one?.verify((other as X509Certificate).publicKey)).toBe(true);
  });
});

describe("the step", () => {
  it("replaces for another subject or key type, and for nothing else", async () => {
    const { state } = await created(selfSignedCa, given);
    const replaces = (args: object) => selfSignedCa.replaces?.(state, checked(selfSignedCa, { ...given, ...args }));
    expect(replaces({ subject: { commonName: "other" } })).toEqual(["subject"]);
    expect(replaces({ keyType: "P384" })).toEqual(["keyType"]);
    expect(replaces({ validityDays: 30, nameConstraints: { permittedDnsDomains: ["a.test"] } })).toEqual([]);
    expect(selfSignedCa.replaces?.(state, { ...state, keyType: UNKNOWN })).toEqual([]);
  });

  it("is explained: issued, renewed with what is left, issued anew; nothing where nothing differs", async () => {
    const { state } = await created(selfSignedCa, given);
    const explain = (args: object, now: Date) =>
      selfSignedCa.explain?.(state, checked(selfSignedCa, { ...given, ...args }, now, state), now);
    expect(selfSignedCa.explain?.(undefined, checked(selfSignedCa, given), TODAY)).toBe(
      "issues a root: valid from 2026-11-23T00:00:00Z to 2036-11-19T23:59:59Z",
    );
    expect(explain({}, daysLater(10))).toBeUndefined();
    expect(explain({}, daysLater(2500))).toMatch(
      /^renews with the same key: valid until 2036-11-19, 1149 of 3650 days/,
    );
    expect(explain({ validityDays: 30 }, daysLater(10))).toMatch(/^issues the root anew with the same key: valid from/);
    expect(explain({ validityDays: UNKNOWN }, daysLater(10))).toBeUndefined();
  });
});

function domains(...permittedDnsDomains: unknown[]): object {
  return { nameConstraints: { permittedDnsDomains } };
}
