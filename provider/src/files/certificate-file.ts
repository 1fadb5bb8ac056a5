import { type DerKind, recogniseDer } from "../x509/asn1/der-kind";
import { decodeText, readFileBytes } from "./file-bytes";

/** A file as it was found on disk, not yet read as certificates. */
export interface CertificateFile {
  readonly path: string;
  /** What it is by its bytes; its name is not looked at. Absent when nothing is recognised. */
  readonly kind?: FileKind;
  /** What `readContainer` takes: PEM as text, anything else in base64, one line. */
  readonly text: string;
}

/** PEM of any labels, or what one binary structure is. */
type FileKind = "PEM" | DerKind;

const PEM_MARK = "-----BEGIN ";

/** The format of PuTTY is text, and is refused in words of its own when it is seen as such. */
const PUTTY_MARK = "PuTTY-User-Key-File-";

/**
 * Reads one file of certificates or keys in any form: PEM (UTF-8, or UTF-16 with its mark), DER, PKCS#7, PKCS#12, or the
 * base64 of any of them. At most 1 MiB. Not checked: anything inside.
 * @throws TlsError FILE_UNREADABLE
 */
export function readCertificateFile(path: string): CertificateFile {
  const bytes = readFileBytes(path);
  const kind = recogniseDer(bytes);
  if (kind !== undefined) return { path, kind, text: bytes.toString("base64") };
  const text = decodeText(bytes);
  if (text.includes(PEM_MARK)) return { path, kind: "PEM", text };
  if (text.startsWith(PUTTY_MARK)) return { path, text };
  const base64 = text.replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return { path, text: bytes.toString("base64") };
  const decoded = Buffer.from(base64, "base64");
  const inner = decodeText(decoded);
  if (inner.includes(PEM_MARK)) return { path, kind: "PEM", text: inner };
  const innerKind = recogniseDer(decoded);
  // canonical, so that another width of its lines is no change
  return { path, ...(innerKind && { kind: innerKind }), text: decoded.toString("base64") };
}
