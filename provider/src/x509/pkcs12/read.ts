import type { KeyObject } from "node:crypto";
import { isTlsError, TlsError } from "../../errors";
import {
  type Asn1,
  bytes,
  der,
  isTagged,
  isUniversal,
  items,
  joinOctets,
  readDer,
  readNumber,
  readOid,
  tag,
} from "../asn1/der";
import { renderPem } from "../asn1/pem";
import { type Certificate, readCertificate } from "../certificate/certificate";
import { readPrivateKey } from "../keys/private-key";
import { readEncryption } from "./encryption";
import { readMac } from "./mac";
import { type PasswordForm, Pkcs12Password } from "./password";

/** What a PKCS#12 file holds that a gateway needs, in the file's order. */
export interface Pkcs12Contents {
  readonly certificates: readonly Certificate[];
  readonly privateKeys: readonly KeyObject[];
}

/**
 * Reads a PKCS#12 file (`.pfx`, `.p12`) in DER or BER: every certificate and private key, other entries passed over.
 * Encryption: PBES2 with AES or 3DES, PKCS#12's own 3DES and RC2, or none; MAC: PKCS#12's own, PBMAC1, or none. The MAC
 * is verified before anything is deciphered. Without MAC and encryption the password is not looked at. `what` names the
 * file in messages. At most 1 MiB; how long deriving takes is bounded before it starts.
 * Not checked: whether certificates and keys belong together.
 * @throws TlsError CONTAINER_ENCRYPTED: the password is missing, wrong, or takes too long to try; CONTAINER_INVALID: not
 * PKCS#12, or of a kind that is not read; CERTIFICATE_INVALID and KEY_INVALID for what is inside. See RFC 7292, RFC 9579.
 */
export function readPkcs12(encoded: Buffer, what: string, options: { password?: string } = {}): Pkcs12Contents {
  try {
    const [version, authSafe, macData] = items(readDer(encoded, "it"), "it");
    if (readNumber(version, "its version") !== 3) throw new TlsError("DER_INVALID", "it is not of version 3");
    const password = new Pkcs12Password(options.password, what);
    const content = readAuthenticatedSafe(authSafe, what);
    if (macData !== undefined) password.open(readMac(macData, content, what), "its MAC");
    return readParts(items(readDer(content, "its content"), "its content"), password, what);
  } catch (error) {
    throw explain(error, what);
  }
}

function readParts(parts: readonly Asn1[], password: Pkcs12Password, what: string): Pkcs12Contents {
  const contents: BagContents = { certificates: [], privateKeys: [] };
  for (const part of parts) {
    for (const bag of items(readSafeContents(part, password, what), "its content"))
      readBag(bag, password, what, contents);
  }
  return contents;
}

/** One kind of failure for everything that is not a whole file; nothing of a library's own reaches the reader. */
function explain(error: unknown, what: string): TlsError {
  if (isTlsError(error) && error.code !== "DER_INVALID") return error;
  const found = isTlsError(error) ? `: ${error.reason}` : "";
  return new TlsError("CONTAINER_INVALID", `${what}: is not a whole PKCS#12 file${found}`, {
    hint: "Get it again from its source; `openssl pkcs12 -info -noout -in <file>` tells whether the source is whole.",
    cause: error,
  });
}

/** Content types (RFC 5652 sections 4, 5, 6 and 8). */
const contentType = {
  data: "1.2.840.113549.1.7.1",
  signedData: "1.2.840.113549.1.7.2",
  envelopedData: "1.2.840.113549.1.7.3",
  encryptedData: "1.2.840.113549.1.7.6",
} as const;

/**
 * Reads the outer content of a PFX, of which a MAC is made: octets that hold the AuthenticatedSafe.
 * @throws TlsError CONTAINER_INVALID: protected by a signature in place of a password; DER_INVALID. RFC 7292 section 4.
 */
function readAuthenticatedSafe(node: Asn1 | undefined, what: string): Buffer {
  const [type, content] = readContentInfo(node);
  if (type === contentType.data) return joinOctets(content, "its content");
  if (type === contentType.signedData) {
    throw new TlsError("CONTAINER_INVALID", `${what}: is protected by a signature, not by a password`, {
      hint: "Export it anew with a password.",
    });
  }
  throw new TlsError("DER_INVALID", "it has a content that is not data");
}

/**
 * Reads one part of the AuthenticatedSafe, in the clear or deciphered by the password: a SafeContents. `part` names it
 * in messages after `what`.
 * @throws TlsError CONTAINER_INVALID: encrypted to a public key; CONTAINER_ENCRYPTED; DER_INVALID. RFC 7292 section 4.1.
 */
function readSafeContents(node: Asn1, password: Pkcs12Password, what: string): Asn1 {
  const [type, content] = readContentInfo(node);
  if (type === contentType.data) return readDer(joinOctets(content, "its content"), "its content");
  if (type === contentType.envelopedData) {
    throw new TlsError("CONTAINER_INVALID", `${what}: is encrypted to a public key, not by a password`, {
      hint: "Export it anew with a password.",
    });
  }
  if (type !== contentType.encryptedData) throw new TlsError("DER_INVALID", "it has a part of an unknown type");
  const [, encrypted] = items(content, "its content");
  const [, algorithm, ciphertext] = items(encrypted, "its content");
  const lock = readEncryption(algorithm, joinOctets(ciphertext, "its content"), what);
  const open = (form: PasswordForm) => {
    const plaintext = lock.open(form);
    return plaintext === undefined ? undefined : readSequence(plaintext);
  };
  return password.open({ costs: lock.costs, open }, "the certificates or another part");
}

