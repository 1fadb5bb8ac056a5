import { setTimeout as timeout } from "node:timers/promises";

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
