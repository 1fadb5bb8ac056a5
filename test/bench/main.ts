// Measures what "Speed and memory" of CONTRIBUTING.md promises: `npm run bench [-- <name>… --sizes 10,100 --runs 3 --json]`.
// A missed target is marked, and is no failure: the machine may be busy. Exit code 1 is for errors only.
import { parseArgs } from "node:util";
import { acme } from "./acme.ts";
import { chain } from "./chain.ts";
import { engine } from "./engine.ts";
import { fleet } from "./fleet.ts";
import { gateways } from "./gateways.ts";
import { issue } from "./issue.ts";
import { load } from "./load.ts";
import { type Benchmark, type BenchOptions, isMissed, type Measurement, ratioOf } from "./measurement.ts";
import { standing } from "./standing.ts";
import { state } from "./state.ts";
import { renderTable } from "./table.ts";

/** Quick ones first. */
const benchmarks: readonly Benchmark[] = [state, load, issue, chain, acme, standing, gateways, fleet, engine];

function readCommandLine(): { chosen: readonly Benchmark[]; options: BenchOptions; json: boolean } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { sizes: { type: "string" }, runs: { type: "string" }, json: { type: "boolean", default: false } },
  });
  const chosen = positionals.map((name) => {
    const found = benchmarks.find((benchmark) => benchmark.name === name);
    if (found === undefined) throw new Error(`no benchmark ${name}: ${benchmarks.map((one) => one.name).join(", ")}`);
    return found;
  });
  const sizes = values.sizes?.split(",").map((size) => readCount(size, "--sizes"));
  const runs = values.runs === undefined ? undefined : readCount(values.runs, "--runs");
  return {
    chosen: chosen.length > 0 ? chosen : benchmarks,
    options: { ...(sizes && { sizes }), ...(runs && { runs }) },
    json: values.json,
  };
}

function readCount(text: string, option: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`${option} takes whole numbers above 0, found ${text}`);
  return count;
}

async function main(): Promise<void> {
  const { chosen, options, json } = readCommandLine();
  const results: Record<string, readonly (Measurement & { ratio: number | undefined; missed: boolean })[]> = {};
  for (const benchmark of chosen) {
    if (!json) console.log(`\n${benchmark.name}: ${benchmark.title}`);
    const measurements = await benchmark.run(options);
    results[benchmark.name] = measurements.map((one) => ({ ...one, ratio: ratioOf(one), missed: isMissed(one) }));
    if (!json) console.log(renderTable(measurements));
  }
  if (json) console.log(JSON.stringify(results, undefined, 2));
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
