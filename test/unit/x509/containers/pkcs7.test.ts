import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { X509Certificates } from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";
import { encodeElement } from "../../../../provider/src/x509/asn1/ber";
import { readPemBlocks } from "../../../../provider/src/x509/asn1/pem";
import type { Certificate } from "../../../../provider/src/x509/certificate/certificate";
import { readCertificates } from "../../../../provider/src/x509/chain/read";
import { readPkcs7, renderPkcs7 } from "../../../../provider/src/x509/containers/pkcs7";
import { caExtensions, type IssuedPair, OpensslPki } from "../../../support/x509/openssl-pki";

const pki = new OpensslPki();
afterAll(() => pki.remove());

let pairs: readonly IssuedPair[];
let certificates: readonly Certificate[];

beforeAll(() => {
  pairs = [pki.issue("One", { extensions: caExtensions() }), pki.issue("Two", { key: "-algorithm ED25519" })];
  certificates = readCertificates(pairs.map(({ pem }) => pem).join(""), "pems");
});

const derOf = (pem: string): Buffer => readPemBlocks(pem, "pem")[0]?.der ?? Buffer.alloc(0);
const sequence = (...contents: readonly Buffer[]) => encodeElement(0x30, ...contents);
const oid = (hexadecimal: string) => encodeElement(0x06, Buffer.from(hexadecimal, "hex"));
/** 1.2.840.113549.1.7.n */
const contentType = (n: number) => oid(`2a864886f70d01070${n}`);
/** BER: a length that is not known before. */
const indefinite = (identifier: number, ...contents: readonly Buffer[]) =>
  Buffer.concat([Buffer.of(identifier, 0x80), ...contents, Buffer.of(0, 0)]);

function failure(encoded: Buffer): TlsError {
  try {
    readPkcs7(encoded, "p7b");
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("was read without a failure");
}

describe("PKCS#7", () => {
  it("is rendered and read back with the same bytes in the same order", () => {
    for (const order of [certificates, [...certificates].reverse()]) {
      const read = readPkcs7(derOf(renderPkcs7(order)), "p7b");
      expect(read.map(({ pem }) => pem)).toEqual(order.map(({ pem }) => pem));
    }
    const roots = readCertificates(rootCertificates.join("\n"), "roots");
    expect(readPkcs7(derOf(renderPkcs7(roots)), "p7b").map(({ pem }) => pem)).toEqual(roots.map(({ pem }) => pem));
  });

  it("that is rendered is read by @peculiar/x509", () => {
    const theirs = new X509Certificates(renderPkcs7(certificates));
    expect(theirs.map(({ serialNumber }) => serialNumber)).toEqual(certificates.map((one) => one.serialNumber));
  });

  it("in BER keeps the bytes of a certificate that is not in DER itself, which its signature is over", () => {
    const [first] = certificates;
    if (first === undefined) throw new Error("nothing was made");
    // the same elements, but the outermost length is written in more octets than it needs
    const content = first.der.subarray(4);
    const loose = Buffer.concat([Buffer.of(0x30, 0x83, 0, content.length >> 8, content.length & 0xff), content]);
    const set = indefinite(0xa0, loose);
    const digests = encodeElement(0x31);
    const signedData = indefinite(0x30, Buffer.of(2, 1, 1), digests, indefinite(0x30, contentType(1)), set, digests);
    const [read] = readPkcs7(indefinite(0x30, contentType(2), indefinite(0xa0, signedData)), "p7b");
    expect(read?.der.equals(loose)).toBe(true);
    expect(read?.x509.verify(read.x509.publicKey)).toBe(true);
  });

  it.each([
    ["nothing", Buffer.alloc(0), "is not PKCS#7: the structure is not the expected one"],
    ["text", Buffer.from("hello"), "is not PKCS#7: the container is not ASN.1"],
    ["an encrypted message", sequence(contentType(3), encodeElement(0xa0)), "is an encrypted message"],
    ["plain data", sequence(contentType(1), encodeElement(0xa0)), "without certificates"],
    ["nothing behind its type", sequence(contentType(2)), "is not PKCS#7: the structure is not the expected one"],
    [
      "no certificate",
      sequence(contentType(2), encodeElement(0xa0, sequence(Buffer.of(2, 1, 1), sequence(), sequence()))),
      "is PKCS#7 without a certificate",
    ],
    ["an endless length", Buffer.from("3080".repeat(20_000), "hex"), "nested more than 32 levels deep"],
    ["a length beyond its end", Buffer.from("30840fffffff06", "hex"), "it has 1 of its 268435455 octets"],
    ["a length of many octets", Buffer.from("30ff06", "hex"), "a length that no file has"],
    ["two MiB", sequence(Buffer.alloc(2 * 1024 * 1024)), "octets, at most 1048576 are read"],
  ])("that is %s is refused with what it is", (_, encoded, reason) => {
    const error = failure(encoded);
    expect(error.code).toBe("CONTAINER_INVALID");
    expect(error.reason).toMatch(/^p7b: /);
    expect(error.reason).toContain(reason);
  });

  it("with a damaged certificate says which", () => {
    const encoded = derOf(renderPkcs7(certificates));
    const second = encoded.indexOf(certificates[1]?.der ?? "");
    encoded[second + 4] = 0x31;
    expect(failure(encoded)).toMatchObject({
      code: "CERTIFICATE_INVALID",
      reason: expect.stringMatching(/^p7b: certificate 2 of PKCS#7: /),
    });
  });

  it("with more than 1000 certificates is refused before they are read", () => {
    const [first] = certificates;
    if (first === undefined) throw new Error("nothing was made");
    const encoded = derOf(renderPkcs7(new Array<Certificate>(1001).fill(first)));
    expect(failure(encoded).reason).toBe("p7b: holds 1001 certificates, at most 1000 are read");
    expect(readPkcs7(derOf(renderPkcs7(new Array<Certificate>(1000).fill(first))), "p7b")).toHaveLength(1000);
  });

  it("of OpenSSL's command in DER is what is rendered", () => {
    pki.write("both.pem", pairs.map(({ pem }) => pem).join(""));
    pki.run(["crl2pkcs7", "-nocrl", "-certfile", "both.pem", "-outform", "DER", "-out", "both.p7b"]);
    const theirs = readFileSync(join(pki.folder, "both.p7b"));
    expect(derOf(renderPkcs7(certificates)).equals(theirs)).toBe(true);
  });
});
