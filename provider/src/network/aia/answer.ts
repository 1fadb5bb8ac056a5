import { isTlsError, TlsError } from "../../errors";
import { type DerKind, recogniseDer } from "../../x509/asn1/der-kind";
import { readPemBlocks } from "../../x509/asn1/pem";
import type { Certificate } from "../../x509/certificate/certificate";
import { readContainer } from "../../x509/containers/container";

/** A CA that publishes all that it ever was has a dozen. */
const MOST_CERTIFICATES = 50;

const keyKinds: readonly (DerKind | undefined)[] = [
  "PRIVATE KEY",
  "ENCRYPTED PRIVATE KEY",
  "RSA PRIVATE KEY",
  "EC PRIVATE KEY",
];

const DEFAULT_HINT =
  "Look at what the URL holds (curl -o <file> <url>), tell the CA, and append the issuer's certificate by hand.";

/**
 * Reads the certificates of an answer, in their order: DER, PEM or PKCS#7; what is there is told by the bytes, since
 * many servers send a wrong type. `what` begins the message. At least one, at most 50. Not checked: whose issuers they
 * are, dates, signatures.
 * @throws TlsError AIA_INVALID: anything else, a private key or PKCS#12 in it
 */
export function readIssuers(body: Buffer, what: string): readonly Certificate[] {
  if (body.length === 0) throw invalid(`${what}: the answer is empty.`);
  const text = body.toString("latin1");
  const isPem = text.includes("-----BEGIN ");
  if (!isPem && /^(\u00ef\u00bb\u00bf)?\s*</.test(text)) throw webPage(what);
  const certificates = describing(what, () => {
    refuseSecrets(isPem ? readPemBlocks(text, "the answer") : [{ label: "", der: body }], what);
    return readContainer(body.toString("base64"), "the answer").certificates;
  });
  if (certificates.length === 0) throw invalid(`${what}: the answer holds no certificate.`);
  if (certificates.length > MOST_CERTIFICATES) {
    throw invalid(
      `${what}: the answer holds ${certificates.length} certificates, at most ${MOST_CERTIFICATES} are taken.`,
    );
  }
  return certificates;
}

/** Before anything is done with them: neither has a place where everybody reads. */
function refuseSecrets(blocks: readonly { label: string; der: Buffer }[], what: string): void {
  for (const { label, der } of blocks) {
    const kind = recogniseDer(der);
    if (label.endsWith("PRIVATE KEY") || keyKinds.includes(kind)) {
      throw invalid(
        `${what}: the answer holds a private key, which everybody can read there.`,
        "Tell who runs the server: the key is to be replaced. Append the issuer's certificate by hand.",
      );
    }
    if (kind === "PKCS12" || label === "PKCS12") {
      throw invalid(
        `${what}: the answer is a PKCS#12 file, which is for private keys.`,
        "Have the CA publish the certificate alone, in DER, or append it by hand.",
      );
    }
  }
}

function describing<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isTlsError(error) || error.code === "AIA_INVALID") throw error;
    throw new TlsError("AIA_INVALID", `${what}: ${error.reason.replace(/\.?$/, ".")}`, {
      hint: DEFAULT_HINT,
      cause: error,
    });
  }
}

function webPage(what: string): TlsError {
  return invalid(
    `${what}: the server answered with a web page, not with a certificate.`,
    "The file has moved, or a proxy asks for a sign-in: open the URL in a browser from the machine that runs Pulumi, or append the issuer's certificate by hand.",
  );
}

function invalid(reason: string, hint = DEFAULT_HINT): TlsError {
  return new TlsError("AIA_INVALID", reason, { hint });
}
