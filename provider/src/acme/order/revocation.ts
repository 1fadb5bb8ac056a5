import { readCertificates } from "../../x509/chain/chain";
import { isAcmeError } from "../client/problem";
import type { AcmeSession } from "../client/session";
import type { Deadline } from "../run/deadline";

/** Codes of RFC 5280 section 5.3.1; 7 is not used. A CA takes some of them only. */
const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const satisfies Record<string, number>;

export type RevocationReason = keyof typeof revocationReasons;

/**
 * Revokes the first certificate of a PEM text by the key of the account that ordered it (RFC 8555 section 7.6); one that
 * is revoked already is a success.
 * @throws TlsError of the request; PEM_INVALID, CERTIFICATE_INVALID
 */
export async function revokeCertificate(
  session: AcmeSession,
  accountUrl: string,
  certPem: string,
  reason: RevocationReason | undefined,
  deadline: Deadline,
): Promise<void> {
  const [certificate] = readCertificates(certPem, "certPem");
  if (certificate === undefined) throw new TypeError("certPem holds no certificate");
  const { revokeCert } = await session.directory(deadline);
  const doing = `revoking the certificate with serial number ${certificate.serialNumber}`;
  const payload = {
    certificate: certificate.der.toString("base64url"),
    ...(reason !== undefined && { reason: revocationReasons[reason] }),
  };
  try {
    await session.post(revokeCert, payload, { kid: accountUrl, doing, deadline });
  } catch (error) {
    if (!isAcmeError(error) || error.problem.kind !== "alreadyRevoked") throw error;
  }
}
