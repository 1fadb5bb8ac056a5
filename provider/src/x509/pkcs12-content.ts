import { TlsError } from "../errors";
import { type Asn1, der, isTagged, isUniversal, items, joinOctets, readDer, readOid, tag } from "./asn1/der";
import { readEncryption } from "./pkcs12/encryption";
import type { PasswordForm, Pkcs12Password } from "./pkcs12/password";

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
export function readAuthenticatedSafe(node: Asn1 | undefined, what: string): Buffer {
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
export function readSafeContents(node: Asn1, password: Pkcs12Password, what: string): Asn1 {
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
export function readSequence(plaintext: Buffer): Asn1 | undefined {
  const node = readDer(plaintext, "the plaintext");
  return isUniversal(node, tag.sequence) ? node : undefined;
}

function readContentInfo(node: Asn1 | undefined): readonly [type: string, content: Asn1] {
  const [type, explicit] = items(node, "its content");
  const content = isTagged(explicit, 0) ? items(explicit, "its content")[0] : undefined;
  if (content === undefined) throw new TlsError("DER_INVALID", "it has a part without content");
  return [readOid(type, "its content"), content];
}
