// Guards the direction of imports: what each module and sub-module may import, that no files import each other in a circle,
// and what code may not use. Everything is read from the import lines; an import of a type counts like any other.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../provider/src");

/** Top folder or file -> what it may import from this package. A folder may always import itself. */
const layers: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  text: [],
  x509: ["errors", "text"],
  renewal: ["errors", "text", "x509"],
  gateway: ["errors", "text", "x509"],
  files: ["errors", "text", "x509", "renewal"],
  // imports neither Pulumi nor zod, so that a command answers at once
  cli: ["errors", "text", "x509", "renewal", "files"],
  network: ["errors", "text", "x509"],
  acme: ["errors", "text", "x509", "network"],
  lifecycle: ["errors", "text", "x509", "renewal", "gateway", "network", "acme"],
  adapter: ["errors", "text", "x509", "renewal", "gateway", "lifecycle"],
  resources: ["errors", "text", "x509", "renewal", "gateway", "lifecycle", "adapter", "files"],
  provider: ["adapter", "lifecycle"],
  index: ["errors", "text", "x509", "renewal", "gateway", "adapter", "resources", "files"],
};

/**
 * Folder -> its sub-folders in rows. A sub-folder imports only sub-folders of earlier rows: those of one row never import
 * each other. Files that are directly in the folder may import any of them and be imported by any of them.
 */
const rows: Readonly<Record<string, readonly (readonly string[])[]>> = {
  acme: [
    ["run"],
    ["client", "dns"],
    ["account", "limits", "look", "persist"],
    ["challenge"],
    ["order", "preflight"],
    ["journal"],
  ],
  "acme/challenge": [["listener"], ["dns-01", "dns-persist-01", "http-01", "tls-alpn-01"]],
  gateway: [
    ["model", "syntax"],
    ["install", "proxy"],
    ["responder"],
    ["apache", "caddy", "cells", "envoy", "haproxy", "kubernetes", "nginx", "traefik"],
  ],
  "gateway/install": [["script"]],
  "gateway/kubernetes": [["gateway-api", "ingress"]],
  lifecycle: [["input"], ["local", "site"], ["acme", "chain"]],
  network: [["aia"]],
  resources: [["base"], ["certificate"], ["acme"], ["gateway"]],
  x509: [["asn1"], ["keys", "names"], ["certificate"], ["chain", "pkcs12"], ["containers"]],
};

/** Package -> the files that may import it. Modules of Node (`node:*`) are checked below. */
const packages: Readonly<Record<string, RegExp>> = {
  "@pulumi/pulumi": /^resources\//,
  zod: /^lifecycle\//,
  // only its ASN.1 module, and its RC2 module for old PKCS#12 files
  "node-forge": /^x509\/(asn1\/der|pkcs12\/encryption)\.ts$/,
  yaml: /^gateway\//,
  // takes 0.1 s and 40 MB, so the first signature loads it
  "acme-client": /^acme\/client\/(jws|acme-client\.d)\.ts$/,
  tldts: /^acme\//,
  commander: /^cli\/command-line\.ts$/,
};

/** Module of Node -> the names that a pure file may import from it. */
const pureModules: Readonly<Record<string, RegExp>> = {
  "node:crypto": /./,
  "node:net": /^(isIP|isIPv4|isIPv6)(, (isIP|isIPv4|isIPv6))*$/,
  "node:tls": /^rootCertificates$/,
  "node:url": /^(domainToASCII|domainToUnicode)(, (domainToASCII|domainToUnicode))*$/,
};
const pure = /^(text|x509|renewal|gateway)\//;

/** What pure code may not use. */
const impure: readonly [string, RegExp][] = [
  ["the clock", /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\b/],
  ["randomness", /\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync|Fill)\b|\bgetRandomValues\b/],
  ["a new key", /\bgenerateKey(Pair)?(Sync)?\b/],
  ["the environment", /\bprocess\b/],
  ["a timer", /\bset(Timeout|Interval|Immediate)\b/],
];

