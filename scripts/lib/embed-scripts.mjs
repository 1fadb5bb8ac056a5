// Guards that every .sh and .awk file of provider/src is in the TypeScript module beside it: `node scripts/lib/embed-scripts.mjs`.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const source = resolve(dirname(fileURLToPath(import.meta.url)), "../../provider/src");

/** One module for the scripts of a folder. It is committed, so that a type checker, an editor or a test needs no build first. */
const moduleName = "embedded-scripts.ts";

/** Lines that are for readers and shellcheck alone: `##` comments and directives. All others are embedded as they are. */
const leftOut = /^[ \t]*(##|# shellcheck ).*\n/gm;

/**
 * The shell scripts and awk programs of the provider, sorted.
 * @returns {string[]} absolute paths
 */
export function findScripts() {
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(sh|awk)$/.test(file))
    .map((file) => join(source, file))
    .sort();
}

/**
 * The modules as they must be.
 * @returns {Map<string, string>} absolute path -> text
 */
export function embeddedModules() {
  /** @type {Map<string, string>} */
  const modules = new Map();
  for (const file of findScripts()) {
    const path = join(dirname(file), moduleName);
    const text = JSON.stringify(readFileSync(file, "utf8").replace(leftOut, ""));
    const name = file.slice(dirname(file).length + 1);
    modules.set(path, `${modules.get(path) ?? heading}\n/** \`${name}\` */\nexport const ${nameOf(name)} = ${text};\n`);
  }
  return modules;
}

const heading = "// Made by `npm run build` from the .sh and .awk files of this folder: change those.\n";

/**
 * The name of a script's constant: `json-merge.awk` is `jsonMergeAwk`.
 * @param {string} file
 */
function nameOf(file) {
  return file.replace(/[-.]([a-z0-9])/g, (_, letter) => letter.toUpperCase());
}

/** Writes the modules that are not as they must be. */
export function embedScripts() {
  for (const [path, text] of embeddedModules()) {
    if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) embedScripts();
