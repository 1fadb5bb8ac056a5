import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TlsError } from "../../../../provider/src/errors";
import { type Asn1, bytes, der, items, octets, readDer, readOid } from "../../../../provider/src/x509/asn1/der";

const hex = (node: Asn1) => bytes(node).toString("hex");

describe("elements are encoded as X.690 says", () => {
  it.each([
    // X.690 sections 8.3 and 8.19.5, and RFC 5280 section 4.1.2.5
    ["zero", der.integer(0), "020100"],
    ["127", der.integer(127), "02017f"],
    ["128, which needs a sign octet", der.integer(128), "02020080"],
    ["an unsigned number with leading zeros", der.integer(Buffer.of(0, 0, 0x7f)), "02017f"],
    ["an unsigned number with its high bit set", der.integer(Buffer.of(0x80, 1)), "0203008001"],
    ["an object identifier", der.oid("2.999.3"), "0603883703"],
    ["true", der.boolean(true), "0101ff"],
    ["null", der.null(), "0500"],
    ["a bit string with unused bits", der.bitString(Buffer.of(0x06), 1), "03020106"],
    ["UTF-8", der.utf8("é"), "0c02c3a9"],
    ["the last second of UTCTime", der.time(new Date("2049-12-31T23:59:59.999Z")), "170d3439313233313233353935395a"],
    ["the first of GeneralizedTime", der.time(new Date("2050-01-01T00:00:00Z")), "180f32303530303130313030303030305a"],
    ["a time before UTCTime", der.time(new Date("1949-12-31T23:59:59Z")), "180f31393439313233313233353935395a"],
    ["a set, sorted", der.set(der.integer(2), der.integer(1)), "3106020101020102"],
    ["[0] EXPLICIT", der.tagged(0, der.integer(2)), "a003020102"],
    ["[2] IMPLICIT", der.implicit(2, Buffer.from("a")), "820161"],
    ["a length of two octets", der.octetString(Buffer.alloc(200)), `0481c8${"00".repeat(200)}`],
  ])("%s", (_, node, encoded) => {
    expect(hex(node)).toBe(encoded);
  });

  it("whatever the number", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 160n }), (number) => {
        const text = number.toString(16);
        const node = der.integer(Buffer.from(text.padStart(text.length + (text.length % 2), "0"), "hex"));
        const content = octets(node, "the number");
        expect(BigInt(`0x${content.toString("hex")}`)).toBe(number);
        expect((content[0] ?? 0xff) < 0x80).toBe(true);
        expect(content.length === 1 || content[0] !== 0 || (content[1] ?? 0) >= 0x80).toBe(true);
      }),
    );
  });
});

it("every root of Mozilla comes back octet by octet", () => {
  for (const pem of rootCertificates) {
    const { raw } = new X509Certificate(pem);
    expect(bytes(readDer(raw)).equals(raw)).toBe(true);
  }
});

it("object identifiers with arcs of 128 bits are read", () => {
  // openssl asn1parse -genstr OID:2.25.329800735698586629295641978511506172918
  const encoded = Buffer.from("06146983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776", "hex");
  expect(readOid(readDer(encoded), "the identifier")).toBe("2.25.329800735698586629295641978511506172918");
});

it("refuses an object identifier so long that reading it would block the process", () => {
  const long = Buffer.concat([Buffer.alloc(400_000, 0x81), Buffer.of(1)]);
  expect(() => readOid(der.implicit(0, long), "the identifier")).toThrow(TlsError);
  const oid = readDer(Buffer.concat([Buffer.of(0x06, 0x83, 0x06, 0x1a, 0x81), long]));
  expect(() => readOid(oid, "the identifier")).toThrow("the identifier can't be read");
});

it("other bytes give DER_INVALID and nothing else", () => {
  const root = new X509Certificate(rootCertificates[0] ?? "").raw;
  const damaged = fc.tuple(fc.nat(root.length - 1), fc.nat(255)).map(([at, octet]) => {
    const copy = Buffer.from(root);
    copy[at] = octet;
    return copy;
  });
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
    damaged,
  );
  fc.assert(
    fc.property(any, (encoded) => {
      try {
        const node = readDer(encoded, "the bytes");
        readOid(items(node, "the bytes")[0], "the bytes");
      } catch (error) {
        expect(error).toBeInstanceOf(TlsError);
        expect((error as TlsError).code).toBe("DER_INVALID");
      }
    }),
    { numRuns: 3000 },
  );
});

it.each([
  ["too long", Buffer.alloc(1024 * 1024 + 1), "at most 1048576"],
  [
    "too deep",
    Buffer.concat([...Array.from({ length: 2000 }, () => Buffer.from("3080", "hex")), Buffer.alloc(4000)]),
    "depth",
  ],
  ["cut short", Buffer.from("3005020101", "hex"), "Too few bytes"],
  ["followed by something", Buffer.from("05000500", "hex"), "remain"],
])("what is %s is refused", (_, encoded, found) => {
  expect(() => readDer(encoded, "the file")).toThrow(new RegExp(`^DER_INVALID: the file .*${found}`));
});
