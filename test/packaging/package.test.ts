// The package as npm packs it, installed beside what it declares and nothing else: loaded, type-checked, and looked into.
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { isLong } from "../support/tier";

const root = join(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "provider/package.json"), "utf8")) as {
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly [field: string]: unknown;
};
const tsc = join(root, "node_modules/typescript/bin/tsc");
const classes = ["CertificateChain", "Gateway", "LeafCertificate", "SelfSignedCA", "Site"];

let folder: string;
let app: string;
let files: readonly string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "packaging-"));
  app = join(folder, "app");
  const source = join(folder, "provider");
  for (const file of ["package.json", "README.md", "LICENSE"]) {
    mkdirSync(source, { recursive: true });
    copyFileSync(join(root, "provider", file), join(source, file));
  }
  // the set-up has built the working copy's dist, which may hold files of sources that are gone
  const dist = join(root, "provider/dist");
  const hasSource = (path: string) =>
    statSync(path).isDirectory() ||
    existsSync(join(root, "provider/src", relative(dist, path).replace(/(\.d)?\.(ts|js)$/, ".ts")));
  cpSync(dist, join(source, "dist"), { recursive: true, filter: hasSource });
  const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: source,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [tarball] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
  files = tarball.files.map(({ path }) => path).sort();
  const installed = join(app, "node_modules/pulumi-tls-gateway");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(folder, tarball.filename), "-C", installed, "--strip-components=1"]);
  for (const name of [
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.peerDependencies),
    "@types/node",
  ]) {
    const link = join(app, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", name), link);
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the tarball", () => {
  it("holds what was built, README and licence, and nothing else", () => {
    expect(files.filter((path) => !/^dist\/.+\.(js|d\.ts)$/.test(path))).toEqual([
      "LICENSE",
      "README.md",
      "package.json",
    ]);
    expect(files).toEqual(expect.arrayContaining(["dist/index.js", "dist/index.d.ts", "dist/provider.js"]));
  });

  it("holds a file of each source", () => {
    const sources = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "provider/src"], {
      cwd: root,
      encoding: "utf8",
    });
    const expected = sources
      .trim()
      .split("\n")
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
      .map((path) => path.replace(/^provider\/src\/(.*)\.ts$/, "dist/$1.js"));
    expect(files.filter((path) => path.endsWith(".js"))).toEqual(expected.sort());
  });

  it("says nothing of the machine that it was built on", () => {
    for (const path of files) {
      const text = readFileSync(join(app, "node_modules/pulumi-tls-gateway", path), "utf8");
      expect(text.includes(root), path).toBe(false);
    }
  });
});

describe("package.json", () => {
  it("is no resource plugin: `pulumi` would look for a binary of that name", () => {
    expect(manifest.pulumi).toBeUndefined();
  });

  it("exports the package, the provider that states require by name, and itself; nothing inside can be reached", () => {
    expect(Object.keys(manifest.exports as object)).toEqual([".", "./provider", "./package.json"]);
    expect(run('require("pulumi-tls-gateway/package.json").name')).toBe("pulumi-tls-gateway");
    expect(run('try { require("pulumi-tls-gateway/dist/index.js") } catch (error) { error.code }')).toBe(
      "ERR_PACKAGE_PATH_NOT_EXPORTED",
    );
  });

  it("runs no script on installation", () => {
    const scripts = (manifest.scripts ?? {}) as Record<string, string>;
    for (const name of ["preinstall", "install", "postinstall", "prepare"]) expect(scripts).not.toHaveProperty(name);
  });
});

describe("the installed package", () => {
  it("is required by name", () => {
    const names = run('Object.keys(require("pulumi-tls-gateway"))').split(",");
    expect(names).toEqual(expect.arrayContaining(classes));
    expect(run('typeof require("pulumi-tls-gateway/provider").site.check')).toBe("function");
  });

  it("is imported by name, each class by its own", () => {
    const program = `import { ${classes.join(", ")} } from "pulumi-tls-gateway";
      import { site } from "pulumi-tls-gateway/provider";
      console.log([${classes.join(", ")}].map((one) => one.name).join() + typeof site.check);`;
    expect(node(["--input-type=module", "--eval", program])).toBe(`${classes.join()}function`);
  });

  it("answers as a provider with what it declares alone: each kind loads its libraries", () => {
    const program = `(async () => {
      const provider = require("pulumi-tls-gateway/provider");
      const answers = await Promise.all(Object.values(provider).map((one) => one.check({}, {})));
      console.log(answers.map((answer) => (answer.failures ?? []).map(({ reason }) => reason)).flat().join("\\n"));
    })()`;
    const answered = node(["--eval", program]);
    expect(answered).toContain("caCertPem: is missing");
    expect(answered).not.toMatch(/a bug in|Cannot find module/);
  });
});

