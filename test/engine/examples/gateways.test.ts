// The examples of gateways as they stand: applied on the real engine, the same at the second run, and judged by the real
// servers where they are here.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EngineStack, programFolder } from "../../support/engine/engine";
import { describeWithPeer } from "../../support/peer";

const run = promisify(execFile);
/** Outputs of the last run, by example. */
const applied = new Map<string, Record<string, { value: unknown; secret: boolean }>>();

describe.each([
  ["haproxy-many", 5],
  ["caddy-managed", 3],
  ["multi-gateway", 8],
] as const)("examples/%s", (name, resources) => {
  const main = join(programFolder, "examples", name);
  let engine: EngineStack;
  let runs = 0;
  beforeAll(async () => {
    const program = async () => {
      runs += 1;
      process.chdir(main);
      return { ...(await import(`${pathToFileURL(join(main, "index.ts")).href}?run=${runs}`)) };
    };
    engine = await EngineStack.create(name, program, { main });
  });
  afterAll(() => {
    process.chdir(programFolder);
    engine?.remove();
  });

  it("is applied, and the same at the second run", async () => {
    const { changes } = await engine.up();
    expect(changes).toEqual({ create: resources });
    applied.set(name, await engine.outputs());
    expect((await engine.up({ expectNoChanges: true })).changes).toEqual({ same: resources });
  });

  it("shows its configuration, keeps its script secret, and no key in clear", async () => {
    const outputs = applied.get(name) ?? {};
    const { installScript } = outputs;
    if (installScript !== undefined) expect(installScript.secret).toBe(true);
    const shown = Object.values(outputs).filter(({ secret }) => !secret);
    expect(JSON.stringify(shown)).not.toMatch(/PRIVATE KEY/);
    expect(await engine.leaks()).toEqual([]);
  });

  it("goes by destroy", async () => {
    expect(Object.keys((await engine.destroy()).changes)).toEqual(["delete"]);
  });
});

describeWithPeer("haproxy", (haproxy) => {
  it("takes the fifty sites of haproxy-many", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-haproxy-many-"));
    try {
      const outputs = applied.get("haproxy-many") ?? {};
      const files = (outputs.files?.value ?? {}) as Record<string, string>;
      const texts = (outputs.texts?.value ?? {}) as Record<string, string>;
      const place = (path: string) => path.replace("/etc/haproxy/tls-gateway", folder);
      const write = (path: string, text: string) => {
        mkdirSync(dirname(place(path)), { recursive: true });
        writeFileSync(place(path), text.replaceAll("/etc/haproxy/tls-gateway", folder));
      };
      for (const [path, text] of Object.entries({ ...files, ...texts })) write(path, text);
      const file = join(folder, "current/haproxy.cfg");
      write(file, String(outputs.configuration?.value));
      // exit status 0 with warnings would be 0 too: -q prints errors alone
      await expect(run(haproxy.path, ["-c", "-f", file])).resolves.toBeDefined();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
