import { nameOfDirectory } from "../../acme/client/directory";
import { renderList } from "../../text/list";
import { known } from "../input/parse";
import type { Preview, Reason } from "../lifecycle";
import { hashCertificateOrder } from "./certificate-inputs";
import { type CertificateInputs, type CertificateRecord, type CertificateState, readRecord } from "./certificate-state";
import { describeChallenge } from "./challenge-inputs";
import { describeChoice, lookBefore } from "./preflight";
import { countOrder, refuseSpent, refuseTooSoon } from "./refusals";
import { decideAcmeRenewal } from "./renewal";

/**
 * What a step of a certificate would do, for the row of the resource in preview and up: what is ordered, where, by which
 * challenge, whether rehearsed, what remains of the limits, and for a renewal the reason and date.
 *
 * @throws TlsError `ACME_BACKOFF`, `ACME_BUDGET`: the step would be refused, which the preview says already
 */
export async function explainCertificate(
  state: Preview<CertificateState> | undefined,
  given: Preview<CertificateInputs>,
  now: Date,
): Promise<Reason> {
  const [hostnames, directoryUrl] = [known(given.hostnames), known(given.directoryUrl)];
  if (hostnames === undefined || directoryUrl === undefined) return undefined;
  const inputs = { ...given, hostnames, directoryUrl };
  const record = readRecord(state ?? {});
  const why = await explainWhy(state, record, inputs, now);
  if (why === undefined) return undefined;
  refuseTooSoon(record, inputs, now, why);
  const isResumed = record.pendingOrderUrl !== undefined;
  const isFromOrder = inputs.fromOrderUrl !== undefined;
  const parts = [why, await describeWhere(inputs)];
  // an order that is gone on with costs nothing more, and that of another resource is counted there
  if (isResumed || isFromOrder) return parts.join("; ");
  const budget = refuseSpent(record, inputs, now, why);
  countOrder(inputs, now);
  const rehearsal = describeRehearsal(record, inputs);
  const left = budget.of === undefined ? [] : [withoutStop(budget.text), ...budget.warnings];
  const text = [...parts, ...(rehearsal === undefined ? [] : [rehearsal]), ...left].join("; ");
  const seen = await lookBefore(inputs);
  return seen === undefined ? text : { warning: `${text}; ${seen}` };
}

/** Inputs of which the names and the CA are known. */
type Explained = Preview<CertificateInputs> & Pick<CertificateInputs, "hostnames" | "directoryUrl">;

/** Undefined when nothing is ordered. */
async function explainWhy(
  state: Preview<CertificateState> | undefined,
  record: CertificateRecord,
  inputs: Explained,
  now: Date,
): Promise<string | undefined> {
  const names = renderList(inputs.hostnames, 5);
  if (inputs.fromOrderUrl !== undefined) {
    const isOther = record.certPem !== undefined && state?.fromOrderUrl !== inputs.fromOrderUrl;
    if (isOther) return `takes the certificate for ${names} from the new order`;
    const isTaken = record.issuedFor === hashCertificateOrder(inputs) && record.pendingOrderUrl === undefined;
    return isTaken ? undefined : `takes the certificate for ${names} from its order`;
  }
  if (record.pendingOrderUrl !== undefined) return `goes on with the order for ${names} that an earlier run left`;
  if (record.certPem === undefined) return `orders a certificate for ${names}`;
  if (record.issuedFor !== hashCertificateOrder(inputs)) return `orders another certificate, for ${names}`;
  if (record.progress !== undefined) return `orders a certificate for ${names} again`;
  const renewal = await decideAcmeRenewal(state ?? {}, inputs, now);
  return renewal?.due === true ? `renews: ${renewal.reason}` : undefined;
}

async function describeWhere(inputs: Explained): Promise<string> {
  const { directoryUrl, challenge } = inputs;
  const profile = known(inputs.profile);
  const of = profile === undefined ? "" : `, profile ${profile}`;
  // a challenge whose command is secret is unknown here
  const choice = await describeChoice(inputs);
  const by = typeof challenge === "object" ? ` by ${choice ?? describeChallenge(challenge)}` : "";
  return `at ${nameOfDirectory(directoryUrl) ?? directoryUrl}${by}${of}`;
}

function describeRehearsal(record: CertificateRecord, inputs: Explained): string | undefined {
  const { rehearsal = "first", rehearsalDirectoryUrl: url, directoryUrl } = inputs;
  if (typeof url !== "string" || url === directoryUrl || rehearsal === "off") return undefined;
  const isDone =
    rehearsal === "first" && record.failure === undefined && record.rehearsedFor === hashCertificateOrder(inputs);
  return isDone ? undefined : `rehearsed at ${nameOfDirectory(url) ?? url} first`;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, "");
}
