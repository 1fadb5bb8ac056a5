import type { ErrorCode } from "../../errors";
import type { AcmeProblem } from "./problem-types";

/** Kinds of RFC 8555 section 6.7, RFC 9773 section 7 and draft-ietf-acme-profiles to the code of our table. */
const codes: Readonly<Record<string, ErrorCode>> = {
  accountDoesNotExist: "ACME_ACCOUNT",
  externalAccountRequired: "ACME_ACCOUNT",
  invalidContact: "ACME_ACCOUNT",
  unsupportedContact: "ACME_ACCOUNT",
  userActionRequired: "ACME_ACCOUNT",
  caa: "ACME_UNAUTHORIZED",
  connection: "ACME_UNAUTHORIZED",
  dns: "ACME_UNAUTHORIZED",
  incorrectResponse: "ACME_UNAUTHORIZED",
  tls: "ACME_UNAUTHORIZED",
  unauthorized: "ACME_UNAUTHORIZED",
  rateLimited: "ACME_RATE_LIMITED",
  serverInternal: "ACME_UNREACHABLE",
};

/** What is said of an account is "unauthorized" too, by Boulder and by Pebble. */
const ofAccount = /external account|\beab\b|\bMAC\b|account.*(deactivated|revoked|not valid)/i;

/** The code of a problem. Without a type of the registry the status decides. */
export function codeOf(problem: AcmeProblem): ErrorCode {
  const { kind, detail, status = 0, subproblems } = problem;
  if (status === 429) return "ACME_RATE_LIMITED";
  if (kind === "unauthorized" && ofAccount.test(detail)) return "ACME_ACCOUNT";
  if (kind === "compound") {
    const each = [...new Set(subproblems.map((one) => codes[one.kind] ?? "ACME_REJECTED"))];
    return each.length === 1 ? (each[0] as ErrorCode) : "ACME_REJECTED";
  }
  if (Object.hasOwn(codes, kind)) return codes[kind] as ErrorCode;
  if (status === 503 && problem.retryAfter !== undefined) return "ACME_RATE_LIMITED";
  if (status >= 500) return "ACME_UNREACHABLE";
  return kind === "about:blank" ? "ACME_PROTOCOL" : "ACME_REJECTED";
}
