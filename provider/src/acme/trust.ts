import { X509Certificate } from "node:crypto";
import { createSecureContext, getCACertificates, rootCertificates, type SecureContext } from "node:tls";
import { TlsError } from "../errors";
import { readPemBlocks } from "../x509/asn1/pem";

/**
 * What a CA's own https server is judged by: the roots of Node, those of NODE_EXTRA_CA_CERTS, and `caBundlePem`. Made
 * once: reading the roots takes 20 ms. (Node before 22.15 can't say what it was given by NODE_EXTRA_CA_CERTS; there a
 * bundle stands beside Node's own roots alone.)
 * @throws TlsError PEM_INVALID, CERTIFICATE_INVALID: the bundle holds no certificate, or a damaged one
 */
export function trustOf(caBundlePem: string): SecureContext {
  const blocks = readPemBlocks(caBundlePem, "caBundlePem").filter(({ label }) => label === "CERTIFICATE");
  if (blocks.length === 0) {
    throw new TlsError("CERTIFICATE_INVALID", "caBundlePem: holds no certificate", {
      hint: "Give the root of the CA's own server as PEM, from BEGIN CERTIFICATE to END CERTIFICATE.",
    });
  }
  // OpenSSL leaves out silently what it can't read
  for (const [at, { der }] of blocks.entries()) refuseDamaged(der, at + 1);
  const roots = typeof getCACertificates === "function" ? getCACertificates("default") : rootCertificates;
  return createSecureContext({ ca: [...roots, ...blocks.map(({ text }) => text)] });
}

function refuseDamaged(der: Buffer, number: number): void {
  try {
    new X509Certificate(der);
  } catch (cause) {
    throw new TlsError("CERTIFICATE_INVALID", `caBundlePem: its certificate ${number} can't be read`, {
      hint: "Look at it: openssl storeutl -noout -text <file>.",
      cause,
    });
  }
}
