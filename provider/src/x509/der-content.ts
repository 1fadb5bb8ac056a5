import { TlsError } from "../errors";
import { type Asn1, tag } from "./asn1/der";

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
const longestOid = 64;

/**
 * An object identifier in dotted form.
 * @throws TlsError DER_INVALID
 */
export function readOid(node: Asn1 | undefined, what: string): string {
  if (!isUniversal(node, tag.oid) || octets(node, what).length > longestOid) throw malformed(what);
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
