import { askRenewalInformation, renewalInfoId } from "../../acme/order/renewal-information";
import { isTlsError } from "../../errors";
import { decideRenewal, describeRemaining, lifetime, type RenewalDecision } from "../../renewal/decision";
import { describeWindow } from "../../renewal/window";
import { DAY } from "../../text/time";
import type { Certificate } from "../../x509/certificate/certificate";
import { readCertificates } from "../../x509/chain/chain";
import { known } from "../input/parse";
import type { Preview } from "../lifecycle";
import { readPolicy, readValidity } from "../local/planned-validity";
import type { CertificateRecord, StoredWindow } from "./certificate-state";
import { Decisions, LOOK_SECONDS } from "./decisions";
import type { OrderingInputs, OrderingKept } from "./ordering-state";
import { readUnsignedRequest, type UnsignedSessionRequest, unsignedSessionFor, within } from "./session";

/** How many days before the estimated renewal a run begins to ask the CA anew. */
const DEFAULT_RENEWAL_INFO_DAYS = 10;

/** In `diff`, where a CA that does not answer must hold up nothing. */
const DIFF_SECONDS = 3;

/** Whether and why a certificate renews. */
export interface AcmeRenewal extends RenewalDecision {
  /** The window that it was decided by. */
  readonly window?: StoredWindow;
}

const decisions = new Decisions<AcmeRenewal | undefined>();

/**
 * Decides by what the state holds, and near the estimate by what the CA says now: asked at most 3 s, and not before the CA
 * wants to be asked again. A CA that says nothing blocks nothing.
 *
 * @param seconds how old a decision of this process may be that is taken instead, by the same state and policy
 */
export function decideAcmeRenewal(
  state: Preview<OrderingKept>,
  inputs: Preview<OrderingInputs>,
  now: Date,
  seconds = LOOK_SECONDS,
): Promise<AcmeRenewal | undefined> {
  const { certPem, validFrom, validTo, renewalWindow } = state;
  const { name, directoryUrl, caBundlePem, requestTimeoutSeconds, renewalInfoDays } = inputs;
  const facts = [
    ...[certPem, validFrom, validTo, renewalWindow],
    ...[name, directoryUrl, caBundlePem, requestTimeoutSeconds, renewalInfoDays, readPolicy(inputs)],
  ];
  return decisions.read(facts, now, seconds, () => decide(state, inputs, now));
}

async function decide(
  state: Preview<OrderingKept>,
  inputs: Preview<OrderingInputs>,
  now: Date,
): Promise<AcmeRenewal | undefined> {
  const validity = readValidity(state);
  const certificate = readLeaf(state);
  if (validity === undefined || certificate === undefined) return undefined;
  const stored = storedWindow(state, certificate);
  const policy = readPolicy(inputs);
  const estimate = decideRenewal(validity, policy, now, stored);
  const window = isNear(estimate, inputs, stored, now)
    ? ((await askWindow(inputs, certificate, DIFF_SECONDS)) ?? stored)
    : stored;
  const decided = decideRenewal(validity, policy, now, window);
  const by = window === undefined ? "" : `, by ${describeWindow(window, lifetime(validity))}`;
  return { ...decided, reason: `${describeRemaining(validity, now)}${by}`, ...(window && { window }) };
}

/** The window of the certificate itself: that of the one before it says nothing (its identifier differs). */
function storedWindow(state: Preview<OrderingKept>, certificate: Certificate): StoredWindow | undefined {
  const window = known(state.renewalWindow);
  return window?.id === renewalInfoId(certificate) ? window : undefined;
}

function isNear(
  estimate: RenewalDecision,
  inputs: Preview<OrderingInputs>,
  stored: StoredWindow | undefined,
  now: Date,
): boolean {
  const days = known(inputs.renewalInfoDays) ?? DEFAULT_RENEWAL_INFO_DAYS;
  if (Date.parse(estimate.at) - now.getTime() >= days * DAY) return false;
  return stored === undefined || now.getTime() >= Date.parse(stored.nextAskAt);
}

/** Asks the CA for the window of a certificate; undefined when it has none, or does not answer in time. */
export async function askWindow(
  inputs: Preview<UnsignedSessionRequest>,
  certificate: Certificate,
  seconds: number,
): Promise<StoredWindow | undefined> {
  const directoryUrl = known(inputs.directoryUrl);
  if (directoryUrl === undefined) return undefined;
  try {
    const session = unsignedSessionFor(readUnsignedRequest({ ...inputs, directoryUrl }));
    return await within(seconds, (deadline) => askRenewalInformation(session, certificate, deadline));
  } catch (error) {
    if (isTlsError(error)) return undefined;
    throw error;
  }
}

/** The certificate of the state. */
export function readLeaf(state: Preview<OrderingKept>): Certificate | undefined {
  const certPem = known(state.certPem);
  return certPem === undefined ? undefined : readCertificates(certPem, "certPem")[0];
}

/** The identifier of the certificate that this one follows, where both have a name in common and come from one CA. */
export function replacedBy(
  record: Pick<CertificateRecord, "certPem" | "window">,
  { hostnames }: Pick<OrderingInputs, "hostnames">,
): string | undefined {
  const [leaf] = record.certPem === undefined ? [] : readCertificates(record.certPem, "certPem");
  if (leaf === undefined || record.window === undefined) return undefined;
  if (!leaf.identifiers.some(({ value }) => hostnames.includes(value))) return undefined;
  const id = renewalInfoId(leaf);
  return record.window.id === id ? id : undefined;
}
