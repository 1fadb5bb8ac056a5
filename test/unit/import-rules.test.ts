// Guards the layers of the package: what a file may import, and what it may not reach for. Read from the import lines.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../provider/src");

/** Folder or file -> what it may import of this package. A folder may always import itself. */
const layers: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  text: [],
  x509: ["errors", "text"],
  renewal: ["errors", "text", "x509"],
  gateway: ["errors", "text", "x509"],
  files: ["errors", "text", "x509", "renewal"],
  // loads neither Pulumi nor zod: it answers at once
  cli: ["errors", "text", "x509", "renewal", "files"],
  network: ["errors", "text", "x509"],
  acme: ["errors", "text", "x509", "network"],
  lifecycle: ["errors", "text", "x509", "renewal", "gateway", "network", "acme"],
  adapter: ["errors", "text", "x509", "renewal", "gateway", "lifecycle"],
  resources: ["errors", "text", "x509", "renewal", "gateway", "lifecycle", "adapter", "files"],
  provider: ["adapter", "lifecycle"],
  index: ["errors", "text", "x509", "renewal", "gateway", "adapter", "resources", "files"],
};

/** Package -> where it may be imported. `node:*` is judged below. */
const packages: Readonly<Record<string, RegExp>> = {
  "@pulumi/pulumi": /^resources\//,
  zod: /^lifecycle\//,
  // RC2 of old PKCS#12 files is the only other part of it
  "node-forge": /^x509\/(asn1\/der|pkcs12\/encryption)\.ts$/,
  yaml: /^gateway\//,
  // costs 0.1 s and 40 MB, so it is loaded with the first signature
  "acme-client": /^acme\/client\/(jws|acme-client\.d)\.ts$/,
  tldts: /^acme\//,
  commander: /^cli\/command-line\.ts$/,
};

/** What pure files may take from Node; of node:net only the look at a text. */
const pureModules: Readonly<Record<string, RegExp>> = {
  "node:crypto": /./,
  "node:net": /^(isIP|isIPv4|isIPv6)(, (isIP|isIPv4|isIPv6))*$/,
  "node:tls": /^rootCertificates$/,
  "node:url": /^(domainToASCII|domainToUnicode)(, (domainToASCII|domainToUnicode))*$/,
};
const pure = /^(x509|renewal|gateway)\//;

/** What pure code does not reach for: the clock, randomness, the environment, a process. */
const impure: readonly [string, RegExp][] = [
  ["the clock", /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\b/],
  ["randomness", /\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync|Fill)\b|\bgetRandomValues\b/],
  ["a new key", /\bgenerateKey(Pair)?(Sync)?\b/],
  ["the environment", /\bprocess\b/],
  ["a timer", /\bset(Timeout|Interval|Immediate)\b/],
];

/** The one file that is a program, and the one that tells the engine how a long order goes on. */
const prints: readonly string[] = ["cli/main.ts", "lifecycle/acme/engine.ts"];

interface Import {
  readonly names: string;
  readonly from: string;
}

const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"))
  .sort();
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));

test("there are files to judge", () => {
  expect(files.length).toBeGreaterThan(80);
  expect([...new Set(files.map(layerOf))].sort()).toEqual(Object.keys(layers).sort());
});

test.each(files)("%s imports only from its own layer and those below", (file) => {
  const own = layerOf(file);
  const wrong = importsOf(file)
    .filter(({ from }) => from.startsWith("."))
    .map(({ from }) => posix.normalize(posix.join(posix.dirname(file), from)))
    .filter((target) => layerOf(target) !== own && !(layers[own] ?? []).includes(layerOf(target)));
  expect(wrong).toEqual([]);
});

test.each(files)("%s imports packages only where they belong, and files without extension", (file) => {
  for (const { from } of importsOf(file)) {
    if (from.startsWith(".")) {
      expect(from).not.toMatch(/\.[cm]?[jt]s$/);
      continue;
    }
    if (from.startsWith("node:")) continue;
    const name = from
      .split("/")
      .slice(0, from.startsWith("@") ? 2 : 1)
      .join("/");
    expect(packages, `${file} imports ${from}`).toHaveProperty([name]);
    expect(file, `${from} is imported`).toMatch(packages[name] as RegExp);
  }
});

test.each(files.filter((file) => pure.test(file)))("%s is pure: no I/O, no clock, no environment", (file) => {
  for (const { names, from } of importsOf(file)) {
    if (!from.startsWith("node:")) continue;
    expect(pureModules, `${file} imports ${from}`).toHaveProperty([from]);
    expect(names, `what ${file} takes from ${from}`).toMatch(pureModules[from] as RegExp);
  }
  for (const [what, pattern] of impure) expect(codeOf(file), what).not.toMatch(pattern);
});

test.each(files)("%s has at most 400 lines, named exports, and prints nothing", (file) => {
  const text = sources.get(file) ?? "";
  expect(text.split("\n").length - 1).toBeLessThanOrEqual(400);
  expect(file).toMatch(/^([a-z0-9]+(-[a-z0-9]+)*\/){0,3}[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/);
  expect(file).not.toMatch(/utils|helpers|common/);
  const code = codeOf(file);
  expect(code).not.toMatch(/\bexport\s+default\b|\bexport\s*\*|\bas default\b/);
  if (!prints.includes(file)) expect(code).not.toMatch(/\bconsole\b|\bprocess\.std(out|err)\b/);
  expect(code).not.toMatch(/:\s*any\b|<any>|\bas any\b/);
});

/** The first folder, or the name of a file that stands in none. */
function layerOf(file: string): string {
  return (file.split("/")[0] ?? "").replace(/(\.d)?\.ts$/, "");
}

function importsOf(file: string): readonly Import[] {
  const code = sources.get(file) ?? "";
  const lines = code.matchAll(/^(?:import|export)\s+(?:type\s+)?([^;"]*?)\s*from\s+"([^"]+)"/gm);
  // the text of a provider, which the engine keeps, requires this package by its name
  const calls = code.matchAll(/(?:\brequire|\bimport)\(\s*"(?!pulumi-tls-gateway\/)([^"]+)"\s*\)/g);
  const bare = code.matchAll(/^import\s+"([^"]+)"/gm);
  return [
    ...[...lines].map(([, names = "", from = ""]) => ({
      names: names
        .replace(/[{}]|\btype\s/g, "")
        .replace(/,\s*$/, "")
        .replace(/\s+/g, " ")
        .trim()
        .replace(/,$/, ""),
      from,
    })),
    ...[...calls, ...bare].map(([, from = ""]) => ({ names: "*", from })),
  ].filter(({ from }) => !isInComment(code, from));
}

/** The text of a provider in a doc comment is no import. */
function isInComment(code: string, from: string): boolean {
  return !withoutComments(code).includes(`"${from}"`);
}

/** The code without comments and without the content of texts: a message may speak of a process. */
function codeOf(file: string): string {
  return withoutComments(sources.get(file) ?? "").replace(
    /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.|\$(?!\{))*`/g,
    '""',
  );
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|\s\/\/ .*$/gm, "");
}
