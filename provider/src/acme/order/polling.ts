import { isTlsError, TlsError } from "../../errors";
import { readRetryAfter } from "../../network/retry-after";
import type { AcmeClock, Deadline } from "../run/deadline";

/** Seconds between two looks when the CA does not say: a test CA is done at once, a real one in a few seconds. */
const pauses: readonly number[] = [0.2, 1, 1, 2, 3];
const LONGEST_PAUSE = 5;
/** RFC 8555 section 7.5.1 leaves it to the CA; one that says "at once" is not asked more often than this. */
const SHORTEST_TOLD = 1;
/** Seconds before the end of the time at which there is a last look. */
const LAST_LOOK = 1;

/** Waits between the looks at one thing at a CA that takes its time. */
export class PollPauses {
  readonly #clock: AcmeClock;
  readonly #deadline: Deadline;
  #looks = 0;

  constructor(clock: AcmeClock, deadline: Deadline) {
    this.#clock = clock;
    this.#deadline = deadline;
  }

  /**
   * Waits for as long as the header Retry-After of the last look says, else somewhat longer each time. `doing` begins
   * the message.
   * @throws TlsError ACME_TIMEOUT, at once when the deadline comes before, with `retryAt` if the CA told a moment;
   * ACME_ABORTED
   */
  async wait(retryAfter: string | undefined, doing: string): Promise<void> {
    const now = this.#clock.now();
    const moment = readRetryAfter(retryAfter, now);
    const left = this.#deadline.remainingSeconds();
    if (moment === undefined) {
      const seconds = pauses[this.#looks] ?? LONGEST_PAUSE;
      this.#looks += 1;
      const rest = left - LAST_LOOK;
      return this.#deadline.wait(1000 * (rest > (pauses[0] ?? 0) ? Math.min(seconds, rest) : seconds), doing);
    }
    // the moment is cut to whole seconds, and so is what it is counted from
    const told = (Date.parse(moment) - Math.floor(now.getTime() / 1000) * 1000) / 1000;
    const seconds = Math.max(told, SHORTEST_TOLD);
    if (left > 0 && seconds >= left) throw tooLong(doing, seconds, moment);
    return this.#deadline.wait(1000 * seconds, doing);
  }

  /**
   * Waits, then asks. If the time ends during the request, the error says what is still pending instead of
   * naming the request. An answer of the CA that arrives at that moment is thrown as it is.
   * @throws TlsError as {@link wait}, and whatever `ask` throws
   */
  async look<T>(retryAfter: string | undefined, doing: string, ask: () => Promise<T>): Promise<T> {
    await this.wait(retryAfter, doing);
    try {
      return await ask();
    } catch (error) {
      throw isTlsError(error) && error.code === "ACME_TIMEOUT" ? this.#deadline.error(doing) : error;
    }
  }
}

function tooLong(doing: string, seconds: number, retryAt: string): TlsError {
  return new TlsError("ACME_TIMEOUT", `${doing}: the CA asks to wait ${seconds} s, longer than there is time for.`, {
    retryAt,
    hint: "Run it again then, it goes on where it stopped; or raise timeoutSeconds.",
  });
}
