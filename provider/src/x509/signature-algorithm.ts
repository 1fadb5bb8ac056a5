import { type Asn1, isTagged, isUniversal, items, readDer, readOid, tag } from "./asn1/der";
import type { Certificate } from "./certificate/certificate";

/** Broken hashes by the signature algorithms that use them (RFC 3279 section 2.2, RFC 8017 appendix A.2.4, OIW). */
const weakAlgorithms: Readonly<Record<string, string>> = {
  "1.2.840.113549.1.1.2": "MD2",
  "1.2.840.113549.1.1.3": "MD4",
  "1.2.840.113549.1.1.4": "MD5",
  "1.2.840.113549.1.1.5": "SHA-1",
  "1.3.14.3.2.29": "SHA-1",
  "1.2.840.10045.4.1": "SHA-1",
  "1.2.840.10040.4.3": "SHA-1",
};

/** RFC 4055 section 3.1: the hash is a parameter, and SHA-1 where it is left out. */
const rsaPss = "1.2.840.113549.1.1.10";
const sha1 = "1.3.14.3.2.26";

/**
 * The broken hash that a certificate was signed with: "MD2", "MD4", "MD5" or "SHA-1"; undefined for a sound one.
 * Not checked: whether the signature verifies.
 * @throws TlsError DER_INVALID
 */
export function readWeakHash(certificate: Certificate): string | undefined {
  const what = "the signature algorithm";
  const [, algorithm] = items(readDer(certificate.der, what), what);
  const [type, parameters] = items(algorithm, what);
  const oid = readOid(type, what);
  if (oid !== rsaPss) return weakAlgorithms[oid];
  return readPssHash(parameters, what) === sha1 ? "SHA-1" : undefined;
}

/** Whether a certificate is of version 1, which has no extensions and so can't say that it is a CA. */
export function isVersion1(certificate: Certificate): boolean {
  const what = "the certificate";
  const [body] = items(readDer(certificate.der, what), what);
  return !isTagged(items(body, what)[0], 0);
}

function readPssHash(parameters: Asn1 | undefined, what: string): string {
  if (!isUniversal(parameters, tag.sequence)) return sha1;
  const hash = items(parameters, what).find((item) => isTagged(item, 0));
  return hash === undefined ? sha1 : readOid(items(items(hash, what)[0], what)[0], what);
}
