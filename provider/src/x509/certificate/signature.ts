import { type KeyObject, sign } from "node:crypto";
import { TlsError } from "../../errors";
import { type Asn1, der } from "../asn1/der";

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
