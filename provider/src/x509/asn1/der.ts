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
const LONGEST_DER = 1024 * 1024;

/**
 * Reads one DER element that fills `encoded`; `what` names the thing in messages. BER's indefinite lengths are accepted.
 * At most 1 MiB and 256 levels.
 * @throws TlsError DER_INVALID
 */
export function readDer(encoded: Buffer, what = "the structure"): Asn1 {
  if (encoded.length > LONGEST_DER) {
    throw new TlsError("DER_INVALID", `${what} has ${encoded.length} octets; at most ${LONGEST_DER} are read`);
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
    const text = `${date.toISOString().replace(/[-:T]|\.\d+Z$/g, "")}Z`;
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

/**
 * The elements of a SEQUENCE, a SET or a constructed element with a tag of its own; `what` names it in messages.
 * @throws TlsError DER_INVALID when it is missing or primitive
 */
export function items(node: Asn1 | undefined, what: string): readonly Asn1[] {
  if (node === undefined || typeof node.value === "string") throw malformed(what);
  // a string in several pieces is BER, and no piece of it is an element of a structure
  if (node.tagClass === 0 && node.type !== tag.sequence && node.type !== tag.set) throw malformed(what);
  return node.value;
}

/**
 * The content octets of a primitive element.
 * @throws TlsError DER_INVALID when it is missing or constructed
 */
export function octets(node: Asn1 | undefined, what: string): Buffer {
  if (node === undefined || typeof node.value !== "string") throw malformed(what);
  const content = Buffer.from(node.value, node.type === tag.bmp ? "utf16le" : "latin1");
  return node.type === tag.bmp ? content.swap16() : content;
}

/** Longer than any that is in use; the arithmetic below grows with the square of the length. */
const LONGEST_OID = 64;

/**
 * An object identifier in dotted form.
 * @throws TlsError DER_INVALID
 */
export function readOid(node: Asn1 | undefined, what: string): string {
  if (!isUniversal(node, tag.oid) || octets(node, what).length > LONGEST_OID) throw malformed(what);
  // forge's reader gives up above 53 bits, where the arc of a UUID (2.25.…) has 128
  const arcs: bigint[] = [];
  let arc = 0n;
  let open = true;
  for (const octet of octets(node, what)) {
    arc = arc * 128n + BigInt(octet & 0x7f);
    open = octet >= 0x80;
    if (open) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first, ...rest] = arcs;
  if (first === undefined || open) throw malformed(what);
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join(".");
}

/**
 * Object identifier and parameters of an AlgorithmIdentifier (RFC 5280 section 4.1.1.2); the identifier is empty for one
 * longer than 32 octets, which no algorithm has, since reading it costs the square of its length.
 * @throws TlsError DER_INVALID
 */
export function readAlgorithm(node: Asn1 | undefined, what: string): readonly [oid: string, parameters?: Asn1] {
  const [type, parameters] = items(node, what);
  const oid = octets(type, what).length > 32 ? "" : readOid(type, what);
  return parameters === undefined ? [oid] : [oid, parameters];
}

/**
 * An INTEGER that counts something: infinite when it is negative, or above 2^40, which is as good as endless.
 * @throws TlsError DER_INVALID
 */
export function readNumber(node: Asn1 | undefined, what: string): number {
  const value = octets(node, what);
  if (value.length === 0 || value.length > 5 || (value[0] ?? 0) >= 0x80) return Number.POSITIVE_INFINITY;
  return value.readUIntBE(0, value.length);
}

/**
 * The content of an OCTET STRING, or of one with an implicit tag, also where BER writes it in pieces (X.690 section 8.7).
 * @throws TlsError DER_INVALID
 */
export function joinOctets(node: Asn1 | undefined, what: string): Buffer {
  if (node === undefined) throw malformed(what);
  if (typeof node.value === "string") return octets(node, what);
  const pieces = node.value.map((piece) => {
    if (!isUniversal(piece, tag.octetString)) throw malformed(what);
    return joinOctets(piece, what);
  });
  return Buffer.concat(pieces);
}

/** Whether an element is there and has this universal tag number. */
export function isUniversal(node: Asn1 | undefined, type: number): boolean {
  return node?.tagClass === 0 && node.type === type;
}

/** Whether an element is there and has the context-specific tag `[n]`. */
export function isTagged(node: Asn1 | undefined, n: number): boolean {
  return node?.tagClass === 128 && node.type === n;
}

function malformed(what: string): TlsError {
  return new TlsError("DER_INVALID", `${what} can't be read: the structure is not the expected one`, {
    hint: "The bytes are damaged or of another format.",
  });
}
