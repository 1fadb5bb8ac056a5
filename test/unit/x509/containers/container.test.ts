// What a user gives is recognised; whatever is done to it, only a TlsError comes, soon, without a key.
import { execFileSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";
import { encodeElement } from "../../../../provider/src/x509/asn1/ber";
import { readPemBlocks, renderPem } from "../../../../provider/src/x509/asn1/pem";
import { readContainer } from "../../../../provider/src/x509/containers/container";
import { renderPkcs7 } from "../../../../provider/src/x509/containers/pkcs7";
import { withinCpuTime } from "../../../support/cpu-time";
import { fuzzRuns } from "../../../support/tier";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../../support/x509/openssl-pki";

const runs = fuzzRuns(4_000, 500_000);
const password = "correct horse battery";
const pki = new OpensslPki();
afterAll(() => pki.remove());

let root: IssuedPair;
let leaf: IssuedPair;
/** Base64 of a file by openssl. */
const base64 = (file: string) => readFileSync(join(pki.folder, file), "base64");
const derOf = (pem: string): string => readPemBlocks(pem, "pem")[0]?.der.toString("base64") ?? "";

beforeAll(() => {
  root = pki.issue("Root", { extensions: caExtensions() });
  leaf = pki.issue("leaf.test", { issuer: root, extensions: leafExtensions("DNS:leaf.test") });
});

function makePkcs12(...options: readonly string[]): string {
  const inputs = ["-in", leaf.file, "-inkey", leaf.keyFile, "-certfile", root.file];
  pki.run(["pkcs12", "-export", ...inputs, "-out", "made.p12", "-passout", `pass:${password}`, ...options]);
  return base64("made.p12");
}

/** Subjects and number of keys. */
function summary(text: string, options: { password?: string } = { password }): string {
  const { certificates, privateKeys, format } = readContainer(text, "file", options);
  return `${format}: ${certificates.map(({ subject }) => subject.replace("CN=", "")).join(" ")} + ${privateKeys.length}`;
}

function failure(text: string, options: { password?: string } = {}): TlsError {
  try {
    readContainer(text, "file", options);
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("was read without a failure");
}

describe("readContainer", () => {
  it("reads PEM of any mix in its order, with text around it", () => {
    const pkcs7 = renderPkcs7(readContainer(root.pem, "root").certificates);
    const mixed = `Bag Attributes\n    friendlyName: x\n${leaf.keyPem}subject=CN=leaf\n${leaf.pem}\n\n${pkcs7}${leaf.pem}end`;
    for (const text of [
      mixed,
      mixed.replaceAll("\n", "\r\n"),
      `\uFEFF${mixed}`,
      Buffer.from(mixed).toString("base64"),
    ]) {
      expect(summary(text)).toBe("PEM: leaf.test Root leaf.test + 1");
    }
    expect(summary(pkcs7)).toBe("PKCS#7: Root + 0");
    expect(summary(leaf.keyPem)).toBe("PEM:  + 1");
  });

  it("reads base64 of DER in one line or many, with white space anywhere", () => {
    const pfx = makePkcs12();
    const wrapped = `\r\n  ${pfx.replace(/.{70}/g, "$&\r\n\t")}\n`;
    for (const text of [pfx, wrapped]) expect(summary(text)).toBe("PKCS#12: leaf.test Root + 1");
    expect(summary(derOf(leaf.pem))).toBe("DER: leaf.test + 0");
    expect(summary(derOf(leaf.keyPem))).toBe("DER:  + 1");
    expect(summary(renderPem("PKCS12", Buffer.from(pfx, "base64")))).toBe("PKCS#12: leaf.test Root + 1");
  });

  it("reads several keys, plain and encrypted by one password", () => {
    const encrypted = createPrivateKey(leaf.keyPem).export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: password,
    });
    expect(summary(`${root.keyPem}${encrypted}`)).toBe("PEM:  + 2");
    expect(failure(`${root.keyPem}${encrypted}`)).toMatchObject({
      code: "KEY_ENCRYPTED",
      reason: "file: PEM block 2: is encrypted and no passphrase is given",
    });
    expect(failure(encrypted.toString(), { password: "wrong" }).reason).toContain("the passphrase is wrong");
  });

  it("passes over blocks that are neither certificate nor key, and names them", () => {
    const parameters = pki.run(["ecparam", "-name", "prime256v1"]);
    const request = pki.run(["req", "-new", "-config", "ca.cnf", "-key", leaf.keyFile, "-subj", "/CN=x"]);
    const { certificates, ignored } = readContainer(parameters + leaf.pem + request, "file");
    expect(certificates).toHaveLength(1);
    expect(ignored).toEqual(["EC PARAMETERS", "CERTIFICATE REQUEST"]);
    expect(failure(request)).toMatchObject({
      code: "CONTAINER_INVALID",
      reason: "file: holds neither a certificate nor a private key but only CERTIFICATE REQUEST",
      hint: "A request is what a CA gets; give the certificate that it answered with.",
    });
  });

  it("refuses a key in OpenSSH's format, as PEM and as base64 of it, with a command that converts it", () => {
    const file = join(pki.folder, "openssh");
    execFileSync("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", file], { stdio: "ignore" });
    const text = readFileSync(file, "utf8");
    for (const given of [text, text.replace(/-----.*-----/g, "")]) {
      const { code, hint } = failure(given);
      expect([code, hint]).toEqual([
        "KEY_INVALID",
        "Convert a copy of the file in place: ssh-keygen -p -m PKCS8 -f <copy>.",
      ]);
    }
    execFileSync("ssh-keygen", ["-q", "-p", "-m", "PKCS8", "-N", "", "-f", file], { stdio: "ignore" });
    expect(summary(readFileSync(file, "utf8"))).toBe("PEM:  + 1");
  });

  it.each([
    ["nothing", "", "is empty"],
    ["white space", " \r\n", "is empty"],
    ["a file name", "cert.pfx", "is neither PEM nor base64"],
    ["a word", "certificate", "are no certificate, key, PKCS#7 or PKCS#12"],
    [
      "a binary file read as UTF-8",
      Buffer.from("3082ff00", "hex").toString(),
      "is a binary file that was read as text",
    ],
    ["a binary file read as Latin-1", Buffer.from("308201000203", "hex").toString("latin1"), "is a binary file"],
    ["a PuTTY key", "PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\n", "is a key in PuTTY's own format"],
    ["a Java keystore", Buffer.from("feedfeed00000002", "hex").toString("base64"), "is a Java keystore (JKS)"],
    ["a ZIP archive", Buffer.from("504b030400", "hex").toString("base64"), "is a ZIP archive"],
    [
      "base64 of DER that nobody knows",
      Buffer.from("3003020105", "hex").toString("base64"),
      "its 5 bytes are no certificate",
    ],
    ["a megabyte and a half", "A".repeat(1_500_000), "has 1500000 characters"],
    ["a broken PEM", "-----BEGIN CERTIFICATE-----\nMII", "has no END line"],
    ["21 keys", "KEY".repeat(21), "holds more than 20 private keys"],
    ["1001 certificates", "CERT".repeat(1001), "holds more than 1000 certificates"],
  ])("refuses %s with what it is", (_, given, reason) => {
    const text = given
      .replaceAll("KEY", (word) => (given.startsWith("KEY") ? leaf.keyPem : word))
      .replaceAll("CERT", (word) => (given.startsWith("CERT") ? leaf.pem : word));
    const error = failure(text);
    expect(error.reason).toMatch(/^file: /);
    expect(error.reason).toContain(reason);
    expect(error.hint).toBeDefined();
  });

  it("refuses a megabyte of tiny elements, of definite and indefinite length, within 200 ms", () => {
    const tiny = Buffer.from("0500".repeat(500_000), "hex");
    const indefinite = Buffer.concat([Buffer.of(0x30, 0x80), tiny, Buffer.of(0, 0)]);
    const start = Buffer.from("06092a864886f70d010702", "hex");
    const cases = [
      encodeElement(0x30, tiny),
      indefinite,
      encodeElement(0x30, Buffer.concat([start, encodeElement(0xa0, encodeElement(0x30, tiny))])),
      encodeElement(0x30, Buffer.concat([start, encodeElement(0xa0, indefinite)])),
      encodeElement(0x30, Buffer.concat([Buffer.of(2, 1, 3), encodeElement(0x30, tiny)])),
      encodeElement(
        0x30,
        Buffer.concat([encodeElement(0x30, tiny), encodeElement(0x30, tiny.subarray(0, 4)), Buffer.of(3, 1, 0)]),
      ),
    ];
    for (const encoded of cases) {
      const text = encoded.toString("base64");
      expect(withinCpuTime(200, () => failure(text, { password })).code).toBe("CONTAINER_INVALID");
    }
  });

  it("says where the damaged certificate of a bundle stands", () => {
    const damaged = renderPem("CERTIFICATE", Buffer.from("3003020105", "hex"));
    expect(failure(leaf.pem + damaged)).toMatchObject({
      code: "CERTIFICATE_INVALID",
      reason: expect.stringMatching(/^file: PEM block 2: the certificate: /),
    });
  });
});

