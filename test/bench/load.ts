// What the frozen path costs the engine's provider process: each sample is a fresh Node with that process's own libraries.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { programFolder } from "./bench-stack.ts";
import { type Benchmark, describeSpread, interleave, type Measurement, median } from "./measurement.ts";

const RUNS = 20;

/** "Speed and memory": milliseconds over loading an empty provider. */
const MOST = 150;
/** Milliseconds that a program waits for the package, over `@pulumi/pulumi`, which it loads anyway. */
const MOST_OF_PACKAGE = 60;

const KINDS = ["selfSignedCa", "leafCertificate", "certificateChain", "site", "gateway"] as const;

/**
 * Does what the dynamic-provider process of @pulumi/pulumi does at the first call for each text (cmd/dynamic-provider,
 * `getProvider`), with the libraries of that process loaded before. A check of nothing makes a kind load all it needs.
 */
const script = `
for (const name of ["source-map-support/register", "@grpc/grpc-js", "@pulumi/pulumi/runtime/rpc", "@pulumi/pulumi/runtime",
  "google-protobuf/google/protobuf/struct_pb", "@pulumi/pulumi/proto/provider_grpc_pb"]) require(name);
const requireFromString = require("require-from-string");
const [check, ...texts] = process.argv.slice(1);
const run = async () => {
  const start = performance.now();
  for (const text of texts) {
    const provider = requireFromString(text).handler();
    if (check === "check") await provider.check({}, {});
  }
  console.log(performance.now() - start);
};
run();`;

/** What every program does first. */
const program = `
require("@pulumi/pulumi");
const start = performance.now();
require("pulumi-tls-gateway");
console.log(performance.now() - start);`;

const EMPTY = "exports.handler = () => ({ check: async () => ({}) });";

export const load: Benchmark = {
  name: "load",
  title: "loading, in a program over @pulumi/pulumi, and in the dynamic-provider process over an empty provider",
  run: async ({ runs = RUNS }) => {
    const texts = KINDS.map((kind) => `exports.handler = () => require("pulumi-tls-gateway/provider").${kind};`);
    const samples: Record<string, number[]> = await interleave<string>(runs, {
      package: () => run(program),
      empty: () => sample("check", [EMPTY]),
      untouched: () => sample("load", texts),
      ...Object.fromEntries(KINDS.map((kind, index) => [kind, () => sample("check", texts.slice(index, index + 1))])),
      all: () => sample("check", texts),
    });
    const empty = median(samples.empty ?? []);
    const measure = (subject: string, name: string): Measurement => ({
      subject,
      measured: { value: Math.max(0, median(samples[name] ?? []) - empty), unit: "ms" },
      target: { of: "measured", atMost: MOST },
      note: describeSpread(samples[name] ?? []),
    });
    return [
      {
        subject: "the package, in a program",
        measured: { value: median(samples.package ?? []), unit: "ms" },
        target: { of: "measured", atMost: MOST_OF_PACKAGE },
        note: describeSpread(samples.package ?? []),
      },
      measure("all kinds, none called yet", "untouched"),
      ...KINDS.map((kind) => measure(`${kind}, with its first check`, kind)),
      measure("all kinds, with their first checks", "all"),
    ];
  },
};

function sample(check: "check" | "load", texts: readonly string[]): Promise<number> {
  return run(script, check, ...texts);
}

async function run(code: string, ...args: readonly string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", code, ...args], {
    cwd: programFolder,
    timeout: 60_000,
  });
  return Number(stdout);
}
