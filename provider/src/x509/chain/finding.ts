import type { ErrorCode } from "../../errors";
import { type Certificate, describeCertificate } from "../certificate/certificate";

/** One thing that is wrong with a chain, or worth a look. */
export interface ChainFinding {
  /** An error keeps the chain from being used, a warning does not; a note asks for nothing. */
  readonly severity: "error" | "warning" | "note";
  readonly code: ErrorCode;
  /** The input where the fault can be mended. */
  readonly property: "certPem" | "privateKeyPem" | "hostnames" | "roots" | "preferredRoot";
  /** RFC 4514 text of the certificate that it is about, or what else names it. */
  readonly subject?: string;
  /** Where the certificate that has expired stands; absent from findings about anything else. */
  readonly expired?: "leaf" | "intermediate" | "root";
  /** It says that the issuer of this certificate is not among those given: another source may have it. */
  readonly isMissingIssuer?: boolean;
  /** What was found and what was expected, naming the certificate; holds no key material. */
  readonly reason: string;
  /** What to do now. */
  readonly hint: string;
}

/** Makes a finding about one certificate; `reason` goes on after its name. An error about `certPem` unless `rest` says. */
export function findAbout(
  certificate: Certificate,
  code: ErrorCode,
  reason: string,
  hint: string,
  rest: Partial<Pick<ChainFinding, "severity" | "property" | "expired" | "isMissingIssuer">> = {},
): ChainFinding {
  const subject = describeCertificate(certificate);
  return { severity: "error", code, property: "certPem", subject, reason: `${subject} ${reason}`, hint, ...rest };
}
