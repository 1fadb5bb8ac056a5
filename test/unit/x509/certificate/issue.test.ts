import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  X509Certificate,
} from "node:crypto";
import * as peculiar from "@peculiar/x509";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isIssuedBy, readCertificate } from "../../../../provider/src/x509/certificate/certificate";
import {
  issueCaCertificate,
  issueLeafCertificate,
  type LeafCertificateRequest,
} from "../../../../provider/src/x509/certificate/issue";
import { parseIdentifier } from "../../../../provider/src/x509/names/identifier";

const caKey = generateKeyPairSync("ec", { namedCurve: "P-256" });
const leafKey = generateKeyPairSync("ec", { namedCurve: "P-256" });
const dates = { validFrom: new Date("2026-01-01T00:00:00Z"), validTo: new Date("2026-03-31T23:59:59Z") };
const ca = issueCaCertificate({
  subject: { commonName: "Example Root", organization: "Exämple" },
  privateKey: caKey.privateKey,
  serialNumber: randomBytes(16),
  ...dates,
});

/** A leaf of that CA, with what a test asks for in place of the usual. */
function issueLeaf(request: Partial<LeafCertificateRequest> = {}) {
  return issueLeafCertificate({
    ca,
    caPrivateKey: caKey.privateKey,
    publicKey: leafKey.publicKey,
    identifiers: [parseIdentifier("a.example.com")],
    usage: "server",
    serialNumber: randomBytes(16),
    ...dates,
    ...request,
  });
}

describe("a root", () => {
  it("is what RFC 5280 asks of a CA, in the eyes of another library", () => {
    const root = new peculiar.X509Certificate(ca.der);
    const basic = root.getExtension(peculiar.BasicConstraintsExtension);
    const usage = root.getExtension(peculiar.KeyUsagesExtension);
    expect(basic).toMatchObject({ ca: true, pathLength: 0, critical: true });
    expect(usage).toMatchObject({
      usages: peculiar.KeyUsageFlags.keyCertSign | peculiar.KeyUsageFlags.cRLSign,
      critical: true,
    });
    expect(root.subjectName.toJSON()).toEqual([{ O: ["Exämple"] }, { CN: ["Example Root"] }]);
    expect(root.issuer).toBe(root.subject);
    expect(root.notBefore).toEqual(dates.validFrom);
    expect(root.notAfter).toEqual(dates.validTo);
  });

  it("has the SHA-1 of its key's bits as identifier", () => {
    // an uncompressed P-256 point is the last 65 octets of its SubjectPublicKeyInfo
    const point = caKey.publicKey.export({ type: "spki", format: "der" }).subarray(-65);
    expect(ca.subjectKeyId).toBe(createHash("sha1").update(point).digest("hex"));
  });

  it("signed itself", () => {
    expect(isIssuedBy(ca, ca)).toBe(true);
    expect(ca.isSelfIssued).toBe(true);
  });

  it("needs a subject", () => {
    const request = { privateKey: caKey.privateKey, serialNumber: randomBytes(16), ...dates };
    expect(() => issueCaCertificate({ ...request, subject: {} })).toThrow(
      /^NAME_INVALID: the subject of a CA is empty/,
    );
  });

  it("can't be made with a key that signs no certificates", () => {
    const { privateKey } = generateKeyPairSync("x25519");
    const request = { subject: { commonName: "x" }, serialNumber: randomBytes(16), ...dates };
    expect(() => issueCaCertificate({ ...request, privateKey })).toThrow(/^KEY_INVALID: a key of type x25519/);
  });
});

