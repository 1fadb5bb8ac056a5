import { nameOfDirectory } from "../../acme/client/directory";
import { renderNames, toAcmeIdentifier } from "../../acme/client/identifier";
import { addIssuance } from "../../acme/limits/budget";
import { estimateLifetimeDays } from "../../acme/limits/profiles";
import type { OrderProgress, PlaceFlow } from "../../acme/order/journey";
import { openOrder, type PlacedOrder } from "../../acme/order/placement";
import { DAY, renderTimestamp } from "../../text/time";
import { readCertificates } from "../../x509/chain/chain";
import { decoded } from "../decoder";
import { acmeOrderDescription } from "../descriptions";
import { known } from "../input/parse";
import { isSameValue, type Outputs, type Preview, type Reason, UnfinishedError } from "../lifecycle";
import { STEP_SECONDS } from "./decisions";
import { checkEngine, tellEngine } from "./engine";
import { type IssuanceRequest, secondsOf } from "./issuance";
import { OrderJournal, sweepJournal } from "./journal";
import { decideOrder, type OrderDecision, refreshOrder } from "./order-decision";
import { checkAcmeOrder, hashPlacedOrder } from "./order-inputs";
import {
  certificateNames,
  computedOrderNames,
  keptOrder,
  type OrderRecord,
  type OrderState,
  orderDecoders,
  readOrderRecord,
} from "./order-state";
import type { OrderingInputs, OrderSubject } from "./ordering-state";
import { lookBefore, requireReady } from "./preflight";
import { countOrder, recordAfter, refuseSpent, refuseTooSoon } from "./refusals";
import { replacedBy } from "./renewal";
import { readSessionRequest, sessionFor, within } from "./session";

/**
 * An order at a CA: what its names are proved by is an output. It holds no key of a certificate, answers no challenge, and
 * falls due by itself, since it comes before the certificate.
 */
export const acmeOrder = decoded(orderDecoders, {
  ...acmeOrderDescription,
  policyProperties: [
    "accountKeyPem",
    "requestTimeoutSeconds",
    "timeoutSeconds",
    "preflight",
    "renewalInfoDays",
    "minDaysRemaining",
    "checkIntervalHours",
  ],
  computedProperties: () => computedOrderNames,
  check: checkAcmeOrder,
  isDue: async (state, inputs, now) => {
    await sweepJournal(now);
    const record = readOrderRecord(state);
    if (record.orderUrl === undefined) return true;
    // what differs in the arguments, the engine sees and lists
    if (record.orderedFor !== hashPlacedOrder(inputs)) return record.orderedFor === undefined;
    return (await decideOrder(state, inputs, now)).isDue;
  },
  explain: explainOrder,
  create: async (inputs, { now }) => {
    const id = hashPlacedOrder(inputs);
    return { id, outputs: await place(id, {}, inputs, { isDue: true, reason: "" }, now) };
  },
  update: async (id, state, inputs, { now }) => {
    const decision = await decideOrder(state, inputs, now, STEP_SECONDS);
    if (decision.isDue) return place(id, state, inputs, decision, now);
    return { ...keptOrder(state), orderKeyPem: inputs.accountKeyPem };
  },
  refresh: refreshOrder,
});

/** What a step of an order would do, for the row of the resource in preview and up. */
async function explainOrder(
  state: Preview<OrderState> | undefined,
  given: Preview<OrderingInputs>,
  now: Date,
): Promise<Reason> {
  const [hostnames, directoryUrl] = [known(given.hostnames), known(given.directoryUrl)];
  if (hostnames === undefined || directoryUrl === undefined) return undefined;
  const inputs = { ...given, hostnames, directoryUrl };
  const decision = await decideOrder(state ?? {}, inputs, now);
  if (!decision.isDue) return undefined;
  const record = recordOf(state ?? {}, decision, inputs);
  const names = renderNames(hostnames.map((value) => ({ value })));
  const isResumed = record.pendingOrderUrl !== undefined;
  const why = isResumed ? `goes on with the order for ${names} that an earlier run left` : decision.reason;
  refuseTooSoon(record, inputs, now, why);
  const { of, text, warnings } = refuseSpent(record, ownName(inputs), now, why);
  countOrder(ownName(inputs), now);
  const left = of === undefined ? [] : [text.replace(/\.$/, ""), ...warnings];
  const said = [why, `at ${nameOfDirectory(directoryUrl) ?? directoryUrl}${profileOf(inputs)}`, ...left].join("; ");
  const seen = await lookBefore(inputs);
  return seen === undefined ? said : { warning: `${said}; ${seen}` };
}

