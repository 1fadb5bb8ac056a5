// Every kind of gateway on the real engine: known in previews, differences of a few lines however large the fleet and
// whatever the format, the install script secret and in no state, the content hash true to what is installed. One stack
// holds a gateway of each kind: the engine runs once for all of them.
import * as pulumi from "@pulumi/pulumi";
import {
  Gateway,
  type GatewayArgs,
  type GatewayKindName,
  type GatewaySiteArgs,
  SelfSignedCA,
} from "pulumi-tls-gateway";
import { beforeAll, describe, expect, it } from "vitest";
import { gatewayKinds } from "../../../provider/src/gateway/kinds";
import { useStack } from "../../support/engine/shared-stack";

const kinds = Object.keys(gatewayKinds) as readonly GatewayKindName[];
/** Only a proxy has an upstream; a Service is what Kubernetes knows of one. */
const upstreamOf = (kind: GatewayKindName) =>
  kind === "cells" ? {} : { upstream: { url: kind === "kubernetes" ? "http://app:8080" : "http://127.0.0.1:8080" } };
const options: { readonly [Kind in GatewayKindName]?: object } = {
  cells: { version: "5" },
  kubernetes: { gatewayClassName: "envoy" },
};
const optionsOf = (kind: GatewayKindName) => ({ options: options[kind] ?? {} });

/** Lines of a difference that the engine shows as added or removed. */
const changedLines = (text: string) => text.split("\n").filter((line) => /^\s*[-+] /.test(line));

/** The part of a preview with `--diff` that is about one resource. */
const partOf = (name: string, text: string) =>
  text.split(/^ {4}[~+-] /m).find((part) => part.includes(`::${name}]`)) ?? "";

/** What a program can look at of every kind. */
function outputsOf(gateway: Gateway, kind: GatewayKindName): Record<string, unknown> {
  const { configuration, configurationTexts, firewallPorts, fileList, contentHash, files, notes } = gateway;
  const isSecret = pulumi.all([pulumi.isSecret(files), pulumi.isSecret(contentHash)]);
  const common = { configuration, configurationTexts, firewallPorts, fileList, contentHash, files, notes, isSecret };
  if (kind === "kubernetes") return { ...common, kubernetesObjects: gateway.kubernetesObjects };
  const { installScript, removeScript } = gateway;
  return { ...common, installScript, removeScript };
}

