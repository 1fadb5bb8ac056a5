import { createPublicKey, type KeyObject } from "node:crypto";
import { bytes, der, readDer } from "../../x509/asn1/der";
import { encodeExtension, extensionId } from "../../x509/asn1/extension";
import { signatureIdentifier, signOctets } from "../../x509/certificate/signature";
import { encodeAlternativeNames } from "../../x509/names/alternative-name";
import type { AcmeIdentifier } from "../client/identifier";

/** PKCS#9 extensionRequest (RFC 2985 section 5.4.2). */
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";

/**
 * Makes a certificate request (PKCS#10, RFC 2986) in DER, signed by the key that it is for. Its subject is empty and its
 * one extension are the names: RFC 8555 section 7.4 wants exactly those of the order, and a CA decides the rest.
 * @throws TlsError KEY_INVALID for a key that can't sign here; TypeError without names
 */
export function makeCertificateRequest(privateKey: KeyObject, identifiers: readonly AcmeIdentifier[]): Buffer {
  if (identifiers.length === 0) throw new TypeError("a certificate request has at least one name");
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const names = encodeExtension(extensionId.subjectAltName, false, encodeAlternativeNames(identifiers));
  const information = der.sequence(
    der.integer(0),
    der.sequence(),
    readDer(publicKey, "the public key"),
    der.tagged(0, der.sequence(der.oid(EXTENSION_REQUEST), der.set(der.sequence(names)))),
  );
  const signature = signOctets(privateKey, bytes(information));
  return bytes(der.sequence(information, signatureIdentifier(privateKey), der.bitString(signature)));
}
