// What happens when something dies: the provider process, the CLI, or the package itself.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Site } from "pulumi-tls-gateway";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { descendantsOf, listProcesses } from "../../../scripts/lib/processes.mjs";
import {
  clearDeadLocks,
  clearPendingCreates,
  isDead,
  readLocks,
  StackLocked,
} from "../../../scripts/lib/stack-lock.mjs";
import { EngineStack, programFolder } from "../../support/engine/engine";

const probePath = join(programFolder, "test/support/engine/probe.cjs");

/** A resource whose creation lasts until the test says so. */
class Slow extends pulumi.CustomResource {
  declare readonly made: pulumi.Output<string>;
  constructor(name: string, folder: string) {
    const text = `exports.handler = () => require(${JSON.stringify(probePath)}).slow;`;
    super("pulumi-nodejs:dynamic/tls-gateway:Probe", name, { folder, made: undefined, __provider: text });
  }
}

describe("a run that is killed in the middle of a creation", () => {
  let engine: EngineStack;
  let folder: string;
  const place = () => ({ folder: engine.folder, project: "test", stack: "recovery" });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "tls-gateway-slow-"));
    engine = await EngineStack.create("recovery", async () => {
      new Slow("slow", folder);
      new Site("site", { binds: ["a.internal:80"], tls: "disabled" });
    });
  });
  afterEach(() => {
    // ends a provider process that waits still
    writeFileSync(join(folder, "go"), "");
    engine.remove();
    rmSync(folder, { recursive: true });
  });

  /** Starts an up and waits until it is in the middle of the creation. */
  async function startUp() {
    const failed = engine.failure(() => engine.up());
    failed.catch(() => {});
    await expect.poll(() => existsSync(join(folder, "running")), { timeout: 120_000 }).toBe(true);
    await expect
      .poll(() => Number(readFileSync(join(folder, "running"), "utf8")), { timeout: 120_000 })
      .toBeGreaterThan(0);
    const provider = Number(readFileSync(join(folder, "running"), "utf8"));
    const [lock] = readLocks(place());
    const cli = lock?.pid as number;
    expect(descendantsOf(process.pid).map(({ pid }) => pid)).toEqual(expect.arrayContaining([cli, provider]));
    return { failed, provider, cli };
  }

  it("by its provider process: the failure is told, nothing is locked, and the next run is clean", async () => {
    const { failed, provider } = await startUp();
    process.kill(provider, "SIGKILL");
    expect(await failed).toMatch(/EOF|connection/);
    expect(readLocks(place())).toEqual([]);
    writeFileSync(join(folder, "go"), "");
    expect((await engine.up()).changes).toMatchObject({ create: expect.any(Number) });
    const { changes, messages } = await engine.up({ expectNoChanges: true });
    expect(changes).toEqual({ same: 2 });
    expect(messages).toEqual([]);
    expect(await engine.leaks()).toEqual([]);
  });

  it("by its CLI: the lock of a live run is left alone, that of a dead one is cleared with what was pending", async () => {
    const { failed, provider, cli } = await startUp();
    await expect(clearDeadLocks(engine.stack, place())).rejects.toThrow(StackLocked);
    await expect(clearDeadLocks(engine.stack, place())).rejects.toThrow(`in use by process ${cli} `);

    process.kill(cli, "SIGKILL");
    await failed;
    process.kill(provider, "SIGKILL");
    await expect.poll(() => listProcesses().some(({ pid }) => pid === cli), { timeout: 120_000 }).toBe(false);
    expect(readLocks(place()).map((lock) => [lock.pid, isDead(lock)])).toEqual([[cli, true]]);
    expect(await engine.failure(() => engine.up())).toContain("the stack is currently locked by 1 lock(s)");

    expect(await clearDeadLocks(engine.stack, place())).toMatchObject([{ pid: cli }]);
    expect(await clearPendingCreates(engine.stack, place())).toContainEqual(expect.stringMatching(/::slow$/));
    expect([await clearDeadLocks(engine.stack, place()), await clearPendingCreates(engine.stack, place())]).toEqual([
      [],
      [],
    ]);
    writeFileSync(join(folder, "go"), "");
    const { changes, messages } = await engine.up();
    expect(changes).toMatchObject({ create: expect.any(Number) });
    expect(messages).toEqual([]);
    expect((await engine.up({ expectNoChanges: true })).changes).toEqual({ same: 2 });
    expect(await engine.leaks()).toEqual([]);
  });
});

describe("the package removed before its resources", () => {
  it("stops the run with Node's message that names it, and with it again they go: resources first, then the package", async () => {
    const main = mkdtempSync(join(tmpdir(), "tls-gateway-program-"));
    const modules = join(main, "node_modules");
    mkdirSync(modules);
    symlinkSync(join(programFolder, "node_modules/@pulumi"), join(modules, "@pulumi"));
    const install = () => symlinkSync(join(programFolder, "provider"), join(modules, "pulumi-tls-gateway"));
    install();
    let isUsed = true;
    const program = async () => {
      if (isUsed) new Site("site", { binds: ["a.internal:80"], tls: "disabled" });
    };
    const engine = await EngineStack.create("removed", program, { main });
    try {
      await engine.up();
      isUsed = false;
      unlinkSync(join(modules, "pulumi-tls-gateway"));
      const text = await engine.failure(() => engine.up());
      expect(text).toContain("Cannot find module 'pulumi-tls-gateway/provider'");
      expect(engine.resources()).toHaveProperty("site");
      install();
      expect((await engine.up()).changes).toEqual({ delete: 1 });
      expect(engine.resources()).not.toHaveProperty("site");
      expect(await engine.leaks()).toEqual([]);
    } finally {
      engine.remove();
      rmSync(main, { recursive: true });
    }
  });
});
