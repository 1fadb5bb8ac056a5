import { type KeyObject, sign } from "node:crypto";
import { TlsError } from "../../errors";
import { type Asn1, der, isTagged, isUniversal, items, readDer, readOid, tag } from "../asn1/der";
import type { Certificate } from "./certificate";

/** How a key signs: the hash (null where the algorithm has its own) and the AlgorithmIdentifier. */
interface SignatureAlgorithm {
  readonly hash: string | null;
  readonly identifier: Asn1;
}

const ecdsa = (hash: string, oid: string): SignatureAlgorithm => ({ hash, identifier: der.sequence(der.oid(oid)) });

/** RFC 5758 section 3.2. */
const ecdsaSha256 = ecdsa("sha256", "1.2.840.10045.4.3.2");

/** The hash as strong as the curve (NIST SP 800-57 part 1, table 3); SHA-256 for other curves. */
const ecdsaByCurve: Readonly<Record<string, SignatureAlgorithm>> = {
  secp384r1: ecdsa("sha384", "1.2.840.10045.4.3.3"),
  secp521r1: ecdsa("sha512", "1.2.840.10045.4.3.4"),
};

const algorithms: Readonly<Record<string, SignatureAlgorithm>> = {
  // sha256WithRSAEncryption with its NULL (RFC 4055 section 5)
  rsa: { hash: "sha256", identifier: der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null()) },
  // RFC 8410 section 3: no parameters
  ed25519: { hash: null, identifier: der.sequence(der.oid("1.3.101.112")) },
  ed448: { hash: null, identifier: der.sequence(der.oid("1.3.101.113")) },
};

/**
 * The AlgorithmIdentifier of signatures by this key.
 * @throws TlsError KEY_INVALID for a key that can't sign certificates here (DSA, RSA-PSS, X25519, …)
 */
export function signatureIdentifier(key: KeyObject): Asn1 {
  return algorithmOf(key).identifier;
}

/**
 * Signs with a private key by the algorithm of {@link signatureIdentifier}; ECDSA signatures are in DER (RFC 3279).
 * @throws TlsError KEY_INVALID
 */
export function signOctets(key: KeyObject, octets: Buffer): Buffer {
  return sign(algorithmOf(key).hash, octets, key);
}

function algorithmOf(key: KeyObject): SignatureAlgorithm {
  const type = key.asymmetricKeyType ?? "unknown";
  const curve = key.asymmetricKeyDetails?.namedCurve ?? "";
  const algorithm = type === "ec" ? (ecdsaByCurve[curve] ?? ecdsaSha256) : algorithms[type];
  if (algorithm !== undefined) return algorithm;
  throw new TlsError("KEY_INVALID", `a key of type ${type} can't sign certificates here`, {
    hint: "Take an EC, RSA or Ed25519 key for the CA.",
  });
}

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
const RSA_PSS = "1.2.840.113549.1.1.10";
const SHA1 = "1.3.14.3.2.26";

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
  if (oid !== RSA_PSS) return weakAlgorithms[oid];
  return readPssHash(parameters, what) === SHA1 ? "SHA-1" : undefined;
}

/** Whether a certificate is of version 1, which has no extensions and so can't say that it is a CA. */
export function isVersion1(certificate: Certificate): boolean {
  const what = "the certificate";
  const [body] = items(readDer(certificate.der, what), what);
  return !isTagged(items(body, what)[0], 0);
}

function readPssHash(parameters: Asn1 | undefined, what: string): string {
  if (!isUniversal(parameters, tag.sequence)) return SHA1;
  const hash = items(parameters, what).find((item) => isTagged(item, 0));
  return hash === undefined ? SHA1 : readOid(items(items(hash, what)[0], what)[0], what);
}
