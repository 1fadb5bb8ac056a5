import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import * as peculiar from "@peculiar/x509";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TlsError } from "../../../../provider/src/errors";
import {
  describeCertificate,
  isIssuedBy,
  readCertificate,
} from "../../../../provider/src/x509/certificate/certificate";

const roots = rootCertificates.map((pem) => new X509Certificate(pem));
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dates = { notBefore: new Date("2026-01-01"), notAfter: new Date("2026-04-01") };

/** A self-signed certificate by another library. */
async function foreign(extensions: peculiar.Extension[], name = "CN=Foreign"): Promise<Buffer> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const generated = await peculiar.X509CertificateGenerator.createSelfSigned({ keys, name, extensions, ...dates });
  return Buffer.from(generated.rawData);
}

const dns = (...values: string[]) =>
  new peculiar.SubjectAlternativeNameExtension(values.map((value) => ({ type: "dns" as const, value })));

describe("a root of Mozilla", () => {
  it.each(roots.map((root) => [root.subject.split("\n").at(-1) ?? "", root] as const))(
    "%s is read as Node and another library read it",
    (_, root) => {
      const certificate = readCertificate(root.raw);
      const other = new peculiar.X509Certificate(root.raw);
      const words = peculiar.KeyUsageFlags;
      const usages = other.getExtension(peculiar.KeyUsagesExtension)?.usages;
      const basic = other.getExtension(peculiar.BasicConstraintsExtension);
      expect({
        serialNumber: certificate.serialNumber,
        validFrom: certificate.validFrom,
        validTo: certificate.validTo,
        fingerprint: certificate.fingerprintSha256,
        isCa: certificate.isCa,
        pathLength: certificate.pathLength,
        subjectKeyId: certificate.subjectKeyId,
        authorityKeyId: certificate.authorityKeyId,
        keyUsage: certificate.keyUsage?.reduce((bits, word) => bits | words[word as keyof typeof words], 0),
      }).toEqual({
        serialNumber: root.serialNumber.toLowerCase(),
        validFrom: other.notBefore,
        validTo: other.notAfter,
        fingerprint: root.fingerprint256.replaceAll(":", "").toLowerCase(),
        isCa: basic?.ca ?? false,
        pathLength: basic?.pathLength,
        subjectKeyId: other.getExtension(peculiar.SubjectKeyIdentifierExtension)?.keyId,
        authorityKeyId: other.getExtension(peculiar.AuthorityKeyIdentifierExtension)?.keyId,
        keyUsage: usages,
      });
      expect(certificate.isSelfIssued).toBe(true);
      expect(isIssuedBy(certificate, certificate)).toBe(true);
      expect(new X509Certificate(certificate.pem).raw.equals(root.raw)).toBe(true);
      expect(certificate.pem).toMatch(
        /^-----BEGIN CERTIFICATE-----\n([\w+/]{64}\n)*[\w+/=]{1,64}\n-----END CERTIFICATE-----\n$/,
      );
    },
  );

  it("issued no other one", () => {
    const [first, ...others] = roots.map((root) => readCertificate(root.raw));
    if (first === undefined) throw new Error("Node has no roots");
    for (const other of others) expect(isIssuedBy(other, first)).toBe(false);
  });
});

