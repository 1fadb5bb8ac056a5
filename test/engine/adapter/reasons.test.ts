// The reason of a step stands on its resource: in preview, up and --json, run after run and stack beside stack in one
// process, with two copies of the package, and nothing breaks where there are no hooks.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import * as gateway from "pulumi-tls-gateway";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EngineStack, type Message, programFolder } from "../../support/engine/engine";

const { SelfSignedCA } = gateway;

/** What was said on each resource, up to its dates. */
function saidOn(messages: readonly Message[]): Record<string, string> {
  return Object.fromEntries(messages.map(({ on, text }) => [on ?? "", text.split(":")[0] ?? ""]));
}

describe("the reason", () => {
  let hostnames = ["a.internal"];
  let engine: EngineStack;
  beforeAll(async () => {
    engine = await EngineStack.create("reasons", async () => {
      new SelfSignedCA("ca").issue("leaf", { hostnames });
    });
  });
  afterAll(() => engine?.remove());
  const creation = { ca: "issues a root", leaf: "issues a certificate" };

  it("stands on each resource in the preview and in the up, once each", async () => {
    for (const run of [await engine.preview(), await engine.up()]) {
      expect(saidOn(run.messages)).toEqual(creation);
      expect(run.messages).toHaveLength(2);
    }
  });

  it("stands in --json beside the URN", async () => {
    hostnames = ["b.internal"];
    // the one that is called, not the class of the declarations
    const pulumiCommand = engine.stack.workspace.pulumiCommand as unknown as Command;
    const run = pulumiCommand.run.bind(pulumiCommand);
    pulumiCommand.run = (args, ...rest) => run(args[0] === "preview" ? [...args, "--json"] : args, ...rest);
    const { text } = await engine.preview();
    pulumiCommand.run = run;
    const { diagnostics } = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
    expect(diagnostics).toEqual([
      expect.objectContaining({
        urn: expect.stringMatching(/::leaf$/),
        message: expect.stringContaining("issues the certificate anew, since hostnames changed: valid from"),
      }),
    ]);
  });

  it("is said again in the next run of the same process, and not for what stays the same", async () => {
    expect(saidOn((await engine.up()).messages)).toEqual({
      leaf: "issues the certificate anew, since hostnames changed",
    });
    expect((await engine.up()).messages).toEqual([]);
    expect((await engine.refresh()).messages).toEqual([]);
    expect(await engine.leaks()).toEqual([]);
  });
});

describe("two stacks at once in one process", () => {
  it("get each their own reasons", async () => {
    const create = (name: string) =>
      EngineStack.create(name, async () => {
        new SelfSignedCA(`${name}-ca`).issue(`${name}-leaf`, { hostnames: [`${name}.internal`] });
      });
    const engines = [await create("one"), await create("two")];
    try {
      const runs = await Promise.all(engines.map((engine) => engine.up()));
      for (const [index, name] of ["one", "two"].entries()) {
        expect(saidOn(runs[index]?.messages ?? [])).toEqual({
          [`${name}-ca`]: "issues a root",
          [`${name}-leaf`]: "issues a certificate",
        });
      }
      for (const engine of engines) expect(await engine.leaks()).toEqual([]);
    } finally {
      for (const engine of engines) engine.remove();
    }
  });
});

/** The part of a run that all copies of the package share, from release 0.1.0 on. */
interface SharedRun {
  readonly lifecycles: ReadonlyMap<string, { explain(...args: readonly unknown[]): unknown }>;
}

/** The run of the current program. */
function sharedRun(): SharedRun | undefined {
  const runs = Reflect.get(globalThis, Symbol.for("pulumi-tls-gateway.reason-hook.runs"));
  return runs.get(pulumi.runtime.getStackResource());
}

