// Guards `npm run bench`: set-up, then the benchmarks under the project's Node. Arguments go to test/bench/main.ts.
import { join } from "node:path";
import { runShown } from "./lib/step.mjs";
import { root, runMain, setUp } from "./setup.mjs";

await runMain(async () => {
  const { node, env } = await setUp({ peers: true });
  const main = join(root, "test/bench/main.ts");
  return runShown(node, ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", main, ...process.argv.slice(2)], env, root);
});
