// A file is told by its bytes, whatever its name and encoding; what can't be read says where it was looked for and what to do.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTlsError, type TlsError } from "../../../provider/src/errors";
import { readCertificateFile } from "../../../provider/src/files/certificate-file";
import { readContainer } from "../../../provider/src/x509/containers/container";
import { caExtensions, type IssuedPair, OpensslPki } from "../../support/x509/openssl-pki";

const pki = new OpensslPki();
const folder = mkdtempSync(join(tmpdir(), "certificate-file-"));
let pair: IssuedPair;

beforeAll(() => {
  pair = pki.issue("München", { extensions: caExtensions() });
});
afterAll(() => {
  pki.remove();
  rmSync(folder, { recursive: true });
});

/** Keeps bytes under a name that says nothing, and reads them. */
function read(content: string | Buffer) {
  writeFileSync(join(folder, "file.txt"), content);
  return readCertificateFile(join(folder, "file.txt"));
}

function refusal(path: string): TlsError {
  try {
    readCertificateFile(path);
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("was read without a failure");
}

/** What openssl writes with these arguments. */
function written(...args: string[]): Buffer {
  pki.run([...args, "-out", "written"]);
  return readFileSync(join(pki.folder, "written"));
}

describe("readCertificateFile", () => {
  it("tells what a binary file is by its bytes", () => {
    const kinds: [string, string[]][] = [
      ["CERTIFICATE", ["x509", "-in", pair.file, "-outform", "DER"]],
      ["PKCS7", ["crl2pkcs7", "-nocrl", "-certfile", pair.file, "-outform", "DER"]],
      ["PKCS12", ["pkcs12", "-export", "-in", pair.file, "-inkey", pair.keyFile, "-passout", "pass:x"]],
      ["PRIVATE KEY", ["pkcs8", "-topk8", "-nocrypt", "-in", pair.keyFile, "-outform", "DER"]],
      ["ENCRYPTED PRIVATE KEY", ["pkcs8", "-topk8", "-in", pair.keyFile, "-outform", "DER", "-passout", "pass:x"]],
      ["EC PRIVATE KEY", ["ec", "-in", pair.keyFile, "-outform", "DER"]],
      [
        "CERTIFICATE REQUEST",
        ["req", "-new", "-config", "ca.cnf", "-key", pair.keyFile, "-subj", "/CN=x", "-outform", "DER"],
      ],
    ];
    for (const [kind, args] of kinds) {
      const bytes = written(...args);
      const expected = { kind, text: bytes.toString("base64") };
      expect(read(bytes)).toMatchObject(expected);
      // as some CAs mail it: base64 in lines, without BEGIN and END
      expect(read(`${expected.text.replace(/.{70}/g, "$&\r\n")}\r\n`)).toMatchObject(expected);
    }
  });

  it("takes PEM for text in UTF-8 and in PowerShell's UTF-16, with its mark", () => {
    const text = `Größe\r\n${pair.pem}`;
    const littleEndian = Buffer.from(`\uFEFF${text}`, "utf16le");
    for (const bytes of [
      Buffer.from(text),
      Buffer.from(`\uFEFF${text}`),
      littleEndian,
      Buffer.from(littleEndian).swap16(),
      Buffer.from(Buffer.from(text).toString("base64")),
    ]) {
      expect(read(bytes)).toMatchObject({ kind: "PEM", text });
    }
  });

  it("leaves what it does not know to the container's own refusal", () => {
    const refused = (content: string | Buffer) => {
      const { kind, text } = read(content);
      expect(kind).toBeUndefined();
      return () => readContainer(text, "file");
    };
    expect(refused("hello, world")).toThrow("file: its 12 bytes are no certificate, key, PKCS#7 or PKCS#12");
    expect(refused(Buffer.from("feedfeed00000002", "hex"))).toThrow("a Java keystore (JKS)");
    expect(refused("PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n")).toThrow("PuTTY's own format");
  });

  it("says of a file that can't be read what was found and what to do", () => {
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "empty.pem"), "");
    writeFileSync(join(folder, "large.pem"), Buffer.alloc(1024 * 1024 + 1, "a"));
    const cases: [string, string][] = [
      ["nothing/here.pem", `nothing/here.pem: no such file; the working folder is ${process.cwd()}`],
      [join(folder, "none.pem"), `${join(folder, "none.pem")}: no such file`],
      [join(folder, "empty.pem", "x"), `${join(folder, "empty.pem", "x")}: no such file`],
      [join(folder, "sub"), `${join(folder, "sub")}: is a folder`],
      [join(folder, "empty.pem"), `${join(folder, "empty.pem")}: is empty`],
      [
        join(folder, "large.pem"),
        `${join(folder, "large.pem")}: has more than 1048576 octets, which is the most that is read`,
      ],
      ["", '"": no such file; the working folder is '],
    ];
    for (const [path, reason] of cases) {
      const error = refusal(path);
      expect(error.code).toBe("FILE_UNREADABLE");
      expect(error.reason.startsWith(reason), error.reason).toBe(true);
      expect(error.hint).toMatch(/\.$/);
    }
    expect(refusal(join(folder, "none.pem")).reason).not.toContain("working folder");
  });

  it("reads a file of exactly one mebibyte", () => {
    expect(read(Buffer.alloc(1024 * 1024, " ")).text).toHaveLength(Math.ceil((1024 * 1024) / 3) * 4);
  });

  it.skipIf(process.getuid?.() === undefined)("says of a file of somebody else that there is no permission", () => {
    const path = join(folder, "secret.pem");
    writeFileSync(path, pair.pem, { mode: 0o000 });
    // nothing is forbidden to root
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      expect(refusal(path)).toMatchObject({ code: "FILE_UNREADABLE", reason: `${path}: no permission to read it` });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it("does not repeat a key that was given in place of a path", () => {
    const base64 = (pair.keyPem.match(/^[A-Za-z0-9+/=]+$/gm) ?? []).join("");
    for (const content of [pair.keyPem, base64, Buffer.from(pair.keyPem).toString("base64")]) {
      const { reason, hint, cause } = refusal(content);
      expect(reason).toBe(`a text of ${content.length} characters: is the content of a file, expected its path`);
      expect(`${hint}${JSON.stringify(cause)}`).not.toContain(base64.slice(0, 20));
    }
  });
});