/** Encodes octets as a part in the clear. */
export function encodeData(content: Buffer): Asn1 {
  return der.sequence(der.oid(contentType.data), der.tagged(0, der.octetString(content)));
}

/** Encodes a ciphertext as an encrypted part (RFC 5652 section 8). */
export function encodeEncryptedData(algorithm: Asn1, ciphertext: Buffer): Asn1 {
  const content = der.sequence(der.oid(contentType.data), algorithm, der.implicit(0, ciphertext));
  const encryptedData = der.sequence(der.integer(0), content);
  return der.sequence(der.oid(contentType.encryptedData), der.tagged(0, encryptedData));
}

/** A SEQUENCE that a right key leaves; what a wrong one leaves is nearly never one. */
function readSequence(plaintext: Buffer): Asn1 | undefined {
  const node = readDer(plaintext, "the plaintext");
  return isUniversal(node, tag.sequence) ? node : undefined;
}

function readContentInfo(node: Asn1 | undefined): readonly [type: string, content: Asn1] {
  const [type, explicit] = items(node, "its content");
  const content = isTagged(explicit, 0) ? items(explicit, "its content")[0] : undefined;
  if (content === undefined) throw new TlsError("DER_INVALID", "it has a part without content");
  return [readOid(type, "its content"), content];
}

/** Identifiers of RFC 7292 appendix D. */
export const bagType = {
  key: "1.2.840.113549.1.12.10.1.1",
  shroudedKey: "1.2.840.113549.1.12.10.1.2",
  certificate: "1.2.840.113549.1.12.10.1.3",
  safeContents: "1.2.840.113549.1.12.10.1.6",
} as const;

/** RFC 7292 section 4.2.3; the other kind is SDSI's. */
export const X509_CERTIFICATE = "1.2.840.113549.1.9.22.1";

/** The stores of whole machines have 150. */
const MOST_CERTIFICATES = 200;
/** Every key is proved by a signature, which takes the largest 40 ms. */
const MOST_KEYS = 20;

/** What bags are read into, in their order. */
interface BagContents {
  readonly certificates: Certificate[];
  readonly privateKeys: KeyObject[];
}

/**
 * Reads one SafeBag and adds its certificate or key to `contents`, also those of bags inside it; passes over secret
 * keys, revocation lists and what it does not know. RFC 7292 section 4.2.
 * @throws TlsError CONTAINER_ENCRYPTED, CERTIFICATE_INVALID, KEY_INVALID, DER_INVALID; CONTAINER_INVALID: too many
 */
function readBag(bag: Asn1, password: Pkcs12Password, what: string, contents: BagContents): void {
  const [id, explicit] = items(bag, "a bag");
  const type = readOid(id, "a bag");
  const value = isTagged(explicit, 0) ? items(explicit, "a bag")[0] : undefined;
  if (type === bagType.certificate) {
    readCertificateBag(value, what, contents.certificates);
  } else if (type === bagType.key || type === bagType.shroudedKey) {
    refuseMany(contents.privateKeys, MOST_KEYS, "private keys", what);
    const part = `private key ${contents.privateKeys.length + 1}`;
    const key = type === bagType.key ? encode(value, part) : decipher(value, password, part, what);
    contents.privateKeys.push(readPrivateKey(renderPem("PRIVATE KEY", key), { what: `${what}: ${part}` }));
  } else if (type === bagType.safeContents) {
    for (const inner of items(value, "a bag")) readBag(inner, password, what, contents);
  }
}

function encode(key: Asn1 | undefined, part: string): Buffer {
  if (key === undefined) throw new TlsError("DER_INVALID", `${part} is missing`);
  return bytes(key);
}

function decipher(value: Asn1 | undefined, password: Pkcs12Password, part: string, what: string): Buffer {
  const [algorithm, ciphertext] = items(value, part);
  const lock = readEncryption(algorithm, joinOctets(ciphertext, part), `${what}: ${part}`);
  const open = (form: PasswordForm) => {
    const plaintext = lock.open(form);
    return plaintext !== undefined && readSequence(plaintext) !== undefined ? plaintext : undefined;
  };
  return password.open({ costs: lock.costs, open }, part);
}

function readCertificateBag(value: Asn1 | undefined, what: string, certificates: Certificate[]): void {
  const [type, explicit] = items(value, "a certificate bag");
  if (readOid(type, "a certificate bag") !== X509_CERTIFICATE) return;
  refuseMany(certificates, MOST_CERTIFICATES, "certificates", what);
  const encoded = joinOctets(items(explicit, "a certificate bag")[0], "a certificate bag");
  try {
    certificates.push(readCertificate(encoded));
  } catch (error) {
    if (!isTlsError(error)) throw error;
    const position = `${what}: certificate ${certificates.length + 1} of PKCS#12`;
    throw new TlsError("CERTIFICATE_INVALID", `${position}: ${error.reason}`, {
      hint: error.hint ?? "Export the file anew.",
      cause: error,
    });
  }
}

function refuseMany(read: readonly unknown[], most: number, kind: string, what: string): void {
  if (read.length < most) return;
  throw new TlsError("CONTAINER_INVALID", `${what}: holds more than ${most} ${kind}`, {
    hint: "Export the one key with its certificate and chain alone.",
  });
}
