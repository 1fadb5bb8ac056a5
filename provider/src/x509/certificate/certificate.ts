import { createHash, type KeyObject, X509Certificate } from "node:crypto";
import { isTlsError, TlsError } from "../../errors";
import { renderList } from "../../text/list";
import { type Asn1, bytes, isTagged, isUniversal, items, octets, readDer, readOid, tag } from "../asn1/der";
import { type Extension, extensionId, readExtensions } from "../asn1/extension";
import { renderPem } from "../asn1/pem";
import { readAlternativeNames } from "../names/alternative-name";
import { type NameConstraints, readNameConstraints } from "../names/constraints";
import { comparableName, renderName } from "../names/distinguished-name";
import { type Identifier, renderIdentifier } from "../names/identifier";

/** A certificate as its issuer wrote it. Nothing here says that it is valid: that is judged of a chain. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly der: Buffer;
  /** One block, 64 columns, LF, final newline. */
  readonly pem: string;
  /** RFC 4514 text; empty when only the alternative names say whose it is. */
  readonly subject: string;
  readonly issuer: string;
  readonly subjectDer: Buffer;
  readonly issuerDer: Buffer;
  /** Lower-case hexadecimal. */
  readonly serialNumber: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  /** Lower-case hexadecimal without colons. */
  readonly fingerprintSha256: string;
  readonly identifiers: readonly Identifier[];
  /** The CA flag of basicConstraints alone; `keyUsage` says whether its key may sign certificates. */
  readonly isCa: boolean;
  /** Subject and issuer are the same name (RFC 5280 section 7.1); whether it is its own signature is for {@link isIssuedBy}. */
  readonly isSelfIssued: boolean;
  readonly pathLength?: number;
  /** Lower-case hexadecimal. */
  readonly subjectKeyId?: string;
  readonly authorityKeyId?: string;
  readonly nameConstraints?: NameConstraints;
  /** Words of RFC 5280 section 4.2.1.3, for instance "keyCertSign"; absent without the extension: all uses. */
  readonly keyUsage?: readonly string[];
  /** Words of RFC 5280 section 4.2.1.12, for instance "serverAuth", else the dotted identifier. */
  readonly extendedKeyUsage?: readonly string[];
  /** Critical extensions that are not judged here: RFC 5280 section 4.2 says to refuse such a certificate. */
  readonly unknownCriticalExtensions: readonly string[];
}

/** What is read from one text or file: the stores of whole machines have 150, a chain five; each takes 0.2 ms. */
export const MOST_CERTIFICATES = 1000;

/** In the order of their bits (RFC 5280 section 4.2.1.3). */
const keyUsages = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

const extendedKeyUsages: Readonly<Record<string, string>> = {
  "1.3.6.1.5.5.7.3.1": "serverAuth",
  "1.3.6.1.5.5.7.3.2": "clientAuth",
  "1.3.6.1.5.5.7.3.3": "codeSigning",
  "1.3.6.1.5.5.7.3.4": "emailProtection",
  "1.3.6.1.5.5.7.3.8": "timeStamping",
  "1.3.6.1.5.5.7.3.9": "OCSPSigning",
  "2.5.29.37.0": "anyExtendedKeyUsage",
};

/** Beside those of {@link extensionId}: policies and where revocation is published, which nothing here depends on. */
const harmlessExtensions: ReadonlySet<string> = new Set([
  ...Object.values(extensionId),
  "2.5.29.31", // cRLDistributionPoints
  "2.5.29.32", // certificatePolicies
  "2.5.29.33", // policyMappings
  "2.5.29.36", // policyConstraints
  "2.5.29.54", // inhibitAnyPolicy
]);

/**
 * Reads one certificate in DER. Not checked: signature, dates, and whether its parts fit each other.
 * @throws TlsError CERTIFICATE_INVALID
 */
export function readCertificate(encoded: Buffer): Certificate {
  try {
    return readFacts(encoded, new X509Certificate(encoded));
  } catch (cause) {
    const found = isTlsError(cause) ? cause.reason : "it can't be read as an X.509 certificate";
    throw new TlsError("CERTIFICATE_INVALID", `the certificate: ${found}`, {
      hint: "Its bytes are damaged or of another kind; get the file again from its issuer.",
      cause,
    });
  }
}

/** Whether `parent` issued `child`: name, key identifier and key usage fit, and the signature is by the parent's key. */
export function isIssuedBy(child: Certificate, parent: Certificate): boolean {
  try {
    return child.x509.checkIssued(parent.x509) && child.x509.verify(parent.x509.publicKey);
  } catch {
    // a key or signature algorithm that OpenSSL does not have
    return false;
  }
}

/** The public key, which Node reads anew at each access; undefined for one of a kind that OpenSSL does not know. */
export function publicKeyOf(certificate: Certificate): KeyObject | undefined {
  try {
    return certificate.x509.publicKey;
  } catch {
    return undefined;
  }
}

/** Names a certificate for a message: its subject, else its first names, else its serial number. */
export function describeCertificate(certificate: Certificate): string {
  if (certificate.subject !== "") return certificate.subject;
  const { identifiers, serialNumber } = certificate;
  if (identifiers.length === 0) return `the certificate with serial number ${serialNumber}`;
  return `the certificate for ${renderList(identifiers, 1, renderIdentifier)}`;
}

