// Guards that a fresh clone needs no steps: packages, build, Pulumi CLI and test programs, each made when it is missing or old.
// Runs under the system's Node, 20 or later, before there is a node_modules folder.
import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { embedScripts } from "./lib/embed-scripts.mjs";
import { findPeers } from "./lib/peers.mjs";
import { findPulumiCli } from "./lib/pulumi-cli.mjs";
import { runQuiet, seconds, step } from "./lib/step.mjs";
import { pathWith } from "./lib/tools-cache.mjs";

/** The folder of the repository. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * @typedef {object} SetUp
 * @property {string} node the project's Node
 * @property {NodeJS.ProcessEnv} env for commands: the project's programs, the CLI and the test programs first on PATH
 */

/**
 * Does what is not done yet, with one line on stderr for each thing done, and nothing when all is there.
 * @param {{cli?: "required" | "wanted" | "no", peers?: boolean}} [options] "wanted": its absence is only said
 * @returns {Promise<SetUp>}
 */
export async function setUp({ cli = "required", peers = false } = {}) {
  const node = join(root, "node_modules/.bin/node");
  if (!isInstalled()) await step("packages: npm ci", () => runQuiet(...npmCi));
  await build(node);
  const tools = cli === "no" ? [] : await cliFolder(node, cli);
  if (peers) tools.push(...(await findPeers(root, process.env.PEERS === "required")));
  const folders = [...new Set(tools)];
  const env = { ...process.env, PATH: pathWith([dirname(node), ...folders]) };
  return { node, env: folders.length > 0 ? { ...env, TLS_GATEWAY_TOOLS: folders.join(delimiter) } : env };
}

/**
 * Calls a script's main function, and ends the process with its exit code; a failure is told without a stack.
 * @param {() => Promise<number>} main
 */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}

/** @type {[string, string[], {cwd: string, limitSeconds: number}]} */
const npmCi = ["npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: root, limitSeconds: 900 }];

/**
 * Whether node_modules holds what package-lock.json says: npm writes the second file last, so an install that was broken off
 * has none. Packages for other platforms are left out of it.
 */
function isInstalled() {
  const installedFile = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installedFile) || !existsSync(join(root, "node_modules/.bin/node"))) return false;
  const wanted = readPackages(join(root, "package-lock.json"));
  const installed = readPackages(installedFile);
  return Object.entries(wanted).every(([path, entry]) => {
    const found = installed[path];
    if (path === "") return true;
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity && found.link === entry.link;
  });
}

/**
 * @param {string} file
 * @returns {Record<string, {version?: string, integrity?: string, link?: boolean, optional?: boolean}>}
 */
function readPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

/** @param {string} node */
async function build(node) {
  const start = performance.now();
  const stamp = join(root, "provider/dist/.tsbuildinfo");
  const written = () => statSync(stamp, { throwIfNoEntry: false })?.mtimeMs;
  const before = written();
  // CI tests what is committed: a module that is old must fail there
  if (!process.env.CI) embedScripts();
  await runQuiet(node, [join(root, "node_modules/typescript/bin/tsc"), "-b", "provider"], { cwd: root });
  // npm does so when it installs the package; in a working copy the command is built after the installation
  chmodSync(join(root, "provider/dist/cli/main.js"), 0o755);
  if (written() !== before) process.stderr.write(`provider: compiled … ${seconds(start)}\n`);
}

/**
 * @param {string} node
 * @param {"required" | "wanted"} need
 */
async function cliFolder(node, need) {
  const folder = await findPulumiCli(root, node);
  if (folder !== undefined) return [folder];
  const advice =
    "install it from https://www.pulumi.com/docs/iac/download-install/, or Go 1.26 so that it can be built";
  const told = `no Pulumi CLI on PATH, no download and no Go: ${advice}`;
  if (need === "required") throw new Error(told);
  process.stderr.write(`${told}\n`);
  return [];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runMain(async () => {
    await setUp({ peers: process.argv.includes("--peers") });
    return 0;
  });
}
