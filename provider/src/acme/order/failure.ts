import type { ErrorCode } from "../../errors";
import { renderUrl } from "../../network/url";
import { renderNames } from "../client/identifier";
import { AcmeError, explainProblem } from "../client/problem";
import { type Authorization, renderAuthorized } from "./authorization";
import type { Order } from "./order";

/** As many reasons as a person reads; a hundred names fail for the same one. */
const MOST_REASONS = 10;

/**
 * Why an order can't become a certificate any more: what the CA says of each name whose proof failed, and of the order.
 * ACME_UNAUTHORIZED when a proof failed, else ACME_ORDER_INVALID or what the CA's problem is.
 */
export function explainFailedOrder(order: Order, authorizations: readonly Authorization[]): AcmeError {
  const failed = authorizations.filter(({ status }) => status !== "valid" && !isUndecided(status));
  const ofNames = failed.slice(0, MOST_REASONS).map(explainAuthorization);
  // some CAs repeat there what they say of a name
  const isTold = ofNames.some(({ problem }) => problem?.detail === order.error?.detail);
  const ofOrder = order.error === undefined || isTold ? [] : [explainProblem(order.error, "the order itself")];
  const errors = [...ofNames, ...ofOrder];
  const reasons = errors.map(({ reason }) => reason.replace(/\.$/, ""));
  if (failed.length > MOST_REASONS) reasons.push(`and ${failed.length - MOST_REASONS} more names`);
  if (reasons.length === 0) reasons.push("the CA does not say why");
  const [first] = errors;
  const hints = [...new Set(errors.flatMap(({ hint }) => hint ?? []))];
  const code: ErrorCode = failed.length > 0 ? "ACME_UNAUTHORIZED" : codeOfOrder(first);
  const retryAt = errors.find((error) => error.retryAt !== undefined)?.retryAt;
  const what = `the order for ${renderNames(order.identifiers)} (${renderUrl(new URL(order.url))}) has failed`;
  return new AcmeError(code, `${what}: ${reasons.join("; ")}.`, {
    hint: hints.length === 0 ? "The next run orders anew." : hints.join(" "),
    ...(retryAt !== undefined && { retryAt }),
    ...(first?.problem !== undefined && { problem: first.problem }),
  });
}

/** Whether a CA has not come to its end with a proof; "processing" is of drafts. */
export function isUndecided(status: string): boolean {
  return status === "pending" || status === "processing";
}

function explainAuthorization(authorization: Authorization): AcmeError {
  const { status, challenges } = authorization;
  const name = renderAuthorized(authorization);
  for (const { type, error } of challenges) {
    if (error !== undefined) return explainProblem(error, `${name} by ${type}`);
  }
  const hint = "The next run orders anew; if it stays so, ask the CA.";
  return new AcmeError("ACME_UNAUTHORIZED", `${name}: its authorization is ${status}.`, { hint });
}

/** The order itself failed: only a limit that it ran into is more telling than that. */
function codeOfOrder(error: AcmeError | undefined): ErrorCode {
  return error?.code === "ACME_RATE_LIMITED" ? "ACME_RATE_LIMITED" : "ACME_ORDER_INVALID";
}
