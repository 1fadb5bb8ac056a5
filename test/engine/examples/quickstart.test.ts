// examples/quickstart as it stands, on the real engine: inline as `npm run up` runs it, and through the language host.
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { AS_OF } from "pulumi-tls-gateway";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EngineStack, programFolder } from "../../support/engine/engine";
import { peer } from "../../support/peer";

const main = join(programFolder, "examples/quickstart");
const RESOURCES = 6;

describe("the quickstart", () => {
  let engine: EngineStack;
  let runs = 0;
  beforeAll(async () => {
    const program = async () => {
      runs += 1;
      // as Pulumi's language host does: the program reads its files relative to itself
      process.chdir(main);
      return { ...(await import(`${pathToFileURL(join(main, "index.ts")).href}?run=${runs}`)) };
    };
    engine = await EngineStack.create("quickstart", program, { main });
  });
  afterAll(() => {
    process.chdir(programFolder);
    engine?.remove();
  });

  it("is applied, and puts configuration, ports, renewals and files into the outputs", async () => {
    expect((await engine.preview()).changes).toEqual({ create: RESOURCES });
    const { changes } = await engine.up();
    expect(changes).toEqual({ create: RESOURCES });
    const { configuration, firewallPorts, renewals, files } = await engine.outputs();
    expect([configuration, firewallPorts, renewals, files].map((output) => output?.secret)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    const { sites } = JSON.parse(configuration?.value).defaults;
    expect(sites.map(({ Binds }: { Binds: string[] }) => Binds[0]).sort()).toEqual([
      "0.0.0.0:8443",
      "intranet.example.com:8080",
      "shop.example.com:443",
    ]);
    expect(firewallPorts?.value.map(({ port }: { port: number }) => port)).toEqual(
      expect.arrayContaining([443, 8080, 8443]),
    );
    expect(renewals?.value.map(({ name }: { name: string }) => name).sort()).toEqual(["cells-leaf", "shop"]);
    const [{ TLSConfig }] = sites.filter(({ Binds }: { Binds: string[] }) => Binds[0] === "shop.example.com:443");
    const fullChain = files?.value[TLSConfig.Certificate.CertFile] as string;
    expect(new X509Certificate(fullChain).checkHost("shop.example.com")).toBeDefined();
    expect(fullChain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(files?.value[TLSConfig.Certificate.KeyFile]).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  });

  it("is the same at the second run, and shows what renews on another day", async () => {
    expect((await engine.up({ expectNoChanges: true })).changes).toEqual({ same: RESOURCES });
    vi.stubEnv(AS_OF, new Date(Date.now() + 70 * 86_400_000).toISOString().slice(0, 10));
    const { steps, messages } = await engine.preview();
    vi.unstubAllEnvs();
    expect(steps.filter(({ op }) => op !== "same").map(({ name }) => name)).toEqual(["cells-leaf"]);
    expect(messages.find(({ on }) => on === "cells-leaf")?.text).toMatch(/^renews: /);
  });

  it("leaves no key in clear anywhere, and goes by destroy", async () => {
    expect(await engine.leaks()).toEqual([]);
    expect((await engine.destroy()).changes).toEqual({ delete: RESOURCES });
  });
});

const host = "pulumi-language-nodejs";
if (peer(host) === undefined) {
  // a part of Pulumi's own archive that can't be built or had alone: no failure, even where peers are required
  it.skip(`the quickstart through ${host}: not on PATH`);
} else {
  describe(`the quickstart through ${host}`, () => {
    it("is previewed with its reasons, applied, and is the same at the second run", async () => {
      const engine = await EngineStack.create("host", async () => {}, { main });
      try {
        const preview = await engine.cli("preview");
        expect(preview).toContain("issues a root: valid from");
        await engine.cli("up", "--yes", "--skip-preview", "--suppress-outputs");
        expect(await engine.cli("preview", "--expect-no-changes")).toContain(`${RESOURCES + 1} unchanged`);
        engine.printed.push(preview);
        expect(await engine.leaks()).toEqual([]);
      } finally {
        engine.remove();
      }
    });
  });
}
