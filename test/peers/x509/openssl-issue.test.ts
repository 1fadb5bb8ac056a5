// Guards: a certificate that we find good and OpenSSL does not. Every kind that is issued is verified by its command.
import { execFile, spawn } from "node:child_process";
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Certificate } from "../../../provider/src/x509/certificate/certificate";
import {
  type CaCertificateRequest,
  issueCaCertificate,
  issueLeafCertificate,
  type LeafCertificateRequest,
} from "../../../provider/src/x509/certificate/issue";
import { readCertificateRequest } from "../../../provider/src/x509/certificate/request";
import { type KeyType, keyTypes } from "../../../provider/src/x509/keys/private-key";
import {
  findViolation,
  type NameConstraints,
  parseNameConstraints,
} from "../../../provider/src/x509/names/constraints";
import { parseIdentifier } from "../../../provider/src/x509/names/identifier";
import { describeWithPeer } from "../../support/peer";

const run = promisify(execFile);
const day = 86_400_000;
const validity = { validFrom: new Date(Date.now() - day), validTo: new Date(Date.now() + 30 * day) };

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const generate: Readonly<Record<KeyType, () => Pair>> = {
  P256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  P384: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  RSA2048: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  RSA3072: () => generateKeyPairSync("rsa", { modulusLength: 3072 }),
  RSA4096: () => generateKeyPairSync("rsa", { modulusLength: 4096 }),
  Ed25519: () => generateKeyPairSync("ed25519"),
};

function newCa(privateKey: KeyObject, request: Partial<CaCertificateRequest> = {}): Certificate {
  const subject = { commonName: "Peer Root", organization: 'Ünï, "Inc."' };
  return issueCaCertificate({ subject, privateKey, serialNumber: randomBytes(16), ...validity, ...request });
}

function newLeaf(
  ca: Certificate,
  caPrivateKey: KeyObject,
  publicKey: KeyObject,
  names: readonly string[],
  request: Partial<LeafCertificateRequest> = {},
): Certificate {
  return issueLeafCertificate({
    ca,
    caPrivateKey,
    publicKey,
    identifiers: names.map(parseIdentifier),
    usage: "server",
    serialNumber: randomBytes(16),
    ...validity,
    ...request,
  });
}