function readFacts(encoded: Buffer, x509: X509Certificate): Certificate {
  const fields = items(items(readDer(encoded, "it"), "the certificate")[0], "the certificate");
  // version is [0] EXPLICIT and left out in version 1
  const at = isTagged(fields[0], 0) ? 1 : 0;
  const [issuer, subject] = [fields[at + 2], fields[at + 4]];
  if (issuer === undefined || subject === undefined) throw new TlsError("DER_INVALID", "it ends before its subject");
  const [notBefore, notAfter] = items(fields[at + 3], "the validity");
  const [subjectDer, issuerDer] = [bytes(subject), bytes(issuer)];
  const [subjectText, issuerText] = [renderName(subject), renderName(issuer)];
  const list = fields.slice(at + 6).find((field) => isTagged(field, 3));
  const extensions = list === undefined ? new Map<string, Extension>() : readExtensions(onlyItem(list));
  return {
    x509,
    der: encoded,
    pem: renderPem("CERTIFICATE", encoded),
    subject: subjectText,
    issuer: issuerText,
    subjectDer,
    issuerDer,
    serialNumber: x509.serialNumber.toLowerCase(),
    validFrom: readDate(notBefore),
    validTo: readDate(notAfter),
    fingerprintSha256: createHash("sha256").update(encoded).digest("hex"),
    isSelfIssued: subjectDer.equals(issuerDer) || comparableName(subjectText) === comparableName(issuerText),
    ...readExtensionFacts(extensions),
    unknownCriticalExtensions: [...extensions].flatMap(([oid, { critical }]) =>
      critical && !harmlessExtensions.has(oid) ? [oid] : [],
    ),
  };
}

function readExtensionFacts(extensions: ReadonlyMap<string, Extension>) {
  const content = (id: keyof typeof extensionId) => extensions.get(extensionId[id])?.content;
  const present = <T>(id: keyof typeof extensionId, property: string, read: (extension: Asn1) => T | undefined) => {
    const extension = content(id);
    const value = extension === undefined ? undefined : read(extension);
    return value === undefined ? {} : { [property]: value };
  };
  const alternativeNames = content("subjectAltName");
  return {
    identifiers: alternativeNames === undefined ? [] : readAlternativeNames(alternativeNames),
    ...readBasicConstraints(content("basicConstraints")),
    ...present("subjectKeyId", "subjectKeyId", (extension) => octets(extension, "the key identifier").toString("hex")),
    ...present("authorityKeyId", "authorityKeyId", readAuthorityKeyId),
    ...present("nameConstraints", "nameConstraints", readNameConstraints),
    ...present("keyUsage", "keyUsage", readKeyUsage),
    ...present("extendedKeyUsage", "extendedKeyUsage", readExtendedKeyUsage),
  };
}

function readBasicConstraints(extension: Asn1 | undefined): { isCa: boolean; pathLength?: number } {
  if (extension === undefined) return { isCa: false };
  const [first, second] = items(extension, "the basic constraints");
  const isCa = isUniversal(first, tag.boolean) && first?.value !== "\0";
  const length = isUniversal(first, tag.integer) ? first : second;
  if (!isUniversal(length, tag.integer)) return { isCa };
  const content = octets(length, "the path length");
  // a length of more than 6 octets or below zero can't limit any real chain, or forbids all: read as it compares
  return { isCa, pathLength: content.length > 6 ? Number.MAX_SAFE_INTEGER : content.readIntBE(0, content.length) };
}

function readAuthorityKeyId(extension: Asn1): string | undefined {
  const keyId = items(extension, "the authority key identifier").find((item) => isTagged(item, 0));
  return keyId === undefined ? undefined : octets(keyId, "the authority key identifier").toString("hex");
}

function readKeyUsage(extension: Asn1): readonly string[] {
  const [, ...bits] = octets(extension, "the key usage");
  return keyUsages.filter((_, index) => ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0);
}

function readExtendedKeyUsage(extension: Asn1): readonly string[] {
  return items(extension, "the extended key usage").map((purpose) => {
    const oid = readOid(purpose, "the extended key usage");
    return extendedKeyUsages[oid] ?? oid;
  });
}

function onlyItem(node: Asn1): Asn1 {
  const [item] = items(node, "the extensions");
  if (item === undefined) throw new TlsError("DER_INVALID", "the extensions are empty");
  return item;
}

/** UTCTime or GeneralizedTime in the one form that RFC 5280 section 4.1.2.5 allows; Node's own getter costs ten times more. */
function readDate(node: Asn1 | undefined): Date {
  const text = octets(node, "the validity").toString("latin1");
  const year = isUniversal(node, tag.utcTime) ? `${text < "5" ? "20" : "19"}${text}` : text;
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(year) ?? [];
  const [y, month, day, hour, minute, second] = parts;
  const date = new Date(`${y}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(date.getTime())) throw new TlsError("DER_INVALID", "its dates are not in the form of RFC 5280");
  return date;
}
