// Chains of certificates that exist already: one of four in process against other libraries, then what scales.
import { certificateChain } from "../../provider/dist/lifecycle/chain/certificate-chain.js";
import { type ChainCase, judgeByPeculiar, judgeByPkijs, judgeByUs } from "./chain-judges.ts";
import { measureLoad } from "./chain-load.ts";
import { issueLeaf, type KeyType, makeCa, shuffle } from "./chain-pki.ts";
import { measurePool } from "./chain-pool.ts";
import { measurePreviews } from "./chain-preview.ts";
import { type Benchmark, describeSpread, interleave, type Measurement, median, timed } from "./measurement.ts";

const RUNS = 200;

/** Rounds after which the compiler has done its work, for the slowest of those that are compared. */
const WARM_UP = 50;

/** "Speed and memory": milliseconds for a chain of four with P-256 keys; pkijs took 3.3, @peculiar/x509 5.4. */
const MOST_P256 = 1;

/** Each sample takes the next one, so that nothing gains by what it remembers of the last. */
const CASES = 10;

export const chain: Benchmark = {
  name: "chain",
  title: "certificates that exist already: their chain read, ordered and checked",
  run: async (options) => [
    ...(await measureFour("P256", options.runs ?? RUNS)),
    ...(await measureFour("RSA2048", options.runs ?? RUNS)),
    ...(await measurePool(options.runs)),
    ...(await measureLoad(options.runs)),
    ...(await measurePreviews(options)),
  ],
};

/** The three judges, and `check` of the provider with all that it does around ours. */
async function measureFour(keyType: KeyType, runs: number): Promise<Measurement[]> {
  const cases = await makeCases(keyType);
  const things = {
    ours: sampler(cases, (one) => judgeByUs(one, "no key")),
    pkijs: sampler(cases, judgeByPkijs),
    peculiar: sampler(cases, judgeByPeculiar),
    check: sampler(cases.map(argumentsOf), checkWhole),
  };
  const { ours, pkijs, peculiar, check } = await interleave(runs, things, WARM_UP);
  const measured = { value: median(ours), unit: "ms" } as const;
  return [
    {
      subject: `chain of four, ${keyType}: read, ordered and checked`,
      measured,
      reference: { value: median(pkijs), unit: "ms", what: "pkijs, told the leaf" },
      ...(keyType === "P256" && { target: { of: "measured", atMost: MOST_P256 } }),
      note: describeSpread(ours),
    },
    {
      subject: "  the same",
      measured,
      reference: { value: median(peculiar), unit: "ms", what: "@peculiar/x509, told the leaf: signatures alone" },
    },
    {
      subject: "  with its key, as check of the resource",
      measured: { value: median(check), unit: "ms" },
      note: describeSpread(check),
    },
  ];
}

function sampler<Item>(items: readonly Item[], work: (item: Item) => unknown): () => Promise<number> {
  let turn = 0;
  return () => {
    const item = items[turn++ % items.length];
    if (item === undefined) throw new TypeError("there is at least one item");
    return timed(() => work(item));
  };
}

async function makeCases(keyType: KeyType): Promise<ChainCase[]> {
  const root = await makeCa("Bench Root", { keyType });
  const upper = await makeCa("Bench Upper CA", { keyType, issuer: root });
  const lower = await makeCa("Bench Lower CA", { keyType, issuer: upper });
  return Array.from({ length: CASES }, (_, index) => {
    const hostnames = [`shop-${index}.example.com`, `www.shop-${index}.example.com`];
    const { certPem: leafPem, privateKey } = issueLeaf(lower, hostnames);
    const [roots, ...others] = [root, upper, lower].map(({ certificate }) => certificate.pem) as [string, ...string[]];
    return { text: shuffle([leafPem, ...others, roots], index).join(""), leafPem, roots, hostnames, privateKey };
  });
}

/** What a program gives. */
function argumentsOf({ text, roots, hostnames, privateKey }: ChainCase): Record<string, unknown> {
  const privateKeyPem = privateKey.export({ type: "pkcs8", format: "pem" });
  return { certPem: text, privateKeyPem, roots, hostnames: [...hostnames] };
}

function checkWhole(given: Record<string, unknown>): void {
  const { inputs, failures } = certificateChain.check({}, given, new Date());
  if (inputs === undefined) throw new Error(`the chain was refused: ${JSON.stringify(failures)}`);
}
