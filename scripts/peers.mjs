// Guards that tests and examples meet real programs: those of tools/peers.json are built once a user, the others come with the system.
import { readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { runQuiet, step } from "./step.mjs";
import { cachedTool, findProgram, isToolCached } from "./tools-cache.mjs";

/** Programs that are expected from the system; .ci/run installs them. */
const systemPrograms = ["openssl", "keytool", "nginx", "haproxy", "chromium", "certutil"];
/** Where Debian puts servers; a plain user's PATH lacks it. */
const serverFolders = ["/usr/local/sbin", "/usr/sbin"].join(delimiter);

/**
 * The folders of the test programs that are not on PATH. What cannot be had is said in a line, and its tests are skipped.
 * @param {string} root of the repository
 * @param {boolean} required whether a missing program is an error
 * @returns {Promise<string[]>}
 */
export async function findPeers(root, required) {
  const pins = readPins(root);
  const folders = [];
  const missing = [];
  for (const program of systemPrograms) {
    if (findProgram(program) !== undefined) continue;
    const server = findProgram(program, serverFolders);
    if (server === undefined) missing.push(program);
    else folders.push(dirname(server));
  }
  for (const pin of pins) {
    const found = findProgram(pin.program);
    const folder = found === undefined ? await buildPeer(pin, required) : dirname(found);
    if (folder === undefined) missing.push(pin.program);
    else folders.push(folder);
  }
  if (missing.length > 0 && required) throw new Error(`PEERS=required, and these are missing: ${missing.join(", ")}`);
  if (missing.length > 0) process.stderr.write(`no ${missing.join(", ")} here: their tests will be skipped\n`);
  return folders;
}

/** A program that can't be had here; the message says what to do. */
export class ProgramMissing extends Error {}

/**
 * The paths of programs of tools/peers.json that an example can't do without, by name; built when they are missing.
 * @param {string} root of the repository
 * @param {readonly string[]} names
 * @returns {Promise<Record<string, string>>}
 * @throws {ProgramMissing} neither the program nor Go is there
 */
export async function requirePrograms(root, names) {
  /** @type {Record<string, string>} */
  const paths = {};
  for (const pin of readPins(root).filter(({ program }) => names.includes(program))) {
    const { program } = pin;
    const found = findProgram(program);
    const folder = found === undefined ? await buildPeer(pin, true) : dirname(found);
    if (folder === undefined) {
      const from = `${pin.package}@${pin.version}`;
      throw new ProgramMissing(
        `${program} is neither on PATH nor built, and there is no Go to build it: install Go (https://go.dev/doc/install) and run this again, or put ${program} (${from}) on PATH.`,
      );
    }
    paths[program] = join(folder, program);
  }
  return paths;
}

/**
 * @typedef {{program: string, package: string, version: string}} Pin
 */

/**
 * @param {string} root
 * @returns {Pin[]}
 */
function readPins(root) {
  return JSON.parse(readFileSync(join(root, "tools/peers.json"), "utf8"));
}

/**
 * @param {Pin} pin
 * @param {boolean} required
 */
async function buildPeer(pin, required) {
  const name = `${pin.program}-${pin.version}`;
  const pins = [pin.package, pin.version];
  if (isToolCached(name, pins)) return cachedTool(name, pins, async () => {});
  const go = findProgram("go");
  if (go === undefined) return undefined;
  try {
    return await step(`${pin.program} ${pin.version}: building it with Go (once a user)`, () =>
      cachedTool(name, pins, async (folder) => {
        const env = { ...process.env, GOBIN: join(folder, "bin"), CGO_ENABLED: "0" };
        await runQuiet(go, ["install", `${pin.package}@${pin.version}`], { env, limitSeconds: 1800 });
      }),
    );
  } catch (error) {
    if (required) throw error;
    return undefined;
  }
}
