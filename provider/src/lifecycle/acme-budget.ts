import { type BudgetJudgement, judgeBudget, type SeenIssuance } from "../acme/issuance-budget";
import { limitsOf } from "../acme/issuance-limits";
import type { CertificateRecord } from "./acme-certificate-state";
import type { Properties } from "./lifecycle";

/** What this process has seen of each CA, by the URL of its directory: limits across resources can only be counted so. */
const seen = new Map<string, SeenIssuance[]>();

/** The certificates of this run at the CA of these inputs. */
export function seenIssuances(inputs: Properties): SeenIssuance[] {
  const directoryUrl = inputs.directoryUrl as string;
  const list = seen.get(directoryUrl) ?? [];
  seen.set(directoryUrl, list);
  return list;
}

/** What remains of the CA's limits for one more certificate of these names. */
export function judgeCertificateBudget(record: CertificateRecord, inputs: Properties, now: Date): BudgetJudgement {
  return judgeBudget({
    limits: limitsOf(inputs.directoryUrl as string),
    identifiers: inputs.hostnames as readonly string[],
    history: record.issuances,
    others: seenIssuances(inputs),
    ...(typeof inputs.accountUrl === "string" && { account: inputs.accountUrl }),
    // a window is known only of a certificate that the CA has not replaced yet
    isAriRenewal: record.window !== undefined && record.failure === undefined,
    now,
  });
}
