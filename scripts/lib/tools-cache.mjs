// Guards the time of a second clone: tools are made once a user and version, complete or not at all.
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** The folder of all tools of this user that were made by the set-up. */
const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pulumi-tls-gateway", "tools");

/**
 * The `bin` folder of a tool, which is made when there is none yet.
 * @param {string} name what the folder is called
 * @param {string[]} pins all that the tool's content depends on: another pin is another folder
 * @param {(folder: string) => Promise<void>} make puts the tool into `bin/` of an empty folder
 * @returns {Promise<string>}
 */
export async function cachedTool(name, pins, make) {
  const final = toolFolder(name, pins);
  if (existsSync(final)) return join(final, "bin");
  mkdirSync(cacheFolder, { recursive: true });
  const making = mkdtempSync(join(cacheFolder, ".making-"));
  try {
    await make(making);
    try {
      renameSync(making, final);
    } catch (error) {
      // another clone has made the same tool meanwhile: its folder is as good
      if (!existsSync(final)) throw error;
    }
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return join(final, "bin");
}

/**
 * Whether {@link cachedTool} has the tool already.
 * @param {string} name
 * @param {string[]} pins
 */
export function isToolCached(name, pins) {
  return existsSync(toolFolder(name, pins));
}

/**
 * @param {string} name
 * @param {string[]} pins
 */
function toolFolder(name, pins) {
  const hash = createHash("sha256").update(JSON.stringify([process.platform, process.arch, ...pins]));
  return join(cacheFolder, `${name}-${hash.digest("hex").slice(0, 16)}`);
}

/**
 * The full path of a program on PATH, or undefined.
 * @param {string} program
 * @param {string} [path]
 */
export function findProgram(program, path = process.env.PATH ?? "") {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * PATH with these folders first.
 * @param {string[]} folders
 * @param {string} [path]
 */
export function pathWith(folders, path = process.env.PATH ?? "") {
  return [...folders, path].join(delimiter);
}
