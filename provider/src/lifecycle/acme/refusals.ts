import { judgeBackOff, RETRY_NOW, retryNowHint } from "../../acme/limits/back-off";
import type { BudgetJudgement } from "../../acme/limits/budget";
import { TlsError } from "../../errors";
import { judgeCertificateBudget, type OrderHistory } from "../acme-budget";
import type { Properties } from "../lifecycle";

/** Whether the user has said that this run tries in spite of all. */
export function isRetryForced(): boolean {
  return (process.env[RETRY_NOW] ?? "") !== "";
}

/**
 * Refuses what comes too soon after a failure.
 * @param doing what is refused, for a message; absent in the run itself
 * @throws TlsError `ACME_BACKOFF`
 */
export function refuseTooSoon({ failure }: OrderHistory, inputs: Properties, now: Date, doing?: string): void {
  if (isRetryForced()) return;
  const subject = { directory: inputs.directoryUrl as string, identifiers: inputs.hostnames as readonly string[] };
  const { until, text } = judgeBackOff(failure, subject, now);
  if (until === undefined) return;
  throw new TlsError("ACME_BACKOFF", `${beginOf(doing)}the CA is not asked: ${text}`, {
    retryAt: until,
    hint: retryNowHint,
  });
}

/**
 * Refuses what the CA's limits leave no room for; else says what they leave.
 * @throws TlsError `ACME_BUDGET`
 */
export function refuseSpent(history: OrderHistory, inputs: Properties, now: Date, doing?: string): BudgetJudgement {
  const budget = judgeCertificateBudget(history, inputs, now);
  const { verdict, text, freeAt } = budget;
  if (verdict !== "spent" || isRetryForced()) return budget;
  throw new TlsError("ACME_BUDGET", `${beginOf(doing)}the CA is not asked: ${text}`, {
    ...(freeAt !== undefined && { retryAt: freeAt }),
    hint: "Use the certificate that is there, or another set of names.",
  });
}

function beginOf(doing: string | undefined): string {
  return doing === undefined ? "" : `${doing}; but `;
}
