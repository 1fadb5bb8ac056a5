// Guards the fifteen minutes of `npm test`: it holds every behaviour once and a sample of each matrix. The long tier,
// `npm run test:long`, holds the whole matrices, the long fuzzing and the races.
import { it } from "vitest";

/** Whether this run is of the long tier. */
export const isLong = process.env.TEST_TIER === "long";

/** How often a test with random inputs runs; `FUZZ_RUNS` in the environment wins over both. */
export function fuzzRuns(usual: number, long: number): number {
  return Number(process.env.FUZZ_RUNS ?? (isLong ? long : usual));
}

/**
 * For tests that are the same for each of several `peers`, such as shells, and do not depend on each other: all for each in the
 * long tier; else each peer takes its turn, so that every test is run by one of them.
 *
 * @param place of the peer among them
 */
export function inTurns(place: number, peers: number): Declare {
  let count = 0;
  return (title, body) => {
    const isTurn = isLong || count % peers === place;
    count += 1;
    if (isTurn) it(title, body);
  };
}

type Declare = (title: string, body: () => void | Promise<void>) => void;

/** All rows of a matrix in the long tier; else `count` of them, evenly spread, the first and the last included. */
export function sample<Row>(rows: readonly Row[], count: number): readonly Row[] {
  if (isLong || rows.length <= count) return rows;
  const places = Array.from({ length: count }, (_, index) => Math.round((index * (rows.length - 1)) / (count - 1)));
  return places.flatMap((place) => rows.slice(place, place + 1));
}
