import type { ErrorCode } from "../errors";
import type { ChainFinding } from "../x509/chain/finding";
import type { ContainerFormat } from "../x509/containers/container";

/** What {@link inspect} found: plain data, the same as JSON. Holds no key. */
export interface Inspection {
  /** Whether nothing is an error, and so `CertificateChain` would take these files. */
  readonly isAccepted: boolean;
  /** The moment that it was judged for, ISO 8601 UTC. */
  readonly asOf: string;
  /** Every file that was given, in the order given. */
  readonly files: readonly InspectedFile[];
  /**
   * In the order in which a server sends them: the leaf, its intermediates, then the root that it leads to, then those
   * without a place. When there is no one chain: every certificate in the order of the files.
   */
  readonly certificates: readonly InspectedCertificate[];
  /** Every private key that was found, in the order of the files. */
  readonly privateKeys: readonly InspectedKey[];
  /** Why a file can't be read comes before what is wrong with the chain. */
  readonly findings: readonly InspectionFinding[];
}

/** One of the files that were given. */
export interface InspectedFile {
  /** The path as it was given. */
  readonly path: string;
  /** By its bytes; PEM of any content, DER of one certificate or key. Absent when the file can't be read. */
  readonly format?: ContainerFormat;
  /** How many it holds; of PKCS#12 that was not opened, none. */
  readonly certificates: number;
  /** How many private keys it holds, encrypted ones among them. */
  readonly privateKeys: number;
}

/** One certificate. */
export interface InspectedCertificate {
  /** Its place in the chain; `unused` has none. When there is no one chain: what it could be by itself. */
  readonly role: "leaf" | "intermediate" | "root" | "unused";
  /** The first file that holds it; absent for a root of `roots`. */
  readonly file?: string;
  /** RFC 4514 text; may be empty when `names` say whose it is. */
  readonly subject: string;
  /** The issuer's distinguished name, RFC 4514 text. */
  readonly issuer: string;
  /** ISO 8601 UTC. */
  readonly validFrom: string;
  /** The last second of its validity, ISO 8601 UTC. */
  readonly validTo: string;
  /** Lower-case hexadecimal. */
  readonly serialNumber: string;
  /** SHA-256 of the DER certificate, lower-case hexadecimal without colons. */
  readonly fingerprintSha256: string;
  /** For instance `P256`, `RSA2048`; `unknown` for a kind that OpenSSL does not have. */
  readonly keyType: string;
  /** The subject alternative names, of a leaf alone: DNS names, addresses and others. */
  readonly names?: readonly string[];
}

/** One private key, of which only its kind is told. */
export interface InspectedKey {
  /** The file that holds it. */
  readonly file: string;
  /** For instance `P256`, `RSA2048`. */
  readonly keyType: string;
  /** Whether it belongs to the leaf; without one chain, to any of the certificates. */
  readonly fits: boolean;
}

/** One thing that is wrong, or worth a look. */
export interface InspectionFinding {
  /** An error keeps the files from being used, a warning does not; a note asks for nothing. */
  readonly severity: ChainFinding["severity"];
  /** The code of the error that `CertificateChain` would report for it. */
  readonly code: ErrorCode;
  /** The file that can't be read. */
  readonly file?: string;
  /** RFC 4514 text of the certificate that it is about, or what else names it. */
  readonly subject?: string;
  /** What was found and what was expected. */
  readonly reason: string;
  /** What to do now. */
  readonly hint: string;
}
