import { createPrivateKey, randomBytes } from "node:crypto";
import { rootCertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";
import { renderPem } from "../../../../provider/src/x509/asn1/pem";
import { type ChainInput, readCertificates, readChain } from "../../../../provider/src/x509/chain/chain";
import { withinCpuTime } from "../../../support/cpu-time";
import { caExtensions, day, type IssuedPair, leafExtensions, OpensslPki } from "../../../support/x509/openssl-pki";

const pki = new OpensslPki();
afterAll(() => pki.remove());

const now = new Date();
const later = (days: number) => new Date(now.getTime() + days * day);

let root: IssuedPair;
let middle: IssuedPair;
let lower: IssuedPair;
let leaf: IssuedPair;
let other: IssuedPair;

beforeAll(() => {
  root = pki.issue("Root", { extensions: caExtensions() });
  middle = pki.issue("Middle", { issuer: root, extensions: caExtensions(), to: later(50) });
  lower = pki.issue("Lower", { issuer: middle, extensions: caExtensions(0) });
  leaf = pki.issue("Leaf", {
    issuer: lower,
    extensions: leafExtensions("DNS:*.example.com,DNS:example.com,IP:10.0.0.1"),
  });
  other = pki.issue("Other", { issuer: root, extensions: leafExtensions("DNS:other.example.com") });
});

const rsa = (bits: number) => `-algorithm RSA -pkeyopt rsa_keygen_bits:${bits}`;
const key = (pair: IssuedPair) => createPrivateKey(pair.keyPem);
const join = (...pairs: readonly IssuedPair[]) => pairs.map((pair) => pair.pem).join("");
const read = (certificates: string | readonly string[], rest: Partial<ChainInput> = {}) =>
  readChain({ certificates, now, ...rest });
const trust = (...pairs: readonly IssuedPair[]) => ({ roots: readCertificates(join(...pairs), "roots") });
/** The chain as a server sends it. */
const sent = (chain: ReturnType<typeof read>) => [chain.leaf, ...chain.intermediates].map((one) => one.pem).join("");

function failure(certificates: string | readonly string[], rest: Partial<ChainInput> = {}): TlsError {
  try {
    read(certificates, rest);
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("was read without a failure");
}

describe("readChain", () => {
  it("orders certificates that stand in any order, in any number of texts", () => {
    const orders = [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
      [2, 0, 3, 1],
    ];
    for (const order of orders) {
      const pairs = order.map((at) => [leaf, lower, middle, root][at] ?? leaf);
      for (const certificates of [join(...pairs), pairs.map((pair) => pair.pem)]) {
        const chain = read(certificates, { privateKey: key(leaf), ...trust(root) });
        expect(sent(chain)).toBe(join(leaf, lower, middle));
        expect(chain.root?.pem).toBe(root.pem);
        expect(chain.findings).toEqual([]);
      }
    }
  });

  it("drops the root and other roots without a word, duplicates with a note, and finds the leaf without its key", () => {
    const stranger = pki.issue("Stranger", { extensions: caExtensions() });
    const chain = read(join(root, lower, lower, middle, stranger, leaf, lower));
    expect(sent(chain)).toBe(join(leaf, lower, middle));
    expect(chain.findings).toMatchObject([
      { severity: "note", subject: "CN=Lower", reason: "CN=Lower is given 3 times and sent once" },
    ]);
  });

  it("leaves out what has no place in the chain, with a warning", () => {
    const chain = read(join(other, root, leaf, lower, middle), { privateKey: key(leaf) });
    expect(sent(chain)).toBe(join(leaf, lower, middle));
    expect(chain.findings).toMatchObject([
      { severity: "warning", property: "certPem", subject: "CN=Other", reason: expect.stringContaining("is left out") },
    ]);
  });

  it("gives the names of the leaf", () => {
    expect(read(leaf.pem).identifiers.map((name) => name.value)).toEqual(["*.example.com", "example.com", "10.0.0.1"]);
  });

  it("reads a self-signed certificate as a chain of one", () => {
    const alone = pki.issue("Alone", { extensions: leafExtensions("DNS:alone.example") });
    expect(read(alone.pem, { privateKey: key(alone) })).toMatchObject({ intermediates: [], findings: [] });
    expect(read(alone.pem, trust(alone)).findings).toEqual([]);
    expect(read(alone.pem, trust(root)).findings).toMatchObject([
      { severity: "error", property: "roots", reason: expect.stringContaining("signed itself") },
    ]);
  });

  it("names two certificates that may both be the leaf", () => {
    const error = failure(join(leaf, other, lower, middle));
    expect(error.code).toBe("CHAIN_INVALID");
    expect(error.message).toMatch(/2 certificates issued no other.*CN=Leaf.*CN=Other/);
  });

  it("names two certificates that belong to the same key", () => {
    const renewed = pki.issue("Leaf", { issuer: lower, keyOf: leaf, extensions: leafExtensions("DNS:example.com") });
    const error = failure(join(leaf, renewed, lower), { privateKey: key(leaf) });
    expect(error.message).toMatch(/2 certificates belong to the private key: CN=Leaf.*; CN=Leaf/);
  });

  it("says that the leaf is missing where only CA certificates are given, also with a key of another", () => {
    for (const rest of [trust(root), { privateKey: key(leaf) }]) {
      const error = failure(join(middle, lower), rest);
      expect(error.code).toBe("CHAIN_INCOMPLETE");
      expect(error.reason).toContain("the server's own certificate is missing");
      expect(error.reason).toContain("CN=Lower");
    }
  });

  it("warns without roots only when no intermediate stands beside the leaf", () => {
    expect(read(leaf.pem).findings).toMatchObject([
      {
        severity: "warning",
        code: "CHAIN_INCOMPLETE",
        reason: "CN=Leaf was issued by CN=Lower, whose certificate is not here",
      },
    ]);
    expect(read(join(leaf, lower)).findings).toEqual([]);
    expect(read(join(leaf, lower), trust(root)).findings).toMatchObject([
      {
        severity: "error",
        code: "CHAIN_INCOMPLETE",
        subject: "CN=Lower",
        reason: expect.stringContaining("CN=Middle"),
      },
    ]);
  });

  it("refuses a key that does not match, naming the certificate and the kind of the key", () => {
    expect(read(join(leaf, lower), { privateKey: key(other) }).findings).toMatchObject([
      {
        severity: "error",
        code: "KEY_MISMATCH",
        property: "privateKeyPem",
        subject: "CN=Leaf",
        reason: expect.stringContaining("P256"),
      },
    ]);
  });

  it("refuses host names that the leaf does not cover, naming them and what it covers", () => {
    const good = ["www.example.com", "example.com", "10.0.0.1", "WWW.EXAMPLE.COM", "*.example.com"];
    expect(read(join(leaf, lower), { hostnames: good }).findings).toEqual([]);
    const [finding, ...rest] = read(join(leaf, lower), {
      hostnames: [...good, "a.b.example.com", "10.0.0.2"],
    }).findings;
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ severity: "error", code: "HOSTNAME_UNCOVERED", property: "hostnames" });
    expect(finding?.reason).toBe(
      'CN=Leaf does not cover "a.b.example.com", "10.0.0.2", it is for *.example.com, example.com, 10.0.0.1',
    );
  });

  it("warns about a certificate with a common name only", () => {
    const extensions = ["basicConstraints=critical,CA:FALSE"];
    const bare = pki.issue("bare.example.com", { issuer: lower, extensions });
    expect(read(join(bare, lower)).findings).toMatchObject([{ severity: "warning", code: "HOSTNAME_UNCOVERED" }]);
    expect(read(join(bare, lower), { hostnames: ["bare.example.com"] }).findings).toMatchObject([
      { severity: "error", reason: expect.stringContaining("it is for no host name at all") },
    ]);
  });

  it("takes an expiry for a warning once the same leaf was accepted, and only then", () => {
    const texts = join(leaf, lower, middle);
    const accepted = (at: Date, acceptedLeaf?: string) =>
      read(texts, { now: at, ...(acceptedLeaf === undefined ? {} : { acceptedLeaf }) }).findings.map(
        ({ severity, code, subject }) => `${severity} ${code} ${subject}`,
      );
    expect(accepted(later(51))).toEqual(["error CERTIFICATE_EXPIRED CN=Middle"]);
    expect(accepted(later(51), leaf.pem)).toEqual(["warning CERTIFICATE_EXPIRED CN=Middle"]);
    expect(accepted(later(51), other.pem)).toEqual(["error CERTIFICATE_EXPIRED CN=Middle"]);
    expect(accepted(later(101), leaf.pem)).toEqual(
      ["Leaf", "Lower", "Middle"].map((name) => `warning CERTIFICATE_EXPIRED CN=${name}`),
    );
  });

  it("names the date and the certificate of an expiry", () => {
    const [finding] = read(join(leaf, lower, middle), { now: later(51) }).findings;
    expect(finding?.reason).toMatch(/^CN=Middle expired at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, it is \d{4}-/);
    expect(finding?.hint).toContain("intermediate");
  });

  it("finds the trusted way where OpenSSL gives up at an untrusted twin, whichever stands first", () => {
    const untrusted = pki.issue("Untrusted", { extensions: caExtensions() });
    const crossed = pki.issue("Crossed", { issuer: untrusted, extensions: caExtensions() });
    const good = pki.issue("Crossed", { issuer: root, keyOf: crossed, extensions: caExtensions() });
    const end = pki.issue("End", { issuer: crossed, extensions: leafExtensions("DNS:end.example") });
    for (const pairs of [
      [crossed, good],
      [good, crossed],
    ]) {
      const chain = read(join(end, ...pairs), trust(root));
      expect(sent(chain)).toBe(join(end, good));
      expect(chain.findings.map((finding) => finding.severity)).toEqual(["warning"]);
    }
  });

  it("still sends an intermediate that is among the trusted roots too", () => {
    for (const roots of [trust(root, middle), trust(root, lower), trust(lower), trust(middle)]) {
      const chain = read(join(leaf, lower, middle), roots);
      expect(sent(chain)).toBe(join(leaf, lower, middle));
      expect(chain.findings).toEqual([]);
    }
    expect(read(join(leaf, lower), trust(middle)).root?.pem).toBe(middle.pem);
  });

  it("prefers a way without a fault to a shorter or longer-lived one with a fault", () => {
    const short = pki.issue("Short", { extensions: caExtensions(), to: later(900) });
    const faulty = pki.issue("Sub", {
      issuer: short,
      extensions: [...caExtensions(), "extendedKeyUsage=clientAuth"],
      to: later(800),
    });
    const good = pki.issue("Sub", { issuer: middle, keyOf: faulty, extensions: caExtensions() });
    const end = pki.issue("End", { issuer: faulty, extensions: leafExtensions("DNS:end.example") });
    const chain = read(join(end, faulty, good, middle), trust(short, root));
    expect(sent(chain)).toBe(join(end, good, middle));
    expect(chain.findings.filter((finding) => finding.severity === "error")).toEqual([]);
  });

  it.each([
    ["SHA-1", { hash: "sha1" }, "CN=Weak is signed with SHA-1, which can be forged"],
    ["MD5", { hash: "md5" }, "CN=Weak is signed with MD5, which can be forged"],
    ["RSA 1024", { key: rsa(1024) }, "CN=Weak has an RSA1024 key, clients refuse RSA below 2048 bits"],
    [
      "a curve of 192 bits",
      { key: "-algorithm EC -pkeyopt ec_paramgen_curve:P-192" },
      "CN=Weak has a key on the curve prime192v1, clients refuse curves below 224 bits",
    ],
  ])("refuses %s in a member; the signature of a root says nothing", (_, options, reason) => {
    const top = pki.issue("Top", { ...options, key: rsa(2048), extensions: caExtensions() });
    const weak = pki.issue("Weak", { ...options, issuer: top, extensions: leafExtensions("DNS:a.example") });
    expect(read(weak.pem, trust(top)).findings).toMatchObject([
      { severity: "error", code: "CERTIFICATE_WEAK", reason },
    ]);
  });

  it("warns about anyExtendedKeyUsage, which browsers take and OpenSSL refuses", () => {
    const extensions = leafExtensions("DNS:a.example").map((line) => line.replace("serverAuth", "anyExtendedKeyUsage"));
    const any = pki.issue("Any", { issuer: root, extensions });
    expect(read(any.pem, trust(root)).findings).toMatchObject([
      { severity: "warning", hint: expect.stringContaining("OpenSSL") },
    ]);
  });

  it("warns about name constraints of a kind that is not judged", () => {
    const constraint = "nameConstraints=critical,permitted;email:example.com";
    const sub = pki.issue("Sub", { issuer: root, extensions: [...caExtensions(), constraint] });
    const end = pki.issue("End", { issuer: sub, extensions: leafExtensions("DNS:a.example") });
    expect(read(join(end, sub), trust(root)).findings).toMatchObject([
      {
        severity: "warning",
        code: "NAME_CONSTRAINED",
        subject: "CN=Sub",
        reason: expect.stringContaining("e-mail addresses"),
      },
    ]);
  });

  it("accepts a trusted root of version 1, which can't say that it is a CA", () => {
    const request = pki.run(["req", "-new", "-config", "ca.cnf", "-key", root.keyFile, "-subj", "/CN=Old"]);
    const csr = pki.write("old.csr", request);
    const old = { ...root, pem: pki.run(["x509", "-req", "-in", csr, "-signkey", root.keyFile]) };
    const end = pki.issue("End", {
      issuer: { ...old, file: pki.write("old.pem", old.pem) },
      extensions: leafExtensions("DNS:a.example"),
    });
    expect(read(end.pem, { ...trust(old), now: later(1) }).findings).toEqual([]);
    expect(read(join(end, old), { now: later(1) }).findings).toMatchObject([
      { severity: "error", reason: expect.stringContaining("is not a CA") },
    ]);
  });

  it("names a certificate without a subject by its names", () => {
    const [, ...extensions] = leafExtensions("DNS:*.example.com,DNS:example.com");
    const bare = pki.issue("/", { issuer: lower, extensions, to: later(1) });
    expect(read(join(bare, lower), { now: later(2) }).findings[0]?.reason).toContain(
      "the certificate for *.example.com and 1 more expired",
    );
  });

  it.each([
    ["holds no PEM block", "PEM_INVALID", () => "/etc/ssl/cert.pem"],
    ["PEM block 2 is a private key", "KEY_INVALID", () => leaf.pem + leaf.keyPem],
    [
      "PEM block 2 is labelled X509 CRL",
      "PEM_INVALID",
      () => leaf.pem + renderPem("X509 CRL", Buffer.from("3000", "hex")),
    ],
    [
      "PEM block 1 is labelled CERTIFICATE REQUEST",
      "PEM_INVALID",
      () => renderPem("CERTIFICATE REQUEST", Buffer.from("3000", "hex")),
    ],
    ["openssl x509 -in <file>", "PEM_INVALID", () => leaf.pem.replaceAll("CERT", "TRUSTED CERT")],
    [
      "PEM block 2 is labelled CERTIFICATE: ",
      "CERTIFICATE_INVALID",
      () => leaf.pem + renderPem("CERTIFICATE", randomBytes(500).fill(4, 0, 1)),
    ],
    [
      "PEM block 1 is labelled CERTIFICATE: ",
      "CERTIFICATE_INVALID",
      () => leaf.keyPem.replaceAll("PRIVATE KEY", "CERTIFICATE"),
    ],
    ["has no END line", "PEM_INVALID", () => leaf.pem + lower.pem.slice(0, 400)],
  ])("throws for a text that %s, without printing what it holds", (reason, code, make) => {
    const error = failure(make());
    expect(error.code).toBe(code);
    expect(error.message).toContain(reason);
    expect(error.message).not.toContain(leaf.keyPem.split("\n")[1]?.slice(4, 20));
  });

  it("says in which of several texts a block is wrong", () => {
    expect(failure([leaf.pem, lower.pem.slice(0, 100)]).message).toContain("certPem[1]: PEM block 1");
  });

  it("reads a leaf beside a whole store of roots", () => {
    const chain = read([...rootCertificates, leaf.pem, lower.pem], { privateKey: key(leaf) });
    expect(sent(chain)).toBe(join(leaf, lower));
    expect(chain.findings).toEqual([]);
  });

  it("tries a hundred certificates that share the name of an issuer, and gives up at nine hundred", () => {
    const [octets] = readCertificates(lower.pem, "x").map((certificate) => certificate.der);
    const twins = Array.from({ length: 900 }, (_, at) => {
      const copy = Buffer.from(octets ?? "");
      // SEQUENCE, SEQUENCE, [0], INTEGER: the serial number starts at octet 15
      copy.writeUInt16BE(at + 1, 16);
      return renderPem("CERTIFICATE", copy);
    });
    const stranger = pki.issue("Lower", { extensions: caExtensions() });
    const end = pki.issue("End", { issuer: stranger, extensions: leafExtensions("DNS:a.example") });
    read(join(leaf, lower));
    const { findings } = withinCpuTime(100, () => read([...twins.slice(0, 100), end.pem]));
    expect(findings[0]?.reason).toContain("is not signed by the key of CN=Lower: a certificate of that name is here");
    const { reason } = withinCpuTime(1000, () => failure([...twins, end.pem]));
    expect(reason).toContain("signatures would have to be checked");
  });

  it("takes the key of a CA that issued the leaf for a mistake", () => {
    const { findings, leaf: found } = read(join(leaf, lower, middle), { privateKey: key(lower) });
    expect(found.pem).toBe(leaf.pem);
    expect(findings).toMatchObject([{ severity: "error", code: "KEY_MISMATCH", subject: "CN=Leaf" }]);
  });

  it("follows a chain up to its twentieth member, and says so", () => {
    const levels = [root];
    for (let level = 1; level < 21; level++) {
      levels.push(pki.issue(`Level ${level}`, { issuer: levels[level - 1] ?? root, extensions: caExtensions() }));
    }
    const below = (level: number) =>
      pki.issue("Deep", { issuer: levels[level] ?? root, extensions: leafExtensions("DNS:deep.test") });
    const [fits, deeper] = [below(18), below(19)];
    expect(read(join(fits, ...levels.slice(1, 19)), trust(root)).findings).toEqual([]);
    expect(read(join(deeper, ...levels.slice(1, 20)), trust(root)).findings).toMatchObject([
      { code: "CHAIN_INVALID", reason: "CN=Level 1 is number 20 of its chain, and a longer one is not followed" },
    ]);
  });

  it("says of two CAs that sign each other that no root does", () => {
    const first = pki.issue("First", { extensions: caExtensions() });
    const second = pki.issue("Second", { issuer: first, extensions: caExtensions() });
    const crossed = pki.issue("First", { issuer: second, keyOf: first, extensions: caExtensions() });
    const end = pki.issue("End", { issuer: first, extensions: leafExtensions("DNS:end.test") });
    expect(read(join(end, crossed, second), trust(root)).findings).toMatchObject([
      {
        reason: "CN=Second was issued by CN=First, which stands below it: they sign each other, and no root signs them",
      },
    ]);
  });

  it("does not count a CA that is issued by itself in another spelling", () => {
    const upper = pki.issue("Upper", { issuer: root, extensions: caExtensions(1) });
    const named = pki.issue("Named CA", { issuer: upper, extensions: caExtensions() });
    const changed = pki.issue("NAMED  ca", { issuer: named, extensions: caExtensions() });
    const end = pki.issue("End", { issuer: changed, extensions: leafExtensions("DNS:end.test") });
    expect(read(join(end, changed, named, upper), trust(root)).findings).toEqual([]);
  });
});