describe("any mutation of a container", () => {
  /** What is mutated: with few iterations, so that what is behind the password is reached often. */
  const makers: Readonly<Record<string, () => string>> = {
    "PKCS#12 in the clear": () => makePkcs12(...plain, "-nomac"),
    "PKCS#12 in the clear, with MAC": () => makePkcs12(...plain, "-iter", "1"),
    "PKCS#12 with the key encrypted": () => makePkcs12("-iter", "1", "-nomac"),
    "PKCS#12 with RC2": () => makePkcs12(...rc2, "-iter", "1", "-nomac"),
    "PKCS#12 with MAC and AES": () => makePkcs12("-iter", "1"),
    "PKCS#7": () => derOf(renderPkcs7(readContainer(leaf.pem + root.pem, "chain").certificates)),
    "a certificate": () => derOf(leaf.pem),
    "an encrypted key": () => {
      const pkcs8 = `pkcs8 -topk8 -in ${leaf.keyFile} -iter 1 -outform DER -out key.der -passout`.split(" ");
      pki.run([...pkcs8, `pass:${password}`]);
      return base64("key.der");
    },
    "a key": () => derOf(leaf.keyPem),
  };
  const plain = ["-keypbe", "NONE", "-certpbe", "NONE"];
  const rc2 = ["-legacy", "-keypbe", "PBE-SHA1-RC2-40", "-certpbe", "PBE-SHA1-RC2-40"];
  /** Every stretch of 16 characters of the keys in base64, and the password. */
  let secrets: readonly string[];

  beforeAll(() => {
    const keys = [leaf.keyPem, root.keyPem].map((pem) => Buffer.from(derOf(pem), "base64"));
    // the private half of a P-256 key: 32 octets from the 37th on
    const scalars = keys.map((key) => key.subarray(36, 68));
    secrets = [
      password,
      ...scalars.flatMap((scalar) => [scalar.toString("base64").slice(0, 40), scalar.toString("hex")]),
    ];
  });

  type Edit = readonly [kind: "set" | "flip" | "cut" | "drop" | "double" | "length", at: number, value: number];
  const edit: fc.Arbitrary<Edit> = fc.tuple(
    fc.constantFrom("set", "set", "flip", "cut", "drop", "double", "length"),
    fc.nat(3000),
    fc.nat(255),
  );

  function mutate(encoded: Buffer, [kind, position, value]: Edit): Buffer {
    if (encoded.length === 0) return encoded;
    const at = position % encoded.length;
    const copy = Buffer.from(encoded);
    switch (kind) {
      case "set":
        copy[at] = value;
        return copy;
      case "flip":
        copy[at] = (copy[at] ?? 0) ^ (1 << (value & 7));
        return copy;
      case "length":
        // a length octet that says too much, too little, or nothing
        copy[at] = [0x80, 0x84, 0xff, 0x00][value & 3] ?? 0;
        return copy;
      case "cut":
        return copy.subarray(0, at);
      case "drop":
        return Buffer.concat([copy.subarray(0, at), copy.subarray(at + (value & 31))]);
      case "double":
        return Buffer.concat([copy.subarray(0, at + value), copy.subarray(at)]);
    }
  }

  it.each(Object.keys(makers))(
    "%s throws nothing but a TlsError, within 200 ms, that holds neither key nor password",
    {
      timeout: 30_000 + runs * 5,
    },
    (name) => {
      const encoded = Buffer.from(makers[name]?.() ?? "", "base64");
      const given = fc.tuple(
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(password, password, "wrong", "", undefined),
        fc.nat(9),
      );
      fc.assert(
        fc.property(given, ([edits, secret, wrapping]) => {
          const mutated = edits.reduce(mutate, encoded);
          const text =
            wrapping === 0
              ? renderPem("PKCS7", mutated)
              : wrapping === 1
                ? renderPem("CERTIFICATE", mutated)
                : mutated.toString("base64");
          withinCpuTime(200, () => {
            try {
              readContainer(text, "file", secret === undefined ? {} : { password: secret });
            } catch (error) {
              if (!isTlsError(error)) throw error;
              const { message } = error;
              // `expect` costs more than what it looks at here
              if (
                !/^[A-Z_]+: file\b/.test(message) ||
                message.length >= 2000 ||
                secrets.some((one) => message.includes(one))
              )
                throw new Error(`not a message for a person: ${message}`);
            }
          });
        }),
        { numRuns: runs },
      );
    },
  );

  it("of PEM text throws nothing but a TlsError", { timeout: 30_000 + runs * 5 }, () => {
    const text = leaf.keyPem + leaf.pem + root.pem;
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const mutated = edits.reduce(mutate, Buffer.from(text)).toString("latin1");
        try {
          readContainer(mutated, "file");
        } catch (error) {
          if (!isTlsError(error)) throw error;
          for (const hidden of secrets) expect(error.message).not.toContain(hidden);
        }
      }),
      { numRuns: Math.ceil(runs / 5) },
    );
  });
});
