import { createHash, createHmac, type KeyObject, pbkdf2Sync } from "node:crypto";
import { TlsError } from "../../errors";
import { type Asn1, bytes, der } from "../asn1/der";
import { type Certificate, describeCertificate } from "../certificate/certificate";
import { type Encrypted, encryptLegacy, encryptModern } from "./encryption";
import { encodeMac } from "./mac";
import { encodePassword } from "./password";
import { bagType, encodeData, encodeEncryptedData, X509_CERTIFICATE } from "./read";

/** What a PKCS#12 file is made of. */
export interface Pkcs12Request {
  readonly privateKey: KeyObject;
  /** The key's own certificate, then its chain. */
  readonly certificates: readonly [Certificate, ...Certificate[]];
  /** May be empty. Java 17 and the openssl command open only files with an ASCII one. */
  readonly password: string;
  /** Shown by certificate stores; Java's alias. Default: none. */
  readonly friendlyName?: string;
  /** `modern` (default): AES-256, for OpenSSL 1.1, Java 8u301, Windows Server 2019 and later; `legacy`: 3DES for older. */
  readonly encryption?: "modern" | "legacy";
}

/** Rounds of encryption and of MAC: Java 17's (`keystore.pkcs12.*IterationCount`), and OpenSSL 1's for old readers. */
const iterations = { modern: 10_000, legacy: 2048 } as const;

const attributeType = { friendlyName: "1.2.840.113549.1.9.20", localKeyId: "1.2.840.113549.1.9.21" } as const;

/**
 * Writes a PKCS#12 file in DER: key and certificates encrypted, MAC over both. The same request gives the same bytes.
 * Not checked: whether the certificates are a chain.
 * @throws TlsError KEY_MISMATCH: the first certificate is not that of the key. See RFC 7292.
 *
 * Salts and vectors are not random but HMACs, keyed by the private key, over everything else that goes in. Without the
 * key they can't be told from random ones; two files share them only if they are the same file. (The construction is
 * that of deterministic signatures, RFC 6979 section 3.2.) The password goes in stretched, so that who has the key
 * already can't try passwords against a salt faster than against the file.
 */
export function writePkcs12(request: Pkcs12Request): Buffer {
  const { privateKey, certificates, encryption = "modern" } = request;
  const [leaf] = certificates;
  if (!leaf.x509.checkPrivateKey(privateKey)) {
    throw new TlsError("KEY_MISMATCH", `the private key given is not that of ${describeCertificate(leaf)}`, {
      hint: "Give the certificate of this key first, then its chain.",
    });
  }
  const password = encodePassword(request.password);
  const key = privateKey.export({ type: "pkcs8", format: "der" });
  const derive = saltsOf(request, key);
  const rounds = iterations[encryption];
  const encrypt = (plaintext: Buffer, use: string): Encrypted => {
    const salt = derive(`${use} salt`).subarray(0, 16);
    if (encryption === "legacy")
      return encryptLegacy(plaintext, password, { salt: salt.subarray(0, 8), iterations: rounds });
    return encryptModern(plaintext, password, {
      salt,
      iterations: rounds,
      iv: derive(`${use} vector`).subarray(0, 16),
    });
  };
  const encryptedCertificates = encrypt(bytes(encodeCertificates(request)), "certificates");
  const encryptedKey = encrypt(key, "key");
  const shroudedKey = der.sequence(encryptedKey.algorithm, der.octetString(encryptedKey.ciphertext));
  const keyBag = encodeBag(bagType.shroudedKey, shroudedKey, encodeAttributes(request));
  const authenticatedSafe = bytes(
    der.sequence(
      encodeEncryptedData(encryptedCertificates.algorithm, encryptedCertificates.ciphertext),
      encodeData(bytes(der.sequence(keyBag))),
    ),
  );
  const macSalt = derive("mac salt").subarray(0, encryption === "legacy" ? 8 : 16);
  const hash = encryption === "legacy" ? "sha1" : "sha256";
  const mac = encodeMac(hash, { salt: macSalt, iterations: rounds }, password, authenticatedSafe);
  return bytes(der.sequence(der.integer(3), encodeData(authenticatedSafe), mac));
}

/** Makes 32 octets for a use. JSON keeps the parts of a request apart, so that no two requests look the same. */
function saltsOf(request: Pkcs12Request, key: Buffer): (use: string) => Buffer {
  const context = JSON.stringify([
    "pulumi-tls-gateway PKCS#12",
    request.encryption ?? "modern",
    request.friendlyName ?? null,
    request.certificates.map((certificate) => certificate.fingerprintSha256),
  ]);
  const password = pbkdf2Sync(request.password, context, iterations.modern, 32, "sha256");
  return (use) =>
    createHmac("sha256", key)
      .update(JSON.stringify([context, use]))
      .update(password)
      .digest();
}

function encodeCertificates(request: Pkcs12Request): Asn1 {
  const bags = request.certificates.map((certificate, index) => {
    const content = der.sequence(der.oid(X509_CERTIFICATE), der.tagged(0, der.octetString(certificate.der)));
    return encodeBag(bagType.certificate, content, index === 0 ? encodeAttributes(request) : []);
  });
  return der.sequence(...bags);
}

function encodeBag(type: string, value: Asn1, attributes: readonly Asn1[]): Asn1 {
  const rest = attributes.length === 0 ? [] : [der.set(...attributes)];
  return der.sequence(der.oid(type), der.tagged(0, value), ...rest);
}

/** Joins key and certificate: programs compare the identifier, and show the name (RFC 2985 section 5.5). */
function encodeAttributes({ certificates: [leaf], friendlyName }: Pkcs12Request): readonly Asn1[] {
  const keyId = createHash("sha1").update(leaf.der).digest();
  const localKeyId = der.sequence(der.oid(attributeType.localKeyId), der.set(der.octetString(keyId)));
  if (friendlyName === undefined) return [localKeyId];
  return [der.sequence(der.oid(attributeType.friendlyName), der.set(der.bmp(friendlyName))), localKeyId];
}
