// Guards `npm test`: set-up with the test programs, then all tests under the project's Node. Arguments go to vitest, but for
// `--changed`, which has to know more than vitest does, and `--long`, the long tier.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { findChangedTests } from "./lib/changed-tests.mjs";
import { runShown } from "./lib/step.mjs";
import { root, runMain, setUp } from "./setup.mjs";

await runMain(async () => {
  const required = process.env.PEERS === "required";
  const { node, env: found } = await setUp({ cli: required ? "required" : "wanted", peers: true });
  const env = { ...shortLived(), ...found };
  const isLong = process.argv.includes("--long");
  const changed = process.argv.find((arg) => arg === "--changed" || arg.startsWith("--changed="));
  const args = process.argv.slice(2).filter((arg) => arg !== "--long" && arg !== changed);
  if (changed !== undefined) {
    const files = await findChangedTests(root, node, env, changed.split("=")[1]);
    if (files.length === 0) {
      process.stderr.write("no test depends on what changed\n");
      return 0;
    }
    args.push(...files);
  }
  if (isLong && !args.some((arg) => !arg.startsWith("-"))) args.push(...filesWithLongForm());
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=./test/support/summary-reporter.ts"];
  const tier = isLong ? { TEST_TIER: "long" } : {};
  return runShown(node, [vitest, "run", ...reporters, ...args], { ...env, ...tier }, root);
});

/**
 * For the thousand processes that the tests start, which live for a second: Node keeps what it has compiled and loads less of
 * Pulumi, and the CLI, written in Go, collects its garbage less often.
 * @returns {NodeJS.ProcessEnv}
 */
function shortLived() {
  const options = `--require=${join(root, "test/support/lazy-modules.cjs")}`;
  return { NODE_COMPILE_CACHE: join(root, "node_modules/.cache/compile"), NODE_OPTIONS: options, GOGC: "400" };
}

/**
 * Test files that hold more in the long tier: they, or a file of test/support that they import, ask for the tier.
 * @returns {string[]}
 */
function filesWithLongForm() {
  const test = join(root, "test");
  const files = readdirSync(test, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const texts = files.map((file) => ({ file: join(test, file), text: readFileSync(join(test, file), "utf8") }));
  const asking = texts.filter(({ text }) => /from "[./]*(support\/)?tier"/.test(text));
  const supports = asking.filter(({ file }) => file.includes("/support/"));
  const names = supports.map(({ file }) => /\/support\/(.+)\.ts$/.exec(file)?.[1] ?? "");
  const isLong = (/** @type {{file: string, text: string}} */ { file, text }) =>
    asking.some((one) => one.file === file) || names.some((name) => text.includes(`/support/${name}"`));
  return texts.filter((one) => one.file.endsWith(".test.ts") && isLong(one)).map(({ file }) => relative(root, file));
}
