import { TlsError } from "../errors";
import { type Asn1, tag } from "./der";

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