describe("a leaf", () => {
  it("carries names, purposes and key identifiers, in the eyes of another library", () => {
    const names = [
      "a.example.com",
      "*.bücher.example",
      "10.0.0.1",
      "2001:db8::1",
      "a@example.com",
      "spiffe://x.example/y",
    ];
    const leaf = issueLeaf({ identifiers: names.map(parseIdentifier) });
    const other = new peculiar.X509Certificate(leaf.der);
    const alternative = other.getExtension(peculiar.SubjectAlternativeNameExtension);
    expect(alternative?.critical).toBe(true);
    expect(alternative?.names.toJSON()).toEqual([
      { type: "dns", value: "a.example.com" },
      { type: "dns", value: "*.xn--bcher-kva.example" },
      { type: "ip", value: "10.0.0.1" },
      { type: "ip", value: "2001:db8::1" },
      { type: "email", value: "a@example.com" },
      { type: "url", value: "spiffe://x.example/y" },
    ]);
    expect(leaf.identifiers).toEqual(names.map(parseIdentifier));
    expect(other.getExtension(peculiar.ExtendedKeyUsageExtension)?.usages).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(other.getExtension(peculiar.KeyUsagesExtension)).toMatchObject({ usages: 1, critical: true });
    expect(other.getExtension(peculiar.AuthorityKeyIdentifierExtension)?.keyId).toBe(ca.subjectKeyId);
    expect(other.getExtension(peculiar.BasicConstraintsExtension)?.ca ?? false).toBe(false);
    expect(other.subject).toBe("");
  });

  it("for a client says so", () => {
    expect(issueLeaf({ usage: "client" }).extendedKeyUsage).toEqual(["clientAuth"]);
  });

  it("with a subject has names that are not critical", () => {
    const leaf = issueLeaf({ subject: { commonName: "Gateway" } });
    const other = new peculiar.X509Certificate(leaf.der);
    expect(leaf.subject).toBe("CN=Gateway");
    expect(other.getExtension(peculiar.SubjectAlternativeNameExtension)?.critical).toBe(false);
  });

  it("with an RSA key may be used for key encipherment too", () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    expect(issueLeaf({ publicKey }).keyUsage).toEqual(["digitalSignature", "keyEncipherment"]);
  });

  it("is signed with a hash as strong as the CA's key", () => {
    const signatureOf = (namedCurve: string) => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve });
      const request = { subject: { commonName: "x" }, privateKey, serialNumber: randomBytes(16), ...dates };
      const issuer = issueCaCertificate(request);
      const leaf = issueLeaf({ ca: issuer, caPrivateKey: privateKey });
      return new peculiar.X509Certificate(leaf.der).signatureAlgorithm.hash.name;
    };
    expect(["P-256", "P-384", "P-521"].map(signatureOf)).toEqual(["SHA-256", "SHA-384", "SHA-512"]);
  });

  it("of a foreign CA has that CA's subject to the octet, and its key identifier", async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const generated = await peculiar.X509CertificateGenerator.createSelfSigned({
      keys,
      // a BMPString and a key identifier that is no hash of the key
      name: new peculiar.Name([{ "2.5.4.3": [{ bmpString: "Ünïcode CA" }] }, { DC: [{ ia5String: "example" }] }]),
      extensions: [
        new peculiar.BasicConstraintsExtension(true, undefined, true),
        new peculiar.Extension("2.5.29.14", false, Buffer.from("0404cafebabe", "hex")),
      ],
      notBefore: dates.validFrom,
      notAfter: dates.validTo,
    });
    const foreignCa = readCertificate(Buffer.from(generated.rawData));
    const { KeyObject } = await import("node:crypto");
    const leaf = issueLeaf({ ca: foreignCa, caPrivateKey: KeyObject.from(keys.privateKey) });
    expect(leaf.issuerDer.equals(foreignCa.subjectDer)).toBe(true);
    expect(generated.rawData.byteLength).toBeGreaterThan(0);
    expect(foreignCa.der.includes(leaf.issuerDer)).toBe(true);
    expect(leaf.authorityKeyId).toBe("cafebabe");
    expect(isIssuedBy(leaf, foreignCa)).toBe(true);
  });

  it("is refused when the key is not the CA's", () => {
    const reason = /^KEY_MISMATCH: the private key given for the CA CN=Example Root, O=Exämple is not its key/;
    expect(() => issueLeaf({ caPrivateKey: leafKey.privateKey })).toThrow(reason);
    const { privateKey } = generateKeyPairSync("ed25519");
    expect(() => issueLeaf({ caPrivateKey: privateKey })).toThrow(reason);
  });

  it("is refused when the CA's key is damaged but its public half still matches", () => {
    const sec1 = caKey.privateKey.export({ type: "sec1", format: "der" });
    // SEQUENCE { INTEGER 1, OCTET STRING of 32 octets, …: the scalar starts at octet 7
    sec1.writeUInt8(sec1.readUInt8(20) ^ 1, 20);
    const damaged = createPrivateKey({ key: sec1, format: "der", type: "sec1" });
    expect(createPublicKey(damaged).equals(caKey.publicKey)).toBe(true);
    expect(() => issueLeaf({ caPrivateKey: damaged })).toThrow(/^KEY_MISMATCH: /);
  });

  it("is refused for a name that the CA's constraints forbid", () => {
    const constrained = issueCaCertificate({
      subject: { commonName: "Constrained" },
      privateKey: caKey.privateKey,
      serialNumber: randomBytes(16),
      nameConstraints: { permittedDnsDomains: ["example.com"] },
      ...dates,
    });
    expect(constrained.nameConstraints).toEqual({ permittedDnsDomains: ["example.com"] });
    expect(issueLeaf({ ca: constrained }).identifiers).toHaveLength(1);
    expect(() => issueLeaf({ ca: constrained, identifiers: [parseIdentifier("a.example.org")] })).toThrow(
      /^NAME_CONSTRAINED: the CA CN=Constrained may not issue for a.example.org: it is outside the permitted domains/,
    );
  });

  it("without a name is a mistake of the caller", () => {
    expect(() => issueLeaf({ identifiers: [] })).toThrow(TypeError);
  });
});

