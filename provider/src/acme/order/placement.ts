import { renderUrl } from "../../network/url";
import { renderNames } from "../client/identifier";
import { keyAuthorization } from "../client/jws";
import { isAcmeError } from "../client/problem";
import type { AcmeProblem } from "../client/problem-types";
import { inParallel } from "../run/in-parallel";
import { fetchAuthorization } from "./authorization";
import { isUndecided } from "./failure";
import { OrderJourney, type OrderProgress, type PlaceFlow } from "./journey";
import type { NameChallenge } from "./name-challenge";
import { areSameNames, createOrder, fetchOrder, type Order, type OrderAnswer } from "./order";
import { matchOrdered } from "./validation";

/** An order that waits for its names to be proved, or is ready. */
export interface PlacedOrder {
  readonly order: Order;
  /** Sorted by host name. */
  readonly challenges: readonly NameChallenge[];
  /** Sentences for the user. */
  readonly notes: readonly string[];
}

/**
 * Places an order and asks what its names are to be proved by, or finds the one that an earlier run placed (RFC 8555 section
 * 7.4). Nothing is answered.
 * @throws TlsError of the requests
 */
export async function openOrder(flow: PlaceFlow, progress: OrderProgress): Promise<PlacedOrder> {
  const journey = new OrderJourney(flow, progress);
  const { order } = (await findOpenOrder(journey)) ?? (await placeOrder(journey));
  const authorizations = await inParallel(order.authorizations, (url) => fetchAuthorization(flow, url));
  const ordered = authorizations.map((authorization) => matchOrdered(authorization, flow.request));
  const challenges = ordered.map(({ identifier, isWildcard, status, challenges: offered }): NameChallenge => {
    const answerOf = (type: string) => {
      const token = offered.find((challenge) => challenge.type === type)?.token;
      return token === undefined ? undefined : { token, keyAuthorization: keyAuthorization(flow.session.key, token) };
    };
    const [dns, http] = [answerOf("dns-01"), answerOf("http-01")];
    return {
      hostname: isWildcard ? `*.${identifier.value}` : identifier.value,
      isProved: !isUndecided(status),
      ...(dns && { dnsKeyAuthorization: dns.keyAuthorization }),
      ...(http && { http }),
    };
  });
  const byName = (a: NameChallenge, b: NameChallenge) => (a.hostname < b.hostname ? -1 : 1);
  return { order, challenges: [...challenges].sort(byName), notes: journey.notes };
}

/** The order of a run that was killed, when it still waits for something. */
async function findOpenOrder(journey: OrderJourney): Promise<OrderAnswer | undefined> {
  const { orderUrl } = journey.progress;
  if (orderUrl === undefined) return undefined;
  try {
    const answer = await findEarlierOrder(journey.flow, orderUrl);
    if (answer.order.status === "pending" || answer.order.status === "ready") return answer;
    journey.note(`The order of an earlier run is ${wordOf(answer.order.status)}, so another one is placed.`);
  } catch (error) {
    if (!(error instanceof AbandonedOrder)) throw error;
    journey.note(`${error.reason}, so another one is placed.`);
  }
  await journey.forgetOrder();
  return undefined;
}

/** The order of an earlier run can't be resumed. Caught where another order is placed, so no user sees it. */
export class AbandonedOrder extends Error {
  /** The beginning of a sentence. */
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.name = "AbandonedOrder";
    this.reason = reason;
  }
}

/** Whether the CA does not have what was asked for, or not any more. */
export function isGone(error: unknown): boolean {
  return isAcmeError(error) && (error.problem.status === 404 || error.problem.status === 410);
}

/**
 * Finds the order of an earlier run again.
 * @throws AbandonedOrder when it can't become the certificate that is wanted; TlsError of the request
 */
export async function findEarlierOrder(flow: PlaceFlow, url: string): Promise<OrderAnswer> {
  const what = `The order ${renderUrl(new URL(url))} of an earlier run`;
  const answer = await fetchOrder(flow, url).catch((error: unknown) => {
    if (isGone(error)) throw new AbandonedOrder(`${what} is not there any more`);
    if (isAcmeError(error) && error.problem.kind === "unauthorized") {
      throw new AbandonedOrder(`${what} is not one of this account`);
    }
    throw error;
  });
  const { identifiers, profile, status, expires } = answer.order;
  const { request, session } = flow;
  if (!areSameNames(identifiers, request.identifiers)) throw new AbandonedOrder(`${what} is for other names`);
  if (profile !== undefined && request.profile !== undefined && profile !== request.profile) {
    throw new AbandonedOrder(`${what} is of another profile`);
  }
  const isOpen = status === "pending" || status === "ready";
  if (isOpen && expires !== undefined && Date.parse(expires) <= session.clock.now().getTime()) {
    throw new AbandonedOrder(`${what} has expired`);
  }
  return answer;
}

/** Places the order; without `replaces` when the CA refuses it for that. */
export async function placeOrder(journey: OrderJourney): Promise<OrderAnswer> {
  const { flow } = journey;
  const { replaces, ...request } = flow.request;
  const doing = `ordering a certificate for ${renderNames(request.identifiers)}`;
  const { renewalInfo } = await flow.session.directory(flow.deadline);
  const isReplacing = replaces !== undefined && renewalInfo !== undefined && journey.progress.replacesDropped !== true;
  await journey.before("new-order", doing);
  flow.say(doing);
  const answer = await createOrder(flow, isReplacing ? { ...request, replaces } : request).catch(async (error) => {
    if (!isReplacing || !isReplacementRefused(error)) throw error;
    journey.note(
      "The CA does not take this order for a replacement of the former certificate, so it is placed without saying so; limits that spare renewals may count it.",
    );
    await journey.before("new-order", doing, { replacesDropped: true });
    return await createOrder(flow, request);
  });
  await journey.after("ordered", { orderUrl: answer.order.url });
  return answer;
}

/** Words of the CAs' texts on `replaces`, Pebble's among them, which speak of orders alone. */
const replacementText =
  /replac|\bARI\b|cert(ificate)? ?ID\b|renewal ?info|order for the given certificate|new order and existing order/i;

/** The kinds that such texts come with; Pebble has "serverInternal" where RFC 9773 has a status of 4xx. */
const replacementKinds: readonly string[] = ["malformed", "serverInternal", "unauthorized", "notFound", "about:blank"];

/**
 * Whether a CA refused an order because of the certificate that it says to replace (RFC 9773 section 5): that one was
 * replaced already, or the CA or the account does not know it. The same order without `replaces` has no such fault.
 */
function isReplacementRefused(error: unknown): boolean {
  if (!isAcmeError(error)) return false;
  const { kind, status, detail, subproblems }: AcmeProblem = error.problem;
  if (kind === "alreadyReplaced" || kind === "conflict" || status === 409) return true;
  const isOfKind = replacementKinds.includes(kind) || status === 404;
  return isOfKind && [detail, ...subproblems.map((one) => one.detail)].some((text) => replacementText.test(text));
}

/** A stranger's word for a message. */
export function wordOf(status: string): string {
  return /^[a-z-]{1,30}$/i.test(status) ? status : "…";
}
