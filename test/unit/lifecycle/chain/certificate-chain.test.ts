import { createPrivateKey, generateKeyPairSync, type webcrypto, X509Certificate } from "node:crypto";
import * as peculiar from "@peculiar/x509";
import { beforeAll, describe, expect, it, test } from "vitest";
import { certificateChain } from "../../../../provider/src/lifecycle/chain/certificate-chain";
import { findChainWarnings, type OrderedChain } from "../../../../provider/src/lifecycle/chain/warnings";
import { UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { DAY } from "../../../../provider/src/text/time";
import { readPemBlocks } from "../../../../provider/src/x509/asn1/pem";
import { readCertificate } from "../../../../provider/src/x509/certificate/certificate";
import { renderPkcs7 } from "../../../../provider/src/x509/containers/pkcs7";
import { checked, created, issuer, leafOf, refused, TODAY } from "../../../support/engine/lifecycle";

interface Pair {
  readonly pem: string;
  readonly keyPem: string;
  readonly key: webcrypto.CryptoKeyPair;
  readonly name: string;
}

let root: Pair;
let upper: Pair;
let lower: Pair;
let leaf: Pair;
let stranger: { certPem: string; privateKeyPem: string };
let encrypted: string;
const daysLater = (days: number) => new Date(TODAY.getTime() + days * DAY);

beforeAll(async () => {
  root = await issue("CN=Root");
  upper = await issue("CN=Upper", root);
  lower = await issue("CN=Lower", upper);
  leaf = await issue("CN=shop", lower, ["shop.test", "*.shop.test"]);
  stranger = await leafOf(await issuer());
  encrypted = createPrivateKey(leaf.keyPem)
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "hunter2" })
    .toString();
});

describe("a chain", () => {
  it("is found, ordered, and known before anything is made; root and duplicates are dropped", () => {
    const certPem = [root, lower, leaf, upper, lower].map(({ pem }) => pem).join("some words\n");
    const certificate = new X509Certificate(leaf.pem);
    expect(checked(certificateChain, { certPem, privateKeyPem: leaf.keyPem })).toEqual({
      certPem: certificate.toString(),
      issuerPem: [lower, upper].map(({ pem }) => new X509Certificate(pem).toString()).join(""),
      rootPem: new X509Certificate(root.pem).toString(),
      privateKeyPem: leaf.keyPem,
      names: ["shop.test", "*.shop.test"],
      fingerprintSha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
      serialNumber: certificate.serialNumber.toLowerCase(),
      validFrom: "2026-11-22T10:20:30Z",
      validTo: "2027-02-21T10:20:30Z",
    });
  });

  it("is the same from two texts, in any order of names, and accepted a second time as it is", () => {
    const hostnames = ["WWW.shop.test", "shop.test", "shop.test"];
    const args = { certPem: leaf.pem, issuerPem: upper.pem + lower.pem, hostnames };
    const once = checked(certificateChain, args);
    expect(once.hostnames).toEqual(["shop.test", "www.shop.test"]);
    const { names: _, fingerprintSha256: __, serialNumber: ___, validFrom: _a, validTo: _b, ...again } = once;
    expect(checked(certificateChain, again, TODAY, once)).toEqual(once);
    expect(checked(certificateChain, { ...args, hostnames: [...hostnames].reverse() })).toEqual(once);
  });

  it("is taken as it is: nothing is issued", async () => {
    const { inputs, state } = await created(certificateChain, { certPem: leaf.pem, issuerPem: lower.pem + upper.pem });
    expect(state).toEqual(inputs);
  });

  it("without intermediates and root says so", () => {
    const check = certificateChain.check({}, { certPem: stranger.certPem }, TODAY);
    expect(check.inputs).toMatchObject({ issuerPem: null, rootPem: null });
  });

  it("is the same whatever its certificates came in", () => {
    const expected = checked(certificateChain, { certPem: leaf.pem + lower.pem + upper.pem });
    const [leafDer, ...others] = [leaf, lower, upper].map(({ pem }) => new X509Certificate(pem));
    const pkcs7 = renderPkcs7(others.map(({ raw }) => readCertificate(raw)));
    const trusted = (pem: string) => pem.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE");
    for (const [certPem, issuerPem] of [
      [leafDer?.raw.toString("base64"), pkcs7],
      [`some words\r\n${leaf.pem.replaceAll("\n", "\r\n")}${pkcs7}`, undefined],
      [trusted(leaf.pem), trusted(lower.pem) + upper.pem],
      [`\uFEFF${leaf.pem}`, readPemBlocks(pkcs7, "x")[0]?.der.toString("base64")],
    ]) {
      expect(checked(certificateChain, { certPem, ...(issuerPem !== undefined && { issuerPem }) })).toEqual(expected);
    }
  });

  it("goes to the preferred root, which is refused when nothing leads there", () => {
    const args = { certPem: leaf.pem + lower.pem + upper.pem + root.pem };
    expect(checked(certificateChain, { ...args, preferredRoot: "root" })).toMatchObject({ preferredRoot: "root" });
    expect(refused(certificateChain, { ...args, preferredRoot: "Other" })).toEqual([
      expect.stringMatching(/^preferredRoot: .*"Other": .* lead to CN=Root\. Hint: /),
    ]);
  });

  it("leads to the roots that are given", () => {
    const args = { certPem: leaf.pem, issuerPem: lower.pem + upper.pem };
    expect(refused(certificateChain, { ...args, roots: root.pem })).toEqual([]);
    expect(refused(certificateChain, { ...args, roots: stranger.certPem })).toHaveLength(1);
    expect(refused(certificateChain, { ...args, roots: "system" })).toEqual([expect.stringContaining("CN=Root")]);
  });

  it("opens its key with the passphrase and keeps it as PKCS#8 without it", () => {
    const inputs = checked(certificateChain, { certPem: leaf.pem, privateKeyPem: encrypted, passphrase: "hunter2" });
    expect(inputs.privateKeyPem).toBe(leaf.keyPem);
    expect(inputs).not.toHaveProperty("passphrase");
  });

  it("once accepted blocks nothing when a member has expired, but must be valid at first", () => {
    const args = { certPem: leaf.pem, issuerPem: lower.pem + upper.pem };
    const olds = checked(certificateChain, args);
    expect(refused(certificateChain, args, daysLater(91))).toEqual([
      expect.stringMatching(/^certPem: .*shop.* expired at 2027-02-21/),
    ]);
    expect(checked(certificateChain, args, daysLater(91), olds)).toEqual(olds);
    const [warning] = warningsOf(args, daysLater(91));
    expect(warning).toMatchObject({ code: "CERTIFICATE_EXPIRED", severity: "warning" });
  });

  test.each(["certPem", "issuerPem", "roots"])("is unknown as a whole while %s is", (name) => {
    const args = { certPem: leaf.pem, issuerPem: lower.pem, roots: root.pem, [name]: UNKNOWN };
    expect(checked(certificateChain, args)).toMatchObject({ certPem: UNKNOWN, names: UNKNOWN, validTo: UNKNOWN });
  });

  test.each(["privateKeyPem", "passphrase", "hostnames"])("is judged while %s is unknown", (name) => {
    const args = { certPem: leaf.pem, issuerPem: lower.pem + upper.pem, privateKeyPem: leaf.keyPem, [name]: UNKNOWN };
    const inputs = checked(certificateChain, args);
    expect(inputs).toMatchObject({ names: ["shop.test", "*.shop.test"] });
    expect(inputs.privateKeyPem).toBe(name === "hostnames" ? leaf.keyPem : UNKNOWN);
    expect(refused(certificateChain, { ...args, issuerPem: "garbage" })).toHaveLength(1);
  });
});

