import { TlsError } from "../errors";
import { recogniseDer } from "../x509/asn1/der-kind";
import { type PemBlock, readPemBlocks, renderPem } from "../x509/asn1/pem";
import type { Certificate } from "../x509/certificate/certificate";
import { readContainer } from "../x509/containers/container";
import { pkcs7Labels } from "../x509/containers/pkcs7";
import type { CertificateFile } from "./certificate-file";
import { renderPath } from "./path-text";

/** What one file holds, sorted by what may be shown. Nothing is deciphered. */
export interface FileParts {
  readonly certificates: readonly Certificate[];
  /** One PEM block each, as it was, encrypted or not; canonical lines. */
  readonly keys: readonly string[];
  /** PKCS#12 in base64, one line each; may hold keys. */
  readonly pkcs12: readonly string[];
}

/** Of these the bytes decide: some CAs put PKCS#7 under CERTIFICATE. */
const certificateLabels: readonly string[] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", ...pkcs7Labels];

const none: FileParts = { certificates: [], keys: [], pkcs12: [] };

/**
 * Takes a file apart into certificates, keys and PKCS#12. PEM blocks of other kinds (parameters, requests, lists) are
 * passed over. Not checked: whether the parts belong together, whether a key is whole.
 * @throws TlsError PEM_INVALID, CERTIFICATE_INVALID, CONTAINER_INVALID: with the path and the position
 */
export function splitFile(file: CertificateFile): FileParts {
  const { path, kind, text } = file;
  switch (kind) {
    case "PEM":
      return splitPem(text, renderPath(path));
    case "PKCS12":
      return { ...none, pkcs12: [text] };
    case "PRIVATE KEY":
    case "ENCRYPTED PRIVATE KEY":
    case "RSA PRIVATE KEY":
    case "EC PRIVATE KEY":
      return { ...none, keys: [renderPem(kind, Buffer.from(text, "base64"))] };
    case "CERTIFICATE":
    case "PKCS7":
    case undefined:
      return { ...none, certificates: readContainer(text, renderPath(path)).certificates };
    default:
      throw useless([kind], renderPath(path));
  }
}

function splitPem(text: string, what: string): FileParts {
  const blocks = readPemBlocks(text, what);
  const parts = blocks.map((block, index) => splitBlock(block, `${what}: PEM block ${index + 1}`));
  if (parts.every((part) => part === none))
    throw useless(
      blocks.map((block) => block.label),
      what,
    );
  return {
    certificates: parts.flatMap((part) => part.certificates),
    keys: parts.flatMap((part) => part.keys),
    pkcs12: parts.flatMap((part) => part.pkcs12),
  };
}

function splitBlock(block: PemBlock, position: string): FileParts {
  const { label, der, text } = block;
  if (label.endsWith("PRIVATE KEY")) return { ...none, keys: [text] };
  const kind = recogniseDer(der);
  const isCertificate = certificateLabels.includes(label);
  if (label === "PKCS12" || (isCertificate && kind === "PKCS12")) return { ...none, pkcs12: [der.toString("base64")] };
  if (!isCertificate) return none;
  if (kind !== undefined && kind !== "CERTIFICATE" && kind !== "PKCS7") {
    // a key among certificates would stand where nothing is kept secret
    throw new TlsError("CERTIFICATE_INVALID", `${position}: is labelled ${label}, but its bytes are ${kind}`, {
      hint: "Get the file again from its source.",
    });
  }
  // the settings that OpenSSL writes behind a certificate are told by the label alone
  const one = label === "TRUSTED CERTIFICATE" ? text : der.toString("base64");
  return { ...none, certificates: readContainer(one, position).certificates };
}

function useless(labels: readonly string[], what: string): TlsError {
  const found = labels.length === 0 ? "no PEM block" : `only ${[...new Set(labels)].slice(0, 5).join(", ")}`;
  const isRequest = labels.some((label) => label.endsWith("CERTIFICATE REQUEST"));
  return new TlsError("CONTAINER_INVALID", `${what}: holds neither a certificate nor a private key but ${found}`, {
    hint: isRequest
      ? "A request is what a CA gets; give the certificate that it answered with."
      : "Give the file with the certificate, or with its private key.",
  });
}