describe("serial number and dates", () => {
  it("are kept as given, whatever the number", () => {
    const octets = fc.uint8Array({ minLength: 1, maxLength: 16 }).filter((array) => array.some((octet) => octet !== 0));
    fc.assert(
      fc.property(octets, (serialNumber) => {
        const { x509 } = issueLeaf({ serialNumber: Buffer.from(serialNumber) });
        expect(BigInt(`0x${x509.serialNumber}`)).toBe(BigInt(`0x${Buffer.from(serialNumber).toString("hex")}`));
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    "1949-12-31T23:59:59Z",
    "1950-01-01T00:00:00Z",
    "2049-12-31T23:59:59Z",
    "2050-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
  ])("a certificate that ends on %s is read so by OpenSSL", (text) => {
    const leaf = issueLeaf({ validFrom: new Date("1900-01-01T00:00:00Z"), validTo: new Date(text) });
    expect(new Date(new X509Certificate(leaf.pem).validTo)).toEqual(new Date(text));
    expect(leaf.validTo).toEqual(new Date(text));
  });

  it.each<[string, Partial<LeafCertificateRequest>]>([
    ["an invalid date", { validTo: new Date(Number.NaN) }],
    ["a year of five digits", { validTo: new Date("+010000-01-01T00:00:00Z") }],
    ["an end before the start", { validTo: new Date("2025-01-01") }],
    ["serial number zero", { serialNumber: Buffer.alloc(16) }],
    ["no serial number", { serialNumber: Buffer.alloc(0) }],
    ["a serial number of 21 octets", { serialNumber: Buffer.alloc(21, 1) }],
    ["one of 20 octets that needs a sign octet", { serialNumber: Buffer.alloc(20, 0xff) }],
  ])("%s is a mistake of the caller", (_, request) => {
    expect(() => issueLeaf(request)).toThrow(TypeError);
  });
});