describe("the command", () => {
  const main = () =>
    join(app, "node_modules/pulumi-tls-gateway", (manifest.bin as Record<string, string>)["tls-gateway"] ?? "");

  // npm makes it executable when it installs the package
  it("says that Node runs it, and its version", () => {
    expect(readFileSync(main(), "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(node([main(), "--version"])).toBe(manifest.version);
  });

  it("inspects with what the package declares alone", () => {
    const args = [main(), "inspect", "none.pem", "--json"];
    const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: app });
    expect(JSON.parse(stdout)).toMatchObject({ isAccepted: false, findings: [{ code: "FILE_UNREADABLE" }] });
    expect(status).toBe(1);
  });
});

describe("its types", () => {
  const program = `import { CertificateChain, fromFiles, Gateway, inspect, isTlsError, SelfSignedCA, Site } from "pulumi-tls-gateway";
import type { Inspection, LeafCertificate, SiteArgs, TlsaRecord } from "pulumi-tls-gateway";
const ca = new SelfSignedCA("local", { nameConstraints: { permittedDnsDomains: ["a.test"] }, keyType: "P384" });
const leaf: LeafCertificate = ca.issue("web", { hostnames: ["web.a.test"], validityDays: 30 });
const chain = new CertificateChain("shop", { ...fromFiles({ cert: "shop.pfx" }), roots: "system", completeFromAia: true });
new SelfSignedCA("adopted", { certPem: "…", privateKeyPem: "…" });
const adopted: SelfSignedCA = SelfSignedCA.fromMkcert("mkcert");
const inspection: Inspection = inspect(["shop.pem"], { roots: "system" });
export const record: TlsaRecord | undefined = (chain.tlsaRecords() as { get?(): TlsaRecord[] }).get?.()[0];
export const facts = [adopted.certPem, inspection.isAccepted, chain.chain, leaf.spkiSha256, chain.rootPem];
const args: SiteArgs = { binds: ["web.a.test:443"], tls: { certificate: leaf }, redirectToHttps: true };
const site = new Site("web", args);
const gateway = new Gateway("cells", {
  kind: "cells",
  options: { version: "5" },
  sites: [site, { name: "shop", binds: ["shop.test:443"], tls: { certificate: chain } }],
});
export const configuration: string | undefined = (gateway.configuration as { get?(): string }).get?.();
export const known: boolean = isTlsError(new Error());
// @ts-expect-error a site without binds
new Site("none", { tls: "disabled" });
// @ts-expect-error a kind that is none
new Gateway("none", { kind: "apache2000", sites: [] });
`;

  const resolutions = [
    ["Node16", "Node16"],
    ["ESNext", "Bundler"],
    ["CommonJS", "Node10"],
  ] as const;
  test.each(isLong ? resolutions : resolutions.slice(0, 1))(
    "resolve for module %s, resolution %s, strict and with libraries checked",
    (module, moduleResolution) => {
      const project = join(app, module);
      mkdirSync(project, { recursive: true });
      writeFileSync(join(project, "index.ts"), program);
      const compilerOptions = {
        ...{ module, moduleResolution, target: "ES2022", strict: true, exactOptionalPropertyTypes: true, noEmit: true },
        ...{ skipLibCheck: false, types: ["node"], preserveSymlinks: true, esModuleInterop: true },
      };
      writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["index.ts"] }));
      const { stdout } = spawnSync(process.execPath, [tsc, "-p", project, "--pretty", "false"], {
        encoding: "utf8",
        cwd: app,
      });
      // what others' declarations get wrong is theirs
      const ours = stdout.split("\n").filter((line) => /^(\S*pulumi-tls-gateway\/|\S*index\.ts|error)/.test(line));
      expect(ours.filter((line) => !/node_modules\/(?!pulumi-tls-gateway)/.test(line))).toEqual([]);
    },
  );
});

/** The value of an expression, in a process of its own. */
function run(expression: string): string {
  return node([
    "--print",
    `String((() => ${expression.startsWith("try") ? `eval(${JSON.stringify(expression)})` : `(${expression})`})())`,
  ]);
}

function node(args: readonly string[]): string {
  return execFileSync(process.execPath, args, { cwd: app, encoding: "utf8" }).trim();
}
