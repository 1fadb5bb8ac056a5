// Guards that the changelog misses no change: each change adds a fragment, and a release joins them.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** As Keep a Changelog has them, in its order. */
const sections = ["added", "changed", "deprecated", "removed", "fixed", "security"];

const help = `Puts the fragments of changes/ under a new version in CHANGELOG.md, and deletes them.

  node scripts/changelog.mjs 0.2.0     releases them as 0.2.0, today
  node scripts/changelog.mjs --check   says what is wrong with a fragment, and changes nothing
`;

/**
 * A fragment.
 * @typedef {object} Fragment
 * @property {string} file
 * @property {string} section one of Keep a Changelog's, in lower case
 * @property {string} text
 */

/**
 * What is wrong with fragments, one line each.
 * @param {readonly Fragment[]} fragments
 * @returns {readonly string[]}
 */
export function findFaults(fragments) {
  return fragments.flatMap(({ file, section, text }) => {
    /** @type {string[]} */
    const faults = [];
    if (!sections.includes(section)) faults.push(`the name must begin with one of ${sections.join(", ")}`);
    if (text === "") faults.push("is empty");
    if (/^([-*#]|\d+\.) /m.test(text)) faults.push("contains a list or a heading; write sentences");
    return faults.map((fault) => `changes/${file}: ${fault}`);
  });
}

/**
 * The changelog with a section for a version, which takes in what stood under "Unreleased".
 * @param {string} changelog
 * @param {readonly Fragment[]} fragments
 * @param {{version: string, date: string}} release date as YYYY-MM-DD
 * @returns {string}
 */
export function releaseChangelog(changelog, fragments, { version, date }) {
  const mark = "## Unreleased\n";
  const at = changelog.indexOf(mark);
  if (at < 0) throw new Error('CHANGELOG.md has no heading "## Unreleased"');
  const start = at + mark.length;
  const next = changelog.indexOf("\n## ", start);
  const end = next < 0 ? changelog.length : next + 1;
  const entries = readEntries(changelog.slice(start, end));
  for (const { section, text } of fragments) {
    const list = entries.get(section) ?? [];
    entries.set(section, [...list, `- ${text.replaceAll("\n", "\n  ")}`]);
  }
  const blocks = sections.flatMap((section) => {
    const list = entries.get(section) ?? [];
    return list.length === 0 ? [] : [`### ${section[0]?.toUpperCase()}${section.slice(1)}\n\n${list.join("\n")}\n`];
  });
  const head = `${changelog.slice(0, start)}\n## ${version} - ${date}\n\n`;
  return `${head}${blocks.join("\n")}${end < changelog.length ? `\n${changelog.slice(end)}` : ""}`;
}

/**
 * The entries that stand under a version already, by section.
 * @param {string} text
 * @returns {Map<string, string[]>}
 */
function readEntries(text) {
  /** @type {Map<string, string[]>} */
  const entries = new Map();
  for (const block of text.split(/^### /m).slice(1)) {
    const [title = "", ...lines] = block.split("\n");
    const body = lines.join("\n").trim();
    if (body !== "") entries.set(title.trim().toLowerCase(), [body]);
  }
  return entries;
}

/**
 * @param {string} folder
 * @returns {readonly Fragment[]} by name
 */
function readFragments(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith(".md") && file !== "README.md");
  return files.sort().map((file) => ({
    file,
    section: file.split("-")[0] ?? "",
    text: readFileSync(join(folder, file), "utf8").trim(),
  }));
}

/**
 * @param {readonly string[]} args
 * @returns {number} the exit code
 */
function main(args) {
  const root = resolve(import.meta.dirname, "..");
  const [word = "--help"] = args;
  if (word === "--help") {
    process.stdout.write(help);
    return 0;
  }
  const fragments = readFragments(join(root, "changes"));
  const faults = findFaults(fragments);
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  if (faults.length > 0) return 1;
  if (word === "--check") return 0;
  if (!/^\d+\.\d+\.\d+$/.test(word)) {
    process.stderr.write(`"${word}" is no version: expected one such as 0.2.0, or --check. See --help.\n`);
    return 2;
  }
  const place = join(root, "CHANGELOG.md");
  const release = { version: word, date: new Date().toISOString().slice(0, 10) };
  writeFileSync(place, releaseChangelog(readFileSync(place, "utf8"), fragments, release));
  for (const { file } of fragments) rmSync(join(root, "changes", file));
  process.stdout.write(
    `CHANGELOG.md has ${word} now, with ${fragments.length} new entries: read it before you commit.\n`,
  );
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
