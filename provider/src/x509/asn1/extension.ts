import { TlsError } from "../../errors";
import { type Asn1, bytes, der, isUniversal, items, octets, readDer, readOid, tag } from "./der";

/** Object identifiers of the extensions that are read or written here (RFC 5280 section 4.2.1). */
export const extensionId = {
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;

/** One extension of a certificate or request. */
export interface Extension {
  readonly critical: boolean;
  /** The element inside the octet string; undefined for an extension not named in {@link extensionId}. */
  readonly content: Asn1 | undefined;
}

/** Encodes one extension (RFC 5280 section 4.2). */
export function encodeExtension(oid: string, critical: boolean, content: Asn1): Asn1 {
  const value = der.octetString(bytes(content));
  return critical ? der.sequence(der.oid(oid), der.boolean(true), value) : der.sequence(der.oid(oid), value);
}

/**
 * Reads a SEQUENCE OF Extension by object identifier. Only the extensions named in {@link extensionId} are read into.
 * @throws TlsError DER_INVALID, also for one that stands twice (RFC 5280 section 4.2 forbids it)
 */
export function readExtensions(list: Asn1): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  for (const extension of items(list, "the extensions")) {
    const [id, second, third] = items(extension, "an extension");
    const oid = readOid(id, "an extension");
    const critical = isUniversal(second, tag.boolean) && second?.value !== "\0";
    const value = octets(isUniversal(second, tag.boolean) ? third : second, `the extension ${oid}`);
    if (extensions.has(oid)) throw new TlsError("DER_INVALID", `the extension ${oid} stands there twice`);
    extensions.set(oid, { critical, content: known.has(oid) ? readDer(value, `the extension ${oid}`) : undefined });
  }
  return extensions;
}

const known: ReadonlySet<string> = new Set(Object.values(extensionId));
