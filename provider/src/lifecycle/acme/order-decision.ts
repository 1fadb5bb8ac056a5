import { renderNames } from "../../acme/client/identifier";
import { readAccountKey } from "../../acme/client/jws";
import { decideRenewal, describeRemaining, lifetime, type Validity } from "../../renewal/decision";
import { DAY, renderDuration } from "../../text/time";
import { askOrder, type OrderStanding } from "../acme-order-inquiry";
import type { Effect, Properties } from "../lifecycle";
import { readPolicy, readValidity } from "../local/planned-validity";
import type { StoredWindow } from "./certificate-state";
import { describePlaced } from "./order-inputs";
import { readOrderRecord, type StoredChallenge } from "./order-state";
import { askWindow, decideAcmeRenewal, readLeaf } from "./renewal";

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

/**
 * Decides by the certificate that the order came to, where the state knows it; else the CA is asked what became of the
 * order, at most 3 s: one that has ended is placed anew. If it does not answer, the estimate of the state counts.
 */
export async function decideOrder(state: Properties, inputs: Properties, now: Date): Promise<OrderDecision> {
  const { orderUrl, orderedFor } = readOrderRecord(state);
  const names = renderNames(((inputs.hostnames ?? []) as readonly string[]).map((value) => ({ value })));
  if (orderUrl === undefined) return { isDue: true, reason: `places an order for ${names}` };
  // no CA knows what another one has
  if (state.directoryUrl !== inputs.directoryUrl) return { isDue: true, reason: `places another order, for ${names}` };
  const known = readValidity(state);
  if (known !== undefined && readLeaf(state) !== undefined) return decideBy(state, inputs, { now, orderedFor, names });
  const standing = await askOrder(inputs, orderUrl, { seconds: DIFF_SECONDS, now });
  if (standing.kind === "issued")
    return decideBy({ ...state, ...factsOf(standing) }, inputs, { now, orderedFor, names });
  if (orderedFor !== describePlaced(inputs)) return { isDue: true, reason: `places another order, for ${names}` };
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
async function decideBy(state: Properties, inputs: Properties, circumstances: Circumstances): Promise<OrderDecision> {
  const { now, orderedFor, names } = circumstances;
  const renewal = await decideAcmeRenewal(state, inputs, now);
  const validity = readValidity(state);
  const facts = {
    certPem: state.certPem as string,
    ...(renewal?.window && { window: renewal.window }),
    ...(validity && state.profile === inputs.profile && { lifetimeDays: lifetime(validity) / DAY }),
  };
  if (orderedFor !== describePlaced(inputs)) {
    return { ...facts, isDue: true, reason: `places another order, for ${names}` };
  }
  return { ...facts, isDue: renewal?.due === true, reason: `renews with another order: ${renewal?.reason ?? ""}` };
}

/** Whether the answers in the state are of the account's key of now, which is a part of them (RFC 8555 section 8.1). */
function isOfKey({ challenges }: Properties, { accountKeyPem }: Properties): boolean {
  if (!Array.isArray(challenges) || typeof accountKeyPem !== "string") return true;
  const { thumbprint } = readAccountKey(accountKeyPem);
  return (challenges as readonly StoredChallenge[])
    .flatMap(({ isProved, dnsKeyAuthorization, http }) =>
      isProved ? [] : [dnsKeyAuthorization, http?.keyAuthorization],
    )
    .every((text) => text === undefined || text.endsWith(`.${thumbprint}`));
}

/** The CA does not answer: by when the certificate was thought to end. */
function decideByEstimate(state: Properties, inputs: Properties, now: Date): OrderDecision {
  const estimate = estimateOf(state);
  if (estimate === undefined) return { isDue: false, reason: "" };
  const { due } = decideRenewal(estimate, readPolicy(inputs), now);
  const reason = `the CA does not answer; by an estimate of ${renderDuration(lifetime(estimate))} its certificate is ${describeRemaining(estimate, now)}`;
  return { isDue: due, reason: `renews with another order: ${reason}` };
}

function estimateOf(state: Properties): Validity | undefined {
  const { orderedAt, estimatedValidTo } = readOrderRecord(state);
  if (orderedAt === undefined || estimatedValidTo === undefined) return undefined;
  return { validFrom: orderedAt, validTo: estimatedValidTo };
}

/** A refresh learns the certificate that the order came to, and the CA's window. */
export async function refreshOrder(_id: string, state: Properties, { now }: Effect): Promise<Properties> {
  const { orderUrl } = readOrderRecord(state);
  if (orderUrl === undefined) return {};
  const facts = readLeaf(state) === undefined ? await learn(state, orderUrl, now) : {};
  const leaf = readLeaf({ ...state, ...facts });
  const window = leaf && (await askWindow(state, leaf, REFRESH_SECONDS));
  return { ...facts, ...(window && { renewalWindow: window }) };
}

async function learn(state: Properties, orderUrl: string, now: Date): Promise<Properties> {
  const inputs = { ...state, accountKeyPem: state.orderKeyPem };
  const standing = await askOrder(inputs, orderUrl, { seconds: REFRESH_SECONDS, now });
  return standing.kind === "issued" ? factsOf(standing) : {};
}

function factsOf({ kind: _, ...facts }: Extract<OrderStanding, { kind: "issued" }>): Properties {
  return facts;
}
