import type { FailureMemory } from "../acme/limits/back-off";
import { type BudgetJudgement, judgeBudget, type SeenIssuance, seeIssuance } from "../acme/limits/budget";
import { limitsOf } from "../acme/limits/limits";
import type { CertificateRecord } from "./acme/certificate-state";
import { replacedBy } from "./acme/renewal";
import type { Properties } from "./lifecycle";

/** What a state remembers that limits and back-off are judged by. */
export type OrderHistory = Pick<CertificateRecord, "issuances" | "certPem" | "window"> & {
  readonly failure?: FailureMemory;
};

/**
 * What this run has seen of each CA, by the URL of its directory: limits across resources can only be counted so. In the
 * process of the program it is what is going to be ordered, in that of the provider what was; each resource counts once.
 */
const seen = new Map<string, Map<string, SeenIssuance>>();

/** Counts the certificate of a resource, which is, or is going to be, ordered. */
export function countOrder(inputs: Properties, now: Date): void {
  const { directoryUrl, hostnames, accountUrl } = inputs as Readonly<Record<string, string | undefined>>;
  if (directoryUrl === undefined || !Array.isArray(hostnames)) return;
  const account = typeof accountUrl === "string" ? accountUrl : "";
  const orders = seen.get(directoryUrl) ?? new Map<string, SeenIssuance>();
  seen.set(directoryUrl, orders);
  orders.set(nameOf(inputs), seeIssuance({ at: now.toISOString(), identifiers: hostnames, account }));
}

/** What remains of the CA's limits for one more certificate of these names. */
export function judgeCertificateBudget(record: OrderHistory, inputs: Properties, now: Date): BudgetJudgement {
  const directoryUrl = inputs.directoryUrl as string;
  const own = nameOf(inputs);
  const others = [...(seen.get(directoryUrl) ?? [])].flatMap(([name, order]) => (name === own ? [] : [order]));
  return judgeBudget({
    limits: limitsOf(directoryUrl),
    identifiers: inputs.hostnames as readonly string[],
    history: record.issuances.filter(({ directory }) => directory === directoryUrl),
    others,
    ...(typeof inputs.accountUrl === "string" && { account: inputs.accountUrl }),
    isAriRenewal: replacedBy(record, inputs) !== undefined,
    now,
  });
}

function nameOf({ name }: Properties): string {
  return typeof name === "string" ? name : "";
}
