import { addIssuance } from "../../acme/limits/budget";
import { type Issued, revokeCertificate } from "../../acme/order/flow";
import type { OrderProgress } from "../../acme/order/journey";
import { isTlsError, TlsError } from "../../errors";
import { renderTimestamp } from "../../text/time";
import { decoded } from "../decoder";
import { acmeCertificateDescription } from "../descriptions";
import { type Outputs, type Preview, UnfinishedError } from "../lifecycle";
import { checkAcmeCertificate, hashCertificateOrder } from "./certificate-inputs";
import {
  type CertificateInputs,
  type CertificateRecord,
  type CertificateState,
  certificateDecoders,
  computedNames,
  keptOutputs,
  readRecord,
  renderProgress,
} from "./certificate-state";
import { STEP_SECONDS } from "./decisions";
import { tellEngine } from "./engine";
import { explainCertificate } from "./explanation";
import { orderCertificate, type Rehearsal, rehearseOrder, type ValidatedCertificate } from "./issuance";
import { OrderJournal, sweepJournal } from "./journal";
import { countOrder, recordAfter, refuseSpent, refuseTooSoon } from "./refusals";
import { askWindow, decideAcmeRenewal, readLeaf, replacedBy } from "./renewal";
import { readSessionRequest, sessionFor, within } from "./session";

/** After an order the window is asked for, and at a refresh; neither fails without an answer. */
const WINDOW_SECONDS = 10;

const REVOCATION_SECONDS = 60;

/**
 * Revokes the certificate of a resource that is destroyed, where that is asked for; one that is revoked or has expired is
 * left alone.
 * @throws TlsError of the request
 */
async function revokeOnDestroy(_id: string, state: CertificateState): Promise<void> {
  const { revocationKeyPem, certPem, accountUrl, directoryUrl, validTo } = state;
  if (state.revokeOnDestroy !== true || revocationKeyPem === undefined || certPem === undefined) return;
  if (accountUrl === undefined || directoryUrl === undefined) return;
  if (validTo !== undefined && Date.parse(validTo) < Date.now()) return;
  const session = sessionFor(readSessionRequest({ ...state, directoryUrl, accountKeyPem: revocationKeyPem }));
  await within(REVOCATION_SECONDS, (deadline) =>
    revokeCertificate(session, accountUrl, certPem, "cessationOfOperation", deadline),
  );
}

/** A certificate from a CA, by ACME: ordered, renewed by the CA's own window, and resumed where a run died. */
export const acmeCertificate = decoded(certificateDecoders, {
  ...acmeCertificateDescription,
  policyProperties: [
    "accountKeyPem",
    "rehearsalAccountKeyPem",
    "rehearsalDirectoryUrl",
    "requestTimeoutSeconds",
    "challenge",
    "challengeEnvironment",
    "reuseKey",
    "preferredChain",
    "requirePreferredChain",
    "rehearsal",
    "preflight",
    "timeoutSeconds",
    "renewalInfoDays",
    "minDaysRemaining",
    "checkIntervalHours",
  ],
  computedProperties: () => computedNames,
  check: checkAcmeCertificate,
  isDue: async (state, inputs, now) => {
    const record = readRecord(state);
    await sweepJournal(now);
    // an order decides by itself when it is due, and the engine sees that its URL changes
    if (inputs.fromOrderUrl !== undefined) return isUntaken(record, state, inputs);
    if (isOrderNeeded(record, inputs)) return true;
    return (await decideAcmeRenewal(state, inputs, now))?.due === true;
  },
  explain: explainCertificate,
  create: async (inputs, { now }) => {
    const id = hashCertificateOrder(inputs);
    return { id, outputs: await obtain(id, {}, inputs, now) };
  },
  update: async (id, state, inputs, { now }) => {
    if (isOrderNeeded(readRecord(state), inputs)) return obtain(id, state, inputs, now);
    const isFromOrder = inputs.fromOrderUrl !== undefined;
    const renewal = isFromOrder ? undefined : await decideAcmeRenewal(state, inputs, now, STEP_SECONDS);
    if (renewal?.due === true) return obtain(id, state, inputs, now);
    return { ...keptOutputs(state), ...revocationOutputs(inputs) };
  },
  refresh: async (_id, state) => {
    const leaf = readLeaf(state);
    const window = leaf && (await askWindow(state, leaf, WINDOW_SECONDS));
    return window === undefined ? {} : { renewalWindow: window };
  },
  delete: revokeOnDestroy,
});

