// The queue in front of each CA, on a clock that only the test moves; the rate is counted in every second there is.
import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { directories } from "../../../../provider/src/acme/client/directory";
import type { RequestKind } from "../../../../provider/src/acme/client/session";
import { RequestLimiter } from "../../../../provider/src/acme/limits/limiter";
import { limitsOf } from "../../../../provider/src/acme/limits/limits";
import { type AcmeClock, systemClock } from "../../../../provider/src/acme/run/deadline";
import { timersLeftBy } from "../../../support/left-timers";

const production = directories.letsencrypt?.url ?? "";
const never = new AbortController().signal;

/** Goes to the next moment that somebody sleeps until, when everybody sleeps. */
class SteppedClock implements AcmeClock {
  #now = Date.parse("2026-12-01T12:00:00Z");
  #sleeping: { readonly until: number; readonly wake: () => void }[] = [];

  now(): Date {
    return new Date(this.#now);
  }

  get sleepers(): number {
    return this.#sleeping.length;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const sleeper = {
        until: this.#now + ms,
        wake: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      const leave = () => {
        this.#sleeping = this.#sleeping.filter((each) => each !== sleeper);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#sleeping.push(sleeper);
    });
  }

  setBack(ms: number): void {
    this.#now -= ms;
  }

  /** Wakes the next one; false when nobody sleeps. */
  async step(): Promise<boolean> {
    await settled();
    const next = this.#sleeping.sort((one, other) => one.until - other.until).shift();
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next.until);
    next.wake();
    await settled();
    return true;
  }

  async run(): Promise<void> {
    while (await this.step());
  }
}

/** Every promise that is ready has been heard. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The most of these moments in any stretch of a second. */
function mostInASecond(moments: readonly number[]): number {
  return Math.max(...moments.map((from) => moments.filter((each) => each >= from && each < from + 1000).length));
}

describe("RequestLimiter", () => {
  it.each([
    ["nonce", 20],
    ["account", 5],
    ["order", 300],
    ["revoke", 10],
    ["renewal-info", 1000],
    ["directory", 40],
    ["other", 250],
  ] as const)(
    "lets 1,000 requests of the kind %s through at no more than %i in any second",
    async (kind, perSecond) => {
      const clock = new SteppedClock();
      const throttle = new RequestLimiter(clock).throttle(production);
      const moments: number[] = [];
      const all = Array.from({ length: 1000 }, () =>
        throttle(kind, never).then(() => {
          moments.push(clock.now().getTime());
        }),
      );
      await clock.run();
      await Promise.all(all);
      expect(limitsOf(production)?.requests[kind].perSecond).toBe(perSecond);
      expect(moments).toHaveLength(1000);
      expect(mostInASecond(moments)).toBeLessThanOrEqual(perSecond);
      // and does not waste the rate either
      const seconds = ((moments.at(-1) ?? 0) - (moments[0] ?? 0)) / 1000;
      expect(seconds).toBeLessThan((1000 / perSecond) * 1.35 + 1);
      expect(clock.sleepers).toBe(0);
    },
  );

  it("goes by the order in which they came, over every throttle of the same CA", async () => {
    const clock = new SteppedClock();
    const limiter = new RequestLimiter(clock);
    const throttles = [limiter.throttle(production), limiter.throttle(`${production}?x`)];
    const through: number[] = [];
    for (let index = 0; index < 50; index += 1) {
      void throttles[index % 2]?.("nonce", never).then(() => through.push(index));
    }
    await clock.run();
    expect(through).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it("keeps kinds and CAs apart", async () => {
    const clock = new SteppedClock();
    const limiter = new RequestLimiter(clock);
    const take = async (directory: string, kind: RequestKind) => limiter.throttle(directory)(kind, never);
    for (let index = 0; index < 30; index += 1) void take(production, "nonce");
    await settled();
    expect(clock.sleepers).toBe(1);
    await take(production, "order");
    await take(directories["letsencrypt-staging"]?.url ?? "", "nonce");
    await take("https://127.0.0.1:14000/dir", "nonce");
    await clock.run();
  });

  it("does not hold up a CA without published limits until 100 requests come at once", async () => {
    const clock = new SteppedClock();
    const throttle = new RequestLimiter(clock).throttle("https://ca.example/directory");
    await Promise.all(Array.from({ length: 100 }, () => throttle("other", never)));
    const next = throttle("other", never);
    await settled();
    expect(clock.sleepers).toBe(1);
    await clock.run();
    await next;
  });

  it("lets one who waits go with the signal's reason, and the others move up", async () => {
    const clock = new SteppedClock();
    const throttle = new RequestLimiter(clock).throttle(production);
    const controller = new AbortController();
    await Promise.all([throttle("nonce", never), throttle("nonce", never)]);
    const first = throttle("nonce", never);
    const leaving = throttle("nonce", controller.signal);
    const last = throttle("nonce", never);
    controller.abort("enough");
    await expect(leaving).rejects.toBe("enough");
    await clock.step();
    await first;
    await clock.run();
    await last;
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    await expect(throttle("nonce", controller.signal)).rejects.toBe("enough");
  });

  it("leaves no timer when the last one who waited has gone, and serves who comes then", async () => {
    const clock = new SteppedClock();
    const throttle = new RequestLimiter(clock).throttle(production);
    await Promise.all([throttle("nonce", never), throttle("nonce", never)]);
    const controller = new AbortController();
    const leaving = throttle("nonce", controller.signal);
    await settled();
    expect(clock.sleepers).toBe(1);
    controller.abort("enough");
    // in the moment in which the pause is being ended
    const late = throttle("nonce", never);
    await expect(leaving).rejects.toBe("enough");
    await settled();
    expect(clock.sleepers).toBe(1);
    await clock.run();
    await late;
    expect(clock.sleepers).toBe(0);
    const real = new RequestLimiter(systemClock).throttle(production);
    const work = () => Promise.all([real("account", never), expect(rejectedSoon(real)).rejects.toBe("enough")]);
    expect(await timersLeftBy(work)).toBe(0);
  });

  it("leaves no listener on a signal that lives for the whole run", async () => {
    const clock = new SteppedClock();
    const throttle = new RequestLimiter(clock).throttle(production);
    const { signal } = new AbortController();
    const all = Promise.all(Array.from({ length: 40 }, () => throttle("nonce", signal)));
    await clock.run();
    await all;
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("goes on when the clock is set back by an hour", async () => {
    const clock = new SteppedClock();
    const throttle = new RequestLimiter(clock).throttle(production);
    await Promise.all([throttle("nonce", never), throttle("nonce", never)]);
    clock.setBack(3_600_000);
    const before = clock.now().getTime();
    const next = throttle("nonce", never);
    await clock.run();
    await next;
    expect(clock.now().getTime() - before).toBeLessThan(200);
  });
});

/** Waits behind the first one of its kind and leaves. */
async function rejectedSoon(throttle: ReturnType<RequestLimiter["throttle"]>): Promise<void> {
  const controller = new AbortController();
  const waiting = throttle("account", controller.signal);
  controller.abort("enough");
  await waiting;
}