describe("a gateway", () => {
  let header = "one";
  let more: readonly string[] = [];
  const shared = useStack("kinds", () => {
    const ca = new SelfSignedCA("ca");
    const certificate = ca.issue("leaf", { hostnames: ["a.example.com", "b.example.com", ...more] });
    const outputs = kinds.flatMap((kind) => {
      const site = (name: string): GatewaySiteArgs => ({
        ...{ name, binds: [`${name}.example.com:443`], tls: { certificate } },
        ...upstreamOf(kind),
        headers: [{ on: "response", action: "set", name: "X-Fleet", value: header }],
      });
      const gateway = new Gateway(kind, { kind, sites: [site("a"), site("b")], ...optionsOf(kind) } as GatewayArgs);
      return Object.entries(outputsOf(gateway, kind)).map(([name, output]) => [`${kind} ${name}`, output]);
    });
    return Object.fromEntries(outputs);
  });
  const seenOf =
    (kind: GatewayKindName, seen = shared.seen) =>
    (name: string) =>
      seen[`${kind} ${name}`];

  describe("in the first preview", () => {
    beforeAll(() => shared.engine.preview());

    it.each(kinds)("of kind %s is known, but for what holds the certificate", (kind) => {
      const seen = seenOf(kind);
      expect(["configuration", "firewallPorts", "fileList"].map(seen)).not.toContain("[unknown]");
      expect(seen("contentHash")).toBe("[unknown]");
      expect(seen("configuration")).not.toMatch(/BEGIN|PRIVATE/);
    });
  });

  describe("after an up", () => {
    beforeAll(() => shared.engine.up());

    it.each(kinds)("of kind %s gives all that is installed, the keys as secrets", (kind) => {
      const seen = seenOf(kind);
      expect(seen("isSecret")).toEqual([true, false]);
      expect(seen("contentHash")).toMatch(/^[0-9a-f]{64}$/);
      const files = Object.values(seen("files") as Record<string, string>).join("\n");
      expect(files).toMatch(/BEGIN CERTIFICATE[\s\S]*BEGIN PRIVATE KEY|BEGIN PRIVATE KEY[\s\S]*BEGIN CERTIFICATE/);
      if (kind !== "kubernetes") {
        expect(seen("installScript")).toMatch(/^#!\/bin\/sh\n/);
        expect(seen("installScript")).toContain("BEGIN PRIVATE KEY");
        expect(seen("removeScript")).not.toMatch(/-----BEGIN/);
      } else {
        const objects = seen("kubernetesObjects") as { kind: string; type?: string }[];
        expect(objects.filter((object) => object.kind === "Secret")).toEqual([
          expect.objectContaining({ type: "kubernetes.io/tls" }),
        ]);
      }
      expect(JSON.stringify(shared.engine.resources()[kind])).not.toMatch(/-----BEGIN/);
    });

    it("is the same at the second run, in every kind", async () => {
      const hashes = kinds.map((kind) => seenOf(kind)("contentHash"));
      expect((await shared.engine.up({ expectNoChanges: true })).messages).toEqual([]);
      expect(kinds.map((kind) => seenOf(kind)("contentHash"))).toEqual(hashes);
    });
  });

  describe("after a change of a header", () => {
    let before = shared.seen;
    let changed = shared.seen;
    let back = shared.seen;
    let shown = "";
    beforeAll(async () => {
      before = shared.seen;
      header = "two";
      shown = (await shared.engine.preview({ diff: true, color: "never" })).text;
      changed = shared.seen;
      header = "one";
      await shared.engine.preview();
      back = shared.seen;
    });

    it.each(kinds)(
      "of kind %s has another content hash until it is changed back, and shows that header alone",
      (kind) => {
        expect(changedLines(partOf(kind, shown)).filter((line) => line.includes("X-Fleet"))).toHaveLength(4);
        // Envoy's configuration is the same for all sites: what it says of each stands in files beside it
        const texts = (seen: typeof before) => ["configuration", "configurationTexts"].map(seenOf(kind, seen));
        expect(texts(changed)).not.toEqual(texts(before));
        expect(seenOf(kind, changed)("contentHash")).toMatch(/^[0-9a-f]{64}$/);
        expect(seenOf(kind, changed)("contentHash")).not.toBe(seenOf(kind, before)("contentHash"));
        expect(seenOf(kind, back)("contentHash")).toBe(seenOf(kind, before)("contentHash"));
      },
    );
  });

  describe("with another certificate", () => {
    let before = shared.seen;
    beforeAll(async () => {
      before = shared.seen;
      more = ["c.example.com"];
      await shared.engine.up();
    });

    it.each(kinds)("of kind %s has another content hash and the same configuration", (kind) => {
      expect(seenOf(kind)("configuration")).toBe(seenOf(kind, before)("configuration"));
      expect(seenOf(kind)("contentHash")).not.toBe(seenOf(kind, before)("contentHash"));
    });

    it("leaves no key in clear anywhere", async () => {
      expect(await shared.engine.leaks()).toEqual([]);
    });
  });
});

describe("fleets of 1,000 sites", () => {
  let value = "DENY";
  let shown = "";
  const shared = useStack("fleets", () => {
    for (const kind of kinds) {
      const sites = Array.from(
        { length: 1000 },
        (_, index): GatewaySiteArgs => ({
          ...{ name: `site-${index}`, binds: [`site-${index}.example.com:8080`], tls: "disabled" },
          ...upstreamOf(kind),
          headers: [{ on: "response", action: "set", name: "X-Frame-Options", value: index === 500 ? value : "DENY" }],
        }),
      );
      new Gateway(kind, { kind, sites, ...optionsOf(kind) } as GatewayArgs);
    }
    return {};
  });

  beforeAll(async () => {
    await shared.engine.up();
    value = "SAMEORIGIN";
    const { changes, text } = await shared.engine.preview({ diff: true, color: "never" });
    expect(changes).toEqual({ update: kinds.length });
    shown = text;
  });

  it.each(kinds)("of kind %s show a changed header of one site as one line less and one more", (kind) => {
    const part = partOf(kind, shown);
    expect(changedLines(part).map((line) => line.trim())).toEqual([
      expect.stringContaining('header {"on":"response","action":"set","name":"X-Frame-Options","value":"DENY"}'),
      expect.stringContaining('header {"on":"response","action":"set","name":"X-Frame-Options","value":"SAMEORIGIN"}'),
    ]);
    expect(part.split("\n").length).toBeLessThan(60);
  });
});
