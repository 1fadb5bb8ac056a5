import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";
import { readPemBlocks, renderPem } from "../../../../provider/src/x509/asn1/pem";
import { describeKey, readPrivateKey, renderPrivateKey } from "../../../../provider/src/x509/keys/private-key";
import { withinCpuTime } from "../../../support/cpu-time";

let folder: string;
const passphrase = "correct horse";

/** Runs openssl in the folder; a command line without quoting, `PASS` stands for the passphrase. */
function openssl(line: string): string {
  const args = line.split(" ").map((word) => word.replace("PASS", passphrase));
  return execFileSync("openssl", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "private-key-"));
  openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.pem");
  openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa2048.pem");
  openssl("genpkey -algorithm ED25519 -out ed25519.pem");
});

afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string) => readFileSync(join(folder, name), "utf8");

/** The TlsError that reading ends with. */
function failure(text: string, options?: { passphrase?: string }): TlsError {
  try {
    readPrivateKey(text, options);
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("was read without a failure");
}

describe("readPrivateKey", () => {
  it.each([
    ["P256", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"],
    ["P384", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384"],
    ["P521", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521"],
    ["secp256k1", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1"],
    ["P256", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit"],
    ["P256", "ecparam -name prime256v1 -genkey"],
    ["P384", "ecparam -name secp384r1 -genkey -noout"],
    ["RSA1024", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024"],
    ["RSA2048", "genrsa -traditional 2048"],
    ["RSA3072", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072"],
    ["RSA-PSS2048", "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048"],
    ["RSA-PSS2048", "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha512"],
    ["Ed25519", "genpkey -algorithm ED25519"],
    ["Ed448", "genpkey -algorithm ED448"],
  ])("reads the %s key of `openssl %s`", (kind, command) => {
    const text = openssl(command);
    const key = readPrivateKey(text);
    expect(describeKey(key)).toBe(kind);
    expect(describeKey(createPublicKey(key))).toBe(kind);
    expect(readPrivateKey(renderPrivateKey(key)).equals(createPrivateKey(text))).toBe(true);
  });

  const encrypted = [
    ["PKCS#8 with PBKDF2 and AES-256", "pkcs8 -topk8 -in p256.pem -v2 aes-256-cbc -passout pass:PASS"],
    [
      "PKCS#8 with PBKDF2-SHA1 and AES-128",
      "pkcs8 -topk8 -in rsa2048.pem -v2 aes-128-cbc -v2prf hmacWithSHA1 -passout pass:PASS",
    ],
    [
      "PKCS#8 with PBKDF2-SHA512",
      "pkcs8 -topk8 -in ed25519.pem -v2 aes-256-cbc -v2prf hmacWithSHA512 -passout pass:PASS",
    ],
    ["PKCS#8 with 3DES", "pkcs8 -topk8 -in p256.pem -v2 des3 -passout pass:PASS"],
    ["PKCS#8 with Camellia", "pkcs8 -topk8 -in p256.pem -v2 camellia-256-cbc -passout pass:PASS"],
    ["PKCS#8 with ARIA", "pkcs8 -topk8 -in p256.pem -v2 aria-192-cbc -passout pass:PASS"],
    ["PKCS#8 with AES-192", "pkcs8 -topk8 -in p256.pem -v2 aes-192-cfb -passout pass:PASS"],
    ["PKCS#8 with two keys of 3DES", "pkcs8 -topk8 -in p256.pem -v1 PBE-SHA1-2DES -passout pass:PASS"],
    ["SEC 1 with Camellia", "ec -in p256.pem -camellia128 -passout pass:PASS"],
    ["PKCS#8 with a stream cipher", "pkcs8 -topk8 -in p256.pem -v2 aes-256-ofb -passout pass:PASS"],
    ["PKCS#8 with scrypt", "pkcs8 -topk8 -in p256.pem -scrypt -passout pass:PASS"],
    ["PKCS#8 with PKCS#12's derivation", "pkcs8 -topk8 -in rsa2048.pem -v1 PBE-SHA1-3DES -passout pass:PASS"],
    ["PKCS#8 with 600,000 rounds", "pkcs8 -topk8 -in p256.pem -v2 aes-256-cbc -iter 600000 -passout pass:PASS"],
    ["SEC 1 with AES-256", "ec -in p256.pem -aes256 -passout pass:PASS"],
    ["SEC 1 with 3DES", "ec -in p256.pem -des3 -passout pass:PASS"],
    ["PKCS#1 with AES-128", "rsa -in rsa2048.pem -traditional -aes128 -passout pass:PASS"],
    ["genpkey's", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -aes-256-cbc -pass pass:PASS"],
  ] as const;

  it.each(encrypted)("decrypts %s, and says whether the passphrase is missing or wrong", (_, command) => {
    const text = openssl(command);
    const key = readPrivateKey(text, { passphrase });
    expect(key.type).toBe("private");
    expect(renderPrivateKey(key)).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(failure(text)).toMatchObject({
      code: "KEY_ENCRYPTED",
      reason: expect.stringContaining("no passphrase is given"),
    });
    for (const wrong of ["not this one", "", passphrase.toUpperCase(), "x".repeat(2000)]) {
      const error = failure(text, { passphrase: wrong });
      expect(error).toMatchObject({
        code: "KEY_ENCRYPTED",
        reason: expect.stringContaining("the passphrase is wrong"),
      });
      expect(wrong === "" || !error.message.includes(wrong)).toBe(true);
    }
  });

  it.each([
    ["PKCS#8", "pkcs8 -topk8 -in p256.pem -v2 aes-256-cbc -iter 1 -passout pass:PASS"],
    ["PKCS#12's derivation", "pkcs8 -topk8 -in p256.pem -v1 PBE-SHA1-3DES -iter 1 -passout pass:PASS"],
    ["traditional", "ec -in p256.pem -des3 -passout pass:PASS"],
  ])("calls every one of 2,000 wrong passphrases of a %s key wrong, never the key garbage", (_, command) => {
    const text = openssl(command);
    const reasons = new Set<string>();
    // of 2,000 about 8 decrypt to a right padding, where OpenSSL's own code is that of garbage
    for (let i = 0; i < 2000; i++) reasons.add(`${failure(text, { passphrase: `wrong ${i}` }).reason}`);
    expect([...reasons]).toEqual(["privateKeyPem: the passphrase is wrong (or the encrypted key is damaged)"]);
  });

  it("opens a key that is encrypted with the empty passphrase only with that", () => {
    const key = createPrivateKey(file("p256.pem"));
    const text = key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "" }).toString();
    expect(readPrivateKey(text, { passphrase: "" }).equals(key)).toBe(true);
    expect(failure(text).reason).toContain("no passphrase is given");
  });

  it("ignores a passphrase that a plain key does not need", () => {
    expect(describeKey(readPrivateKey(file("ed25519.pem"), { passphrase }))).toBe("Ed25519");
  });

  it("finds the key among certificates, text and parameters, indented, with CRLF", () => {
    openssl("req -x509 -new -key p256.pem -subj /CN=x -out cert.pem");
    const mixed = `Bag Attributes\n${file("cert.pem")}${openssl("ecparam -name prime256v1 -genkey")}${file("cert.pem")}`;
    expect(describeKey(readPrivateKey(mixed.replace(/^/gm, "  ").replaceAll("\n", "\r\n")))).toBe("P256");
  });

  it.each([
    ["no PEM block at all", () => "/etc/ssl/key.pem", "KEY_INVALID"],
    ["only CERTIFICATE", () => openssl("req -x509 -new -key p256.pem -subj /CN=x"), "KEY_INVALID"],
    ["A public key can't stand for", () => openssl("pkey -in p256.pem -pubout"), "KEY_INVALID"],
    ["holds 2 private keys", () => file("p256.pem") + file("ed25519.pem"), "KEY_INVALID"],
    ["does not hold such a key", () => renderPem("PRIVATE KEY", Buffer.from("3003020100", "hex")), "KEY_INVALID"],
    ["does not hold such a key", () => renderPem("RSA PRIVATE KEY", randomBytes(600).fill(4, 0, 1)), "KEY_INVALID"],
    [
      "does not hold an encrypted key",
      () => file("p256.pem").replaceAll(" PRIVATE", " ENCRYPTED PRIVATE"),
      "KEY_INVALID",
    ],
    ["lines are missing", () => file("rsa2048.pem").split("\n").toSpliced(4, 3).join("\n"), "PEM_INVALID"],
    ["has no END line", () => file("rsa2048.pem").slice(0, 900), "PEM_INVALID"],
    ["can't sign a TLS handshake", () => openssl("genpkey -algorithm X25519"), "KEY_INVALID"],
    [
      "headers of the encrypted",
      () => openssl("ec -in p256.pem -aes256 -passout pass:PASS").replace(/DEK-Info.*/, ""),
      "KEY_INVALID",
    ],
    [
      "no longer reads",
      () => openssl("ec -in p256.pem -aes256 -passout pass:PASS").replace("AES-256-CBC", "ROT-13"),
      "KEY_INVALID",
    ],
    [
      "no longer reads",
      () =>
        openssl("ec -in p256.pem -aes256 -passout pass:PASS")
          .replace("AES-256-CBC", "DES-CBC")
          .replace(/(CBC,.{16}).*/, "$1"),
      "KEY_INVALID",
    ],
    [
      "no longer reads",
      () => openssl("pkcs8 -topk8 -in p256.pem -v1 PBE-MD5-DES -provider legacy -provider default -passout pass:PASS"),
      "KEY_INVALID",
    ],
  ])("refuses with a reason: %s", (reason, make, code) => {
    const error = failure(make(), { passphrase });
    expect(error.code).toBe(code);
    expect(error.message).toContain(reason);
    expect(error.hint).toBeDefined();
  });

  it.each([
    ["scheme", "06092a864886f70d01050d", "06092a864886f70d01057d"],
    ["derivation", "06092a864886f70d01050c", "06092a864886f70d01057c"],
    ["cipher (AES-GCM)", "060960864801650304012a", "060960864801650304012e"],
  ])("does not blame the passphrase for an unknown %s", (_, from, to) => {
    const text = openssl("pkcs8 -topk8 -in p256.pem -v2 aes-256-cbc -passout pass:PASS");
    const [block] = readPemBlocks(text, "x");
    const octets = block?.der.toString("hex").replace(from, to) ?? "";
    expect(octets).not.toBe(block?.der.toString("hex"));
    const error = failure(renderPem("ENCRYPTED PRIVATE KEY", Buffer.from(octets, "hex")), { passphrase });
    expect(error).toMatchObject({
      code: "KEY_INVALID",
      reason: expect.stringContaining("in a way that OpenSSL 3 no longer"),
    });
  });

  it("refuses OpenSSH's format with the command that converts it", () => {
    const text = renderPem("OPENSSH PRIVATE KEY", Buffer.from("openssh-key-v1\0\0\0\0\x04none"));
    expect(failure(text)).toMatchObject({
      code: "KEY_INVALID",
      hint: expect.stringContaining("ssh-keygen -p -m PKCS8"),
    });
  });

  it("refuses a key whose derivation would stop the process, before it runs", () => {
    for (const command of [
      "pkcs8 -topk8 -in p256.pem -v2 aes-256-cbc -iter 1000000 -passout pass:PASS",
      "pkcs8 -topk8 -in p256.pem -v1 PBE-SHA1-3DES -iter 400000 -passout pass:PASS",
      "pkcs8 -topk8 -in p256.pem -scrypt -scrypt_N 4096 -scrypt_r 8 -scrypt_p 16 -passout pass:PASS",
    ]) {
      const text = openssl(command);
      const { reason } = withinCpuTime(50, () => failure(text, { passphrase }));
      expect(reason).toMatch(/takes [0-9,]+ rounds to check, at most [0-9,]+ are run/);
    }
  });

  it("refuses a damaged key that still matches its certificate", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const sec1 = privateKey.export({ type: "sec1", format: "der" });
    // SEQUENCE { INTEGER 1, OCTET STRING of 32 octets, …: the scalar starts at octet 7
    sec1.writeUInt8(sec1.readUInt8(20) ^ 1, 20);
    const text = renderPem("EC PRIVATE KEY", sec1);
    expect(createPublicKey(createPrivateKey(text)).equals(createPublicKey(privateKey))).toBe(true);
    expect(failure(text)).toMatchObject({ code: "KEY_INVALID", reason: expect.stringContaining("is damaged") });
    // a caller that verifies every signature by itself saves this one
    expect(readPrivateKey(text, { isProved: true }).asymmetricKeyType).toBe("ec");
  });

  it("refuses 10 MB of junk at once", () => {
    const junk = randomBytes(5_000_000).toString("hex");
    expect(withinCpuTime(100, () => failure(junk)).code).toBe("PEM_INVALID");
  });

  it("throws nothing but a TlsError without key material, within 100 ms, for any mutation", {
    timeout: 600_000,
  }, () => {
    const sources = [file("p256.pem"), file("ed25519.pem"), ...encrypted.slice(0, 4).map(([, line]) => openssl(line))];
    sources.push(openssl("rsa -in rsa2048.pem -traditional"), openssl("ec -in p256.pem -aes256 -passout pass:PASS"));
    const base64 = (octets: Buffer) => renderPem("X", octets).split("\n").slice(1, -2).join("\n");
    const mutations = fc
      .tuple(fc.constantFrom(...sources), fc.array(fc.tuple(fc.nat(1200), fc.nat(255)), { minLength: 1, maxLength: 4 }))
      .map(([text, edits]) => {
        const octets = Buffer.from(text.replace(/-----.*-----|.*: .*/g, ""), "base64");
        for (const [at, value] of edits) octets.writeUInt8(value, at % octets.length);
        return text.replace(/(-----\n(?:.*: .*\n)*\n*)[^-]*(?=\n-----END)/, (_, head) => head + base64(octets));
      });
    fc.assert(
      fc.property(mutations, fc.constantFrom(passphrase, undefined), (text, given) => {
        withinCpuTime(100, () => {
          try {
            readPrivateKey(text, given === undefined ? {} : { passphrase: given });
          } catch (error) {
            if (!isTlsError(error)) throw error;
            const lines = text.split("\n").filter((line) => line.length > 40 && !line.includes(":"));
            for (const line of lines) expect(error.message).not.toContain(line.slice(0, 12));
          }
        });
      }),
      { numRuns: 1500 },
    );
  });
});
