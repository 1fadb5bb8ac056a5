import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { TlsError } from "../../errors";
import { type Asn1, bytes, der, items, octets, readDer } from "../asn1/der";
import { encodeExtension, extensionId } from "../asn1/extension";
import { encodeAlternativeNames } from "../names/alternative-name";
import { encodeNameConstraints, findViolation, type NameConstraints } from "../names/constraints";
import { type DistinguishedName, encodeName } from "../names/distinguished-name";
import { type Identifier, renderIdentifier } from "../names/identifier";
import { type Certificate, describeCertificate, readCertificate } from "./certificate";
import { signatureIdentifier, signOctets } from "./signature";

interface Common {
  /** Whole seconds are kept. */
  readonly validFrom: Date;
  /** The last second of validity (RFC 5280 section 4.1.2.5: inclusive). */
  readonly validTo: Date;
  /** 1 to 20 random octets, 16 by custom; read as an unsigned number. */
  readonly serialNumber: Buffer;
}

/** What a root is made of. */
export interface CaCertificateRequest extends Common {
  readonly subject: DistinguishedName;
  readonly privateKey: KeyObject;
  /** Canonical: from `parseNameConstraints`. */
  readonly nameConstraints?: NameConstraints;
}

/** What a leaf is made of. */
export interface LeafCertificateRequest extends Common {
  readonly ca: Certificate;
  readonly caPrivateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** At least one, canonical: from `parseIdentifier`. */
  readonly identifiers: readonly Identifier[];
  readonly usage: "server" | "client";
  /** Default: empty, which makes the alternative names critical. */
  readonly subject?: DistinguishedName;
}

/** The bit octets of keyUsage (RFC 5280 section 4.2.1.3) with the number of unused bits at their end. */
const keyUsage = {
  certificateAndCrlSigning: der.bitString(Buffer.of(0b0000_0110), 1),
  digitalSignature: der.bitString(Buffer.of(0b1000_0000), 7),
  digitalSignatureAndKeyEncipherment: der.bitString(Buffer.of(0b1010_0000), 5),
} as const;

/** serverAuth and clientAuth (RFC 5280 section 4.2.1.12). */
const extendedKeyUsage = {
  server: der.sequence(der.oid("1.3.6.1.5.5.7.3.1")),
  client: der.sequence(der.oid("1.3.6.1.5.5.7.3.2")),
} as const;

/**
 * Issues a self-signed root: path length 0 (it may issue leaves only), certificate and CRL signing, subject key
 * identifier, name constraints as a critical extension (RFC 5280 section 4.2).
 * @throws TlsError NAME_INVALID, KEY_INVALID; TypeError for dates or a serial number that no certificate can hold
 */
export function issueCaCertificate(request: CaCertificateRequest): Certificate {
  const subject = encodeName(request.subject);
  if (items(subject, "the subject").length === 0) {
    throw new TlsError("NAME_INVALID", "the subject of a CA is empty", { hint: "Give at least a commonName." });
  }
  const publicKey = encodePublicKey(createPublicKey(request.privateKey));
  const constraints = encodeNameConstraints(request.nameConstraints ?? {});
  const extensions = [
    encodeExtension(extensionId.basicConstraints, true, der.sequence(der.boolean(true), der.integer(0))),
    encodeExtension(extensionId.keyUsage, true, keyUsage.certificateAndCrlSigning),
    encodeExtension(extensionId.subjectKeyId, false, der.octetString(keyIdOf(publicKey))),
    ...(constraints === undefined ? [] : [encodeExtension(extensionId.nameConstraints, true, constraints)]),
  ];
  return issue(request, { issuer: subject, subject, publicKey, extensions }, request.privateKey);
}

/**
 * Issues a certificate for the names given. The issuer's name is the CA's subject as it is encoded there and its key
 * identifier is copied, never computed, so that any CA's own certificate matches. Not checked: that it ends with its CA.
 * @throws TlsError NAME_CONSTRAINED when the CA's name constraints forbid a name; KEY_MISMATCH when the key given is not
 * the CA's; KEY_INVALID, NAME_INVALID; TypeError without names, and for dates or a serial number that can't be held
 */
