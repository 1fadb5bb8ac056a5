import { renderNames } from "../client/identifier";
import { keyAuthorization } from "../client/jws";
import { AbandonedOrder, findEarlierOrder } from "../earlier-order";
import type { NameChallenge } from "../name-challenge";
import { isReplacementRefused } from "../order-replacement";
import { inParallel } from "../run/in-parallel";
import { fetchAuthorization } from "./authorization";
import { isUndecided } from "./failure";
import { type OrderFlow, OrderJourney, type OrderProgress } from "./journey";
import { createOrder, type Order, type OrderAnswer } from "./order";
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
export async function openOrder(flow: OrderFlow, progress: OrderProgress): Promise<PlacedOrder> {
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

/** A stranger's word for a message. */
export function wordOf(status: string): string {
  return /^[a-z-]{1,30}$/i.test(status) ? status : "…";
}
