import { addIssuance } from "../../acme/limits/budget";
import { type Issued, revokeCertificate } from "../../acme/order/flow";
import type { OrderProgress } from "../../acme/order/journey";
import { isTlsError, TlsError } from "../../errors";
import { renderTimestamp } from "../../text/time";
import type { Certificate } from "../../x509/certificate/certificate";
import { readCertificates } from "../../x509/chain/chain";
import { acmeCertificateDescription } from "../descriptions";
import { type Lifecycle, type Properties, UnfinishedError } from "../lifecycle";
import { checkAcmeCertificate, hashCertificateOrder } from "./certificate-inputs";
import { type CertificateRecord, computedNames, keptOutputs, readRecord, renderProgress } from "./certificate-state";
import { tellEngine } from "./engine";
import { explainCertificate } from "./explanation";
import { orderCertificate, rehearseOrder, type ValidatedCertificate } from "./issuance";
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
export async function revokeOnDestroy(_id: string, state: Properties): Promise<void> {
  const { revocationKeyPem, certPem, accountUrl, validTo } = state as Readonly<Record<string, string | undefined>>;
  if (state.revokeOnDestroy !== true || revocationKeyPem === undefined || certPem === undefined) return;
  if (accountUrl === undefined || (validTo !== undefined && Date.parse(validTo) < Date.now())) return;
  const session = sessionFor(readSessionRequest({ ...state, accountKeyPem: revocationKeyPem }));
  await within(REVOCATION_SECONDS, (deadline) =>
    revokeCertificate(session, accountUrl, certPem, "cessationOfOperation", deadline),
  );
}

/** A certificate from a CA, by ACME: ordered, renewed by the CA's own window, and resumed where a run died. */
export const acmeCertificate: Lifecycle = {
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
    const isNeeded = isOrderNeeded(readRecord(state), inputs);
    const isFromOrder = inputs.fromOrderUrl !== undefined;
    if (isNeeded || (!isFromOrder && (await decideAcmeRenewal(state, inputs, now))?.due === true))
      return obtain(id, state, inputs, now);
    return { ...keptOutputs(state), ...revocationOutputs(inputs) };
  },
  refresh: async (_id, state) => {
    const leaf = readLeaf(state);
    const window = leaf && (await askWindow(state, leaf, WINDOW_SECONDS));
    return window === undefined ? {} : { renewalWindow: window };
  },
  delete: revokeOnDestroy,
};

/** Whether there is no certificate for what is wanted, or an order that came to no end. */
export function isOrderNeeded(record: CertificateRecord, inputs: Properties): boolean {
  return (
    record.certPem === undefined || record.issuedFor !== hashCertificateOrder(inputs) || record.progress !== undefined
  );
}

/** Whether the certificate of an order that is known is not there; that another order is given, the engine sees itself. */
function isUntaken(record: CertificateRecord, state: Properties, inputs: Properties): boolean {
  if (record.certPem === undefined || record.progress !== undefined) return true;
  return state.fromOrderUrl === inputs.fromOrderUrl && record.issuedFor !== hashCertificateOrder(inputs);
}

/**
 * Gets a certificate: nothing is asked of the CA while a failure is too fresh or the CA's limits are spent; staging comes
 * first where it should. The old certificate stays until the new one is there, whatever happens.
 */
async function obtain(id: string, state: Properties, inputs: Properties, now: Date): Promise<Properties> {
  const record = readRecord(state);
  const isFromOrder = inputs.fromOrderUrl !== undefined;
  refuseTooSoon(record, inputs, now);
  // an order that is gone on with costs nothing more, and that of another resource is counted there
  if (!isFromOrder && record.progress?.orderUrl === undefined) refuseSpent(record, inputs, now);
  const journal = await OrderJournal.open(inputs, record, tellEngine);
  let rehearsedFor = record.rehearsedFor;
  let progress = startOf(journal.progress, inputs);
  try {
    if (isRehearsed(record, inputs, progress)) {
      await rehearseOrder(inputs, tellEngine);
      rehearsedFor = hashCertificateOrder(inputs);
    }
    const issued = await orderCertificate(inputs, {
      progress,
      replaces: replacedBy(record, inputs),
      reusedKeyPem: inputs.reuseKey === true ? (state.privateKeyPem as string | undefined) : undefined,
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
function startOf(progress: OrderProgress, { fromOrderUrl }: Properties): OrderProgress {
  if (typeof fromOrderUrl !== "string" || progress.orderUrl === fromOrderUrl) return progress;
  return { orderUrl: fromOrderUrl };
}

interface Attempt {
  readonly state: Properties;
  readonly inputs: Properties;
  readonly now: Date;
  readonly rehearsedFor: string | undefined;
}

/** What the state holds after a failure: the certificate, if there is one, the order to resume, and the failure. */
function unfinishedOutputs(error: Error, attempt: Attempt & { readonly progress: OrderProgress }): Properties {
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
): Promise<Properties> {
  const [leaf] = readCertificates(issued.certPem, "certPem") as [Certificate];
  const hostnames = inputs.hostnames as readonly string[];
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
    issuances: addIssuance(readRecord(state).issuances, { at: renderTimestamp(now), identifiers: hostnames }).map(
      (issuance) => ({ directory: inputs.directoryUrl, ...issuance }),
    ),
    rehearsedFor: rehearsedFor ?? null,
    renewalWindow: (await askWindow(inputs, leaf, WINDOW_SECONDS)) ?? null,
    ...revocationOutputs(inputs),
  };
}

/** Who may revoke: kept only where that is asked for, since the account's key is no output. */
function revocationOutputs(inputs: Properties): Properties {
  return { revocationKeyPem: inputs.revokeOnDestroy === true ? inputs.accountKeyPem : null };
}

function isRehearsed(record: CertificateRecord, inputs: Properties, progress: OrderProgress): boolean {
  const { rehearsal = "first", rehearsalDirectoryUrl, directoryUrl, rehearsalAccountKeyPem } = inputs;
  if (typeof rehearsalDirectoryUrl !== "string" || rehearsalDirectoryUrl === directoryUrl) return false;
  if (typeof rehearsalAccountKeyPem !== "string" || rehearsal === "off") return false;
  // production has been asked already: the order is gone on with
  if (progress.orderUrl !== undefined) return false;
  return rehearsal === "always" || record.failure !== undefined || record.rehearsedFor !== hashCertificateOrder(inputs);
}

function requireChain({ preferredChainFound, chains }: Issued, inputs: Properties): void {
  if (preferredChainFound || inputs.requirePreferredChain !== true) return;
  const reason = `the CA offers no chain whose last issuer is ${JSON.stringify(inputs.preferredChain)}: there are ${chains.join(", ")}`;
  throw new TlsError("CHAIN_INVALID", reason, {
    hint: "Name one of these as preferredChain, or leave requirePreferredChain out.",
  });
}
