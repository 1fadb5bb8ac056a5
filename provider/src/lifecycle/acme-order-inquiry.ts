import { isAcmeError } from "../acme/client/problem";
import { renderMinute } from "../acme/moment-text";
import { fetchAuthorization } from "../acme/order/authorization";
import { downloadCertificate } from "../acme/order/download";
import { explainFailedOrder } from "../acme/order/failure";
import { fetchOrder, type Order, type OrderContext } from "../acme/order/order";
import { isGone, wordOf } from "../acme/order/placement";
import { Deadline, systemClock } from "../acme/run/deadline";
import { inParallel } from "../acme/run/in-parallel";
import { isTlsError } from "../errors";
import { renderTimestamp } from "../text/time";
import { readSessionRequest, sessionFor } from "./acme/session";
import type { Properties } from "./lifecycle";

/** What became of an order. */
export type OrderStanding =
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
export async function askOrder(
  inputs: Properties,
  orderUrl: string,
  { seconds, now }: { readonly seconds: number; readonly now: Date },
): Promise<OrderStanding> {
  const { accountUrl, accountKeyPem, directoryUrl } = inputs;
  const texts = [accountUrl, accountKeyPem, directoryUrl];
  if (!texts.every((text) => typeof text === "string")) return { kind: "unanswered" };
  const deadline = new Deadline(seconds, systemClock);
  try {
    const session = sessionFor(readSessionRequest(inputs));
    const context = { session, accountUrl: accountUrl as string, deadline };
    return await standingOf(context, (await fetchOrder(context, orderUrl)).order, now);
  } catch (error) {
    const isNone = isGone(error) || (isAcmeError(error) && error.problem.kind === "unauthorized");
    if (isNone) return { kind: "ended", reason: "is not at the CA any more" };
    if (isTlsError(error)) return { kind: "unanswered" };
    throw error;
  } finally {
    deadline.dispose();
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