describe("a foreign certificate", () => {
  it("keeps names that we would refuse, and has the others canonical", async () => {
    const names = new peculiar.SubjectAlternativeNameExtension([
      { type: "dns", value: "WWW.Example.com" },
      { type: "dns", value: "A_b.example.com" },
      { type: "dns", value: "10.0.0.1" },
      { type: "ip", value: "2001:db8:0:0::1" },
      { type: "email", value: "Ops@Example.COM" },
      { type: "url", value: "https://Example.com/" },
      { type: "id", value: "1.2.3" },
    ]);
    expect(readCertificate(await foreign([names])).identifiers).toEqual([
      { type: "dns", value: "www.example.com" },
      { type: "dns", value: "a_b.example.com" },
      { type: "dns", value: "10.0.0.1" },
      { type: "ip", value: "2001:db8::1" },
      { type: "email", value: "Ops@example.com" },
      { type: "uri", value: "https://Example.com/" },
    ]);
  });

  it("shows purposes as words, and critical extensions that nobody here judges", async () => {
    const certificate = readCertificate(
      await foreign([
        new peculiar.ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.1", "1.2.3.4"]),
        new peculiar.Extension("1.2.3.4.5", true, new Uint8Array([5, 0])),
        new peculiar.Extension("1.2.3.4.6", false, new Uint8Array([5, 0])),
      ]),
    );
    expect(certificate.extendedKeyUsage).toEqual(["serverAuth", "1.2.3.4"]);
    expect(certificate.unknownCriticalExtensions).toEqual(["1.2.3.4.5"]);
  });

  it("shows name constraints, also of kinds that are not judged", async () => {
    // openssl req with nameConstraints=permitted;DNS:.Example.com,permitted;email:example.com,excluded;IP:10.0.0.0/255.0.0.0
    const encoded = Buffer.from(
      "302fa01f300e820c2e4578616d706c652e636f6d300d810b6578616d706c652e636f6da10c300a87080a000000ff000000",
      "hex",
    );
    expect(
      readCertificate(await foreign([new peculiar.Extension("2.5.29.30", true, encoded)])).nameConstraints,
    ).toEqual({
      permittedDnsDomains: [".example.com"],
      excludedIpRanges: ["10.0.0.0/8"],
      unjudged: ["e-mail addresses"],
    });
  });

  it("is named by its subject, else its names, else its number", async () => {
    const described = async (extensions: peculiar.Extension[], name: string) =>
      describeCertificate(readCertificate(await foreign(extensions, name)));
    expect(await described([], "CN=Foreign")).toBe("CN=Foreign");
    expect(await described([dns("a.example", "b.example", "c.example")], "")).toBe(
      "the certificate for a.example and 2 more",
    );
    expect(await described([], "")).toMatch(/^the certificate with serial number [0-9a-f]+$/);
  });

  it("of the same name but another key issued nothing", async () => {
    const [one, other] = [readCertificate(await foreign([])), readCertificate(await foreign([]))];
    expect(one.subject).toBe(other.subject);
    expect(isIssuedBy(one, one)).toBe(true);
    expect(isIssuedBy(one, other)).toBe(false);
  });
});

describe("what is no certificate is refused", () => {
  const { publicKey } = generateKeyPairSync("ed25519");
  it.each([
    ["nothing", Buffer.alloc(0)],
    ["text", Buffer.from("certificate")],
    ["a public key", publicKey.export({ type: "spki", format: "der" })],
    ["two certificates", Buffer.concat([roots[0]?.raw ?? Buffer.alloc(0), roots[1]?.raw ?? Buffer.alloc(0)])],
    ["a certificate cut short", roots[0]?.raw.subarray(0, 300) ?? Buffer.alloc(0)],
    ["10 MB of zeros", Buffer.alloc(10_000_000)],
  ])("%s", (_, encoded) => {
    expect(() => readCertificate(encoded)).toThrow(/^CERTIFICATE_INVALID: the certificate: .* Hint: /);
  });

  it("and one that is damaged anywhere is read or refused, with no other error", async () => {
    const whole = await foreign([
      dns("a.example.com"),
      new peculiar.BasicConstraintsExtension(true, 3, true),
      new peculiar.KeyUsagesExtension(peculiar.KeyUsageFlags.keyCertSign, true),
      new peculiar.ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.1"]),
    ]);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, octet) => {
        const damaged = Buffer.from(whole);
        damaged[at] = octet;
        try {
          expect(readCertificate(damaged).der).toBe(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(TlsError);
          expect((error as TlsError).code).toBe("CERTIFICATE_INVALID");
        }
      }),
      { numRuns: 2000 },
    );
  });
});
