// Sites with leaf certificates as resources, against as many trivial dynamic resources with as much state.
import { BenchStack } from "./bench-stack.ts";
import { counterparts, runSites, runTrivial, storeEmpty } from "./fleet-program.ts";
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
  const samples: Samples = { ours: [], text: [], inputs: [] };
  for (let run = 1; ; run++) {
    const stacks = await createStacks(size, samples);
    try {
      if (run < (runs ?? ups)) continue;
      const second = await interleave(runs ?? previews, {
        ours: () => stacks.ours.preview(),
        text: () => stacks.text.preview(),
        inputs: () => stacks.inputs.preview(),
      });
      const { ours, text } = stacks;
      return [
        {
          subject: `${size} sites: state`,
          measured: { value: ours.checkpoint.length, unit: "B" },
          reference: { value: text.checkpoint.length, unit: "B", what: `${text.resources.length} trivial resources` },
        },
        ...compare(`${size} sites: first up`, samples),
        ...compare(`${size} sites: no-change preview`, second),
      ];
    } finally {
      for (const stack of Object.values(stacks)) stack.remove();
    }
  }
}

/** Milliseconds of our program, of one with as much state in one text a resource, and of one with the same inputs. */
type Samples = Readonly<Record<"ours" | "text" | "inputs", number[]>>;

/** The three programs, each applied once on a stack of its own. */
async function createStacks(size: number, samples: Samples) {
  const ours = await BenchStack.create("ours", async () => runSites(size));
  samples.ours.push(await ours.up());
  const empty = await storeEmpty();
  const texts = counterparts(ours.resources, empty, "one text");
  const text = await BenchStack.create("flat", async () => runTrivial(texts));
  samples.text.push(await text.up());
  const shaped = counterparts(ours.resources, empty, "same inputs");
  const inputs = await BenchStack.create("flat", async () => runTrivial(shaped));
  samples.inputs.push(await inputs.up());
  return { ours, text, inputs };
}

function compare(subject: string, { ours, text, inputs }: Samples): Measurement[] {
  const measured = { value: median(ours), unit: "ms" } as const;
  return [
    {
      subject,
      measured,
      reference: { value: median(text), unit: "ms", what: "trivial resources" },
      target: { of: "ratio", atMost: MOST },
      note: describeSpread(ours),
    },
    {
      subject: "  the same",
      measured,
      reference: { value: median(inputs), unit: "ms", what: "trivial resources with the same inputs and secrets" },
    },
  ];
}