describeWithPeer("openssl", ({ path: openssl }) => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "openssl-issue-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function write(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** What `openssl verify` says: "OK", or its reason. */
  async function verify(ca: Certificate, leaf: Certificate, ...options: string[]): Promise<string> {
    const files = ["-CAfile", write("ca.pem", ca.pem), write("leaf.pem", leaf.pem)];
    try {
      const { stdout } = await run(openssl, ["verify", "-x509_strict", "-no-CApath", ...options, ...files]);
      return stdout.trim().endsWith(": OK") ? "OK" : stdout;
    } catch (error) {
      const { stderr = "" } = error as { stderr?: string };
      return /^error \d+ at [^:]*: *(.*)$/m.exec(stderr)?.[1] ?? stderr;
    }
  }

  describe.each(keyTypes)("a CA and a leaf of type %s", (keyType) => {
    const caPair = generate[keyType]();
    const pair = generate[keyType]();
    const ca = newCa(caPair.privateKey);
    const names = [
      "a.example.com",
      "*.b.example.com",
      "10.0.0.1",
      "2001:db8::1",
      "a@example.com",
      "https://a.example/",
    ];
    const leaf = newLeaf(ca, caPair.privateKey, pair.publicKey, names);

    it("verifies as a server under each of its names", async () => {
      const server = ["-purpose", "sslserver"];
      expect(await verify(ca, ca)).toBe("OK");
      expect(await verify(ca, leaf, ...server, "-verify_hostname", "a.example.com")).toBe("OK");
      expect(await verify(ca, leaf, ...server, "-verify_hostname", "x.b.example.com")).toBe("OK");
      expect(await verify(ca, leaf, ...server, "-verify_ip", "10.0.0.1")).toBe("OK");
      expect(await verify(ca, leaf, ...server, "-verify_ip", "2001:db8::1")).toBe("OK");
      expect(await verify(ca, leaf, ...server, "-verify_email", "a@example.com")).toBe("OK");
    });

    it("verifies under no other name, for no other purpose", async () => {
      expect(await verify(ca, leaf, "-verify_hostname", "c.example.com")).toBe("hostname mismatch");
      expect(await verify(ca, leaf, "-verify_hostname", "x.y.b.example.com")).toBe("hostname mismatch");
      expect(await verify(ca, leaf, "-verify_ip", "10.0.0.2")).toBe("IP address mismatch");
      expect(await verify(ca, leaf, "-purpose", "sslclient")).toMatch(/(unsupported|unsuitable) certificate purpose/);
    });

    it("verifies as a client with a subject", async () => {
      const client = newLeaf(ca, caPair.privateKey, pair.publicKey, ["a@example.com"], {
        usage: "client",
        subject: { commonName: "Ops", emailAddress: "a@example.com" },
      });
      expect(await verify(ca, client, "-purpose", "sslclient", "-verify_email", "a@example.com")).toBe("OK");
      expect(await verify(ca, client, "-purpose", "sslserver")).toMatch(/(unsupported|unsuitable) certificate purpose/);
    });

    it("serves a real TLS handshake, to Node and to s_client", async () => {
      const served = newLeaf(ca, caPair.privateKey, pair.publicKey, ["localhost", "127.0.0.1"]);
      await withServer(served, pair.privateKey, async (port) => {
        expect(await handshake(port, ca)).toBe(served.fingerprintSha256);
        const caFile = write("root.pem", ca.pem);
        const { stdout } = await runClient(port, ["-CAfile", caFile, "-no-CApath", "-verify_ip", "127.0.0.1"]);
        expect(stdout).toContain("Verification: OK");
        expect(stdout).toContain("Verify return code: 0 (ok)");
      });
    });
  });

  /** A server on a free port of the loopback interface, ended with the callback. */
  async function withServer(leaf: Certificate, key: KeyObject, use: (port: number) => Promise<void>): Promise<void> {
    const server = createServer({ cert: leaf.pem, key: key.export({ type: "pkcs8", format: "pem" }) }, (socket) => {
      socket.on("error", () => socket.destroy());
      socket.end("hello");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await use((server.address() as AddressInfo).port);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }

  /** The fingerprint of the certificate that a verifying client of Node is shown. */
  function handshake(port: number, ca: Certificate): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, ca: ca.pem, servername: "localhost" }, () => {
        const { fingerprint256 } = socket.getPeerCertificate();
        socket.destroy();
        resolve(fingerprint256.replaceAll(":", "").toLowerCase());
      });
      socket.on("error", reject);
    });
  }

  function runClient(port: number, options: readonly string[]): Promise<{ stdout: string }> {
    const child = spawn(openssl, ["s_client", "-connect", `127.0.0.1:${port}`, ...options], { stdio: "pipe" });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stdin.end();
    return new Promise((resolve) => child.on("close", () => resolve({ stdout })));
  }

  it("signs a leaf of every key type by a CA of every other", async () => {
    const pairs = keyTypes.map((keyType) => ({ ...generate[keyType](), keyType }));
    for (const caPair of pairs) {
      const ca = newCa(caPair.privateKey);
      for (const pair of pairs) {
        const leaf = newLeaf(ca, caPair.privateKey, pair.publicKey, ["a.example.com"]);
        const verdict = await verify(ca, leaf, "-purpose", "sslserver", "-verify_hostname", "a.example.com");
        expect(verdict, `${pair.keyType} by ${caPair.keyType}`).toBe("OK");
      }
    }
  });

  it("dates beyond 2050 and every subject attribute are read as they were given", async () => {
    const { privateKey } = generate.P256();
    const ca = newCa(privateKey, {
      subject: {
        country: "DE",
        province: "Bayern",
        locality: "München",
        streetAddress: "Marienplatz 1",
        postalCode: "80331",
        organization: 'Test, Inc. "x"',
        organizationalUnit: "R+D; <Ops>",
        commonName: "#1 CA",
        serialNumber: "HRB 1",
        emailAddress: "ca@example.com",
      },
      validTo: new Date("2051-02-03T04:05:06Z"),
    });
    const options = ["-noout", "-subject", "-nameopt", "RFC2253,-esc_msb,utf8", "-enddate", "-dateopt", "iso_8601"];
    const { stdout } = await run(openssl, ["x509", "-in", write("ca.pem", ca.pem), ...options]);
    const [subject, end] = stdout.trim().split("\n");
    expect(end).toBe("notAfter=2051-02-03 04:05:06Z");
    // OpenSSL writes no space after the comma, and one short name in lower case
    const ours = ca.subject.replaceAll(/, (?=\w+=)/g, ",").replace("STREET=", "street=");
    expect(subject).toBe(`subject=${ours}`);
  });

  describe("name constraints are enforced as we judge them", () => {
    const { privateKey } = generate.P256();
    const leafKey = generate.P256().publicKey;
    /** The same CA without the extension issues what the constrained one refuses to. */
    const free = newCa(privateKey);
    const cases: readonly (readonly [
      NameConstraints,
      string,
      "permitted" | "permitted subtree violation" | "excluded subtree violation",
    ])[] = [
      [{ permittedDnsDomains: ["example.com"] }, "example.com", "permitted"],
      [{ permittedDnsDomains: ["example.com"] }, "a.b.example.com", "permitted"],
      [{ permittedDnsDomains: ["example.com"] }, "*.example.com", "permitted"],
      [{ permittedDnsDomains: ["example.com"] }, "notexample.com", "permitted subtree violation"],
      [{ permittedDnsDomains: ["example.com"] }, "10.0.0.1", "permitted"],
      [{ permittedDnsDomains: ["example.com"] }, "a@example.org", "permitted"],
      [{ excludedDnsDomains: ["example.com"] }, "a.example.com", "excluded subtree violation"],
      [{ excludedDnsDomains: ["example.com"] }, "*.example.com", "excluded subtree violation"],
      [{ excludedDnsDomains: ["example.com"] }, "example.org", "permitted"],
      [{ permittedIpRanges: ["10.0.0.0/9"] }, "10.127.255.255", "permitted"],
      [{ permittedIpRanges: ["10.0.0.0/9"] }, "10.128.0.0", "permitted subtree violation"],
      [{ permittedIpRanges: ["10.0.0.0/9"] }, "2001:db8::1", "permitted subtree violation"],
      [{ permittedIpRanges: ["10.0.0.0/9"] }, "::ffff:10.0.0.1", "permitted subtree violation"],
      [{ permittedIpRanges: ["2001:db8::/33"] }, "2001:db8:7fff::1", "permitted"],
      [{ excludedIpRanges: ["2001:db8::/33"] }, "2001:db8:7fff::1", "excluded subtree violation"],
      [{ excludedIpRanges: ["0.0.0.0/0", "::/0"] }, "a.example.com", "permitted"],
      [{ excludedIpRanges: ["0.0.0.0/0", "::/0"] }, "1.2.3.4", "excluded subtree violation"],
    ];
    it.each(cases)("%j: %s is %s", async (given, name, verdict) => {
      const nameConstraints = parseNameConstraints(given);
      const ca = newCa(privateKey, { nameConstraints });
      expect(ca.nameConstraints).toEqual(nameConstraints);
      const leaf = newLeaf(free, privateKey, leafKey, [name]);
      expect(await verify(ca, leaf)).toBe(verdict === "permitted" ? "OK" : verdict);
      expect(findViolation(nameConstraints, [parseIdentifier(name)]) === undefined).toBe(verdict === "permitted");
    });

    it("also by Node's TLS, which has no other way to ask", async () => {
      const pair = generate.P256();
      const leaf = newLeaf(free, privateKey, pair.publicKey, ["localhost", "127.0.0.1"]);
      const inside = newCa(privateKey, { nameConstraints: { permittedDnsDomains: ["localhost"] } });
      const outside = newCa(privateKey, { nameConstraints: { permittedDnsDomains: ["example.com"] } });
      await withServer(leaf, pair.privateKey, async (port) => {
        expect(await handshake(port, inside)).toBe(leaf.fingerprintSha256);
        await expect(handshake(port, outside)).rejects.toThrow();
      });
    });
  });

  describe("a request by openssl req", () => {
    const caPair = generate.P256();
    const ca = newCa(caPair.privateKey);

    /** Key options of `openssl req`. */
    const kinds: readonly (readonly [string, readonly string[]])[] = [
      ["P-256", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
      ["P-384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
      ["P-521", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"]],
      ["secp256k1", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"]],
      ["brainpoolP256r1", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"]],
      ["RSA 2048", ["-newkey", "rsa:2048"]],
      ["RSA 2048 with SHA-512", ["-newkey", "rsa:2048", "-sha512"]],
      [
        "RSA 2048 signed by PSS",
        ["-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"],
      ],
      ["RSA-PSS", ["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"]],
      ["Ed25519", ["-newkey", "ed25519"]],
      ["Ed448", ["-newkey", "ed448"]],
    ];

    async function makeRequest(keyOptions: readonly string[], ...options: string[]): Promise<string> {
      const files = ["-keyout", join(folder, "request.key"), "-out", join(folder, "request.csr")];
      const fixed = [
        "-new",
        "-nodes",
        "-subj",
        "/O=Example/CN=gateway",
        "-config",
        write("req.cnf", "[req]\ndistinguished_name=dn\n[dn]\n"),
      ];
      await run(openssl, ["req", ...fixed, ...keyOptions, ...files, ...options]);
      return readFileSync(join(folder, "request.csr"), "utf8");
    }

    it.each(kinds)("with a key %s is read, issued and verified", async (_, keyOptions) => {
      const names =
        "subjectAltName=DNS:A.Example.com,DNS:*.b.example.com,IP:10.0.0.1,IP:2001:db8::1,email:a@example.com";
      const request = readCertificateRequest(await makeRequest(keyOptions, "-addext", names));
      const values = request.identifiers.map(({ value }) => value);
      expect(values).toEqual(["a.example.com", "*.b.example.com", "10.0.0.1", "2001:db8::1", "a@example.com"]);
      expect(request.subject).toEqual({ organization: "Example", commonName: "gateway" });
      const leaf = newLeaf(ca, caPair.privateKey, request.publicKey, values, { subject: request.subject });
      expect(await verify(ca, leaf, "-purpose", "sslserver", "-verify_hostname", "a.example.com")).toBe("OK");
      const { stdout } = await run(openssl, ["pkey", "-in", join(folder, "request.key"), "-pubout"]);
      expect(createPublicKey(stdout).equals(leaf.x509.publicKey)).toBe(true);
    });

    it("with the label that older tools write is read", async () => {
      const pem = await makeRequest(["-newkey", "ed25519"], "-newhdr");
      expect(pem).toContain("BEGIN NEW CERTIFICATE REQUEST");
      expect(readCertificateRequest(pem).subject).toEqual({ organization: "Example", commonName: "gateway" });
    });
  });
});
