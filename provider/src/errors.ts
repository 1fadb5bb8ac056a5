/** What the table of codes says of one code. */
interface ErrorKind {
  /** May the same call succeed later without a change by a person? */
  readonly retry: boolean;
  /** Where the rule stands that was broken. */
  readonly reference: string;
}

/**
 * Every code a {@link TlsError} can carry. One table, so that a code, whether it may pass by itself and its source
 * can't drift apart.
 */
export const errorCodes = {
  PEM_INVALID: { retry: false, reference: "RFC 7468" },
  DER_INVALID: { retry: false, reference: "ITU-T X.690" },
  CERTIFICATE_INVALID: { retry: false, reference: "RFC 5280 section 4" },
  CERTIFICATE_EXPIRED: { retry: false, reference: "RFC 5280 section 4.1.2.5" },
  CERTIFICATE_WEAK: { retry: false, reference: "CA/Browser Forum Baseline Requirements sections 6.1.5 and 7.1.3.2" },
  CHAIN_INCOMPLETE: { retry: false, reference: "RFC 8446 section 4.4.2" },
  CHAIN_INVALID: { retry: false, reference: "RFC 5280 section 6" },
  KEY_INVALID: { retry: false, reference: "RFC 5958" },
  KEY_ENCRYPTED: { retry: false, reference: "RFC 5958 section 3" },
  KEY_MISMATCH: { retry: false, reference: "RFC 5280 section 4.1.2.7" },
  LIFETIME_EXCEEDED: { retry: false, reference: "CA/Browser Forum Baseline Requirements section 6.3.2" },
  TIMESTAMPS_MISSING: { retry: false, reference: "RFC 6962 section 3.3; Chrome's and Apple's CT policies" },
  STAPLING_REQUIRED: { retry: false, reference: "RFC 7633 section 4.2.3" },
  HOSTNAME_UNCOVERED: { retry: false, reference: "RFC 9525 section 6" },
  CONTAINER_INVALID: { retry: false, reference: "RFC 7292, RFC 5652" },
  CONTAINER_ENCRYPTED: { retry: false, reference: "RFC 7292 section 5.1" },
  REQUEST_INVALID: { retry: false, reference: "RFC 2986" },
  IDENTIFIER_INVALID: { retry: false, reference: "RFC 5280 section 4.2.1.6" },
  NAME_INVALID: { retry: false, reference: "RFC 5280 appendix A.1" },
  NAME_CONSTRAINED: { retry: false, reference: "RFC 5280 section 4.2.1.10" },
  AIA_UNREACHABLE: { retry: true, reference: "RFC 5280 section 4.2.2.1" },
  AIA_REFUSED: { retry: false, reference: "RFC 5280 section 4.2.2.1" },
  AIA_INVALID: { retry: false, reference: "RFC 5280 section 4.2.2.1" },
  SITE_INVALID: { retry: false, reference: "README, Sites" },
  GATEWAY_INVALID: { retry: false, reference: "README, Gateways" },
  CLOCK_SET: { retry: false, reference: "README, TLS_GATEWAY_AS_OF" },
  STATE_INVALID: { retry: false, reference: "README, State" },
  FILE_UNREADABLE: { retry: false, reference: "README, Resources" },
  ACME_UNREACHABLE: { retry: true, reference: "RFC 8555 section 6.1" },
  ACME_PROTOCOL: { retry: false, reference: "RFC 8555 section 6" },
  ACME_REJECTED: { retry: false, reference: "RFC 8555 section 6.7" },
  ACME_RATE_LIMITED: { retry: true, reference: "RFC 8555 section 6.6" },
  ACME_UNAUTHORIZED: { retry: false, reference: "RFC 8555 section 8" },
  ACME_ACCOUNT: { retry: false, reference: "RFC 8555 section 7.3" },
  ACME_TIMEOUT: { retry: true, reference: "README, ACME" },
  ACME_DIRECTORY_UNKNOWN: { retry: false, reference: "RFC 8555 section 7.1.1" },
  ACME_ORDER_INVALID: { retry: false, reference: "RFC 8555 section 7.1.6" },
  ACME_ORDER_LOST: { retry: true, reference: "README, ACME" },
  ACME_BACKOFF: { retry: true, reference: "README, ACME" },
  ACME_BUDGET: { retry: true, reference: "README, ACME" },
  ACME_PREFLIGHT: { retry: true, reference: "README, ACME" },
  ACME_CHALLENGE: { retry: false, reference: "RFC 8555 section 8" },
  ACME_ORPHANED: { retry: true, reference: "README, ACME" },
  ACME_ABORTED: { retry: true, reference: "README, ACME" },
} as const satisfies Record<string, ErrorKind>;

/** The closed union of codes. */
export type ErrorCode = keyof typeof errorCodes;

/** A reason as data: the property that it is about, and what is wrong with it. */
export interface PropertyFault {
  /** For instance `options.version`. */
  readonly path: string;
  readonly reason: string;
}

/** What can be said beside the message. */
export interface TlsErrorOptions {
  /** What to do now, one sentence without "Hint:". */
  readonly hint?: string;
  /** The earliest moment at which a repetition makes sense, ISO 8601 UTC. */
  readonly retryAt?: string;
  /** For a check failure, which names the property itself. */
  readonly fault?: PropertyFault;
  readonly cause?: unknown;
}

/**
 * The one class of errors about the world: bytes that are not what they say, a peer that refuses, a rule that forbids.
 * Its message is all that Pulumi shows, so it is written whole: `CODE: what was being done: what went wrong. Hint: …`.
 * Mistakes of a programmer are `TypeError`; bad input of a user is a check failure.
 */
export class TlsError extends Error {
  /** One of {@link errorCodes}. */
  readonly code: ErrorCode;
  /** What went wrong, without code and hint: for a check failure, which has its own frame. */
  readonly reason: string;
  /** What to do now, one sentence without "Hint:"; `undefined` where the reason says it. */
  readonly hint: string | undefined;
  /** The earliest moment at which a repetition makes sense, ISO 8601 UTC; `undefined` where none is known. */
  readonly retryAt: string | undefined;
  /** The property at fault and its reason, for a check failure; `undefined` where no single property is at fault. */
  readonly fault: PropertyFault | undefined;

  constructor(code: ErrorCode, reason: string, options: TlsErrorOptions = {}) {
    const retry = options.retryAt === undefined ? "" : ` Retry after ${options.retryAt}.`;
    const hint = options.hint === undefined ? "" : ` Hint: ${options.hint}`;
    super(`${code}: ${reason}${retry}${hint}`, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "TlsError";
    this.code = code;
    this.reason = reason;
    this.hint = options.hint;
    this.retryAt = options.retryAt;
    this.fault = options.fault;
  }
}

/** Whether `error` is a {@link TlsError}, also one of another copy of this package. */
export function isTlsError(error: unknown): error is TlsError {
  return error instanceof Error && error.name === "TlsError" && "code" in error && "reason" in error;
}