/** What the state remembers, with the certificate that the last order came to: each counts at the CA. */
function recordOf(state: Preview<OrderState>, { certPem, window }: OrderDecision, inputs: OrderSubject): OrderRecord {
  const { certPem: _, window: __, issuances, pendingOrderUrl, ...record } = readOrderRecord(state);
  // an order that is of something else is not gone on with
  const isSame = (["directoryUrl", "hostnames", "profile"] as const).every((name) =>
    isSameValue(state[name], inputs[name]),
  );
  const [leaf] = certPem === undefined ? [] : readCertificates(certPem, "certPem");
  const all = leaf
    ? addIssuance(issuances, {
        at: renderTimestamp(leaf.validFrom),
        identifiers: leaf.identifiers.map(({ value }) => value),
      })
    : issuances;
  return {
    ...record,
    pendingOrderUrl: isSame ? pendingOrderUrl : undefined,
    certPem,
    window,
    issuances: all.map((issuance) => ({ directory: inputs.directoryUrl, ...issuance })),
  };
}

/** A certificate of the same Pulumi name counts apart. */
function ownName<Inputs extends OrderSubject>(inputs: Inputs): Inputs & { readonly name: string } {
  return { ...inputs, name: `AcmeOrder ${known(inputs.name) ?? ""}` };
}

function profileOf(inputs: OrderSubject): string {
  const profile = known(inputs.profile);
  return profile !== undefined ? `, profile ${profile}` : "";
}

/** Places an order, or finds the one that a killed run placed. The former one stays in the state until then. */
async function place(
  id: string,
  state: OrderState,
  inputs: OrderingInputs,
  decision: OrderDecision,
  now: Date,
): Promise<Outputs<OrderState>> {
  const record = recordOf(state, decision, inputs);
  refuseTooSoon(record, inputs, now);
  refuseSpent(record, ownName(inputs), now);
  const resumed = record.pendingOrderUrl === undefined ? {} : { progress: { orderUrl: record.pendingOrderUrl } };
  const journal = await OrderJournal.open(ownName(inputs), resumed, tellEngine);
  let progress = resumable(journal.progress);
  const save: PlaceFlow["save"] = async (step, reached) => {
    progress = reached;
    await journal.save(step, reached);
  };
  try {
    const placed = await open(inputs, { progress, save, replaces: replacedBy(record, inputs) });
    const outputs = outputsOf(placed, inputs, { record, decision, now });
    countOrder(ownName(inputs), now);
    await journal.end();
    return outputs;
  } catch (error) {
    await journal.end(error);
    if (!(error instanceof Error)) throw error;
    const failure = recordAfter(record, error, inputs, now) ?? null;
    const outputs = { ...keptOrder(state), pendingOrderUrl: progress.orderUrl ?? null, failure };
    throw new UnfinishedError(id, outputs, error);
  }
}

async function open(
  inputs: OrderingInputs,
  { progress, save, replaces }: Pick<IssuanceRequest, "progress" | "save" | "replaces">,
): Promise<PlacedOrder> {
  const { accountUrl, profile } = inputs;
  const session = sessionFor(readSessionRequest(inputs));
  return within(secondsOf(inputs), async (deadline) => {
    if (progress.orderUrl === undefined) {
      await requireReady(inputs, { session, accountUrl, solvers: [] }, deadline, tellEngine);
    }
    const request = {
      identifiers: inputs.hostnames.map(toAcmeIdentifier),
      ...(profile !== undefined && { profile }),
      ...(replaces !== undefined && { replaces }),
    };
    const party = { session, accountUrl, deadline };
    const run = { save, checkAlive: () => checkEngine(), say: tellEngine };
    return openOrder({ ...party, ...run, request }, progress);
  });
}

/** Of what a killed run left, that the order is there. */
function resumable({ orderUrl, replacesDropped }: OrderProgress): OrderProgress {
  return { ...(orderUrl !== undefined && { orderUrl }), ...(replacesDropped !== undefined && { replacesDropped }) };
}

function outputsOf(
  { order, challenges }: PlacedOrder,
  inputs: OrderingInputs,
  { record, decision, now }: { readonly record: OrderRecord; readonly decision: OrderDecision; readonly now: Date },
): Outputs<OrderState> {
  const days = decision.lifetimeDays ?? estimateLifetimeDays(inputs.directoryUrl, inputs.profile, now);
  return {
    orderUrl: order.url,
    orderedFor: hashPlacedOrder(inputs),
    orderedAt: renderTimestamp(now),
    expiresAt: order.expires ?? null,
    estimatedValidTo: renderTimestamp(new Date(now.getTime() + days * DAY)),
    challenges,
    pendingOrderUrl: null,
    failure: null,
    issuances: record.issuances,
    orderKeyPem: inputs.accountKeyPem,
    ...Object.fromEntries(certificateNames.map((name) => [name, null])),
  };
}
