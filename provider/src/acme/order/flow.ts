import { isTlsError, TlsError } from "../../errors";
import { renderUrl } from "../../network/url";
import { renderNames } from "../client/identifier";
import { inParallel } from "../run/in-parallel";
import { fetchAuthorization } from "./authorization";
import { type Completion, download, finalize, type Issued } from "./completion";
import { explainFailedOrder } from "./failure";
import { type FulfilFlow, FulfilJourney, type OrderProgress } from "./journey";
import { fetchOrder, type OrderAnswer } from "./order";
import { AbandonedOrder, findEarlierOrder, placeOrder, wordOf } from "./placement";
import { PollPauses } from "./polling";
import { PresentedChallenges } from "./presented";
import { validateNames } from "./validation";

export type { Issued } from "./completion";
export type { FulfilFlow, OrderProgress, OrderStep } from "./journey";
export { revokeCertificate } from "./revocation";

/**
 * Brings an order to its end, from wherever an earlier run left it: the order is asked for first, and only what is not
 * done is done. One that can't become this certificate any more (gone, expired, of other names, its key lost) is ordered
 * anew, which is noted. See RFC 8555 sections 7.1.6 and 7.4.
 * @throws TlsError ACME_UNAUTHORIZED, ACME_ORDER_INVALID: the order has failed and is forgotten, so that the next run
 * orders anew; ACME_TIMEOUT, ACME_UNREACHABLE, ACME_RATE_LIMITED, ACME_ABORTED and others: the next run goes on with what
 * `save` was given last
 */
export async function fulfilOrder(flow: FulfilFlow, progress: OrderProgress): Promise<Issued> {
  if (flow.isGiven === true && progress.orderUrl === undefined) throw new TypeError("a given order has a URL");
  const journey = new FulfilJourney(flow, progress);
  const presented = new PresentedChallenges(journey);
  const { orderUrl } = progress;
  if (orderUrl !== undefined) {
    try {
      const answer = await findEarlierOrder(flow, orderUrl);
      if (answer.order.status !== "pending") await presented.cleanUp();
      return await advance(answer, { journey, presented, isResumed: true });
    } catch (error) {
      const reason = whyAnew(error, progress);
      if (reason === undefined) throw error;
      if (flow.isGiven === true) throw await journey.failed(explainLost(reason));
      journey.note(`${reason}, so the certificate is ordered anew.`);
      await journey.forgetOrder();
    }
  }
  await presented.cleanUp();
  return await advance(await placeOrder(journey), { journey, presented, isResumed: false });
}

/**
 * Why an order is given up for a new one. Also one that the CA could not prove while answers of a run that was killed were in
 * place: it may have come when that run's listener was gone. Costs one more proof where the names are wrong as well.
 */
function whyAnew(error: unknown, { presented = [] }: OrderProgress): string | undefined {
  if (error instanceof AbandonedOrder) return error.reason;
  const isUnproved = isTlsError(error) && error.code === "ACME_UNAUTHORIZED" && presented.length > 0;
  return isUnproved ? "The order of a run that was killed while the CA looked at its answers has failed" : undefined;
}

/** Of an order that another resource has placed. */
function explainLost(reason: string): TlsError {
  return new TlsError("ACME_ORDER_LOST", `${reason}, so there is nothing to take the certificate from.`, {
    hint: "The next `pulumi up` asks the CA for the order, and places another one where it has ended; where only the key was lost, `pulumi up --replace` with the URN of the AcmeOrder does.",
  });
}

interface Surroundings extends Completion {
  readonly presented: PresentedChallenges;
}

/** Goes from state to state until there is a certificate. */
async function advance(first: OrderAnswer, surroundings: Surroundings): Promise<Issued> {
  const { journey, presented, isResumed } = surroundings;
  const { flow } = journey;
  const pauses = new PollPauses(flow.session.clock, flow.deadline);
  let answer = first;
  for (;;) {
    const { order: now, retryAfter } = answer;
    switch (now.status) {
      case "pending":
        await validateNames(now, journey, presented);
        // each name is proved, which is what makes an order ready: to ask would cost a request
        answer = { order: { ...now, status: "ready" } };
        break;
      case "ready":
        answer = await finalize(now, surroundings, pauses);
        break;
      case "processing":
        answer = await pauses.look(
          retryAfter,
          `the order for ${renderNames(now.identifiers)} (${renderUrl(new URL(now.url))}) is still being processed by the CA`,
          () => fetchOrder(flow, now.url),
        );
        break;
      case "valid":
        return await download(now, surroundings);
      case "invalid": {
        const authorizations = await inParallel(now.authorizations, (url) => fetchAuthorization(flow, url));
        throw await journey.failed(explainFailedOrder(now, authorizations));
      }
      default:
        if (isResumed) throw new AbandonedOrder(`The order of an earlier run has the status "${wordOf(now.status)}"`);
        throw await journey.failed(
          new TlsError("ACME_ORDER_INVALID", `the order has the status "${wordOf(now.status)}", which is no end.`, {
            hint: "RFC 8555 section 7.1.6 knows pending, ready, processing, valid and invalid: ask the CA.",
          }),
        );
    }
  }
}