export function issueLeafCertificate(request: LeafCertificateRequest): Certificate {
  const { ca, identifiers } = request;
  if (identifiers.length === 0) throw new TypeError("a leaf certificate has at least one name");
  refuseViolation(ca, identifiers);
  const subject = encodeName(request.subject ?? {});
  const isNameless = items(subject, "the subject").length === 0;
  const publicKey = encodePublicKey(request.publicKey);
  const isRsa = request.publicKey.asymmetricKeyType === "rsa";
  const extensions = [
    encodeExtension(
      extensionId.keyUsage,
      true,
      isRsa ? keyUsage.digitalSignatureAndKeyEncipherment : keyUsage.digitalSignature,
    ),
    encodeExtension(extensionId.extendedKeyUsage, false, extendedKeyUsage[request.usage]),
    encodeExtension(extensionId.subjectKeyId, false, der.octetString(keyIdOf(publicKey))),
    encodeExtension(extensionId.authorityKeyId, false, der.sequence(der.implicit(0, issuerKeyId(ca)))),
    encodeExtension(extensionId.subjectAltName, isNameless, encodeAlternativeNames(identifiers)),
  ];
  const issuer = readDer(ca.subjectDer, "the subject of the CA");
  const certificate = issue(request, { issuer, subject, publicKey, extensions }, request.caPrivateKey);
  // catches the key of another pair as well as a damaged one, which matches by its public half
  if (certificate.x509.verify(ca.x509.publicKey)) return certificate;
  throw new TlsError("KEY_MISMATCH", `the private key given for the CA ${describeCertificate(ca)} is not its key`, {
    hint: "Give the certificate and the key of the same CA.",
  });
}

interface Parts {
  readonly issuer: Asn1;
  readonly subject: Asn1;
  readonly publicKey: Asn1;
  readonly extensions: readonly Asn1[];
}

/** TBSCertificate and Certificate of RFC 5280 section 4.1, version 3. */
function issue(common: Common, parts: Parts, privateKey: KeyObject): Certificate {
  refuseImpossible(common);
  const algorithm = signatureIdentifier(privateKey);
  const toBeSigned = der.sequence(
    der.tagged(0, der.integer(2)),
    der.integer(common.serialNumber),
    algorithm,
    parts.issuer,
    der.sequence(der.time(common.validFrom), der.time(common.validTo)),
    parts.subject,
    parts.publicKey,
    der.tagged(3, der.sequence(...parts.extensions)),
  );
  const signature = signOctets(privateKey, bytes(toBeSigned));
  return readCertificate(bytes(der.sequence(toBeSigned, algorithm, der.bitString(signature))));
}

function refuseImpossible({ validFrom, validTo, serialNumber }: Common): void {
  // GeneralizedTime has four digits for the year; a NaN date fails every comparison
  const isDate = (date: Date) => date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9999;
  if (!isDate(validFrom) || !isDate(validTo) || validFrom > validTo) {
    throw new TypeError("the validity of a certificate is two dates in their order, up to the year 9999");
  }
  // RFC 5280 section 4.1.2.2: positive, at most 20 octets with the sign
  const isPositive = serialNumber.some((octet) => octet !== 0);
  if (!isPositive || serialNumber.length > 20 || (serialNumber.length === 20 && (serialNumber[0] ?? 0) >= 0x80)) {
    throw new TypeError("a serial number is a positive number of at most 20 octets");
  }
}

function refuseViolation(ca: Certificate, identifiers: readonly Identifier[]): void {
  const violation = ca.nameConstraints === undefined ? undefined : findViolation(ca.nameConstraints, identifiers);
  if (violation === undefined) return;
  const name = renderIdentifier(violation.identifier);
  throw new TlsError(
    "NAME_CONSTRAINED",
    `the CA ${describeCertificate(ca)} may not issue for ${name}: it ${violation.reason}`,
    {
      hint: "Take the name out, or widen the name constraints of the CA.",
    },
  );
}

function encodePublicKey(key: KeyObject): Asn1 {
  return readDer(key.export({ type: "spki", format: "der" }), "the public key");
}

/** SHA-1 of the key's bits: a name, not a protection (RFC 5280 section 4.2.1.2, method 1). */
function keyIdOf(publicKey: Asn1): Buffer {
  const bits = octets(items(publicKey, "the public key")[1], "the public key").subarray(1);
  return createHash("sha1").update(bits).digest();
}

/** A CA without an identifier (version 1) gets that of its key: a verifier compares only where both have one. */
function issuerKeyId(ca: Certificate): Buffer {
  if (ca.subjectKeyId !== undefined) return Buffer.from(ca.subjectKeyId, "hex");
  return keyIdOf(encodePublicKey(ca.x509.publicKey));
}
