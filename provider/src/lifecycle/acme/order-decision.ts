import { renderNames } from "../../acme/client/identifier";
import { readAccountKey } from "../../acme/client/jws";
import { isAcmeError } from "../../acme/client/problem";
import { fetchAuthorization } from "../../acme/order/authorization";
import { downloadCertificate } from "../../acme/order/download";
import { explainFailedOrder } from "../../acme/order/failure";
import { fetchOrder, type Order, type OrderContext } from "../../acme/order/order";
import { isGone, wordOf } from "../../acme/order/placement";
import { inParallel } from "../../acme/run/in-parallel";
import { isTlsError } from "../../errors";
import { decideRenewal, describeRemaining, lifetime, type Validity } from "../../renewal/decision";
import { DAY, renderDuration, renderMinute, renderTimestamp } from "../../text/time";
import { known } from "../input/parse";
import type { Effect, Outputs, Preview } from "../lifecycle";
import { readPolicy, readValidity } from "../local/planned-validity";
import type { StoredWindow } from "./certificate-state";
import { Decisions } from "./decisions";
import { hashPlacedOrder } from "./order-inputs";
import { type OrderState, readOrderRecord } from "./order-state";
import type { OrderingInputs } from "./ordering-state";
import { askWindow, decideAcmeRenewal, readLeaf } from "./renewal";
import { readSessionRequest, sessionFor, within } from "./session";

/** In `diff`, where a CA that does not answer must hold up nothing. */
const DIFF_SECONDS = 3;

/** At a refresh, which is there to ask. */
const REFRESH_SECONDS = 10;

/** Whether another order is to be placed, why, and what is known of the certificate that the last one came to. */
export interface OrderDecision {
  readonly isDue: boolean;
  /** What happens and why, for the resource's row. */
  readonly reason: string;
  readonly certPem?: string;
  readonly window?: StoredWindow;
  /** For how long that certificate was issued, where the next one is of the same profile. */
  readonly lifetimeDays?: number;
}

const decisions = new Decisions<OrderDecision>();

/**
 * Decides by the certificate that the order came to, where the state knows it; else the CA is asked what became of the
 * order, at most 3 s: one that has ended is placed anew. If it does not answer, the estimate of the state counts.
 *
 * @param seconds how old a decision of this process may be that is taken instead, by the same state and inputs. A look
 * reuses none: an order proceeds while the state stays the same.
 */
export function decideOrder(
  state: Preview<OrderState>,
  inputs: Preview<OrderingInputs>,
  now: Date,
  seconds = 0,
): Promise<OrderDecision> {
  return decisions.read([state, inputs], now, seconds, () => decide(state, inputs, now));
}

async function decide(state: Preview<OrderState>, inputs: Preview<OrderingInputs>, now: Date): Promise<OrderDecision> {
  const { orderUrl, orderedFor } = readOrderRecord(state);
  const names = renderNames((known(inputs.hostnames) ?? []).map((value) => ({ value })));
  if (orderUrl === undefined) return { isDue: true, reason: `places an order for ${names}` };
  // no CA knows what another one has
  if (state.directoryUrl !== inputs.directoryUrl) return { isDue: true, reason: `places another order, for ${names}` };
  const certPem = known(state.certPem);
  if (readValidity(state) !== undefined && certPem !== undefined && readLeaf(state) !== undefined) {
    return decideBy({ ...state, certPem }, inputs, { now, orderedFor, names });
  }
  const standing = await askOrder(inputs, orderUrl, { seconds: DIFF_SECONDS, now });
  if (standing.kind === "issued")
    return decideBy({ ...state, ...factsOf(standing) }, inputs, { now, orderedFor, names });
  if (orderedFor !== hashPlacedOrder(inputs)) return { isDue: true, reason: `places another order, for ${names}` };
  switch (standing.kind) {
    case "open":
      if (standing.isProved || isOfKey(state, inputs)) return { isDue: false, reason: "" };
      return { isDue: true, reason: `places another order for ${names}, since the account has another key by now` };
    case "ended":
      return { isDue: true, reason: `places another order for ${names}, since the last one ${standing.reason}` };
    case "unanswered":
      return decideByEstimate(state, inputs, now);
  }
}

interface Circumstances {
  readonly now: Date;
  readonly orderedFor: string | undefined;
  readonly names: string;
}

/** By the certificate: its own dates, and near the date the CA's window. */
async function decideBy(
  state: Preview<OrderState> & { readonly certPem: string },
  inputs: Preview<OrderingInputs>,
  circumstances: Circumstances,
): Promise<OrderDecision> {
  const { now, orderedFor, names } = circumstances;
  const renewal = await decideAcmeRenewal(state, inputs, now);
  const validity = readValidity(state);
  const facts = {
    certPem: state.certPem,
    ...(renewal?.window && { window: renewal.window }),
    ...(validity && state.profile === inputs.profile && { lifetimeDays: lifetime(validity) / DAY }),
  };
  if (orderedFor !== hashPlacedOrder(inputs)) {
    return { ...facts, isDue: true, reason: `places another order, for ${names}` };
  }
  return { ...facts, isDue: renewal?.due === true, reason: `renews with another order: ${renewal?.reason ?? ""}` };
}

