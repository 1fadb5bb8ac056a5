import type { TlsError } from "../../errors";
import type { AcmeProblem } from "./problem-types";
import type { AcmeResponse } from "./transport";

/** What came of one try. */
export type Outcome =
  | { readonly response: AcmeResponse; readonly problem?: AcmeProblem }
  /** Nothing whole came back. */
  | { readonly failure: TlsError };

/** How often was tried already, for one reason and for the other. */
export interface Tries {
  readonly badNonce: number;
  readonly failed: number;
}

/** Whether to try again, and after how many milliseconds. */
export type RetryDecision =
  | { readonly again: false }
  | { readonly again: true; readonly counts: keyof Tries | "none"; readonly waitMs: number };

/** A CA that refuses half of all nonces (Pebble's PEBBLE_WFE_NONCEREJECT=50) refuses 20 in a row once in a million. */
const MOST_BAD_NONCES = 20;

/** Before the second, third and fourth try. */
const pausesMs: readonly number[] = [1000, 2000, 4000];

/** A CA that says "now" again and again is not asked in a loop. */
const LEAST_PAUSE_MS = 1000;

const stop: RetryDecision = { again: false };

/**
 * Decides on what is tried again: a refused nonce at once, failed connections and faults of the CA (5xx) three times,
 * and what the CA itself gives a time for (429, 503; RFC 9110 section 10.2.3) at that time. What would not be before
 * `endsAt` is not waited for. Everything else is an answer.
 */
export function decideRetry(outcome: Outcome, tries: Tries, now: Date, endsAt: Date): RetryDecision {
  if ("failure" in outcome) {
    return outcome.failure.code === "ACME_UNREACHABLE" ? pause(tries, now, endsAt) : stop;
  }
  const { response, problem } = outcome;
  const { status } = response;
  if (problem?.kind === "badNonce") {
    return tries.badNonce < MOST_BAD_NONCES ? { again: true, counts: "badNonce", waitMs: 0 } : stop;
  }
  const retryAt = problem?.retryAfter;
  if ((status === 429 || status === 503 || problem?.kind === "rateLimited") && retryAt !== undefined) {
    const waitMs = Math.max(retryAt.getTime() - now.getTime(), LEAST_PAUSE_MS);
    return fits(waitMs, now, endsAt) ? { again: true, counts: "none", waitMs } : stop;
  }
  // 501 says that it never will
  return status >= 500 && status !== 501 ? pause(tries, now, endsAt) : stop;
}

function pause(tries: Tries, now: Date, endsAt: Date): RetryDecision {
  const waitMs = pausesMs[tries.failed];
  if (waitMs === undefined || !fits(waitMs, now, endsAt)) return stop;
  return { again: true, counts: "failed", waitMs };
}

function fits(waitMs: number, now: Date, endsAt: Date): boolean {
  return now.getTime() + waitMs < endsAt.getTime();
}
