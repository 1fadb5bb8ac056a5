import { pbkdf2Sync } from "node:crypto";
import { type Asn1, der, isUniversal, items, readAlgorithm, readNumber, tag } from "./asn1/der";
import { type HashName, readSalt } from "./pkcs12/key-derivation";
import { unsupportedAlgorithm } from "./pkcs12-failure";

/** Everything about a derivation but the password. */
export interface Pbkdf2Parameters {
  /** Of the HMAC that is iterated. */
  readonly hash: HashName;
  readonly salt: Buffer;
  readonly iterations: number;
  /** Octets, where they are written down. */
  readonly keyLength?: number;
}

const pbkdf2 = "1.2.840.113549.1.5.12";
const hmacWithSha256 = "1.2.840.113549.2.9";

/** HMACs by their identifiers (RFC 8018 appendix B.1). */
const hmacs: Readonly<Record<string, HashName>> = {
  "1.2.840.113549.2.7": "sha1",
  "1.2.840.113549.2.8": "sha224",
  [hmacWithSha256]: "sha256",
  "1.2.840.113549.2.10": "sha384",
  "1.2.840.113549.2.11": "sha512",
};

/**
 * Reads the AlgorithmIdentifier of PBKDF2. Not checked: how long deriving takes.
 * @throws TlsError CONTAINER_INVALID: another derivation (scrypt) or hash; DER_INVALID. RFC 8018 appendix A.2.
 */
export function readPbkdf2(node: Asn1 | undefined, what: string): Pbkdf2Parameters {
  const [oid, parameters] = readAlgorithm(node, "its encryption");
  if (oid !== pbkdf2) throw unsupportedAlgorithm(oid, what);
  const [salt, iterations, ...rest] = items(parameters, "its encryption");
  const keyLength = rest.find((item) => isUniversal(item, tag.integer));
  const prf = rest.find((item) => isUniversal(item, tag.sequence));
  return {
    hash: prf === undefined ? "sha1" : readHmac(prf, what),
    salt: readSalt(salt, "its encryption"),
    iterations: readNumber(iterations, "its encryption"),
    ...(keyLength === undefined ? {} : { keyLength: readNumber(keyLength, "its encryption") }),
  };
}

/** Encodes the AlgorithmIdentifier of PBKDF2 with SHA-256 for a cipher whose key length is known. */
export function encodePbkdf2({ salt, iterations }: Pbkdf2Parameters): Asn1 {
  const prf = der.sequence(der.oid(hmacWithSha256), der.null());
  return der.sequence(der.oid(pbkdf2), der.sequence(der.octetString(salt), der.integer(iterations), prf));
}

/** Derives `length` octets. */
export function derivePbkdf2({ hash, salt, iterations }: Pbkdf2Parameters, password: Buffer, length: number): Buffer {
  return pbkdf2Sync(password, salt, iterations, length, hash);
}

/**
 * The hash of an HMAC's AlgorithmIdentifier.
 * @throws TlsError CONTAINER_INVALID, DER_INVALID
 */
export function readHmac(node: Asn1 | undefined, what: string): HashName {
  const [oid] = readAlgorithm(node, "its encryption");
  const hash = hmacs[oid];
  if (hash === undefined) throw unsupportedAlgorithm(oid, what);
  return hash;
}