/** The files that may print: the program, and the messages to the engine about the progress of an order. */
const prints: readonly string[] = ["cli/main.ts", "lifecycle/acme/engine.ts", "acme/challenge/http-01/folder-files.ts"];

interface Import {
  readonly names: string;
  readonly from: string;
}

const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"))
  .sort();
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));

const folders = [...new Set(files.flatMap(foldersOf))].sort();

test("the rules name every module and every sub-module, and no other", () => {
  expect([...new Set(files.map(layerOf))].sort()).toEqual(Object.keys(layers).sort());
  const named = Object.entries(rows).flatMap(([folder, own]) => own.flat().map((name) => `${folder}/${name}`));
  expect(named.sort()).toEqual(folders.filter((folder) => folder.includes("/")));
});

test.each(files)("%s imports only from its own module and those below", (file) => {
  const own = layerOf(file);
  const wrong = targetsOf(file).filter(
    (target) => layerOf(target) !== own && !(layers[own] ?? []).includes(layerOf(target)),
  );
  expect(wrong).toEqual([]);
});

test.each(Object.keys(rows))("the sub-folders of %s import only those of earlier rows", (folder) => {
  const rowOf = (name: string) => (rows[folder] ?? []).findIndex((row) => row.includes(name));
  const wrong = files.flatMap((file) => {
    const own = subfolderOf(folder, file);
    if (own === undefined) return [];
    return targetsOf(file)
      .filter((target) => {
        const other = subfolderOf(folder, target);
        return other !== undefined && other !== own && rowOf(other) >= rowOf(own);
      })
      .map((target) => `${file} imports ${target}`);
  });
  expect(wrong).toEqual([]);
});

test("no files import each other in a circle", () => {
  expect(findCircles()).toEqual([]);
});

test.each(files)("%s imports only packages that belong there, and files without extension", (file) => {
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
    expect(names, `the names that ${file} imports from ${from}`).toMatch(pureModules[from] as RegExp);
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

/** The first folder, or the name of a file that is in none. */
function layerOf(file: string): string {
  return (file.split("/")[0] ?? "").replace(/(\.d)?\.ts$/, "");
}

/** Every folder that the file is in: "a" and "a/b" for "a/b/c.ts". */
function foldersOf(file: string): readonly string[] {
  const parts = file.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** The sub-folder of `folder` that the file is in; undefined for a file that is elsewhere, or directly in the folder. */
function subfolderOf(folder: string, file: string): string | undefined {
  return foldersOf(file)
    .find((one) => posix.dirname(one) === folder)
    ?.slice(folder.length + 1);
}

/** The files of this package that a file imports. An import that leads nowhere fails the test. */
function targetsOf(file: string): readonly string[] {
  return importsOf(file)
    .filter(({ from }) => from.startsWith("."))
    .map(({ from }) => {
      const path = posix.normalize(posix.join(posix.dirname(file), from));
      const target = [`${path}.ts`, `${path}.d.ts`].find((one) => sources.has(one));
      if (target === undefined) throw new Error(`${file} imports ${from}, which does not exist`);
      return target;
    });
}

/** Circles of imports, each as a path that ends where it begins. Every circle is found by at least one of its paths. */
function findCircles(): readonly string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) circles.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || done.has(file)) return;
    for (const target of targetsOf(file)) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return circles;
}

function importsOf(file: string): readonly Import[] {
  const code = sources.get(file) ?? "";
  const lines = code.matchAll(/^(?:import|export)\s+(?:type\s+)?([^;"]*?)\s*from\s+"([^"]+)"/gm);
  // the engine stores the text of a provider, which requires this package by its name
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

/** The text of a provider in a doc comment is not an import. */
function isInComment(code: string, from: string): boolean {
  return !withoutComments(code).includes(`"${from}"`);
}

/** The code without comments and without the content of texts: a message may mention a process. */
function codeOf(file: string): string {
  return withoutComments(sources.get(file) ?? "").replace(
    /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.|\$(?!\{))*`/g,
    '""',
  );
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|\s\/\/ .*$/gm, "");
}
