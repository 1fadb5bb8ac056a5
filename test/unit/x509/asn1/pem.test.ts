import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTlsError } from "../../../../provider/src/errors";
import { readPemBlocks, renderPem } from "../../../../provider/src/x509/asn1/pem";
import { withinCpuTime } from "../../../support/cpu-time";

let folder: string;
let certificate: string;
let key: string;

/** What OpenSSL writes is the reference for every form of PEM here. */
function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pem-"));
  openssl(
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem".split(" "),
    "-subj",
    "/CN=pem.example",
  );
  certificate = readFileSync(join(folder, "cert.pem"), "utf8");
  key = readFileSync(join(folder, "key.pem"), "utf8");
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The failure of a call, which must be a TlsError of this code. */
function failure(text: string): { code: string; message: string } {
  try {
    readPemBlocks(text, "certPem");
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("was read without a failure");
}

describe("readPemBlocks", () => {
  it("reads what openssl writes, to the same bytes", () => {
    const [block, ...rest] = readPemBlocks(certificate, "certPem");
    expect(rest).toEqual([]);
    expect(block?.label).toBe("CERTIFICATE");
    expect(block?.der).toEqual(new X509Certificate(certificate).raw);
    expect(block?.text).toBe(certificate);
    expect(block?.headers).toEqual({});
  });

  it("keeps the order of several blocks and ignores text around them", () => {
    const text = `subject=CN = x\n${certificate}\nBag Attributes: -- none\n${key}trailing text`;
    expect(readPemBlocks(text, "bundle").map((block) => block.label)).toEqual(["CERTIFICATE", "PRIVATE KEY"]);
  });

  it.each([
    ["CRLF line ends", (text: string) => text.replaceAll("\n", "\r\n")],
    ["CR line ends", (text: string) => text.replaceAll("\n", "\r")],
    ["a byte order mark", (text: string) => `\uFEFF${text}`],
    ["indentation by spaces", (text: string) => text.replace(/^/gm, "    ")],
    ["indentation by tabs", (text: string) => text.replace(/^/gm, "\t\t")],
    ["trailing white space", (text: string) => text.replaceAll("\n", "  \n")],
    ["empty lines inside", (text: string) => text.replaceAll("\n", "\n\n")],
    ["one line", (text: string) => text.replaceAll("\n", " ")],
    ["no line breaks at all", (text: string) => text.replaceAll("\n", "")],
    ["base64 in one line", (text: string) => text.replace(/(?<=[A-Za-z0-9+/=])\n(?=[A-Za-z0-9+/=])/g, "")],
  ])("reads a block with %s to its canonical text", (_, change) => {
    expect(change(certificate)).not.toBe(certificate);
    expect(readPemBlocks(change(certificate), "certPem").map((block) => block.text)).toEqual([certificate]);
  });

  it.each(["", "no block here", "----BEGIN NOTHING", "\u0000\u0001"])("finds no block in %j", (text) => {
    expect(readPemBlocks(text, "certPem")).toEqual([]);
  });

  it("reads the headers of a traditional encrypted key and keeps them in the text", () => {
    openssl(..."ec -in key.pem -aes256 -passout pass:secret -out traditional.pem".split(" "));
    const text = readFileSync(join(folder, "traditional.pem"), "utf8");
    const [block] = readPemBlocks(text, "privateKeyPem");
    expect(block?.headers["Proc-Type"]).toBe("4,ENCRYPTED");
    expect(block?.headers["DEK-Info"]).toMatch(/^AES-256-CBC,[0-9A-F]{32}$/);
    expect(block?.text).toBe(text);
    const copied = text.replaceAll("\n\n", "\n").replace(/^/gm, "  ");
    expect(readPemBlocks(copied, "privateKeyPem")[0]?.text).toBe(text);
  });

  const lines = (text: string) => text.split("\n");
  it.each([
    ["has no END line", (text: string) => text.slice(0, 300)],
    ["has no END line", (text: string) => `${text.slice(0, 300)}\n${text}`],
    ["END line without its BEGIN line", (text: string) => text.slice(100)],
    ["END line without its BEGIN line", (text: string) => text.replace("-----BEGIN", "----BEGIN")],
    ["the BEGIN line is not whole", (text: string) => text.slice(0, 20)],
    ["the BEGIN line is not whole", (text: string) => text.replace("CERTIFICATE-----\n", "CERTIFICATE----\n")],
    ["does not end with", (text: string) => text.replace("END CERTIFICATE", "END PRIVATE KEY")],
    ["not base64", (text: string) => text.replace(/M/, "!")],
    ["not a multiple of 4", (text: string) => text.replace(/MII/, "MI")],
    ["lines are missing", (text: string) => lines(text).toSpliced(3, 1).join("\n")],
    [
      "lines are doubled",
      (text: string) =>
        lines(text)
          .toSpliced(3, 0, lines(text)[3] ?? "")
          .join("\n"),
    ],
    ["is empty", () => "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"],
    ["line break belongs", (text: string) => text.replaceAll("\n", "\\n")],
    ["UTF-16", (text: string) => Buffer.from(text, "utf16le").toString("latin1")],
    ["header line 1", (text: string) => text.replace("\n", "\nx y: z\n")],
  ])("refuses a text that %s", (reason, change) => {
    const { code, message } = failure(change(certificate));
    expect(code).toBe("PEM_INVALID");
    expect(message).toContain("certPem: ");
    expect(message).toContain(reason);
    expect(message).toContain("Hint: ");
  });

  it("names the position and the label of the block that is wrong", () => {
    expect(failure(certificate + key.replace(/\n.{8}/, "\n????????")).message).toContain("PEM block 2 (PRIVATE KEY)");
  });

  it("never prints what stands in a block", () => {
    const body = lines(key)[1] ?? "";
    for (const text of [
      key.replace("PRIVATE KEY-----\n", ""),
      key.slice(0, 100),
      key.replace("\n", "\nx: "),
      key.slice(30),
    ]) {
      expect(failure(text).message).not.toContain(body.slice(0, 8));
    }
  });

  it("refuses 10 MB of junk at once", () => {
    const junk = "-----BEGIN CERTIFICATE-----\n".repeat(380_000);
    expect(withinCpuTime(20, () => failure(junk)).message).toContain("characters, at most");
  });

  it("throws nothing but a TlsError and takes under 100 ms for any mutation of a real text", () => {
    const source = `${certificate}${key}`;
    const edit = fc.tuple(fc.nat(source.length), fc.nat(40), fc.string({ unit: "binary", maxLength: 12 }));
    const pieces = fc.array(fc.constantFrom("-----BEGIN ", "-----END ", "-----", "A", ":", "\n", "X Y", "AAAA", "\\n"));
    const texts = fc.oneof(
      fc
        .array(edit, { minLength: 1, maxLength: 5 })
        .map((edits) => edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), source)),
      pieces.map((list) => list.join("")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        withinCpuTime(100, () => {
          try {
            for (const block of readPemBlocks(text, "certPem")) {
              expect(readPemBlocks(block.text, "again")).toEqual([block]);
            }
          } catch (error) {
            if (!isTlsError(error)) throw error;
          }
        });
      }),
      { numRuns: 1000 },
    );
  });
});

describe("renderPem", () => {
  it("writes the text that openssl writes", () => {
    expect(renderPem("CERTIFICATE", new X509Certificate(certificate).raw)).toBe(certificate);
  });

  it("is read back to the same bytes, whatever their length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        // an OCTET STRING tag, so that the length check of a sequence does not apply
        const der = Buffer.concat([Buffer.from([4]), bytes]);
        const text = renderPem("DATA", der);
        expect(readPemBlocks(text, "data")[0]?.der).toEqual(der);
        expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(64);
      }),
    );
  });
});
