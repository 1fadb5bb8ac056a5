// Guards that tests and examples meet real programs: those of tools/peers.json are built once a user, the others come with the system.
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { runQuiet, step } from "./step.mjs";
import { cachedTool, findProgram, isToolCached } from "./tools-cache.mjs";

/** Programs that are expected from the system; .ci/run installs them. */
const systemPrograms = [
  ...["openssl", "keytool", "nginx", "haproxy", "apache2", "dash", "busybox", "curl", "wget", "chromium", "certutil"],
  ...["named", "knotd", "nsupdate", "dig"],
];
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
  const skipped = [];
  for (const program of systemPrograms) {
    if (findProgram(program) !== undefined) continue;
    const server = findProgram(program, serverFolders);
    if (server === undefined) missing.push(program);
    else folders.push(dirname(server));
  }
  for (const pin of pins) {
    const found = findUsable(pin);
    const isOptional = "isOptional" in pin;
    // one of many minutes is built where peers are required alone
    const isWorth = required || !isOptional || isBuilt(root, pin);
    const built = found === undefined && isWorth ? await buildPeer(root, pin, required && !isOptional) : undefined;
    const folder = found === undefined ? built : dirname(found);
    if (folder !== undefined) folders.push(folder);
    else if (isOptional) skipped.push(pin.program);
    else missing.push(pin.program);
  }
  if (missing.length > 0 && required) throw new Error(`PEERS=required, and these are missing: ${missing.join(", ")}`);
  const absent = [...missing, ...skipped];
  if (absent.length > 0) process.stderr.write(`no ${absent.join(", ")} here: their tests will be skipped\n`);
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
    const found = findUsable(pin);
    const folder = found === undefined ? await buildPeer(root, pin, true) : dirname(found);
    if (folder === undefined) {
      const from = "folder" in pin ? pin.folder : `${pin.package}@${pin.version}`;
      throw new ProgramMissing(
        `${program} is neither on PATH nor built, and there is no Go to build it: install Go (https://go.dev/doc/install) and run this again, or put ${program} (${from}) on PATH.`,
      );
    }
    paths[program] = join(folder, program);
  }
  return paths;
}

/**
 * A Go program: a package of a published module at a version, or a module of ours in a folder of the repository, which may
 * have a build.mjs that lays more beside it. An optional one takes minutes, and needs hundreds of modules that not every
 * registry may serve: where it can't be had its tests are skipped by name, even where peers are required.
 * @typedef {{program: string, package: string, version: string, isExact?: true} | {program: string, folder: string, isOptional?: true}} Pin
 */

/**
 * The program on PATH; none for one that is needed in its exact version: Debian's Caddy is a peer of its own.
 * @param {Pin} pin
 */
function findUsable(pin) {
  return "isExact" in pin ? undefined : findProgram(pin.program);
}

/**
 * @param {string} root
 * @returns {Pin[]}
 */
function readPins(root) {
  return JSON.parse(readFileSync(join(root, "tools/peers.json"), "utf8"));
}

/**
 * @param {string} root
 * @param {Pin} pin
 * @param {boolean} required
 */
async function buildPeer(root, pin, required) {
  const { name, pins, title } = describePin(root, pin);
  if (isToolCached(name, pins)) return cachedTool(name, pins, async () => {});
  const go = findProgram("go");
  if (go === undefined) return undefined;
  try {
    return await step(`${title}: building it with Go (once a user)`, () =>
      cachedTool(name, pins, async (folder) => {
        const bin = join(folder, "bin");
        const env = { ...process.env, GOBIN: bin, CGO_ENABLED: "0" };
        const args =
          "folder" in pin
            ? await buildArguments(go, join(root, pin.folder), folder, join(bin, pin.program))
            : ["install", `${pin.package}@${pin.version}`];
        await runQuiet(go, args, { env, limitSeconds: 1800 });
      }),
    );
  } catch (error) {
    if (required) throw error;
    return undefined;
  }
}

/**
 * @param {string} go
 * @param {string} source the folder of a module of ours
 * @param {string} making the folder of the program to come
 * @param {string} output its path there
 * @returns {Promise<string[]>}
 */
async function buildArguments(go, source, making, output) {
  if (!existsSync(join(source, "build.mjs"))) return ["build", "-C", source, "-o", output, "."];
  const { prepare } = await import(pathToFileURL(join(source, "build.mjs")).href);
  const work = mkdtempSync(join(making, "work-"));
  const args = prepare(go, source, work);
  return ["build", "-C", work, "-o", output, ...args];
}

/**
 * @param {string} root
 * @param {Pin} pin
 */
function isBuilt(root, pin) {
  const { name, pins } = describePin(root, pin);
  return isToolCached(name, pins);
}

/**
 * What a program is called, and all that its content depends on: of one of ours, every file.
 * @param {string} root
 * @param {Pin} pin
 */
function describePin(root, pin) {
  if (!("folder" in pin)) {
    return {
      name: `${pin.program}-${pin.version}`,
      pins: [pin.package, pin.version],
      title: `${pin.program} ${pin.version}`,
    };
  }
  const folder = join(root, pin.folder);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const pins = files
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((file) => [relative(folder, file), readFileSync(file, "utf8")]);
  return { name: pin.program, pins, title: pin.program };
}
