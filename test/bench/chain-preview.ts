// Chains as resources that are not created yet, against as many trivial dynamic resources.
import { BenchStack, storeOnce } from "./bench-stack.ts";
import { issueLeaf, makeCa } from "./chain-pki.ts";
import { type ChainArguments, counterparts, runChains, runTrivial, storeEmpty } from "./fleet-program.ts";
import { type BenchOptions, describeSpread, interleave, type Measurement, median } from "./measurement.ts";

const SIZES = [100, 1_000];

/** "Speed and memory": times the preview of trivial resources, for 1,000 chains; fewer don't outweigh loading. */
const LARGE = { chains: 1_000, ratio: 1.2 };

/** The first one finds nothing in the machine's caches. */
const WARM_UP = 1;

export async function measurePreviews({ sizes = SIZES, runs }: BenchOptions): Promise<Measurement[]> {
  const chains = await makeChains(Math.max(...sizes));
  const measurements: Measurement[] = [];
  for (const size of sizes) measurements.push(...(await measureSize(chains.slice(0, size), runs)));
  return measurements;
}

/** Each of its own leaf and key, below one intermediate. */
async function makeChains(size: number): Promise<ChainArguments[]> {
  const root = await makeCa("Bench Root");
  const intermediate = await makeCa("Bench Intermediate", { issuer: root });
  return Array.from({ length: size }, (_, index) => {
    const hostnames = [`shop-${String(index).padStart(5, "0")}.example.com`];
    const { certPem, privateKey } = issueLeaf(intermediate, hostnames);
    return {
      certPem,
      issuerPem: intermediate.certificate.pem,
      privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      roots: root.certificate.pem,
      hostnames,
    };
  });
}

/** How often: a preview of 1,000 takes seconds. */
function runsFor(size: number): number {
  return size <= 300 ? 7 : 5;
}

async function measureSize(chains: readonly ChainArguments[], runs: number | undefined): Promise<Measurement[]> {
  const stacks = await createStacks(chains);
  try {
    const things = {
      ours: () => stacks.ours.preview("any"),
      text: () => stacks.text.preview("any"),
      inputs: () => stacks.inputs.preview("any"),
    };
    const { ours, text, inputs } = await interleave(runs ?? runsFor(chains.length), things, WARM_UP);
    const measured = { value: median(ours), unit: "ms" } as const;
    const target = chains.length >= LARGE.chains && ({ target: { of: "ratio", atMost: LARGE.ratio } } as const);
    return [
      {
        subject: `${chains.length} chains: first preview`,
        measured,
        reference: { value: median(text), unit: "ms", what: "trivial resources with one text as long" },
        ...target,
        note: describeSpread(ours),
      },
      {
        subject: "  the same",
        measured,
        reference: { value: median(inputs), unit: "ms", what: "trivial resources with the same inputs and secrets" },
        ...target,
        note: describeSpread(inputs),
      },
    ];
  } finally {
    for (const stack of Object.values(stacks)) stack.remove();
  }
}

/** The three programs, none of them applied; what one chain is in the state says how large its counterparts are. */
async function createStacks(chains: readonly ChainArguments[]) {
  const [stored] = await storeOnce(async () => runChains(chains.slice(0, 1)));
  if (stored === undefined) throw new Error("the chain is not in the state");
  const empty = await storeEmpty();
  const alike = chains.map(() => stored);
  const texts = counterparts(alike, empty, "one text");
  const shaped = counterparts(alike, empty, "same inputs");
  return {
    ours: await BenchStack.create("ours", async () => runChains(chains)),
    text: await BenchStack.create("flat", async () => runTrivial(texts)),
    inputs: await BenchStack.create("flat", async () => runTrivial(shaped)),
  };
}
