// Guards `npm test`: set-up with the test programs, then all tests under the project's Node. Arguments go to vitest.
import { join } from "node:path";
import { root, runMain, setUp } from "./setup.mjs";
import { runShown } from "./step.mjs";

await runMain(async () => {
  const required = process.env.PEERS === "required";
  const { node, env } = await setUp({ cli: required ? "required" : "wanted", peers: true });
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=./test/support/summary-reporter.ts"];
  return runShown(node, [vitest, "run", ...reporters, ...process.argv.slice(2)], env, root);
});
