// What a program pays before the first certificate is read: each sample is a fresh Node.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { programFolder } from "./bench-stack.ts";
import { describeSpread, interleave, type Measurement, median } from "./measurement.ts";

const RUNS = 20;

/** "Speed and memory": milliseconds over loading nothing. */
const MOST = 15;

const modules = ["chain/chain.js", "containers/container.js"].map((name) =>
  join(programFolder, "provider/dist/x509", name),
);

/** Of Node itself, which every process of the engine has loaded for its own connections. */
const builtIn = ["node:crypto", "node:tls"];

/** Loads the first list, then times the loading of the second. */
const script = `
const [before, after] = JSON.parse(process.argv[1]);
for (const name of before) require(name);
const start = performance.now();
for (const name of after) require(name);
console.log(performance.now() - start);`;

/** @param runs samples of each. */
export async function measureLoad(runs = RUNS): Promise<Measurement[]> {
  const { empty, whole, beside } = await interleave(runs, {
    empty: () => sample([], []),
    whole: () => sample([], modules),
    beside: () => sample(builtIn, modules),
  });
  const above = (samples: readonly number[]) => {
    const value = Math.max(0, median(samples) - median(empty));
    return { measured: { value, unit: "ms" }, note: describeSpread(samples) } as const;
  };
  return [
    {
      subject: "loading what reads and judges chains",
      ...above(whole),
      target: { of: "measured", atMost: MOST },
    },
    { subject: "  the same, where crypto and tls of Node are loaded", ...above(beside) },
  ];
}

async function sample(before: readonly string[], after: readonly string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", script, JSON.stringify([before, after])], {
    cwd: programFolder,
    timeout: 60_000,
  });
  return Number(stdout);
}