/** Whether there is no certificate for what is wanted, or an order that came to no end. */
function isOrderNeeded(record: CertificateRecord, inputs: Preview<CertificateInputs>): boolean {
  return (
    record.certPem === undefined || record.issuedFor !== hashCertificateOrder(inputs) || record.progress !== undefined
  );
}

/** Whether the certificate of an order that is known is not there; that another order is given, the engine sees itself. */
function isUntaken(record: CertificateRecord, state: CertificateState, inputs: Preview<CertificateInputs>): boolean {
  if (record.certPem === undefined || record.progress !== undefined) return true;
  return state.fromOrderUrl === inputs.fromOrderUrl && record.issuedFor !== hashCertificateOrder(inputs);
}

/**
 * Gets a certificate: nothing is asked of the CA while a failure is too fresh or the CA's limits are spent; staging comes
 * first where it should. The old certificate stays until the new one is there, whatever happens.
 */
async function obtain(
  id: string,
  state: CertificateState,
  inputs: CertificateInputs,
  now: Date,
): Promise<Outputs<CertificateState>> {
  const record = readRecord(state);
  const isFromOrder = inputs.fromOrderUrl !== undefined;
  refuseTooSoon(record, inputs, now);
  // an order that is gone on with costs nothing more, and that of another resource is counted there
  if (!isFromOrder && record.progress?.orderUrl === undefined) refuseSpent(record, inputs, now);
  const journal = await OrderJournal.open(inputs, record, tellEngine);
  let rehearsedFor = record.rehearsedFor;
  let progress = startOf(journal.progress, inputs);
  try {
    const rehearsal = rehearsalOf(record, inputs, progress);
    if (rehearsal !== undefined) {
      await rehearseOrder(inputs, rehearsal, tellEngine);
      rehearsedFor = hashCertificateOrder(inputs);
    }
    const issued = await orderCertificate(inputs, {
      progress,
      replaces: replacedBy(record, inputs),
      reusedKeyPem: inputs.reuseKey === true ? state.privateKeyPem : undefined,
      save: async (step, reached) => {
        progress = reached;
        await journal.save(step, reached);
      },
      say: tellEngine,
    });
    requireChain(issued, inputs);
    const outputs = await outputsOf(issued, { state, inputs, now, rehearsedFor });
    await journal.end();
    return outputs;
  } catch (error) {
    await journal.end(error);
    if (!(error instanceof Error)) throw error;
    const outputs = unfinishedOutputs(error, { state, inputs, now, progress, rehearsedFor });
    throw new UnfinishedError(id, outputs, isFromOrder ? tellOfOrder(error) : error);
  }
}

/** An order that has failed is another resource's to place anew. */
function tellOfOrder(error: Error): Error {
  if (!isTlsError(error) || !["ACME_UNAUTHORIZED", "ACME_ORDER_INVALID"].includes(error.code)) return error;
  const next = "The next `pulumi up` places another order, whose records have other values.";
  return new TlsError(error.code, error.reason, {
    hint: [error.hint, next].filter((part) => part !== undefined).join(" "),
    ...(error.retryAt !== undefined && { retryAt: error.retryAt }),
    cause: error,
  });
}

/** With a given order the way begins at it; what was reached with another one is of no use. */
function startOf(progress: OrderProgress, { fromOrderUrl }: CertificateInputs): OrderProgress {
  if (fromOrderUrl === undefined || progress.orderUrl === fromOrderUrl) return progress;
  return { orderUrl: fromOrderUrl };
}

