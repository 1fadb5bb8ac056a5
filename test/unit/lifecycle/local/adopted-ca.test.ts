import { createPrivateKey, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it, test } from "vitest";
import { UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { selfSignedCa } from "../../../../provider/src/lifecycle/local/self-signed-ca";
import { DAY } from "../../../../provider/src/text/time";
import { checked, created, issuer, leafOf, refused, TODAY } from "../../../support/engine/lifecycle";

let root: { certPem: string; privateKeyPem: string };
let other: { certPem: string; privateKeyPem: string };
let leaf: { certPem: string; privateKeyPem: string };
const yearsLater = (years: number) => new Date(TODAY.getTime() + years * 365 * DAY);

beforeAll(async () => {
  const issuers = [await issuer(), await issuer()] as const;
  [root, other] = issuers.map(({ caCertPem, caPrivateKeyPem }) => ({
    certPem: caCertPem,
    privateKeyPem: caPrivateKeyPem,
  })) as [typeof root, typeof other];
  leaf = await leafOf(issuers[0]);
});

describe("a CA that exists already", () => {
  it("is known before anything is made: certificate, dates, fingerprint", () => {
    const certificate = new X509Certificate(root.certPem);
    expect(checked(selfSignedCa, { name: "adopted", ...root })).toEqual({
      certPem: certificate.toString(),
      privateKeyPem: root.privateKeyPem,
      subjectKeyId: expect.stringMatching(/^[0-9a-f]{40}$/),
      fingerprintSha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
      serialNumber: certificate.serialNumber.toLowerCase(),
      validFrom: "2026-11-23T00:00:00Z",
      validTo: "2036-11-19T23:59:59Z",
    });
  });

  it("is taken as it is: nothing is issued, and its result is accepted a second time", async () => {
    const held = await created(selfSignedCa, root);
    expect(held.state).toEqual(held.inputs);
    const { certPem, privateKeyPem } = held.inputs;
    expect(checked(selfSignedCa, { certPem, privateKeyPem }, TODAY, held.inputs)).toEqual(held.inputs);
    expect(selfSignedCa.explain?.(undefined, held.inputs, TODAY)).toBeUndefined();
  });

  it("opens with its passphrase, and is kept as PKCS#8 without it", () => {
    const key = createPrivateKey(root.privateKeyPem);
    const encrypted = key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "hunter2" });
    const args = { certPem: root.certPem, privateKeyPem: encrypted.toString() };
    expect(checked(selfSignedCa, { ...args, passphrase: "hunter2" }).privateKeyPem).toBe(root.privateKeyPem);
    for (const passphrase of ["hunter3", "", undefined]) {
      const failures = refused(selfSignedCa, { ...args, passphrase });
      expect(failures).toEqual([expect.stringMatching(/^privateKeyPem: .*passphrase.*Hint: /)]);
      expect(failures.join()).not.toContain("hunter");
    }
  });

  it("must be valid when it is adopted, and blocks nothing when it has expired since", () => {
    const inputs = checked(selfSignedCa, root);
    expect(refused(selfSignedCa, root, yearsLater(11))).toEqual([
      expect.stringMatching(/^certPem: .*CN=Example Root.* expired on 2036-11-19T23:59:59Z\. Hint: /),
    ]);
    expect(refused(selfSignedCa, root, yearsLater(-1))).toEqual([
      expect.stringMatching(/^certPem: .*CN=Example Root.* is not valid before 2026-11-23/),
    ]);
    expect(checked(selfSignedCa, root, yearsLater(11), inputs)).toEqual(inputs);
  });

  it("is unknown where its files are", () => {
    const facts = { certPem: UNKNOWN, validTo: UNKNOWN, fingerprintSha256: UNKNOWN, subjectKeyId: UNKNOWN };
    expect(checked(selfSignedCa, { ...root, certPem: UNKNOWN })).toMatchObject(facts);
    expect(checked(selfSignedCa, { ...root, privateKeyPem: UNKNOWN })).toMatchObject({ privateKeyPem: UNKNOWN });
  });

  it("replaces one of another key, and one that was issued here", async () => {
    const issued = await created(selfSignedCa, { name: "issued" });
    const adopted = checked(selfSignedCa, root);
    expect(selfSignedCa.replaces?.(adopted, adopted)).toEqual([]);
    expect(selfSignedCa.replaces?.(adopted, checked(selfSignedCa, other))).toEqual(["certPem"]);
    expect(selfSignedCa.replaces?.(issued.state, adopted)).toEqual(["certPem"]);
    expect(selfSignedCa.replaces?.(adopted, issued.inputs)).toEqual(["certPem"]);
  });
});

describe("bad input gets one failure that begins with its property", () => {
  const cases: [string, () => object, RegExp][] = [
    [
      "only a certificate",
      () => ({ privateKeyPem: undefined }),
      /^privateKeyPem: is missing: a CA is adopted with both/,
    ],
    ["only a key", () => ({ certPem: undefined }), /^certPem: is missing: a CA is adopted with both/],
    ["a subject beside it", () => ({ subject: { commonName: "x" } }), /^subject: is given beside certPem/],
    ["a life beside it", () => ({ validityDays: 30 }), /^validityDays: is given beside certPem/],
    ["constraints beside it", () => ({ nameConstraints: {} }), /^nameConstraints: is given beside certPem/],
    ["the key of another", () => ({ privateKeyPem: other.privateKeyPem }), /^privateKeyPem: .*CN=Example Root/],
    ["a leaf", () => leaf, /^certPem: the certificate for a\.test is not a CA certificate/],
    ["two certificates", () => ({ certPem: root.certPem + other.certPem }), /^certPem: expected one .* found 2/],
    ["no certificate", () => ({ certPem: "garbage" }), /^certPem: expected one CA certificate, found 0/],
    ["half a certificate", () => ({ certPem: root.certPem.slice(0, 300) }), /^certPem: PEM block 1 .* no END line/],
    ["a key for a certificate", () => ({ certPem: root.privateKeyPem }), /^certPem: PEM block 1 is a private key/],
    ["a certificate for a key", () => ({ privateKeyPem: root.certPem }), /^privateKeyPem: holds no private key/],
    ["garbage for a key", () => ({ privateKeyPem: "garbage" }), /^privateKeyPem: holds no private key but no PEM/],
    ["a damaged key", () => ({ privateKeyPem: damaged(root.privateKeyPem) }), /^privateKeyPem: /],
    ["10 MB for a certificate", () => ({ certPem: "x".repeat(1e7) }), /^certPem: is longer than 1000000 characters/],
    [
      "a renewal longer than its life",
      () => ({ minDaysRemaining: 4000 }),
      /^minDaysRemaining: found 4000 .* 3650 days/,
    ],
    ["a renewal beyond all dates", () => ({ minDaysRemaining: 1e300 }), /^minDaysRemaining: found 1e\+300 days/],
  ];
  test.each(cases)("%s", (_, change, failure) => {
    const failures = refused(selfSignedCa, { name: "adopted", ...root, ...change() });
    expect(failures).toEqual([expect.stringMatching(failure)]);
    for (const line of root.privateKeyPem.split("\n").slice(1, -2))
      expect(failures.join()).not.toContain(line.slice(0, 20));
  });
});

function damaged(pem: string): string {
  const middle = Math.floor(pem.length / 2);
  return `${pem.slice(0, middle)}AAAA${pem.slice(middle + 4)}`;
}
