import { isTlsError } from "../../errors";
import type { PreflightFinding } from "../look/finding";

/** What was not seen within the time is a warning, so that it does not take with it what was seen. */
export async function findInTime(
  subject: string,
  what: string,
  work: () => Promise<readonly PreflightFinding[]>,
): Promise<readonly PreflightFinding[]> {
  try {
    return await work();
  } catch (error) {
    if (!isTlsError(error) || error.code !== "ACME_TIMEOUT") throw error;
    return [
      {
        severity: "warning",
        isUnseen: true,
        subject,
        found: `${what} could not be looked at within the time that there is before an order`,
        hint: "Look whether the DNS and the gateway answer quickly from the machine that runs Pulumi.",
      },
    ];
  }
}
