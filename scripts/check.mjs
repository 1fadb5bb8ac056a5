// Guards `npm run check`: format, lint, unused exports, types and the quick unit tests in under 30 s. Prints a line
// for each step, and output of failures only.
import { join } from "node:path";
import { findScripts } from "./lib/embed-scripts.mjs";
import { runQuiet, seconds } from "./lib/step.mjs";
import { findProgram } from "./lib/tools-cache.mjs";
import { root, runMain, setUp } from "./setup.mjs";

/** Kept beside the packages: only what changed is judged anew. */
const buildInfo = "node_modules/.cache/test.tsbuildinfo";

/** Judges the changed files alone, where a promise may come from another file: CI judges all. */
const eslintCache = process.env.CI ? [] : ["--cache", "--cache-location", "node_modules/.cache/eslint/"];

/** Unit tests that start programs, make RSA keys or wait for a bound of the product: two thirds of the time. `npm test` runs them. */
const slowUnits = [
  "acme/challenge/dns-01/command",
  "acme/challenge/http-01/webroot",
  "acme/dns/propagation",
  "acme/run/engine-watch",
  "acme/journal/lock",
  "acme/journal/processes",
  "lifecycle/chain/completion",
  "lifecycle/site/schema",
  "x509/chain/chain",
  "x509/chain/advice",
  "x509/chain/mutations",
  "x509/containers/container",
  "x509/pkcs12/read",
  "x509/keys/private-key",
].flatMap((name) => ["--exclude", `test/unit/${name}.test.ts`]);

/** Two lanes for two cores, each one after the other: the type checkers need the most memory and time. */
const lanes = [
  [
    ["types of the tests", "typescript/bin/tsc", "-p", "test", "--incremental", "--tsBuildInfoFile", buildInfo],
    ["types of the scripts", "typescript/bin/tsc", "-p", "scripts"],
    ["promises", "eslint/bin/eslint.js", ...eslintCache, "provider/src", "test"],
  ],
  [
    ["unused code", "knip/bin/knip.js", "--no-progress"],
    ["format and lint", "@biomejs/biome/bin/biome", "ci", "--error-on-warnings", "--colors=off"],
    ["quick unit tests", "vitest/vitest.mjs", "run", "--project", "unit", "--reporter=dot", ...slowUnits],
  ],
];

await runMain(async () => {
  const { node, env: given } = await setUp({ cli: "no" });
  // the fuzz tests run a few times here and whole in `npm test`
  const env = { FUZZ_RUNS: "100", TEST_WORKERS: "2", ...given };
  const results = await Promise.all([
    checkShell(env),
    ...lanes.map(async (lane) => {
      let passed = true;
      for (const [title = "", script = "", ...args] of lane) {
        passed = (await check(env, title, node, [join(root, "node_modules", script), ...args])) && passed;
      }
      return passed;
    }),
  ]);
  return results.every((passed) => passed) ? 0 : 1;
});

/**
 * Each file of shell on its own: a second or two. A contributor may lack the program, CI may not.
 * @param {NodeJS.ProcessEnv} env
 */
async function checkShell(env) {
  const title = "shell scripts";
  if (!process.env.CI && findProgram("shellcheck", env.PATH) === undefined) {
    process.stderr.write(`${title} … skipped: shellcheck is not on PATH\n`);
    return true;
  }
  const scripts = findScripts().filter((file) => file.endsWith(".sh"));
  return check(env, title, "shellcheck", ["--color=never", ...scripts, join(root, ".ci/run")]);
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} title
 * @param {string} command
 * @param {string[]} args
 */
async function check(env, title, command, args) {
  const start = performance.now();
  try {
    await runQuiet(command, args, { cwd: root, env });
    process.stderr.write(`${title} … ${seconds(start)}\n`);
    return true;
  } catch (error) {
    process.stderr.write(
      `${title} … failed after ${seconds(start)}\n${error instanceof Error ? error.message : error}\n`,
    );
    return false;
  }
}
