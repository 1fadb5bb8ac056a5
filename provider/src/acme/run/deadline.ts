import { setMaxListeners } from "node:events";
import { setTimeout as timeout } from "node:timers/promises";
import { isTlsError, TlsError } from "../../errors";

/** What tells the time and waits; tests give one that does not really wait. */
export interface AcmeClock {
  now(): Date;
  /** Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The clock of the machine. `TLS_GATEWAY_AS_OF` does not set it: what goes to a CA happens now. */
export const systemClock: AcmeClock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    try {
      await timeout(ms, undefined, { signal });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  },
};

/** Node's timers take no more: 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The reason of a signal that aborts because the time is over; {@link Deadline.error} makes an error of it. */
const IS_OVER = Symbol("the time limit is over");

/**
 * A bound for a whole step: when it ends, and a signal that aborts then, or earlier with its parent. `dispose` it at
 * the end: its timer keeps the process alive till then.
 */
export class Deadline {
  readonly signal: AbortSignal;
  readonly endsAt: Date;
  readonly #seconds: number;
  readonly #clock: AcmeClock;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #leaveParent: () => void;

  /** Ends `seconds` from now by `clock`; the signal's timer is the system's. */
  constructor(seconds: number, clock: AcmeClock, parent?: AbortSignal) {
    this.#seconds = seconds;
    this.#clock = clock;
    this.signal = this.#controller.signal;
    // a certificate with a hundred names waits in as many places at once
    setMaxListeners(0, this.signal);
    this.endsAt = new Date(clock.now().getTime() + seconds * 1000);
    this.#timer = setTimeout(() => this.#controller.abort(IS_OVER), Math.min(seconds * 1000, LONGEST_TIMER));
    const follow = () => this.#controller.abort(parent?.reason);
    if (parent?.aborted === true) follow();
    parent?.addEventListener("abort", follow, { once: true });
    this.#leaveParent = () => parent?.removeEventListener("abort", follow);
  }

  /** What is left, 0 at the end. Under a clock that runs ahead of the system's, the signal aborts here. */
  remainingSeconds(): number {
    const left = (this.endsAt.getTime() - this.#clock.now().getTime()) / 1000;
    if (left <= 0 && !this.signal.aborted) this.#controller.abort(IS_OVER);
    return this.signal.aborted ? 0 : left;
  }

  /**
   * Waits, at most until the end.
   * @throws TlsError ACME_TIMEOUT at once when the wait would not end before the deadline, ACME_ABORTED as the parent says
   */
  async wait(ms: number, doing: string): Promise<void> {
    if (ms / 1000 >= this.remainingSeconds()) throw this.error(doing);
    try {
      await this.#clock.sleep(ms, this.signal);
    } catch (error) {
      throw this.signal.aborted ? this.error(doing) : error;
    }
  }

  /** Throws {@link error} when the end has come. */
  check(doing: string): void {
    if (this.remainingSeconds() === 0) throw this.error(doing);
  }

  /** Why `doing` ended: ACME_TIMEOUT by this bound, ACME_ABORTED by the parent, whose reason is kept if it is a TlsError. */
  error(doing: string): TlsError {
    const reason: unknown = this.signal.reason;
    if (!this.signal.aborted || reason === IS_OVER) {
      return new TlsError("ACME_TIMEOUT", `${doing}: not done within ${this.#seconds} s.`, {
        hint: "Run it again, it goes on where it stopped; if it stays so, raise timeoutSeconds.",
      });
    }
    if (isTlsError(reason)) return reason;
    const why = reason instanceof Error ? reason.message : String(reason);
    return new TlsError("ACME_ABORTED", `${doing}: stopped (${why}).`, { cause: reason });
  }

  /** Ends the timer; the signal does not abort any more. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#leaveParent();
  }
}
