import { createCipheriv, createDecipheriv, createPrivateKey, hkdfSync, randomBytes } from "node:crypto";

/** A secret text as it stands on disk; every member base64. */
export interface SealedText {
  readonly salt: string;
  readonly iv: string;
  readonly tag: string;
  readonly data: string;
}

/** Tells this use of the account's key from any other, RFC 5869 section 3.2. */
const INFO = "pulumi-tls-gateway journal 1: private key of a certificate";
const CIPHER = "aes-256-gcm";
const SALT_BYTES = 32;
/** NIST SP 800-38D section 8.2.1; each text has a key of its own by its salt, so no pair of both comes twice. */
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts a text by AES-256-GCM under HKDF-SHA-256 of an account's private key (its PKCS#8 in DER, so that every PEM of
 * the same key is the same) and a new salt.
 *
 * @param accountKeyPem not encrypted
 * @param place what the text belongs to: it can't be opened as that of another place
 */
export function sealText(text: string, accountKeyPem: string, place: string): SealedText {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(IV_BYTES);
  const sealing = createCipheriv(CIPHER, deriveKey(accountKeyPem, salt), iv, { authTagLength: TAG_BYTES });
  sealing.setAAD(Buffer.from(place));
  const data = Buffer.concat([sealing.update(text, "utf8"), sealing.final()]);
  return {
    salt: salt.toString("base64"),
    iv: iv.toString("base64"),
    tag: sealing.getAuthTag().toString("base64"),
    data: data.toString("base64"),
  };
}

/** The text again; undefined under another key, of another place, or when a bit has changed. */
export function openText(sealed: SealedText, accountKeyPem: string, place: string): string | undefined {
  const [salt, iv, tag, data] = [sealed.salt, sealed.iv, sealed.tag, sealed.data].map((text) =>
    Buffer.from(text, "base64"),
  ) as [Buffer, Buffer, Buffer, Buffer];
  if (salt.length !== SALT_BYTES || iv.length !== IV_BYTES || tag.length !== TAG_BYTES) return undefined;
  const opening = createDecipheriv(CIPHER, deriveKey(accountKeyPem, salt), iv, { authTagLength: TAG_BYTES });
  opening.setAAD(Buffer.from(place));
  opening.setAuthTag(tag);
  try {
    return Buffer.concat([opening.update(data), opening.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

function deriveKey(accountKeyPem: string, salt: Buffer): Buffer {
  const der = createPrivateKey(accountKeyPem).export({ type: "pkcs8", format: "der" });
  return Buffer.from(hkdfSync("sha256", der, salt, INFO, 32));
}