describe("bad input gets one failure that begins with its property and names the certificate", () => {
  const cases: [string, () => object, RegExp][] = [
    ["no certificate", () => ({ certPem: undefined }), /^certPem: is missing.*Hint: give .* certPem, .* pkcs12/],
    ["an empty text", () => ({ certPem: "" }), /^certPem: is empty/],
    ["white space", () => ({ certPem: " \n" }), /^certPem: /],
    ["garbage", () => ({ certPem: "garbage" }), /^certPem: found text without a PEM block.*Hint: give/],
    ["a certificate cut short", () => ({ certPem: leaf.pem.slice(0, 300) }), /^certPem: PEM block 1 .* no END line/],
    ["a certificate with a lost line", () => ({ certPem: withoutLine(leaf.pem) }), /^certPem: PEM block 1 .* missing/],
    [
      "bytes that are none",
      () => ({ certPem: wrongBytes }),
      /^certPem: PEM block 1: the certificate: it can't be read/,
    ],
    ["a key among certificates", () => ({ certPem: leaf.pem + leaf.keyPem }), /^certPem: PEM block 2 is a private key/],
    ["10 MB of certificate", () => ({ certPem: "x".repeat(1e7) }), /^certPem: is longer than 1000000 characters/],
    ["garbage for intermediates", () => ({ issuerPem: "garbage" }), /^issuerPem: found text without a PEM block/],
    ["intermediates cut short", () => ({ issuerPem: lower.pem.slice(0, 300) }), /^issuerPem: PEM block 1 .* no END/],
    ["a number for intermediates", () => ({ issuerPem: 5 }), /^issuerPem: found a number, expected intermediates/],
    ["garbage for roots", () => ({ roots: "sytem" }), /^roots: found text without a PEM block/],
    ["roots cut short", () => ({ roots: root.pem.slice(0, 300) }), /^roots: PEM block 1 .* no END line/],
    ["no roots", () => ({ roots: "" }), /^roots: is empty/],
    [
      "a missing intermediate",
      () => ({ issuerPem: lower.pem, roots: root.pem }),
      /^certPem: .*CN=Lower was issued by CN=Upper, whose certificate is not here\. Hint: Append the intermediate/,
    ],
    [
      "a key of another",
      () => ({ privateKeyPem: stranger.privateKeyPem }),
      /^privateKeyPem: .*shop.* another public key/,
    ],
    ["garbage for a key", () => ({ privateKeyPem: "garbage" }), /^privateKeyPem: holds no private key/],
    ["a public key", () => ({ privateKeyPem: publicPem }), /^privateKeyPem: .*Hint: A public key can't stand for/],
    ["no passphrase", () => ({ privateKeyPem: encrypted }), /^privateKeyPem: is encrypted and no passphrase is given/],
    [
      "a wrong passphrase",
      () => ({ privateKeyPem: encrypted, passphrase: "hunter3" }),
      /^privateKeyPem: the passphrase is wrong/,
    ],
    [
      "a passphrase without key",
      () => ({ passphrase: "hunter2" }),
      /^passphrase: .* neither privateKeyPem nor pkcs12 is given/,
    ],
    [
      "a passphrase that is a number",
      () => ({ privateKeyPem: encrypted, passphrase: 12 }),
      /^passphrase: found a numb/,
    ],
    ["a name that is not covered", () => ({ hostnames: ["other.test"] }), /^hostnames: .*shop.* "other\.test".*Hint/],
    ["a name that is none", () => ({ hostnames: ["a_b.test"] }), /^hostnames\[0\]: "a_b\.test": .*underscore/],
    ["a renewal longer than the life", () => ({ minDaysRemaining: 91 }), /^minDaysRemaining: found 91 .* of 91 days/],
    ["a renewal beyond all dates", () => ({ minDaysRemaining: 1e300 }), /^minDaysRemaining: found 1e\+300 days/],
    ["an unknown property", () => ({ chainPem: "x" }), /^chainPem: there is no such property/],
  ];
  test.each(cases)("%s", (_, change, failure) => {
    const args = { certPem: leaf.pem, issuerPem: lower.pem + upper.pem, ...change() };
    const failures = refused(certificateChain, args);
    expect(failures).toEqual([expect.stringMatching(failure)]);
    expect(failures.join()).not.toContain("hunter");
    for (const key of [leaf.keyPem, encrypted, stranger.privateKeyPem]) {
      for (const line of key.split("\n").slice(1, -2)) expect(failures.join()).not.toContain(line.slice(0, 20));
    }
  });

  it("a member that is not valid yet", () => {
    expect(refused(certificateChain, { certPem: leaf.pem }, daysLater(-2))).toContainEqual(
      expect.stringMatching(/^certPem: .*shop.* not valid before/),
    );
  });
});

describe("warnings", () => {
  it("tell of a missing issuer while nothing is verified, and of what has no place", () => {
    const findings = warningsOf({ certPem: leaf.pem, issuerPem: upper.pem }, TODAY);
    expect(findings.map((finding) => finding.code)).toEqual(["CHAIN_INCOMPLETE", "CHAIN_INVALID"]);
    expect(findings[1]?.reason).toContain("CN=Upper");
    for (const issuerPem of [lower.pem + upper.pem, lower.pem + upper.pem + root.pem + leaf.pem]) {
      expect(warningsOf({ certPem: leaf.pem, issuerPem }, TODAY)).toEqual([]);
    }
  });

  it("are the same whatever the certificates came in", () => {
    const der = (pem: string) => new X509Certificate(pem).raw.toString("base64");
    const findings = warningsOf({ certPem: der(leaf.pem), issuerPem: der(upper.pem) }, TODAY);
    expect(findings.map((finding) => finding.code)).toEqual(["CHAIN_INCOMPLETE", "CHAIN_INVALID"]);
  });
});

/** As the class asks for them: by what was given and by what `check` made of it on the first day. */
function warningsOf(args: Readonly<Record<string, string>>, now: Date) {
  const { certPem, issuerPem, rootPem } = checked(certificateChain, args) as unknown as OrderedChain;
  return findChainWarnings(args, { certPem, issuerPem, rootPem }, args.roots !== undefined, now);
}

const wrongBytes = `-----BEGIN CERTIFICATE-----\n${Buffer.from("30030201ff", "hex").toString("base64")}\n-----END CERTIFICATE-----\n`;
const publicPem = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();

function withoutLine(pem: string): string {
  return pem
    .split("\n")
    .filter((_, index) => index !== 3)
    .join("\n");
}

/** A certificate made by another library: a CA, or a leaf where names are given. */
async function issue(name: string, by?: Pair, names: readonly string[] = []): Promise<Pair> {
  const key = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const isCa = names.length === 0;
  const certificate = await peculiar.X509CertificateGenerator.create({
    serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex"),
    subject: name,
    issuer: by?.name ?? name,
    notBefore: daysLater(-1),
    notAfter: daysLater(isCa ? 900 : 90),
    publicKey: key.publicKey,
    signingKey: (by?.key ?? key).privateKey,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [
      new peculiar.BasicConstraintsExtension(isCa, undefined, true),
      new peculiar.KeyUsagesExtension(
        isCa ? peculiar.KeyUsageFlags.keyCertSign : peculiar.KeyUsageFlags.digitalSignature,
        true,
      ),
      ...(isCa ? [] : [new peculiar.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })))]),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", key.privateKey));
  const keyPem = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({
    type: "pkcs8",
    format: "pem",
  });
  return { pem: `${certificate.toString("pem")}\n`, keyPem: keyPem.toString(), key, name };
}