interface Attempt {
  readonly state: CertificateState;
  readonly inputs: CertificateInputs;
  readonly now: Date;
  readonly rehearsedFor: string | undefined;
}

/** What the state holds after a failure: the certificate, if there is one, the order to resume, and the failure. */
function unfinishedOutputs(
  error: Error,
  attempt: Attempt & { readonly progress: OrderProgress },
): Outputs<CertificateState> {
  const { state, inputs, now, progress, rehearsedFor } = attempt;
  return {
    ...keptOutputs(state),
    progress: renderProgress(progress),
    pendingOrderUrl: progress.orderUrl ?? null,
    failure: recordAfter(readRecord(state), error, inputs, now) ?? null,
    rehearsedFor: rehearsedFor ?? null,
  };
}

async function outputsOf(
  issued: ValidatedCertificate,
  { state, inputs, now, rehearsedFor }: Attempt,
): Promise<Outputs<CertificateState>> {
  const leaf = readLeaf(issued);
  if (leaf === undefined) throw new TypeError("a certificate was downloaded and read");
  if (inputs.fromOrderUrl === undefined) countOrder(inputs, now);
  return {
    certPem: issued.certPem,
    issuerPem: issued.issuerPem === "" ? null : issued.issuerPem,
    privateKeyPem: issued.keyPem ?? null,
    fingerprintSha256: leaf.fingerprintSha256,
    serialNumber: leaf.serialNumber,
    validFrom: renderTimestamp(leaf.validFrom),
    validTo: renderTimestamp(leaf.validTo),
    certificateUrl: issued.certificateUrl,
    orderUrl: issued.orderUrl,
    validatedBy: issued.validatedBy,
    issuedFor: hashCertificateOrder(inputs),
    progress: null,
    pendingOrderUrl: null,
    failure: null,
    issuances: addIssuance(readRecord(state).issuances, {
      at: renderTimestamp(now),
      identifiers: inputs.hostnames,
    }).map((issuance) => ({ directory: inputs.directoryUrl, ...issuance })),
    rehearsedFor: rehearsedFor ?? null,
    renewalWindow: (await askWindow(inputs, leaf, WINDOW_SECONDS)) ?? null,
    ...revocationOutputs(inputs),
  };
}

/** Who may revoke: kept only where that is asked for, since the account's key is no output. */
function revocationOutputs(inputs: CertificateInputs): Outputs<CertificateState> {
  return { revocationKeyPem: inputs.revokeOnDestroy === true ? inputs.accountKeyPem : null };
}

/** Where and as whom the order is rehearsed; undefined when it is not. */
function rehearsalOf(
  record: CertificateRecord,
  inputs: CertificateInputs,
  progress: OrderProgress,
): Rehearsal | undefined {
  const { rehearsal = "first", rehearsalDirectoryUrl: directoryUrl, rehearsalAccountKeyPem: accountKeyPem } = inputs;
  if (directoryUrl === undefined || directoryUrl === inputs.directoryUrl) return undefined;
  if (accountKeyPem === undefined || rehearsal === "off") return undefined;
  // production has been asked already: the order is gone on with
  if (progress.orderUrl !== undefined) return undefined;
  const isDone =
    rehearsal === "first" && record.failure === undefined && record.rehearsedFor === hashCertificateOrder(inputs);
  return isDone ? undefined : { directoryUrl, accountKeyPem };
}

function requireChain({ preferredChainFound, chains }: Issued, inputs: CertificateInputs): void {
  if (preferredChainFound || inputs.requirePreferredChain !== true) return;
  const reason = `the CA offers no chain whose last issuer is ${JSON.stringify(inputs.preferredChain)}: there are ${chains.join(", ")}`;
  throw new TlsError("CHAIN_INVALID", reason, {
    hint: "Name one of these as preferredChain, or leave requirePreferredChain out.",
  });
}
