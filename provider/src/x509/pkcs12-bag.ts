import type { KeyObject } from "node:crypto";
import { isTlsError, TlsError } from "../errors";
import { type Asn1, bytes, isTagged, items, joinOctets, readOid } from "./asn1/der";
import { renderPem } from "./asn1/pem";
import { type Certificate, readCertificate } from "./certificate/certificate";
import { readPrivateKey } from "./keys/private-key";
import { readEncryption } from "./pkcs12/encryption";
import type { PasswordForm, Pkcs12Password } from "./pkcs12/password";
import { readSequence } from "./pkcs12-content";

/** Identifiers of RFC 7292 appendix D. */
export const bagType = {
  key: "1.2.840.113549.1.12.10.1.1",
  shroudedKey: "1.2.840.113549.1.12.10.1.2",
  certificate: "1.2.840.113549.1.12.10.1.3",
  safeContents: "1.2.840.113549.1.12.10.1.6",
} as const;

/** RFC 7292 section 4.2.3; the other kind is SDSI's. */
export const x509Certificate = "1.2.840.113549.1.9.22.1";

/** The stores of whole machines have 150. */
const mostCertificates = 200;
/** Every key is proved by a signature, which takes the largest 40 ms. */
const mostKeys = 20;

/** What bags are read into, in their order. */
export interface BagContents {
  readonly certificates: Certificate[];
  readonly privateKeys: KeyObject[];
}

/**
 * Reads one SafeBag and adds its certificate or key to `contents`, also those of bags inside it; passes over secret
 * keys, revocation lists and what it does not know. RFC 7292 section 4.2.
 * @throws TlsError CONTAINER_ENCRYPTED, CERTIFICATE_INVALID, KEY_INVALID, DER_INVALID; CONTAINER_INVALID: too many
 */
export function readBag(bag: Asn1, password: Pkcs12Password, what: string, contents: BagContents): void {
  const [id, explicit] = items(bag, "a bag");
  const type = readOid(id, "a bag");
  const value = isTagged(explicit, 0) ? items(explicit, "a bag")[0] : undefined;
  if (type === bagType.certificate) {
    readCertificateBag(value, what, contents.certificates);
  } else if (type === bagType.key || type === bagType.shroudedKey) {
    refuseMany(contents.privateKeys, mostKeys, "private keys", what);
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
  if (readOid(type, "a certificate bag") !== x509Certificate) return;
  refuseMany(certificates, mostCertificates, "certificates", what);
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
