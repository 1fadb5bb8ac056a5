/** A measured number in a unit that the table knows how to shorten. */
export interface Quantity {
  readonly value: number;
  readonly unit: "ms" | "B" | "";
}

/** One line of a benchmark: what was measured, against which reference of the same run, and the target. */
export interface Measurement {
  readonly subject: string;
  readonly measured: Quantity;
  /** Measured in the same run, since a machine's speed is no property of this project. */
  readonly reference?: Quantity & { readonly what: string };
  /** The most that is allowed of the ratio, or of the measured quantity in its own unit. */
  readonly target?: { readonly of: "ratio" | "measured"; readonly atMost: number };
  /** How far apart the samples were, and how many there are. */
  readonly note?: string;
}

/** What the command line asks for. */
export interface BenchOptions {
  /** Numbers of sites or chains; each benchmark has its own default. */
  readonly sizes?: readonly number[];
  /** Samples of each measurement; each benchmark has its own default. */
  readonly runs?: number;
}

/** One file of this folder. */
export interface Benchmark {
  readonly name: string;
  readonly title: string;
  readonly run: (options: BenchOptions) => Promise<readonly Measurement[]>;
}

/** Measured over reference, where there is one. */
export function ratioOf({ measured, reference }: Measurement): number | undefined {
  return reference === undefined ? undefined : measured.value / reference.value;
}

/** Whether the target is missed; false without a target. */
export function isMissed(measurement: Measurement): boolean {
  const { target, measured } = measurement;
  if (target === undefined) return false;
  return (target.of === "ratio" ? (ratioOf(measurement) ?? Number.NaN) : measured.value) > target.atMost;
}

/** The middle of the samples, the lower one of two. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((one, other) => one - other);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new TypeError("a median needs a sample");
  return middle;
}

/** The lowest and highest sample, for a note. */
export function describeSpread(samples: readonly number[]): string {
  if (samples.length === 1) return "1 run";
  const [low, high] = [Math.min(...samples), Math.max(...samples)];
  return `${samples.length} runs, ${(low / median(samples)).toFixed(2)} to ${(high / median(samples)).toFixed(2)} of the median`;
}

/** Milliseconds that the work takes. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * Takes samples of several things in turn, A B A B, so that a slow minute of the machine meets all of them.
 *
 * @param warmUp rounds before those that count, for what compiles or fills caches.
 */
export async function interleave<Name extends string>(
  runs: number,
  things: Readonly<Record<Name, () => Promise<number>>>,
  warmUp = 0,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(things) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let run = -warmUp; run < runs; run++) {
    for (const name of names) {
      const sample = await things[name]();
      if (run >= 0) samples[name].push(sample);
    }
  }
  return samples;
}
