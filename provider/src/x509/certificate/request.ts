import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import { isTlsError, TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { type Asn1, bytes, isTagged, isUniversal, items, octets, readDer, readOid, tag } from "../asn1/der";
import { extensionId, readExtensions } from "../asn1/extension";
import { readPemBlocks } from "../asn1/pem";
import { readAlternativeNames } from "../names/alternative-name";
import { type DistinguishedName, readName } from "../names/distinguished-name";
import { type Identifier, parseIdentifier } from "../names/identifier";

/** What a certificate signing request (PKCS#10, RFC 2986) asks for. */
export interface CertificateRequest {
  readonly publicKey: KeyObject;
  /** The DNS, IP, e-mail and URI names asked for; the common name is not among them. Empty without the extension. */
  readonly identifiers: readonly Identifier[];
  /** The attributes of the subject that a `DistinguishedName` has. */
  readonly subject: DistinguishedName;
}

/** The second is what older Netscape and Microsoft tools write (RFC 7468 section 7). */
const labels: readonly string[] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/** PKCS#9 extensionRequest (RFC 2985 section 5.4.2), and the one that Microsoft's tools wrote before it. */
const extensionRequests: readonly string[] = ["1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14"];

/**
 * Reads the one certificate request in a PEM text, of any key that OpenSSL has, and checks by its signature that whoever
 * made it holds the private key. Other extensions than the names are left out: the issuer decides them.
 * The names are canonical; one that `parseIdentifier` refuses makes the request invalid. Names of other kinds are left
 * out.
 * @throws TlsError REQUEST_INVALID: no request, several, another PEM block, damage, a signature that does not verify;
 * PEM_INVALID
 */
export function readCertificateRequest(pem: string): CertificateRequest {
  const blocks = readPemBlocks(pem, "the certificate request");
  const [block, another] = blocks;
  if (block === undefined)
    throw invalid("it has no PEM block", 'It starts with "-----BEGIN CERTIFICATE REQUEST-----".');
  if (another !== undefined) throw invalid(`it has ${blocks.length} PEM blocks, not one`, "Give the request alone.");
  if (!labels.includes(block.label)) {
    throw invalid(`its PEM block is a ${block.label}`, "Give what `openssl req -new` writes.");
  }
  try {
    return readRequest(block.der);
  } catch (cause) {
    if (!isTlsError(cause) || cause.code === "REQUEST_INVALID") throw cause;
    throw invalid(cause.reason, cause.hint ?? "Make the request anew.", cause);
  }
}

/** CertificationRequest of RFC 2986 section 4. */
function readRequest(encoded: Buffer): CertificateRequest {
  const [information, algorithm, signature] = items(readDer(encoded, "it"), "the request");
  const [, subject, publicKeyInfo, ...rest] = items(information, "the request");
  if (information === undefined || algorithm === undefined || subject === undefined || publicKeyInfo === undefined) {
    throw invalid("it ends too early", "Make the request anew.");
  }
  const publicKey = readPublicKey(publicKeyInfo);
  // the first octet of a BIT STRING counts unused bits: none in a signature
  const [unusedBits, ...bits] = octets(signature, "the signature");
  const isProven =
    isUniversal(signature, tag.bitString) &&
    unusedBits === 0 &&
    isSignedBy(publicKey, bytes(information), algorithm, Buffer.from(bits));
  if (!isProven) {
    throw invalid("its signature is not by the key in it", "It was changed after it was signed: make it anew.");
  }
  const attributes = rest.find((field) => isTagged(field, 0));
  return { publicKey, identifiers: readRequestedNames(attributes), subject: readName(subject) };
}

function readPublicKey(publicKeyInfo: Asn1): KeyObject {
  try {
    return createPublicKey({ key: bytes(publicKeyInfo), type: "spki", format: "der" });
  } catch (cause) {
    throw invalid("its public key can't be read", "Take a key that OpenSSL has: EC, RSA or Ed25519.", cause);
  }
}

function readRequestedNames(attributes: Asn1 | undefined): readonly Identifier[] {
  if (attributes === undefined) return [];
  for (const attribute of items(attributes, "the attributes")) {
    const [id, values] = items(attribute, "an attribute");
    if (!extensionRequests.includes(readOid(id, "an attribute"))) continue;
    const [list] = items(values, "the extension request");
    const names = list === undefined ? undefined : readExtensions(list).get(extensionId.subjectAltName)?.content;
    if (names !== undefined) return readAlternativeNames(names).map(parseRequestedName);
  }
  return [];
}

/** What is asked for will be issued, so it must be a name by our rules, and of the kind that it is asked for as. */
function parseRequestedName({ type, value }: Identifier): Identifier {
  const identifier = parseIdentifier(value);
  if (identifier.type === type) return identifier;
  throw invalid(
    `it asks for ${renderQuoted(value)} as a name of the kind "${type}", but that is one of the kind "${identifier.type}"`,
    'In a configuration of OpenSSL an address is written as "IP:10.0.0.1", a host as "DNS:host.example".',
  );
}

function invalid(found: string, hint: string, cause?: unknown): TlsError {
  return new TlsError("REQUEST_INVALID", `the certificate request: ${found}`, { hint, cause });
}

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
const PSS = "1.2.840.113549.1.1.10";

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
function isSignedBy(key: KeyObject, signed: Buffer, algorithm: Asn1, signature: Buffer): boolean {
  const [id, parameters] = items(algorithm, "the signature algorithm");
  const oid = readOid(id, "the signature algorithm");
  const known = algorithms[oid];
  try {
    if (oid === PSS) return verifyPss(key, signed, parameters, signature);
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
