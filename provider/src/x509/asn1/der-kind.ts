import { isTlsError } from "../../errors";
import { identifier as id, readElements } from "./ber";

/** What DER bytes are by their outer shape; keys by the label that they have in PEM (RFC 7468). */
export type DerKind =
  | "CERTIFICATE"
  | "CERTIFICATE REQUEST"
  | "X509 CRL"
  | "PKCS7"
  | "PKCS12"
  | "PRIVATE KEY"
  | "ENCRYPTED PRIVATE KEY"
  | "RSA PRIVATE KEY"
  | "EC PRIVATE KEY"
  | "PUBLIC KEY";

/** The first elements of each kind, by their identifier octets; the longer come first. */
const shapes: readonly (readonly [kind: DerKind, ...identifiers: number[]])[] = [
  ["PKCS7", id.oid, id.context0], // ContentInfo, RFC 5652 section 3
  ["PRIVATE KEY", id.integer, id.sequence, id.octetString], // RFC 5958 section 2
  ["PKCS12", id.integer, id.sequence], // PFX, RFC 7292 section 4
  ["EC PRIVATE KEY", id.integer, id.octetString], // RFC 5915 section 3
  ["RSA PRIVATE KEY", id.integer, id.integer, id.integer, id.integer, id.integer, id.integer, id.integer], // RFC 8017 A.1.2
  ["ENCRYPTED PRIVATE KEY", id.sequence, id.octetString], // RFC 5958 section 3
  ["PUBLIC KEY", id.sequence, id.bitString], // RFC 5280 section 4.1
];

/** What is signed, in the same way. */
const signedShapes: typeof shapes = [
  ["X509 CRL", id.integer, id.sequence, id.sequence, id.utcTime], // RFC 5280 section 5.1
  ["X509 CRL", id.sequence, id.sequence, id.utcTime],
  ["CERTIFICATE REQUEST", id.integer, id.sequence, id.sequence, id.context0], // RFC 2986 section 4.1
  ["CERTIFICATE", id.context0, id.integer, id.sequence, id.sequence, id.sequence, id.sequence, id.sequence],
  ["CERTIFICATE", id.integer, id.sequence, id.sequence, id.sequence, id.sequence, id.sequence], // version 1
];

/** Tells what `encoded` is by its outermost elements; undefined when nothing known. Not checked: anything inside. */
export function recogniseDer(encoded: Buffer): DerKind | undefined {
  try {
    const outer = readElements(encoded, "it");
    if (outer.length !== 1 || outer[0]?.identifier !== id.sequence) return undefined;
    const elements = readElements(outer[0].content, "it");
    const [signed, algorithm, signature, ...rest] = elements;
    const isSigned = algorithm?.identifier === id.sequence && signature?.identifier === id.bitString;
    if (signed?.identifier === id.sequence && isSigned && rest.length === 0) {
      return match(signedShapes, readElements(signed.content, "it"));
    }
    return match(shapes, elements);
  } catch (error) {
    if (isTlsError(error)) return undefined;
    throw error;
  }
}

function match(kinds: typeof shapes, elements: ReturnType<typeof readElements>): DerKind | undefined {
  const found = kinds.find(([, ...expected]) => expected.every((octet, at) => elements[at]?.identifier === octet));
  return found?.[0];
}