describe("two copies of the package in one program", () => {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-copy-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const copy = join(folder, "node_modules/pulumi-tls-gateway");
  mkdirSync(copy, { recursive: true });
  for (const part of ["dist", "package.json"])
    cpSync(join(programFolder, "provider", part), join(copy, part), { recursive: true });
  const { dependencies } = createRequire(join(copy, "package.json"))("./package.json") as { dependencies: object };
  for (const name of ["@pulumi", ...Object.keys(dependencies)]) {
    symlinkSync(join(programFolder, "node_modules", name), join(folder, "node_modules", name));
  }
  const other = createRequire(join(folder, "program.js"))("pulumi-tls-gateway") as typeof gateway;

  it("work together, know each other's resources, and read those of another stack", async () => {
    let seen: Record<string, unknown> = {};
    const engine = await EngineStack.create("copies", async () => {
      const ca = new SelfSignedCA("ca");
      const leaf = new other.LeafCertificate("leaf", { ca, hostnames: ["a.internal"] });
      const site = new other.Site("site", { binds: ["a.internal:443"], tls: { certificate: leaf } });
      new gateway.Gateway("gateway", { kind: "cells", sites: [site] });
      const isKnown = [
        SelfSignedCA.isInstance(ca) && other.SelfSignedCA.isInstance(ca),
        gateway.LeafCertificate.isInstance(leaf) && other.LeafCertificate.isInstance(leaf),
        gateway.Site.isInstance(site),
      ];
      const isMistaken = [
        SelfSignedCA.isInstance(leaf),
        gateway.Site.isInstance(ca),
        gateway.Gateway.isInstance({}),
        gateway.CertificateChain.isInstance(undefined),
      ];
      const types = [gateway, other].map(({ SelfSignedCA: { __pulumiType } }) => __pulumiType);
      // an older copy may own the hook, and calls `explain` of the lifecycle of each type
      const explain = sharedRun()?.lifecycles.get(SelfSignedCA.__pulumiType)?.explain;
      const isExplained = typeof explain === "function";
      seen = { isCopy: other.SelfSignedCA !== SelfSignedCA, isKnown, isMistaken, types, isExplained };
    });
    try {
      const { changes, messages } = await engine.up();
      expect(changes).toEqual({ create: 4 });
      expect(saidOn(messages)).toMatchObject({ ca: "issues a root", leaf: "issues a certificate" });
      expect(seen).toEqual({
        isCopy: true,
        isKnown: [true, true, true],
        isMistaken: [false, false, false, false],
        types: Array(2).fill("pulumi-nodejs:dynamic/tls-gateway:SelfSignedCA"),
        isExplained: true,
      });
      expect((await engine.up({ expectNoChanges: true })).messages).toEqual([]);
      expect(await engine.leaks()).toEqual([]);
    } finally {
      engine.remove();
    }
  });
});

describe("a resource of another stack", () => {
  it("is read by get: nothing manages it, and its CA issues", async () => {
    const made = await EngineStack.create("owner", async () => {
      const ca = new SelfSignedCA("ca");
      return {
        id: ca.id,
        certPem: ca.certPem,
        privateKeyPem: ca.privateKeyPem,
        validTo: ca.validTo,
        validFrom: ca.validFrom,
      };
    });
    await made.up();
    const outputs = await made.outputs();
    const values = Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value as string]));
    const { id, privateKeyPem, ...rest } = values as Record<"id" | "privateKeyPem" | "certPem", string>;
    const reader = await EngineStack.create("reader", async () => {
      const ca = SelfSignedCA.get("ca", id, { ...rest, privateKeyPem: pulumi.secret(privateKeyPem) });
      const leaf = ca.issue("leaf", { hostnames: ["a.internal"] });
      return { caCertPem: leaf.caCertPem };
    });
    try {
      const { changes, messages } = await reader.up();
      expect(changes).toEqual({ read: 1, create: 1 });
      expect(saidOn(messages)).toEqual({ leaf: "issues a certificate" });
      expect(reader.resources().leaf?.outputs.caCertPem).toBe(rest.certPem);
      expect((await reader.up({ expectNoChanges: true })).changes).toMatchObject({ same: 1 });
      for (const engine of [made, reader]) expect(await engine.leaks()).toEqual([]);
    } finally {
      made.remove();
      reader.remove();
    }
  });
});

describe("a program under pulumi.runtime.setMocks", () => {
  it("runs as ever: there are no hooks, and no reason is said", async () => {
    const program = `
      const pulumi = require("@pulumi/pulumi");
      pulumi.runtime.setMocks({
        newResource: ({ name, inputs }) => ({ id: name + "-id", state: { ...inputs, certPem: "mocked", url: "mocked" } }),
        call: ({ inputs }) => inputs,
      });
      const { SelfSignedCA, Site } = require("pulumi-tls-gateway");
      pulumi.runtime.runInPulumiStack(async () => {
        const ca = new SelfSignedCA("ca");
        const site = new Site("site", { binds: ["a.internal:443"], tls: "disabled" });
        pulumi.all([ca.certPem, ca.id, site.url]).apply((values) => process.stdout.write(JSON.stringify(values)));
      });`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ["-e", program], { cwd: programFolder });
    expect(JSON.parse(stdout)).toEqual(["mocked", "ca-id", "mocked"]);
    expect(stderr).toBe("");
  });
});

interface Command {
  run(args: string[], ...rest: unknown[]): Promise<unknown>;
}
