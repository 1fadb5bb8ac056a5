// Guards: bounds in time that a busy or slow machine breaks. They count CPU time of this thread, on a machine whose speed is
// measured in the same moment, and more than once.
import { expect } from "vitest";

/** A garbage collection falls into one of these tries, not into all. */
const TRIES = 5;
/** What {@link work} takes on the machine that bounds are meant for, in milliseconds. */
const REFERENCE = 25;
/** No machine is taken for slower than this: what grows faster than its input is found everywhere. */
const SLOWEST = 8;

/** CPU time of `act` in milliseconds, and what it gave. */
function measure<Result>(act: () => Result): { readonly result: Result; readonly milliseconds: number } {
  const start = process.threadCpuUsage();
  const result = act();
  const { user, system } = process.threadCpuUsage(start);
  return { result, milliseconds: (user + system) / 1000 };
}

/** Reads a megabyte in elements of two octets, as a parser does. */
function work(): number {
  const octets = Buffer.alloc(1_000_000, 5);
  const elements: object[] = [];
  for (let at = 0; at < octets.length; at += 2) elements.push({ at, tag: octets[at], length: octets[at + 1] });
  return elements.length;
}

/** How many times slower this machine is now than the one that bounds are meant for; 1 for a faster one. */
export function slowness(): number {
  return Math.min(Math.max(measure(work).milliseconds / REFERENCE, 1), SLOWEST);
}

/** What `act` gives; fails the test when each of a few tries takes `most` milliseconds or longer. */
export function withinCpuTime<Result>(most: number, act: () => Result): Result {
  for (let tries = 1; ; tries++) {
    const { result, milliseconds } = measure(act);
    if (milliseconds < most) return result;
    const times = slowness();
    if (milliseconds < most * times) return result;
    if (tries === TRIES)
      expect.fail(`it took ${milliseconds} ms on a machine that is ${times} times slower than usual`);
  }
}
