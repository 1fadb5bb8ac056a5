import { setMaxListeners } from "node:events";
import type { RequestKind, Throttle } from "../client/session";
import { type AcmeClock, systemClock } from "../run/deadline";
import { defaultRequests, hostOf, limitsOf, type RequestRate } from "./limits";

/**
 * The part of a published rate that may come at once; the rest of it refills in a second. So no second, wherever it
 * starts, holds more requests than published, in whichever way a CA counts, and jitter on the way finds some room.
 */
const BURST_SHARE = 0.1;

/** Keeps to the rates of each CA, over every account and resource of a process. Nothing stays behind when nobody waits. */
export class RequestLimiter {
  readonly #clock: AcmeClock;
  readonly #requests: (directoryUrl: string) => Readonly<Record<RequestKind, RequestRate>>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: AcmeClock, requests = requestsOf) {
    this.#clock = clock;
    this.#requests = requests;
  }

  /** The throttle of the CA with this directory: requests of a kind go in the order in which they came. */
  throttle(directoryUrl: string): Throttle {
    const host = hostOf(directoryUrl);
    const requests = this.#requests(directoryUrl);
    return (kind, signal) => {
      const key = `${kind} ${host}`;
      const bucket = this.#buckets.get(key) ?? new Bucket(requests[kind], this.#clock);
      this.#buckets.set(key, bucket);
      return bucket.take(signal);
    };
  }
}

/** The one of this process: a CA counts by address, not by account. */
export const requestLimiter = new RequestLimiter(systemClock);

function requestsOf(directoryUrl: string): Readonly<Record<RequestKind, RequestRate>> {
  return limitsOf(directoryUrl)?.requests ?? defaultRequests;
}

interface Waiter {
  readonly admit: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** A token bucket with a queue; it sleeps only while somebody waits. */
class Bucket {
  readonly #clock: AcmeClock;
  readonly #capacity: number;
  readonly #perMillisecond: number;
  readonly #queue: Waiter[] = [];
  #tokens: number;
  #filledAt: number;
  #pause: AbortController | undefined;

  constructor({ perSecond, burst }: RequestRate, clock: AcmeClock) {
    this.#clock = clock;
    this.#capacity = Math.max(1, Math.min(burst, Math.floor(perSecond * BURST_SHARE)));
    this.#perMillisecond = Math.max(perSecond - this.#capacity, perSecond / 2) / 1000;
    this.#tokens = this.#capacity;
    this.#filledAt = clock.now().getTime();
  }

  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#queue.length === 0 && this.#takeToken()) return;
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject(signal.reason);
        if (this.#queue.length === 0) this.#pause?.abort();
      };
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
        refuse: (reason) => {
          signal.removeEventListener("abort", leave);
          reject(reason);
        },
      };
      // many requests of one step wait by one signal, and that is no leak
      setMaxListeners(0, signal);
      signal.addEventListener("abort", leave, { once: true });
      this.#queue.push(waiter);
      if (this.#pause === undefined) void this.#serve();
    });
  }

  /** Lets the queue in, one by one, until it is empty. Never rejects. */
  async #serve(): Promise<void> {
    while (this.#queue.length > 0) {
      if (this.#takeToken()) {
        this.#queue.shift()?.admit();
        continue;
      }
      const pause = new AbortController();
      this.#pause = pause;
      try {
        await this.#clock.sleep(Math.ceil((1 - this.#tokens) / this.#perMillisecond), pause.signal);
      } catch (error) {
        // aborted when the last one left; somebody may have come since
        if (!pause.signal.aborted) for (const waiter of this.#queue.splice(0)) waiter.refuse(error);
      } finally {
        this.#pause = undefined;
      }
    }
  }

  #takeToken(): boolean {
    const now = this.#clock.now().getTime();
    // a clock that was set back gives nothing, and counts from there on
    const elapsed = Math.max(0, now - this.#filledAt);
    this.#tokens = Math.min(this.#capacity, this.#tokens + elapsed * this.#perMillisecond);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
