import {
  type BackOffRecord,
  isCostlyFailure,
  judgeBackOff,
  RETRY_NOW,
  RETRY_NOW_HINT,
  recordFailure,
} from "../../acme/limits/back-off";
import { type BudgetJudgement, judgeBudget, type SeenIssuance, seeIssuance } from "../../acme/limits/budget";
import { limitsOf } from "../../acme/limits/limits";
import { isTlsError, TlsError } from "../../errors";
import { known } from "../input/parse";
import type { CertificateRecord } from "./certificate-state";
import type { OrderSubject } from "./ordering-state";
import { replacedBy } from "./renewal";

/** Whether the user has said that this run tries in spite of all. */
function isRetryForced(): boolean {
  return (process.env[RETRY_NOW] ?? "") !== "";
}

/**
 * Refuses what comes too soon after a failure.
 * @param doing what is refused, for a message; absent in the run itself
 * @throws TlsError `ACME_BACKOFF`
 */
export function refuseTooSoon({ failure }: OrderHistory, inputs: OrderSubject, now: Date, doing?: string): void {
  if (isRetryForced()) return;
  const subject = { directory: inputs.directoryUrl, identifiers: inputs.hostnames };
  const { until, text } = judgeBackOff(failure, subject, now);
  if (until === undefined) return;
  throw new TlsError("ACME_BACKOFF", `${beginOf(doing)}the CA is not asked: ${text}`, {
    retryAt: until,
    hint: RETRY_NOW_HINT,
  });
}

/**
 * Refuses what the CA's limits leave no room for; else says what they leave.
 * @throws TlsError `ACME_BUDGET`
 */
export function refuseSpent(history: OrderHistory, inputs: OrderSubject, now: Date, doing?: string): BudgetJudgement {
  const budget = judgeCertificateBudget(history, inputs, now);
  const { verdict, text, freeAt } = budget;
  if (verdict !== "spent" || isRetryForced()) return budget;
  throw new TlsError("ACME_BUDGET", `${beginOf(doing)}the CA is not asked: ${text}`, {
    ...(freeAt !== undefined && { retryAt: freeAt }),
    hint: "Use the certificate that is there, or another set of names.",
  });
}

/** What is remembered after an error: a failure that costs something at the CA is added, any other changes nothing. */
export function recordAfter(
  { failure }: Pick<OrderHistory, "failure">,
  error: Error,
  inputs: OrderSubject,
  now: Date,
): BackOffRecord | undefined {
  if (!isTlsError(error) || !isCostlyFailure(error.code)) return failure;
  return recordFailure(failure, {
    directory: inputs.directoryUrl,
    identifiers: inputs.hostnames,
    now,
    code: error.code,
    reason: error.reason,
    retryAt: error.retryAt,
  });
}

function beginOf(doing: string | undefined): string {
  return doing === undefined ? "" : `${doing}; but `;
}

/** What a state remembers that limits and back-off are judged by. */
type OrderHistory = Pick<CertificateRecord, "issuances" | "certPem" | "window" | "failure">;

/**
 * What this run has seen of each CA, by the URL of its directory: limits across resources can only be counted so. In the
 * process of the program it is what is going to be ordered, in that of the provider what was; each resource counts once.
 */
const seen = new Map<string, Map<string, SeenIssuance>>();

/** Counts the certificate of a resource, which is, or is going to be, ordered. */
export function countOrder(inputs: OrderSubject, now: Date): void {
  const { directoryUrl, hostnames } = inputs;
  const account = known(inputs.accountUrl) ?? "";
  const orders = seen.get(directoryUrl) ?? new Map<string, SeenIssuance>();
  seen.set(directoryUrl, orders);
  orders.set(nameOf(inputs), seeIssuance({ at: now.toISOString(), identifiers: hostnames, account }));
}

/** What remains of the CA's limits for one more certificate of these names. */
function judgeCertificateBudget(record: OrderHistory, inputs: OrderSubject, now: Date): BudgetJudgement {
  const { directoryUrl } = inputs;
  const account = known(inputs.accountUrl);
  const own = nameOf(inputs);
  const others = [...(seen.get(directoryUrl) ?? [])].flatMap(([name, order]) => (name === own ? [] : [order]));
  return judgeBudget({
    limits: limitsOf(directoryUrl),
    identifiers: inputs.hostnames,
    history: record.issuances.filter(({ directory }) => directory === directoryUrl),
    others,
    ...(account !== undefined && { account }),
    isAriRenewal: replacedBy(record, inputs) !== undefined,
    now,
  });
}

function nameOf({ name }: OrderSubject): string {
  return known(name) ?? "";
}
