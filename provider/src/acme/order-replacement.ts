import { isAcmeError } from "./client/problem";
import type { AcmeProblem } from "./client/problem-types";

/** Words of the CAs' texts on `replaces`, Pebble's among them, which speak of orders alone. */
const replacementText =
  /replac|\bARI\b|cert(ificate)? ?ID\b|renewal ?info|order for the given certificate|new order and existing order/i;

/** The kinds that such texts come with; Pebble has "serverInternal" where RFC 9773 has a status of 4xx. */
const kinds: readonly string[] = ["malformed", "serverInternal", "unauthorized", "notFound", "about:blank"];

/**
 * Whether a CA refused an order because of the certificate that it says to replace (RFC 9773 section 5): that one was
 * replaced already, or the CA or the account does not know it. The same order without `replaces` has no such fault.
 */
export function isReplacementRefused(error: unknown): boolean {
  if (!isAcmeError(error)) return false;
  const { kind, status, detail, subproblems }: AcmeProblem = error.problem;
  if (kind === "alreadyReplaced" || kind === "conflict" || status === 409) return true;
  const isOfKind = kinds.includes(kind) || status === 404;
  return isOfKind && [detail, ...subproblems.map((one) => one.detail)].some((text) => replacementText.test(text));
}
