// Whatever form the files have, the arguments are the same; a key is never among what is public; two of a kind are refused by name.
import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTlsError, type TlsError } from "../../../provider/src/errors";
import { type CertificateFiles, fromFiles } from "../../../provider/src/files/from-files";
import type { CertificateChainArgs } from "../../../provider/src/resources/certificate/certificate-chain";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

const pki = new OpensslPki();
const folder = mkdtempSync(join(tmpdir(), "from-files-"));
let [root, leaf, other] = [] as unknown as [IssuedPair, IssuedPair, IssuedPair];

beforeAll(() => {
  root = pki.issue("Root", { extensions: caExtensions() });
  leaf = pki.issue("leaf.test", { issuer: root, extensions: leafExtensions("DNS:leaf.test") });
  other = pki.issue("other.test", { issuer: root, key: "-algorithm RSA -pkeyopt rsa_keygen_bits:2048" });
});
afterAll(() => {
  pki.remove();
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** A file that openssl writes with these arguments. */
function made(name: string, ...args: string[]): string {
  pki.run([...args, "-out", "written"]);
  return file(name, readFileSync(join(pki.folder, "written")));
}

const pkcs12 = (name: string, pair: IssuedPair) =>
  made(name, "pkcs12", "-export", "-in", pair.file, "-inkey", pair.keyFile, "-passout", "pass:secret");

function refusal(files: CertificateFiles): TlsError {
  try {
    fromFiles(files);
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("was read without a failure");
}

describe("fromFiles", () => {
  it("makes PEM of certificates in any form, with or without lines of text and another line end", () => {
    for (const cert of [
      file("a.pem", leaf.pem),
      file("b.pem", `subject=leaf\r\n${leaf.pem.replaceAll("\n", "\r\n")}`),
      file("c.pem", Buffer.from(`\uFEFF${leaf.pem}`, "utf16le")),
      file("twice.pem", leaf.pem + leaf.pem),
      made("d.cer", "x509", "-in", leaf.file, "-outform", "DER"),
      made("e.p7b", "crl2pkcs7", "-nocrl", "-certfile", leaf.file),
      made("f.p7b", "crl2pkcs7", "-nocrl", "-certfile", leaf.file, "-outform", "DER"),
      made("g.pem", "x509", "-in", leaf.file, "-trustout"),
    ]) {
      expect(fromFiles({ cert }), cert).toEqual({ certPem: leaf.pem });
    }
  });

  it("joins files of different forms, keeps their order, and takes nothing twice", () => {
    const cert = [made("d.cer", "x509", "-in", leaf.file, "-outform", "DER"), file("other.pem", other.pem)];
    const chain = made("all.p7b", "crl2pkcs7", "-nocrl", "-certfile", leaf.file, "-certfile", root.file);
    expect(fromFiles({ cert, chain })).toEqual({ certPem: leaf.pem + other.pem, issuerPem: root.pem });
  });

  it("takes the key out of a combined file, and only the key", () => {
    const combined = `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${leaf.keyPem}${leaf.pem}`;
    expect(fromFiles({ cert: file("combined.pem", combined), chain: file("root.pem", root.pem) })).toEqual({
      certPem: leaf.pem,
      issuerPem: root.pem,
      privateKeyPem: leaf.keyPem,
    });
    // the arguments mixed up
    expect(fromFiles({ cert: file("l.key", leaf.keyPem), key: file("l.pem", leaf.pem) })).toEqual({
      certPem: leaf.pem,
      privateKeyPem: leaf.keyPem,
    });
  });

  it("makes PEM of a DER key of any kind, and leaves an encrypted one encrypted", () => {
    const cert = file("leaf.pem", leaf.pem);
    const der = (name: string, ...args: string[]) => made(name, ...args, "-outform", "DER");
    const keys: [string, RegExp][] = [
      [der("1.key", "pkcs8", "-topk8", "-nocrypt", "-in", leaf.keyFile), /^-----BEGIN PRIVATE KEY/],
      [der("2.key", "ec", "-in", leaf.keyFile), /^-----BEGIN EC PRIVATE KEY/],
      [der("3.key", "rsa", "-traditional", "-in", other.keyFile), /^-----BEGIN RSA PRIVATE KEY/],
      [
        der("4.key", "pkcs8", "-topk8", "-in", leaf.keyFile, "-passout", "pass:secret"),
        /^-----BEGIN ENCRYPTED PRIVATE/,
      ],
      [
        made("5.key", "ec", "-in", leaf.keyFile, "-aes128", "-passout", "pass:secret"),
        /Proc-Type: 4,ENCRYPTED\nDEK-Info/,
      ],
    ];
    for (const [key, form] of keys) {
      const { privateKeyPem = "", ...rest } = fromFiles({ cert, key });
      expect(rest).toEqual({ certPem: leaf.pem });
      expect(privateKeyPem).toMatch(form);
      expect(createPrivateKey({ key: privateKeyPem, passphrase: "secret" }).type).toBe("private");
    }
  });

  it("gives PKCS#12 in base64, unopened, also beside a chain and inside PEM", () => {
    const cert = pkcs12("leaf.pfx", leaf);
    const base64 = readFileSync(cert, "base64");
    expect(fromFiles({ cert })).toEqual({ pkcs12: base64 });
    expect(fromFiles({ cert, chain: file("root.pem", root.pem) })).toEqual({ pkcs12: base64, issuerPem: root.pem });
    const armoured = `-----BEGIN PKCS12-----\n${base64.replace(/.{64}(?=.)/g, "$&\n")}\n-----END PKCS12-----\n`;
    expect(fromFiles({ cert: [cert, file("armoured.txt", armoured)] })).toEqual({ pkcs12: base64 });
  });

  it("takes the same key twice for one, in two formats too", () => {
    const cert = file("both.pem", leaf.keyPem + leaf.keyPem + leaf.pem);
    const key = made("sec1.key", "ec", "-in", leaf.keyFile, "-outform", "DER");
    expect(fromFiles({ cert, key })).toEqual({ certPem: leaf.pem, privateKeyPem: leaf.keyPem });
    // of an encrypted one only the same text is known to be the same key
    const shut = made("shut.key", "ec", "-in", leaf.keyFile, "-aes128", "-passout", "pass:secret");
    const twice = fromFiles({ cert, key: [] }).certPem;
    expect(fromFiles({ cert: file("leaf.pem", leaf.pem), key: [shut, shut] }).certPem).toBe(twice);
    expect(refusal({ cert, key: shut }).code).toBe("KEY_INVALID");
  });

  it("gives what the resource takes as it is", () => {
    const args = {
      ...fromFiles({ cert: file("leaf.pem", leaf.pem) }),
      hostnames: ["leaf.test"],
    } satisfies CertificateChainArgs;
    expect(Object.keys(args)).toEqual(["certPem", "hostnames"]);
  });

  it("refuses what there may be only one of, naming the files", () => {
    const [cert, key] = [file("leaf.pem", leaf.pem), file("leaf.key", leaf.keyPem)];
    const strange = file("other.key", other.keyPem);
    const pfx = pkcs12("leaf.pfx", leaf);
    const otherPfx = pkcs12("other.pfx", other);
    const twoKeys = file("two.pem", leaf.pem + leaf.keyPem + other.keyPem);
    const cases: [CertificateFiles, string, string][] = [
      [{ cert, key: [key, strange] }, "KEY_INVALID", `${key} and ${strange}: two different private keys`],
      [{ cert: twoKeys }, "KEY_INVALID", `${twoKeys}: two different private keys`],
      [{ cert: [pfx, otherPfx] }, "CONTAINER_INVALID", `${pfx} and ${otherPfx}: two PKCS#12 files`],
      [{ cert: pfx, key }, "KEY_INVALID", `${key} and ${pfx}: a private key beside a PKCS#12 file`],
      [{ cert: key }, "CONTAINER_INVALID", `${key}: hold no certificate, only a private key`],
    ];
    for (const [files, code, reason] of cases) {
      const error = refusal(files);
      expect(error.code).toBe(code);
      expect(error.message).toContain(reason);
      expect(error.message).not.toMatch(/PRIVATE KEY|secret/);
      expect(error.hint).toBeDefined();
    }
  });

  it("refuses a file without use by its name and what it holds, and a key that is labelled a certificate", () => {
    const request = made("r.csr", "req", "-new", "-config", "ca.cnf", "-key", leaf.keyFile, "-subj", "/CN=x");
    expect(refusal({ cert: request }).message).toContain(
      "holds neither a certificate nor a private key but only CERTIFICATE REQUEST",
    );
    const der = made("r.der", "req", "-in", request, "-outform", "DER");
    expect(refusal({ cert: der }).message).toContain(`${der}: holds neither`);
    const relabelled = file("x.pem", leaf.pem + leaf.keyPem.replaceAll("PRIVATE KEY", "CERTIFICATE"));
    expect(refusal({ cert: relabelled }).message).toContain(
      "PEM block 2: is labelled CERTIFICATE, but its bytes are PRIVATE KEY",
    );
    const broken = file("broken.pem", leaf.pem + leaf.pem.replace(/\n[^-]{64}\n/, "\n"));
    expect(refusal({ cert: broken }).message).toContain(`${broken}: PEM block 2`);
    expect(() => fromFiles({ cert: [] })).toThrow(TypeError);
  });
});