/** Whether the answers in the state are of the account's key of now, which is a part of them (RFC 8555 section 8.1). */
function isOfKey(state: Preview<OrderState>, inputs: Preview<OrderingInputs>): boolean {
  const [challenges, accountKeyPem] = [known(state.challenges), known(inputs.accountKeyPem)];
  if (challenges === undefined || accountKeyPem === undefined) return true;
  const { thumbprint } = readAccountKey(accountKeyPem);
  return challenges
    .flatMap(({ isProved, dnsKeyAuthorization, http }) =>
      isProved ? [] : [dnsKeyAuthorization, http?.keyAuthorization],
    )
    .every((text) => text === undefined || text.endsWith(`.${thumbprint}`));
}

/** The CA does not answer: by when the certificate was thought to end. */
function decideByEstimate(state: Preview<OrderState>, inputs: Preview<OrderingInputs>, now: Date): OrderDecision {
  const estimate = estimateOf(state);
  if (estimate === undefined) return { isDue: false, reason: "" };
  const { due } = decideRenewal(estimate, readPolicy(inputs), now);
  const reason = `the CA does not answer; by an estimate of ${renderDuration(lifetime(estimate))} its certificate is ${describeRemaining(estimate, now)}`;
  return { isDue: due, reason: `renews with another order: ${reason}` };
}

function estimateOf(state: Preview<OrderState>): Validity | undefined {
  const { orderedAt, estimatedValidTo } = readOrderRecord(state);
  if (orderedAt === undefined || estimatedValidTo === undefined) return undefined;
  return { validFrom: orderedAt, validTo: estimatedValidTo };
}

/** A refresh learns the certificate that the order came to, and the CA's window. */
export async function refreshOrder(_id: string, state: OrderState, { now }: Effect): Promise<Outputs<OrderState>> {
  const { orderUrl } = readOrderRecord(state);
  if (orderUrl === undefined) return {};
  const facts = readLeaf(state) === undefined ? await learn(state, orderUrl, now) : {};
  const leaf = readLeaf({ ...state, ...facts });
  const window = leaf && (await askWindow(state, leaf, REFRESH_SECONDS));
  return { ...facts, ...(window && { renewalWindow: window }) };
}

async function learn(state: OrderState, orderUrl: string, now: Date) {
  const { orderKeyPem: accountKeyPem } = state;
  const inputs = { ...state, ...(accountKeyPem !== undefined && { accountKeyPem }) };
  const standing = await askOrder(inputs, orderUrl, { seconds: REFRESH_SECONDS, now });
  return standing.kind === "issued" ? factsOf(standing) : {};
}

function factsOf({ kind: _, ...facts }: Extract<OrderStanding, { kind: "issued" }>) {
  return facts;
}

/** What became of an order. */
type OrderStanding =
  /** It waits for its names to be proved, or, with `isProved`, for its certificate. */
  | { readonly kind: "open"; readonly isProved: boolean }
  /** There will be no certificate from it; `reason` is a clause that follows "the order". */
  | { readonly kind: "ended"; readonly reason: string }
  /** The CA has issued; the names are those of the state. */
  | {
      readonly kind: "issued";
      readonly certificateUrl: string;
      readonly certPem: string;
      readonly validFrom: string;
      readonly validTo: string;
    }
  /** The CA did not say. */
  | { readonly kind: "unanswered" };

/** Asks the CA what became of an order, in so many seconds; that it does not answer is no failure. */
async function askOrder(
  inputs: Preview<OrderingInputs>,
  orderUrl: string,
  { seconds, now }: { readonly seconds: number; readonly now: Date },
): Promise<OrderStanding> {
  const [accountUrl, directoryUrl] = [known(inputs.accountUrl), known(inputs.directoryUrl)];
  const accountKeyPem = known(inputs.accountKeyPem);
  if (accountUrl === undefined || directoryUrl === undefined || accountKeyPem === undefined) {
    return { kind: "unanswered" };
  }
  try {
    const session = sessionFor(readSessionRequest({ ...inputs, directoryUrl, accountKeyPem }));
    return await within(seconds, async (deadline) => {
      const context = { session, accountUrl, deadline };
      return standingOf(context, (await fetchOrder(context, orderUrl)).order, now);
    });
  } catch (error) {
    const isNone = isGone(error) || (isAcmeError(error) && error.problem.kind === "unauthorized");
    if (isNone) return { kind: "ended", reason: "is not at the CA any more" };
    if (isTlsError(error)) return { kind: "unanswered" };
    throw error;
  }
}

async function standingOf(context: OrderContext, order: Order, now: Date): Promise<OrderStanding> {
  const { status, expires, authorizations, certificate } = order;
  switch (status) {
    case "pending":
    case "ready":
      if (expires === undefined || Date.parse(expires) > now.getTime()) {
        return { kind: "open", isProved: status === "ready" };
      }
      return { kind: "ended", reason: `expired at ${renderMinute(Date.parse(expires))}, before its names were proved` };
    case "processing":
      return { kind: "open", isProved: true };
    case "valid":
      return await issuedBy(context, order, certificate ?? "");
    case "invalid": {
      const failed = await inParallel(authorizations, (url) => fetchAuthorization(context, url));
      const { reason } = explainFailedOrder(order, failed);
      return { kind: "ended", reason: `has failed (${reason.replace(/\.$/, "")})` };
    }
    default:
      return { kind: "ended", reason: `has the status "${wordOf(status)}", which is no end` };
  }
}

async function issuedBy(context: OrderContext, { identifiers }: Order, certificateUrl: string): Promise<OrderStanding> {
  const { chain } = await downloadCertificate(context, certificateUrl, { identifiers });
  const [leaf] = chain.certificates;
  return {
    kind: "issued",
    certificateUrl,
    certPem: leaf.pem,
    validFrom: renderTimestamp(leaf.validFrom),
    validTo: renderTimestamp(leaf.validTo),
  };
}
