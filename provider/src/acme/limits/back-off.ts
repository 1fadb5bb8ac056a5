import { createHash } from "node:crypto";
import type { ErrorCode } from "../../errors";
import { DAY, MINUTE, renderMinute, renderSecond } from "../../text/time";

/** The environment variable that, set to anything, has a run try in spite of the back-off. Read by the caller. */
export const RETRY_NOW = "TLS_GATEWAY_RETRY_NOW";

/** What to do about a refusal, for an error's hint. */
export const RETRY_NOW_HINT = `Put right what failed and wait till then, or set ${RETRY_NOW}=1 for one run to try at once.`;

/** What a state records of the failures of one set of names at one CA since its last success. Plain JSON. */
export interface BackOffRecord {
  readonly count: number;
  /** When the latest one happened, ISO 8601 UTC. */
  readonly lastAt: string;
  readonly code: ErrorCode;
  /** What went wrong, cut at 200 characters. */
  readonly reason: string;
  /** What the CA itself said about when to come again. */
  readonly retryAt?: string;
  /** Which CA and names these are failures of, see {@link identifierSetKey}. */
  readonly names: string;
}

/** A set of names at a CA. */
export interface BackOffSubject {
  /** The URL of the CA's directory. */
  readonly directory: string;
  readonly identifiers: readonly string[];
}

/** One failure. */
export interface CostlyFailure extends BackOffSubject {
  readonly now: Date;
  readonly code: ErrorCode;
  /** `reason` of the TlsError. */
  readonly reason: string;
  /** `retryAt` of the TlsError. */
  readonly retryAt?: string | undefined;
}

/** Whether a run may try. */
export interface BackOff {
  /** The moment before which it does not, ISO 8601 UTC; absent when it may. */
  readonly until?: string;
  /** How many failures in a row are remembered. */
  readonly count: number;
  /** For a person. */
  readonly text: string;
}

/** "1 minute, 10 minutes, 100 minutes, then once a day": https://letsencrypt.org/docs/integration-guide/ */
const pauses = [MINUTE, 10 * MINUTE, 100 * MINUTE, DAY] as const;

/** No published limit takes longer to refill; a CA's clock or header may be wrong by more. */
const LONGEST_RETRY_AFTER = 7 * DAY;
/** Runs on several machines differ by no more; a failure further ahead was remembered by a clock that was wrong. */
const CLOCK_DIFFERENCE = 60 * MINUTE;
const LONGEST_REASON = 200;

/**
 * What costs something at the CA, so that a repetition must wait: a validation that failed (5 an hour at Let's Encrypt),
 * an order that was refused or became invalid, a rate limit. Nothing else: a CA that was not reached, a time limit of
 * ours (the order is kept and resumed), an account's settings, a challenge that we could not put in place, a run that
 * was ended, our own refusals.
 */
const costly: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "ACME_UNAUTHORIZED",
  "ACME_REJECTED",
  "ACME_ORDER_INVALID",
  "ACME_RATE_LIMITED",
]);

/** Whether an error with this code is to be remembered. */
export function isCostlyFailure(code: ErrorCode): boolean {
  return costly.has(code);
}

/**
 * The record after one more failure. It begins again at one for another set of names or another CA. After a success the caller
 * drops it.
 */
export function recordFailure(record: BackOffRecord | undefined, failure: CostlyFailure): BackOffRecord {
  const names = keyOf(failure);
  const { code, now, retryAt } = failure;
  return {
    count: (record?.names === names ? record.count : 0) + 1,
    lastAt: renderSecond(now.getTime()),
    code,
    reason: cut(failure.reason),
    ...(retryAt !== undefined && { retryAt }),
    names,
  };
}

/**
 * Judges whether these names may be tried: 1, 10, 100 minutes after the first, second and third failure in a row, a day
 * after each further one; later if the CA said so, up to 7 days.
 */
export function judgeBackOff(record: BackOffRecord | undefined, subject: BackOffSubject, now: Date): BackOff {
  if (record === undefined || record.names !== keyOf(subject)) return { count: 0, text: "nothing failed before." };
  const { count, code, reason } = record;
  const last = Date.parse(record.lastAt);
  const failed = `${count === 1 ? "the last attempt" : `each of the last ${count} attempts`} for exactly these names failed, ${count === 1 ? "" : "the latest "}at ${record.lastAt} (${code}: ${withoutStop(reason)})`;
  const pause = pauses[Math.min(count, pauses.length) - 1] ?? MINUTE;
  const told = record.retryAt === undefined ? Number.NaN : Date.parse(record.retryAt);
  const wait = Number.isNaN(told) ? 0 : Math.min(told - last, LONGEST_RETRY_AFTER);
  const until = last + Math.max(pause, wait);
  if (last > now.getTime() + CLOCK_DIFFERENCE || until <= now.getTime()) return { count, text: `${failed}.` };
  const who = wait > pause ? "the CA takes the next one" : "the next one is made";
  return { until: renderSecond(until), count, text: `${failed}; ${who} from ${renderMinute(until)}.` };
}

/** Reads a record from a state. Anything else gives undefined, and the failures are forgotten. */
export function readBackOffRecord(value: unknown): BackOffRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { count, lastAt, code, reason, retryAt, names } = value as Partial<Record<keyof BackOffRecord, unknown>>;
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1) return undefined;
  if (typeof lastAt !== "string" || Number.isNaN(Date.parse(lastAt))) return undefined;
  if (typeof code !== "string" || !isCostlyFailure(code as ErrorCode) || typeof names !== "string") return undefined;
  return {
    count,
    lastAt,
    code: code as ErrorCode,
    reason: typeof reason === "string" ? cut(reason) : "",
    ...(typeof retryAt === "string" && { retryAt }),
    names,
  };
}

function keyOf({ directory, identifiers }: BackOffSubject): string {
  return `${identifierSetKey([directory])}:${identifierSetKey(identifiers)}`;
}

function cut(text: string): string {
  return text.length <= LONGEST_REASON ? text : `${text.slice(0, LONGEST_REASON)}…`;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, "");
}

/**
 * A short name for a set of names, 32 hexadecimal digits, the same whatever their order, case and repetition: CAs count
 * certificates and failures per exact set. State keeps this instead of up to 100 names.
 */
export function identifierSetKey(identifiers: readonly string[]): string {
  const names = [...new Set(identifiers.map((name) => name.toLowerCase()))].sort();
  return createHash("sha256").update(JSON.stringify(names)).digest("hex").slice(0, 32);
}
