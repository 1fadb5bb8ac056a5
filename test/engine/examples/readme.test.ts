// Guards README: its program runs, its commands are those of package.json, and what it shows is what is printed.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EngineStack, programFolder } from "../../support/engine/engine";

const run = promisify(execFile);
const readme = readFileSync(join(programFolder, "README.md"), "utf8");

/** The code block after an HTML comment that begins with `mark`. */
function blockAfter(mark: string): string {
  const block = new RegExp(`<!-- ${mark}[^>]*-->\n\`\`\`[a-z]*\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
  if (block === undefined) throw new Error(`README has no block marked "${mark}"`);
  return block;
}

/** What differs from day to day: dates, days that are left. Columns of a table follow the width of the rest. */
function withoutDates(text: string): string {
  return text
    .replace(/\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?/g, "<date>")
    .replace(/\d+( days)? of (\d+) days/g, "<n> of $2 days");
}

/** Whether each run of lines of `shown`, parted by "…", stands in `printed` as it is. */
function expectShown(shown: string, printed: string): void {
  for (const part of withoutDates(shown).split("…\n")) expect(withoutDates(printed)).toContain(part.trimEnd());
}

describe("the quickstart, in a copy of its own", () => {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-readme-"));
  const script = (command: string, ...flags: string[]) =>
    run(process.execPath, [join(folder, "scripts/lib/run-example.mjs"), command, "quickstart", ...flags], {
      cwd: folder,
      env: { ...process.env, ...flagsToEnv(flags), NODE_NO_WARNINGS: "1", PATH: toolsPath() },
      timeout: 400_000,
      maxBuffer: 64 << 20,
    }).then(({ stdout }) => stdout);
  const example = join(folder, "examples/quickstart/index.ts");

  beforeAll(() => {
    for (const part of ["scripts", "examples"])
      cpSync(join(programFolder, part), join(folder, part), { recursive: true });
    symlinkSync(join(programFolder, "node_modules"), join(folder, "node_modules"));
    symlinkSync(join(programFolder, "provider"), join(folder, "provider"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("ends with what README shows", async () => {
    expectShown(blockAfter("output: up"), await script("up"));
  });

  it("has nothing to do at the second up", async () => {
    expect(await script("up")).toContain("7 unchanged");
  });

  it("shows a renewal of a later day as README does", async () => {
    const later = new Date(Date.now() + 70 * 86_400_000).toISOString().slice(0, 10);
    const printed = await script("preview", `as-of ${later}`);
    for (const line of blockAfter("output: preview as of").split("\n")) expectShown(line, printed);
  });

  it("shows a changed bind as README does", async () => {
    writeFileSync(example, readFileSync(example, "utf8").replace("0.0.0.0:8443", "0.0.0.0:9443"));
    expectShown(blockAfter("output: preview --diff"), await script("preview", "--diff"));
  });

  it("is gone after destroy", async () => {
    expect(await script("destroy")).toContain("7 deleted");
  });
});

function flagsToEnv(flags: readonly string[]): Record<string, string> {
  const asOf = flags.find((flag) => flag.startsWith("as-of "))?.slice("as-of ".length);
  return asOf === undefined ? {} : { TLS_GATEWAY_AS_OF: asOf };
}

function toolsPath(): string {
  return [process.env.TLS_GATEWAY_TOOLS, process.env.PATH].filter(Boolean).join(":");
}

describe("the programs of the two READMEs", () => {
  const packaged = readFileSync(join(programFolder, "provider/README.md"), "utf8");
  const programs = {
    "of ten lines": blockAfter("program"),
    "of the package": /```ts\n([\s\S]*?)```/.exec(packaged)?.[1] ?? "",
  };
  for (const [name, program] of Object.entries(programs)) {
    it(`the one ${name} runs as it stands, and its second up is empty`, async () => {
      expect(program.split("\n").filter((line) => line !== "").length).toBeLessThanOrEqual(10);
      // below the repository, where the package is found by its name
      mkdirSync(join(programFolder, "test/artefacts"), { recursive: true });
      const folder = mkdtempSync(join(programFolder, "test/artefacts/readme-"));
      const file = join(folder, "index.ts");
      writeFileSync(file, program);
      let runs = 0;
      const engine = await EngineStack.create("readme", async () => {
        runs += 1;
        return { ...(await import(/* @vite-ignore */ `${pathToFileURL(file).href}?run=${runs}`)) };
      });
      try {
        const { changes } = await engine.up();
        const outputs = await engine.outputs();
        expect(changes).toEqual({ create: 4 });
        expect(JSON.parse(outputs.configuration?.value).defaults.sites).toHaveLength(1);
        expect(outputs.files?.secret).toBe(true);
        expect((await engine.up()).changes).toEqual({ same: 4 });
        expect(await engine.leaks()).toEqual([]);
      } finally {
        engine.remove();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});

describe("what it shows of Let's Encrypt", () => {
  it("says in a preview, which asks nobody, what would be ordered", async () => {
    mkdirSync(join(programFolder, "test/artefacts"), { recursive: true });
    const folder = mkdtempSync(join(programFolder, "test/artefacts/readme-"));
    const file = join(folder, "index.ts");
    writeFileSync(file, blockAfter("program: acme"));
    const engine = await EngineStack.create("readme", async () => ({
      ...(await import(/* @vite-ignore */ pathToFileURL(file).href)),
    }));
    try {
      const { messages } = await engine.preview();
      expect(messages.map(({ on, text }) => `${on}: ${text}`).sort()).toEqual([
        "letsencrypt: finds the account of its key at letsencrypt-staging, or makes it",
        "shop: orders a certificate for shop.example.com, www.shop.example.com; at letsencrypt-staging by http-01 (/var/www/html); 0 of 30000 certificates for exactly these names were issued in the last 7 days",
      ]);
    } finally {
      engine.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("what it shows of records in the DNS", () => {
  it("shows in a preview, which asks nobody, the one record of a name and its wildcard", async () => {
    mkdirSync(join(programFolder, "test/artefacts"), { recursive: true });
    const folder = mkdtempSync(join(programFolder, "test/artefacts/readme-"));
    const file = join(folder, "index.ts");
    writeFileSync(file, blockAfter("program: dns-validated").replace('"./txt-record"', '"./txt-record.ts"'));
    const provider = "exports.handler = () => ({ check: async (_, inputs) => ({ inputs }) });";
    const record = `import { CustomResource } from "@pulumi/pulumi";
export class TxtRecord extends CustomResource {
  constructor(name, args, opts) { super("pulumi-nodejs:dynamic/test:TxtRecord", name, { ...args, __provider: ${JSON.stringify(provider)} }, opts); }
}`;
    writeFileSync(join(folder, "txt-record.ts"), record);
    const engine = await EngineStack.create("readme", async () => ({
      ...(await import(/* @vite-ignore */ pathToFileURL(file).href)),
    }));
    try {
      const { steps } = await engine.preview();
      expect(steps.map(({ op, name }) => `${op} ${name}`).sort()).toEqual([
        "create letsencrypt",
        "create web",
        "create web-_acme-challenge.example.com",
        "create web-certificate",
        "create web-order",
      ]);
    } finally {
      engine.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("what it shows of certificates of one's own", () => {
  it("runs as a program beside the quickstart's files", async () => {
    mkdirSync(join(programFolder, "test/artefacts"), { recursive: true });
    const folder = mkdtempSync(join(programFolder, "test/artefacts/readme-"));
    cpSync(join(programFolder, "examples/quickstart/certs"), join(folder, "certs"), { recursive: true });
    const file = join(folder, "index.ts");
    // a program's paths are relative to its folder
    writeFileSync(file, blockAfter("program: chain").replaceAll('"certs/', `"${folder}/certs/`));
    const engine = await EngineStack.create("readme", async () => ({
      ...(await import(/* @vite-ignore */ pathToFileURL(file).href)),
    }));
    try {
      await engine.up();
      const outputs = await engine.outputs();
      expect(outputs.chain?.value).toMatchObject(
        [{ subject: "CN=shop.example.com" }, { issuer: /Example Root/ }].map(shape),
      );
      expect(outputs.tlsa?.value).toMatchObject([
        { name: "_443._tcp.shop.example.com", value: `3 1 1 ${outputs.spkiSha256?.value}` },
        { name: "_443._tcp.www.shop.example.com" },
      ]);
      expect(await engine.leaks()).toEqual([]);
    } finally {
      engine.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("is what the command prints", async () => {
    const [command = "", ...shown] = blockAfter("output: inspect").split("\n");
    const args = command.replace("$ npx tls-gateway ", "").split(" ");
    const main = join(programFolder, "provider/dist/cli/main.js");
    const failed = run(process.execPath, [main, ...args], { cwd: programFolder });
    const { stdout, code } = await failed.then(
      (done) => ({ ...done, code: 0 }),
      (error: { stdout: string; code: number }) => error,
    );
    expect(code).toBe(1);
    for (const part of shown.join("\n").split("…\n"))
      expect(withoutDays(stdout)).toContain(withoutDays(part).trimEnd());
  });
});

/** Texts may be given by a part. */
function shape(row: Readonly<Record<string, string | RegExp>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof RegExp ? expect.stringMatching(value) : value]),
  );
}

/** The days that are left go down. */
function withoutDays(text: string): string {
  return text.replace(/\d+ days/g, "<n> days");
}

describe("its commands", () => {
  it("are scripts of package.json", () => {
    const { scripts } = JSON.parse(readFileSync(join(programFolder, "package.json"), "utf8"));
    const named = [...readme.matchAll(/npm (?:run )?(up|preview|destroy|test|check|bench)\b/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(4);
    for (const name of named) expect(scripts).toHaveProperty(name as string);
  });
});
