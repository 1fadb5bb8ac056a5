import { nameOfDirectory } from "../acme/directory";
import { judgeBackOff, RETRY_NOW, retryNowHint } from "../acme/failure-memory";
import { TlsError } from "../errors";
import { countOrder, judgeCertificateBudget } from "./acme-budget";
import { describeOrder } from "./acme-certificate-inputs";
import { type CertificateRecord, readRecord } from "./acme-certificate-state";
import { describeChallenge } from "./acme-challenge-inputs";
import { decideAcmeRenewal } from "./acme-renewal";
import type { Properties } from "./lifecycle";

/**
 * What a step of a certificate would do, for the row of the resource in preview and up: what is ordered, where, by which
 * challenge, whether rehearsed, what remains of the limits, and for a renewal the reason and date.
 *
 * @throws TlsError `ACME_BACKOFF`, `ACME_BUDGET`: the step would be refused, which the preview says already
 */
export async function explainCertificate(
  state: Properties | undefined,
  inputs: Properties,
  now: Date,
): Promise<string | undefined> {
  const { hostnames, directoryUrl } = inputs;
  if (!Array.isArray(hostnames) || typeof directoryUrl !== "string") return undefined;
  const record = readRecord(state ?? {});
  const why = await explainWhy(state, record, inputs, now);
  if (why === undefined) return undefined;
  const isAllowed = (process.env[RETRY_NOW] ?? "") !== "";
  const backOff = judgeBackOff(record.failure, { directory: directoryUrl, identifiers: hostnames }, now);
  if (backOff.until !== undefined && !isAllowed) {
    throw new TlsError("ACME_BACKOFF", `${why}; but the CA is not asked: ${backOff.text}`, {
      retryAt: backOff.until,
      hint: retryNowHint,
    });
  }
  const isResumed = record.pendingOrderUrl !== undefined;
  const budget = judgeCertificateBudget(record, inputs, now);
  if (budget.verdict === "spent" && !isResumed && !isAllowed) {
    throw new TlsError("ACME_BUDGET", `${why}; but the CA is not asked: ${budget.text}`, {
      ...(budget.freeAt !== undefined && { retryAt: budget.freeAt }),
      hint: "Use the certificate that is there, or another set of names.",
    });
  }
  if (!isResumed) countOrder(inputs, now);
  const parts = [why, describeWhere(inputs), isResumed ? undefined : describeRehearsal(record, inputs)];
  const left = budget.of === undefined || isResumed ? [] : [withoutStop(budget.text), ...budget.warnings];
  return [...parts.filter((part) => part !== undefined), ...left].join("; ");
}

/** Undefined when nothing is ordered. */
async function explainWhy(
  state: Properties | undefined,
  record: CertificateRecord,
  inputs: Properties,
  now: Date,
): Promise<string | undefined> {
  const names = listNames(inputs.hostnames as readonly string[]);
  if (record.pendingOrderUrl !== undefined) return `goes on with the order for ${names} that an earlier run left`;
  if (record.certPem === undefined) return `orders a certificate for ${names}`;
  if (record.issuedFor !== describeOrder(inputs)) return `orders another certificate, for ${names}`;
  if (record.progress !== undefined) return `orders a certificate for ${names} again`;
  const renewal = await decideAcmeRenewal(state ?? {}, inputs, now);
  return renewal?.due === true ? `renews: ${renewal.reason}` : undefined;
}

function describeWhere(inputs: Properties): string {
  const { directoryUrl, challenge, profile } = inputs as { directoryUrl: string; challenge: unknown; profile?: string };
  const of = profile === undefined ? "" : `, profile ${profile}`;
  // a challenge whose command is secret is unknown here
  const by = typeof challenge === "object" ? ` by ${describeChallenge(challenge)}` : "";
  return `at ${nameOfDirectory(directoryUrl) ?? directoryUrl}${by}${of}`;
}

function describeRehearsal(record: CertificateRecord, inputs: Properties): string | undefined {
  const { rehearsal = "first", rehearsalDirectoryUrl: url, directoryUrl } = inputs;
  if (typeof url !== "string" || url === directoryUrl || rehearsal === "off") return undefined;
  const isDone = rehearsal === "first" && record.failure === undefined && record.rehearsedFor === describeOrder(inputs);
  return isDone ? undefined : `rehearsed at ${nameOfDirectory(url) ?? url} first`;
}

function listNames(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return names.slice(0, 5).join(", ") + more;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, "");
}
