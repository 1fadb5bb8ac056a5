// Guards the table of kinds in README.md against drifting from the code: `node scripts/lib/feature-table.mjs` writes it anew
// between its marks; test/unit/gateway/model/features.test.ts compares.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const [begin, end] = ["<!-- table: kinds -->\n", "<!-- end of table -->"];

/**
 * How each kind was proved: test/peers runs the servers, and has the files of the others judged by code of their makers.
 * @type {Readonly<Record<string, string>>}
 */
const proofs = {
  cells: "rules on Caddy 2.11.9",
  nginx: "run: 1.22.1",
  haproxy: "run: 2.6.12",
  caddy: "run: 2.11.9, 2.6.2",
  apache: "run: 2.4.71",
  traefik: "run: 3.7.13",
  envoy: "decoded by its API's code, 1.40.0",
  kubernetes: "decoded by the Gateway API's resources, 1.2.1 to 1.6.1",
};

/** What most kinds lack is Cells' own, or needs no reason; a refusal in a preview tells it all the same. */
const mostReasons = 2;

/**
 * @param {Readonly<Record<string, { readonly features: Readonly<Record<string, true | string>> }>>} kinds
 * @param {Readonly<Record<string, { readonly title: string }>>} features
 */
export function renderFeatureTable(kinds, features) {
  const names = Object.keys(kinds);
  /** @type {string[]} */
  const reasons = [];
  /** @param {string} kind @param {string} feature */
  const cell = (kind, feature) => {
    const served = kinds[kind]?.features[feature];
    if (served === true) return "yes";
    if (names.filter((name) => kinds[name]?.features[feature] !== true).length > mostReasons) return "no";
    const reason = `${kind} ${served}.`;
    if (!reasons.includes(reason)) reasons.push(reason);
    return `no [${reasons.indexOf(reason) + 1}]`;
  };
  const rows = Object.entries(features).map(([feature, { title }]) =>
    row([title, ...names.map((kind) => cell(kind, feature))]),
  );
  return [
    row(["", ...names.map((name) => `\`${name}\``)]),
    row(["---", ...names.map(() => "---")]),
    ...rows,
    row(["proof", ...names.map((name) => proofs[name] ?? "")]),
    "",
    ...reasons.map((reason, index) => `[${index + 1}] ${reason}  `),
    "",
  ].join("\n");
}

/** The text with the table in it.
 * @param {string} text @param {string} table
 */
export function replaceTable(text, table) {
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)];
  if (start < 0 || stop < start) throw new Error(`README.md lacks ${begin.trim()} or ${end}`);
  return `${text.slice(0, start + begin.length)}\n${table}\n${text.slice(stop)}`;
}

/** @param {string[]} cells */
function row(cells) {
  return `| ${cells.join(" | ")} |`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = join(root, "provider/dist/gateway");
  const { gatewayKinds } = await import(pathToFileURL(join(dist, "kinds.js")).href);
  const { gatewayFeatures } = await import(pathToFileURL(join(dist, "model/features.js")).href);
  const file = join(root, "README.md");
  writeFileSync(file, replaceTable(readFileSync(file, "utf8"), renderFeatureTable(gatewayKinds, gatewayFeatures)));
}
