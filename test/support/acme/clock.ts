// Guards: tests that wait. A clock whose time passes only by sleeping.
import type { AcmeClock } from "../../../provider/src/acme/run/deadline";

/** An {@link AcmeClock} that remembers how long it was asked to sleep. */
export interface TestClock extends AcmeClock {
  /** Milliseconds of each sleep, in order. */
  readonly sleeps: readonly number[];
  /** Lets time pass. */
  advance(ms: number): void;
}

/** A clock that starts at `start` (now by default); a sleep takes no real time but a turn of the event loop. */
export function testClock(start = new Date()): TestClock {
  let now = start.getTime();
  const sleeps: number[] = [];
  return {
    sleeps,
    advance: (ms) => {
      now += ms;
    },
    now: () => new Date(now),
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      sleeps.push(ms);
      now += ms;
      await new Promise(setImmediate);
      signal.throwIfAborted();
    },
  };
}
