// Sites with leaf certificates as resources, against as many trivial dynamic resources with as much state.
import { BenchStack } from "./bench-stack.ts";
import { payloadsFor, runSites, runTrivial } from "./fleet-program.ts";
import { type Benchmark, describeSpread, interleave, type Measurement, median } from "./measurement.ts";

const SIZES = [10, 100, 1_000];

/** "Speed and memory": times a program of trivial resources. */
const MOST = 1.15;

export const engine: Benchmark = {
  name: "engine",
  title: "sites with a leaf certificate each, against as many trivial resources with as much state",
  run: async ({ sizes = SIZES, runs }) => {
    const measurements: Measurement[] = [];
    for (const size of sizes) measurements.push(...(await measureSize(size, runs)));
    return measurements;
  },
};

/** How often: an up of 1,000 sites takes minutes. */
function runsFor(size: number): { ups: number; previews: number } {
  if (size <= 30) return { ups: 5, previews: 7 };
  return size <= 300 ? { ups: 3, previews: 5 } : { ups: 1, previews: 3 };
}

async function measureSize(size: number, runs: number | undefined): Promise<Measurement[]> {
  const { ups, previews } = runsFor(size);
  const samples = { ours: [] as number[], trivial: [] as number[] };
  for (let run = 1; run <= (runs ?? ups); run++) {
    const ours = await BenchStack.create("ours", async () => runSites(size));
    samples.ours.push(await ours.up());
    const payloads = await choosePayloads(ours);
    const trivial = await BenchStack.create("flat", async () => runTrivial(payloads));
    samples.trivial.push(await trivial.up());
    try {
      if (run < (runs ?? ups)) continue;
      const second = await interleave(runs ?? previews, {
        ours: () => ours.preview(),
        trivial: () => trivial.preview(),
      });
      const bytes = { ours: ours.checkpoint.length, trivial: trivial.checkpoint.length };
      return [
        {
          subject: `${size} sites: state`,
          measured: { value: bytes.ours, unit: "B" },
          reference: { value: bytes.trivial, unit: "B", what: `${payloads.length} trivial resources` },
        },
        describe(`${size} sites: first up`, samples.ours, samples.trivial),
        describe(`${size} sites: no-change preview`, second.ours, second.trivial),
      ];
    } finally {
      ours.remove();
      trivial.remove();
    }
  }
  throw new TypeError("at least one run");
}

/** Found with one trivial resource whose payload has one character. */
async function choosePayloads(ours: BenchStack): Promise<number[]> {
  const probe = await BenchStack.create("flat", async () => runTrivial([1]));
  try {
    await probe.up();
    const [trivial] = probe.resources;
    if (trivial === undefined) throw new Error("the trivial resource is not in the state");
    return payloadsFor(ours.resources, trivial);
  } finally {
    probe.remove();
  }
}

function describe(subject: string, ours: readonly number[], trivial: readonly number[]): Measurement {
  return {
    subject,
    measured: { value: median(ours), unit: "ms" },
    reference: { value: median(trivial), unit: "ms", what: "trivial resources" },
    target: { of: "ratio", atMost: MOST },
    note: describeSpread(ours),
  };
}
