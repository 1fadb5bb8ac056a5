import { revokeCertificate } from "../acme/order/flow";
import { Deadline, systemClock } from "../acme/run/deadline";
import { readSessionRequest, sessionFor } from "./acme/session";
import type { Properties } from "./lifecycle";

const REVOCATION_SECONDS = 60;

/**
 * Revokes the certificate of a resource that is destroyed, where that is asked for; one that is revoked or has expired is
 * left alone.
 * @throws TlsError of the request
 */
export async function revokeOnDestroy(_id: string, state: Properties): Promise<void> {
  const { revocationKeyPem, certPem, accountUrl, validTo } = state as Readonly<Record<string, string | undefined>>;
  if (state.revokeOnDestroy !== true || revocationKeyPem === undefined || certPem === undefined) return;
  if (accountUrl === undefined || (validTo !== undefined && Date.parse(validTo) < Date.now())) return;
  const session = sessionFor(readSessionRequest({ ...state, accountKeyPem: revocationKeyPem }));
  const deadline = new Deadline(REVOCATION_SECONDS, systemClock);
  try {
    await revokeCertificate(session, accountUrl, certPem, "cessationOfOperation", deadline);
  } finally {
    deadline.dispose();
  }
}
