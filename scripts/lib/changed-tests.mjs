// Guards `npm test -- --changed`: vitest follows imports, and most engine tests load the built package, which nothing imports.
import { join } from "node:path";
import { runQuiet } from "./step.mjs";

/**
 * Tests that depend on files which they do not import, by where those files lie; both are beginnings of paths. A folder of
 * provider/src has its line here, or tests of it would be left out in silence (test/unit/changed-tests.test.ts).
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const reach = {
  "provider/src/": ["test/unit/import-rules", "test/unit/embedded-scripts", "test/packaging"],
  "provider/src/acme/": ["test/unit/acme", "test/peers/acme", "test/engine/acme", "test/engine/examples"],
  "provider/src/adapter/": ["test/engine"],
  "provider/src/cli/": ["test/peers/x509/inspect", "test/engine/examples/readme"],
  "provider/src/errors": ["test/engine"],
  "provider/src/files/": ["test/peers/x509/inspect", "test/engine/certificates", "test/engine/examples"],
  "provider/src/gateway/": ["test/engine/gateway", "test/engine/examples", "test/engine/adapter", "test/engine/acme"],
  "provider/src/index": ["test/engine"],
  "provider/src/lifecycle/": ["test/engine"],
  "provider/src/network/": ["test/engine/certificates", "test/engine/acme"],
  "provider/src/provider": ["test/engine"],
  "provider/src/renewal/": ["test/engine"],
  "provider/src/resources/": ["test/engine"],
  "provider/src/text/": ["test/engine", "test/peers/x509/inspect"],
  "provider/src/x509/": ["test/engine", "test/peers/x509/inspect"],
  "examples/": ["test/engine/examples", "test/peers/x509/inspect", "test/unit/example-index"],
  "examples-cloud/": ["test/packaging/composed-examples", "test/engine/acme/composed-twins"],
  "scripts/": [
    "test/engine/examples",
    "test/engine/adapter/recovery",
    "test/unit/changed-tests",
    "test/unit/embedded-scripts",
  ],
  "tools/": ["test/peers"],
  "README.md": ["test/engine/examples/readme", "test/unit/gateway/model/features"],
  "provider/README.md": ["test/engine/examples/readme"],
  "provider/package.json": ["test/packaging", "test/engine"],
  "test/support/": ["test/engine", "test/peers/acme", "test/unit/acme"],
  "test/vectors/": ["test/engine/adapter/replay", "test/peers/x509/chain-vectors", "test/unit/x509"],
};

/**
 * The test files that a change may break: those that vitest finds by their imports, and those of {@link reach}.
 * @param {string} root of the repository
 * @param {string} node
 * @param {NodeJS.ProcessEnv} env
 * @param {string | undefined} since a commit; undefined: what is not committed
 * @returns {Promise<string[]>} paths from the root
 */
export async function findChangedTests(root, node, env, since) {
  const git = async (/** @type {string[]} */ ...args) =>
    (await runQuiet("git", args, { cwd: root })).split("\n").filter((line) => line !== "");
  const changed = [
    ...(await git("diff", "--name-only", since ?? "HEAD")),
    ...(await git("ls-files", "--others", "--exclude-standard")),
  ];
  const reached = reachedBy(changed);
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const list = async (/** @type {string[]} */ ...args) => {
    const output = await runQuiet(node, [vitest, "list", "--filesOnly", "--json", ...args], { cwd: root, env });
    /** @type {{file: string}[]} */
    const files = JSON.parse(output.slice(output.indexOf("["), output.lastIndexOf("]") + 1));
    return files.map(({ file }) => file.slice(root.length + 1));
  };
  const imported = await list(since === undefined ? "--changed" : `--changed=${since}`);
  const further =
    reached.length === 0 ? [] : (await list()).filter((file) => reached.some((at) => file.startsWith(at)));
  return [...new Set([...imported, ...further])].sort();
}

/**
 * Beginnings of the paths of tests that depend on files without importing them.
 * @param {readonly string[]} changed paths from the root
 * @returns {readonly string[]}
 */
export function reachedBy(changed) {
  const found = Object.entries(reach).filter(([place]) => changed.some((path) => path.startsWith(place)));
  return [...new Set(found.flatMap(([, tests]) => tests))];
}
