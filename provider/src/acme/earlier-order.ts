import { renderUrl } from "../network/url";
import { isAcmeError } from "./client/problem";
import type { OrderFlow } from "./order/journey";
import { areSameNames, fetchOrder, type OrderAnswer } from "./order/order";

/** Thrown between the parts of an order's way: the order of an earlier run is not gone on with. No error for a user. */
export class AbandonedOrder {
  /** The beginning of a sentence. */
  readonly reason: string;

  constructor(reason: string) {
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
export async function findEarlierOrder(flow: OrderFlow, url: string): Promise<OrderAnswer> {
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
