import asn1 from "node-forge/lib/asn1";
import { TlsError } from "../../errors";

/** One element of a DER structure. */
export interface Asn1 {
  /** 0 universal, 64 application, 128 context-specific, 192 private: the two high bits of the tag octet. */
  readonly tagClass: number;
  /** The tag number. */
  readonly type: number;
  readonly constructed: boolean;
  /** Content octets, one a character, of a primitive element (text for a BMPString); elements of a constructed one. */
  readonly value: string | readonly Asn1[];
}

/** Universal tag numbers (X.680 section 8.4). */
export const tag = {
  boolean: 1,
  integer: 2,
  bitString: 3,
  octetString: 4,
  null: 5,
  oid: 6,
  utf8: 12,
  sequence: 16,
  set: 17,
  printable: 19,
  teletex: 20,
  ia5: 22,
  utcTime: 23,
  generalizedTime: 24,
  universal: 28,
  bmp: 30,
} as const;

/** Real structures are far below; 10 MB of tiny elements would take a second to read. */
const longestDer = 1024 * 1024;

/**
 * Reads one DER element that fills `encoded`; `what` names the thing in messages. BER's indefinite lengths are accepted.
 * At most 1 MiB and 256 levels.
 * @throws TlsError DER_INVALID
 */
export function readDer(encoded: Buffer, what = "the structure"): Asn1 {
  if (encoded.length > longestDer) {
    throw new TlsError("DER_INVALID", `${what} has ${encoded.length} octets; at most ${longestDer} are read`);
  }
  try {
    return asn1.fromDer(encoded.toString("latin1"), { strict: true, parseAllBytes: true, decodeBitStrings: false });
  } catch (cause) {
    const found = cause instanceof Error ? cause.message.replace(/\.$/, "") : "unreadable";
    throw new TlsError("DER_INVALID", `${what} is not ASN.1 in DER (${found})`, {
      hint: "The bytes are damaged, cut short, or of another format.",
      cause,
    });
  }
}

/** The DER encoding of an element; what was read from DER comes back octet by octet. */
export function bytes(node: Asn1): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), "latin1");
}

/** Makes elements. Not checked: whether text fits its string type. */
export const der = {
  sequence: (...items: readonly Asn1[]): Asn1 => asn1.create(0, tag.sequence, true, items),
  /** A SET OF: its elements are sorted by their encoding (X.690 section 11.6). */
  set: (...items: readonly Asn1[]): Asn1 => {
    const sorted = items.length < 2 ? items : [...items].sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
    return asn1.create(0, tag.set, true, sorted);
  },
  oid: (dotted: string): Asn1 => asn1.create(0, tag.oid, false, asn1.oidToDer(dotted).getBytes()),
  /** A number up to 2^31 or the octets of an unsigned one, made positive and minimal (X.690 section 8.3). */
  integer: (value: number | Buffer): Asn1 =>
    asn1.create(0, tag.integer, false, integerOctets(value).toString("latin1")),
  boolean: (value: boolean): Asn1 => asn1.create(0, tag.boolean, false, value ? "\xff" : "\0"),
  null: (): Asn1 => asn1.create(0, tag.null, false, ""),
  bitString: (value: Buffer, unusedBits = 0): Asn1 =>
    asn1.create(0, tag.bitString, false, String.fromCharCode(unusedBits) + value.toString("latin1")),
  octetString: (value: Buffer): Asn1 => asn1.create(0, tag.octetString, false, value.toString("latin1")),
  utf8: (text: string): Asn1 => asn1.create(0, tag.utf8, false, Buffer.from(text).toString("latin1")),
  printable: (text: string): Asn1 => asn1.create(0, tag.printable, false, text),
  /** UTF-16, so that what is outside the basic plane becomes two characters, as OpenSSL and Java write it. */
  bmp: (text: string): Asn1 => asn1.create(0, tag.bmp, false, text),
  ia5: (text: string): Asn1 => asn1.create(0, tag.ia5, false, text),
  /** UTCTime from 1950 to 2049, else GeneralizedTime, whole seconds (RFC 5280 section 4.1.2.5). */
  time: (date: Date): Asn1 => {
    const text = `${date.toISOString().replace(/[-:T]|\..*$/g, "")}Z`;
    const year = date.getUTCFullYear();
    if (year >= 1950 && year < 2050) return asn1.create(0, tag.utcTime, false, text.slice(2));
    return asn1.create(0, tag.generalizedTime, false, text);
  },
  /** `[n] EXPLICIT`, or `[n] IMPLICIT` of a constructed type. */
  tagged: (n: number, ...items: readonly Asn1[]): Asn1 => asn1.create(128, n, true, items),
  /** `[n] IMPLICIT` of a primitive type. */
  implicit: (n: number, content: Buffer): Asn1 => asn1.create(128, n, false, content.toString("latin1")),
} as const;

function integerOctets(value: number | Buffer): Buffer {
  const octets = typeof value === "number" ? Buffer.alloc(4) : value;
  if (typeof value === "number") octets.writeInt32BE(value);
  let start = 0;
  while (start < octets.length - 1 && octets[start] === 0) start += 1;
  const minimal = octets.subarray(start);
  return (minimal[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), minimal]) : minimal;
}
