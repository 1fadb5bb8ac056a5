import { constants, type KeyObject, verify } from "node:crypto";
import { type Asn1, isTagged, isUniversal, items, octets, readOid, tag } from "./asn1/der";

/** Which key an algorithm belongs to, and its hash (RFC 3279, 4055, 5758, 8410). Neither MD5 nor older: forgeable. */
const algorithms: Readonly<Record<string, { readonly keyType: string; readonly hash: string | null }>> = {
  "1.2.840.113549.1.1.5": { keyType: "rsa", hash: "sha1" },
  "1.2.840.113549.1.1.14": { keyType: "rsa", hash: "sha224" },
  "1.2.840.113549.1.1.11": { keyType: "rsa", hash: "sha256" },
  "1.2.840.113549.1.1.12": { keyType: "rsa", hash: "sha384" },
  "1.2.840.113549.1.1.13": { keyType: "rsa", hash: "sha512" },
  "1.2.840.10045.4.1": { keyType: "ec", hash: "sha1" },
  "1.2.840.10045.4.3.1": { keyType: "ec", hash: "sha224" },
  "1.2.840.10045.4.3.2": { keyType: "ec", hash: "sha256" },
  "1.2.840.10045.4.3.3": { keyType: "ec", hash: "sha384" },
  "1.2.840.10045.4.3.4": { keyType: "ec", hash: "sha512" },
  "1.3.101.112": { keyType: "ed25519", hash: null },
  "1.3.101.113": { keyType: "ed448", hash: null },
};

/** RSASSA-PSS (RFC 4055 section 3.1), also by plain RSA keys. */
const pss = "1.2.840.113549.1.1.10";

const hashes: Readonly<Record<string, string>> = {
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.4": "sha224",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/**
 * Whether `signature` over `signed` is by this key and this AlgorithmIdentifier; false for an unknown algorithm too.
 * @throws TlsError DER_INVALID
 */
export function isSignedBy(key: KeyObject, signed: Buffer, algorithm: Asn1, signature: Buffer): boolean {
  const [id, parameters] = items(algorithm, "the signature algorithm");
  const oid = readOid(id, "the signature algorithm");
  const known = algorithms[oid];
  try {
    if (oid === pss) return verifyPss(key, signed, parameters, signature);
    return (
      known?.keyType === key.asymmetricKeyType && known !== undefined && verify(known.hash, signed, key, signature)
    );
  } catch {
    // OpenSSL refuses what can't be a signature by such a key
    return false;
  }
}

/** The parameters default to SHA-1 and a salt of 20 octets (RFC 4055 section 3.1); the mask hash is the hash in use. */
function verifyPss(key: KeyObject, signed: Buffer, parameters: Asn1 | undefined, signature: Buffer): boolean {
  const fields = parameters === undefined ? [] : items(parameters, "the PSS parameters");
  const hashField = fields.find((field) => isTagged(field, 0));
  const saltField = fields.find((field) => isTagged(field, 2));
  const hashId = hashField === undefined ? undefined : items(items(hashField, "the hash")[0], "the hash")[0];
  const hash = hashId === undefined ? "sha1" : hashes[readOid(hashId, "the hash")];
  const salt = saltField === undefined ? undefined : items(saltField, "the salt length")[0];
  if (hash === undefined) return false;
  const saltLength = isUniversal(salt, tag.integer)
    ? Number.parseInt(octets(salt, "the salt length").toString("hex"), 16)
    : 20;
  return verify(hash, signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
}
