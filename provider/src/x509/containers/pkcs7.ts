import { isTlsError, TlsError } from "../../errors";
import { type BerElement, encodeElement, identifier, readElements } from "../asn1/ber";
import { bytes, der } from "../asn1/der";
import { renderPem } from "../asn1/pem";
import { type Certificate, MOST_CERTIFICATES, readCertificate } from "../certificate/certificate";

/** Labels of PKCS#7 in PEM: RFC 7468 section 8, section 9, and OpenSSL's own of old. */
export const pkcs7Labels: readonly string[] = ["PKCS7", "CMS", "PKCS #7 SIGNED DATA"];

/** The types of content that a `.p7b` or a mail has, in hexadecimal DER (RFC 5652 sections 4 to 8). */
const contentTypes = {
  data: bytes(der.oid("1.2.840.113549.1.7.1")),
  signedData: bytes(der.oid("1.2.840.113549.1.7.2")),
  envelopedData: bytes(der.oid("1.2.840.113549.1.7.3")),
} as const;

/** Of a bundle with ten thousand certificates; real ones have 10 kB. */
const LONGEST_CONTAINER = 1024 * 1024;

/**
 * Reads the certificates of a SignedData (`.p7b`, `.p7c`, also a signed message), in their order and with their bytes
 * as they stand there. DER and BER with indefinite lengths; revocation lists and signatures are passed over. `what`
 * names the thing in messages. At most 1 MiB and 1,000 certificates. Not checked: any signature, whether they belong
 * together.
 * @throws TlsError CONTAINER_INVALID: not PKCS#7, another content, no certificate; CERTIFICATE_INVALID with its position
 * See RFC 5652 section 5.1, RFC 2315 section 9.1.
 */
export function readPkcs7(encoded: Buffer, what: string): readonly Certificate[] {
  const certificates = readSet(encoded, what).filter((element) => element.identifier === identifier.sequence);
  if (certificates.length === 0) {
    throw invalid(`${what}: is PKCS#7 without a certificate`, "Export it anew with the certificates included.");
  }
  if (certificates.length > MOST_CERTIFICATES) {
    throw invalid(
      `${what}: holds ${certificates.length} certificates, at most ${MOST_CERTIFICATES} are read`,
      "Give the certificate, its intermediates and the root that it leads to.",
    );
  }
  return certificates.map((certificate, index) => readMember(certificate, `${what}: certificate ${index + 1}`));
}

/**
 * Renders certificates as a SignedData that signs nothing (a `.p7b`), PEM with the label PKCS7, in the order given, each
 * with its own bytes. Not checked: that they belong together. RFC 5652 section 5.1, RFC 7468 section 8.
 */
export function renderPkcs7(certificates: readonly Certificate[]): string {
  const signedData = encodeElement(
    identifier.sequence,
    bytes(der.integer(1)),
    bytes(der.set()),
    encodeElement(identifier.sequence, contentTypes.data),
    encodeElement(identifier.context0, ...certificates.map((certificate) => certificate.der)),
    bytes(der.set()),
  );
  const content = encodeElement(identifier.context0, signedData);
  return renderPem("PKCS7", encodeElement(identifier.sequence, contentTypes.signedData, content));
}

/** The elements of `certificates [0] IMPLICIT SET OF`; beside certificates it may hold attribute certificates. */
function readSet(encoded: Buffer, what: string): readonly BerElement[] {
  if (encoded.length > LONGEST_CONTAINER) {
    throw invalid(`${what}: has ${encoded.length} octets, at most ${LONGEST_CONTAINER} are read`, DEFAULT_HINT);
  }
  try {
    const [contentType, content] = readInside(readElements(encoded, "the container")[0], identifier.sequence);
    checkContentType(contentType, what);
    const [signedData] = readInside(content, identifier.context0);
    const [version, , , ...rest] = readInside(signedData, identifier.sequence);
    if (version?.identifier !== identifier.integer) throw new TlsError("DER_INVALID", "it has no version");
    const set = rest.find((element) => element.identifier === identifier.context0);
    return set === undefined ? [] : readElements(set.content, "the set of certificates");
  } catch (error) {
    if (!isTlsError(error) || error.code === "CONTAINER_INVALID") throw error;
    throw new TlsError("CONTAINER_INVALID", `${what}: is not PKCS#7: ${error.reason}`, { hint: DEFAULT_HINT });
  }
}

const DEFAULT_HINT = "Get the file again from its issuer; `openssl pkcs7 -print_certs -in <file>` shows what it holds.";

function readInside(element: BerElement | undefined, expected: number): readonly BerElement[] {
  if (element?.identifier !== expected) {
    throw new TlsError("DER_INVALID", "the structure is not the expected one");
  }
  return readElements(element.content, "the container");
}

function checkContentType(contentType: BerElement | undefined, what: string): void {
  if (contentType?.encoded.equals(contentTypes.signedData) === true) return;
  if (contentType?.encoded.equals(contentTypes.envelopedData) === true) {
    throw invalid(`${what}: is an encrypted message`, "Give the .p7b with the certificates.");
  }
  throw invalid(`${what}: is PKCS#7 or another structure without certificates`, DEFAULT_HINT);
}

function readMember({ encoded }: BerElement, position: string): Certificate {
  try {
    return readCertificate(encoded);
  } catch (error) {
    if (!isTlsError(error)) throw error;
    throw new TlsError("CERTIFICATE_INVALID", `${position} of PKCS#7: ${error.reason}`, {
      hint: error.hint ?? DEFAULT_HINT,
      cause: error,
    });
  }
}

function invalid(reason: string, hint: string): TlsError {
  return new TlsError("CONTAINER_INVALID", reason, { hint });
}
