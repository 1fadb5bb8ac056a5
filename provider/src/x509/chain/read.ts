import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { isTlsError, TlsError } from "../../errors";
import { type PemBlock, readPemBlocks } from "../asn1/pem";
import { type Certificate, MOST_CERTIFICATES, readCertificate } from "../certificate/certificate";

/** RFC 7468 section 5.1 and the older word that it mentions in section 5.3. */
const certificateLabels: readonly string[] = ["CERTIFICATE", "X509 CERTIFICATE"];

/** What to do about a block that is no certificate, by its label; the others get {@link DEFAULT_HINT}. */
const labelHints: Readonly<Record<string, string>> = {
  "TRUSTED CERTIFICATE": "Write it without OpenSSL's trust settings: openssl x509 -in <file> -out <new>.",
  "CERTIFICATE REQUEST": "A request is what a CA gets; give the certificate that it answered with.",
  "NEW CERTIFICATE REQUEST": "A request is what a CA gets; give the certificate that it answered with.",
  PKCS7: "Take the certificates out: openssl pkcs7 -in <file> -print_certs -out <new>.",
  CMS: "Take the certificates out: openssl pkcs7 -in <file> -print_certs -out <new>.",
  "X509 CRL": "A revocation list is not part of a chain: leave it away.",
  "DH PARAMETERS": "Parameters are not part of a chain: leave them away.",
  "EC PARAMETERS": "Parameters belong to the private key: leave them away.",
};

const DEFAULT_HINT = "Give the blocks from BEGIN CERTIFICATE to END CERTIFICATE only.";

/**
 * Reads every certificate of a PEM text, in its order, text around the blocks ignored. `what` names the text in
 * messages. An empty text gives an empty list. At most 1,000 different ones; what is repeated is read once and stands in
 * the list as often. Not checked: anything between the certificates.
 * @throws TlsError `PEM_INVALID`: a block that is not a certificate by its label, a broken block, too many;
 * `CERTIFICATE_INVALID`: a block whose bytes are none, with its position; `KEY_INVALID`: a private key among them.
 */
export function readCertificates(text: string, what: string): readonly Certificate[] {
  const read = new Map<string, Certificate>();
  return readPemBlocks(text, what).map((block, index) => {
    const known = read.get(block.text);
    if (known !== undefined) return known;
    if (read.size >= MOST_CERTIFICATES) {
      throw new TlsError("PEM_INVALID", `${what}: holds more than ${MOST_CERTIFICATES} different certificates`, {
        hint: "Give the certificate, its intermediates and the root that it leads to.",
      });
    }
    const certificate = readBlock(block, `${what}: PEM block ${index + 1}`);
    read.set(block.text, certificate);
    return certificate;
  });
}

function readBlock(block: PemBlock, position: string): Certificate {
  if (block.label.endsWith("PRIVATE KEY")) {
    throw new TlsError("KEY_INVALID", `${position} is a private key, certificates are public`, {
      hint: "Move it into privateKeyPem, which is kept secret; if this text was published, replace the key.",
    });
  }
  if (!certificateLabels.includes(block.label)) {
    throw new TlsError("PEM_INVALID", `${position} is labelled ${block.label}, not CERTIFICATE`, {
      hint: labelHints[block.label] ?? DEFAULT_HINT,
    });
  }
  try {
    return readCertificate(block.der);
  } catch (error) {
    if (!isTlsError(error)) throw error;
    throw new TlsError("CERTIFICATE_INVALID", `${position} is labelled ${block.label}: ${error.reason}`, {
      hint: error.hint ?? DEFAULT_HINT,
      cause: error,
    });
  }
}

let cachedRoots: readonly Certificate[] | undefined;

/**
 * The roots of Mozilla that are bundled with Node, the same on every machine with the same Node (facts of the machine's
 * own store would change a preview from one machine to the next). Read once, when first asked for.
 */
export function systemRoots(): readonly Certificate[] {
  cachedRoots ??= rootCertificates.map((pem) => readCertificate(new X509Certificate(pem).raw));
  return cachedRoots;
}
