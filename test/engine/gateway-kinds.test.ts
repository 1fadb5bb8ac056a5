// Every kind of gateway on the real engine: known in previews, differences of a few lines however large the fleet and
// whatever the format, the install script secret and in no state, the content hash true to what is installed.
import * as pulumi from "@pulumi/pulumi";
import {
  Gateway,
  type GatewayArgs,
  type GatewayKindName,
  type GatewaySiteArgs,
  SelfSignedCA,
} from "pulumi-tls-gateway";
import { describe, expect, it } from "vitest";
import { gatewayKinds } from "../../provider/src/gateway/kinds";
import { useStack } from "../support/shared-stack";

const kinds = Object.keys(gatewayKinds) as readonly GatewayKindName[];
/** Only a proxy has an upstream; a Service is what Kubernetes knows of one. */
const upstreamOf = (kind: GatewayKindName) =>
  kind === "cells" ? {} : { upstream: { url: kind === "kubernetes" ? "http://app:8080" : "http://127.0.0.1:8080" } };
const options: { readonly [Kind in GatewayKindName]?: object } = {
  cells: { version: "5" },
  kubernetes: { gatewayClassName: "envoy" },
};
const optionsOf = (kind: GatewayKindName) => ({ options: options[kind] ?? {} });

/** What a program can look at of every kind. */
function outputsOf(gateway: Gateway, kind: GatewayKindName): Record<string, unknown> {
  const { configuration, configurationTexts, firewallPorts, fileList, contentHash, files, notes } = gateway;
  const common = { configuration, configurationTexts, firewallPorts, fileList, contentHash, files, notes };
  if (kind === "kubernetes") return { ...common, kubernetesObjects: gateway.kubernetesObjects };
  const { installScript, removeScript } = gateway;
  return { ...common, installScript, removeScript };
}

describe.each(kinds)("a gateway of kind %s", (kind) => {
  let header = "one";
  let more: readonly string[] = [];
  const shared = useStack(`kind-${kind}`, () => {
    const ca = new SelfSignedCA("ca");
    const certificate = ca.issue("leaf", { hostnames: ["a.example.com", "b.example.com", ...more] });
    const site = (name: string): GatewaySiteArgs => ({
      ...{ name, binds: [`${name}.example.com:443`], tls: { certificate } },
      ...upstreamOf(kind),
      headers: [{ on: "response", action: "set", name: "X-Fleet", value: header }],
    });
    const gateway = new Gateway("gateway", { kind, sites: [site("a"), site("b")], ...optionsOf(kind) } as GatewayArgs);
    const { installScript, contentHash } = { installScript: gateway.files, contentHash: gateway.contentHash };
    const isSecret = pulumi.all([pulumi.isSecret(installScript), pulumi.isSecret(contentHash)]);
    return { ...outputsOf(gateway, kind), isSecret };
  });

  it("is known in a preview, but for what holds the certificate", async () => {
    await shared.engine.preview();
    const { configuration, firewallPorts, fileList, contentHash } = shared.seen;
    expect([configuration, firewallPorts, fileList]).not.toContain("[unknown]");
    expect(contentHash).toBe("[unknown]");
    expect(configuration).not.toMatch(/BEGIN|PRIVATE/);
  });

  it("gives all that is installed, the keys as secrets", async () => {
    await shared.engine.up();
    expect(shared.seen.isSecret).toEqual([true, false]);
    expect(shared.seen.contentHash).toMatch(/^[0-9a-f]{64}$/);
    const files = Object.values(shared.seen.files as Record<string, string>).join("\n");
    expect(files).toMatch(/BEGIN CERTIFICATE[\s\S]*BEGIN PRIVATE KEY|BEGIN PRIVATE KEY[\s\S]*BEGIN CERTIFICATE/);
    if (kind !== "kubernetes") {
      const script = shared.seen.installScript as string;
      expect(script).toMatch(/^#!\/bin\/sh\n/);
      expect(script).toContain("BEGIN PRIVATE KEY");
      expect(shared.seen.removeScript).not.toMatch(/-----BEGIN/);
    } else {
      const objects = shared.seen.kubernetesObjects as { kind: string; type?: string }[];
      expect(objects.filter((object) => object.kind === "Secret")).toEqual([
        expect.objectContaining({ type: "kubernetes.io/tls" }),
      ]);
    }
    const { gateway } = await shared.engine.resources();
    expect(JSON.stringify(gateway)).not.toMatch(/-----BEGIN/);
  });

  it("is the same at the second run", async () => {
    const { contentHash } = shared.seen;
    expect((await shared.engine.up({ expectNoChanges: true })).messages).toEqual([]);
    expect(shared.seen.contentHash).toBe(contentHash);
  });

  it("has another content hash after a change of a header, and shows that header alone", async () => {
    const { contentHash, configuration, configurationTexts } = shared.seen;
    header = "two";
    const { text } = await shared.engine.preview({ diff: true, color: "never" });
    const changed = text.split("\n").filter((line) => /^\s*[-+] /.test(line));
    expect(changed.filter((line) => line.includes("X-Fleet"))).toHaveLength(4);
    // Envoy's configuration is the same for all sites: what it says of each stands in files beside it
    const { configuration: now, configurationTexts: texts } = shared.seen;
    expect({ now, texts }).not.toEqual({ now: configuration, texts: configurationTexts });
    expect(shared.seen.contentHash).toMatch(/^[0-9a-f]{64}$/);
    expect(shared.seen.contentHash).not.toBe(contentHash);
    header = "one";
    await shared.engine.preview();
    expect(shared.seen.contentHash).toBe(contentHash);
  });

  it("has another content hash, and the same configuration, with another certificate", async () => {
    const { contentHash, configuration } = shared.seen;
    more = ["c.example.com"];
    await shared.engine.up();
    expect(shared.seen.configuration).toBe(configuration);
    expect(shared.seen.contentHash).not.toBe(contentHash);
  });

  it("leaves no key in clear anywhere", async () => {
    expect(await shared.engine.leaks()).toEqual([]);
  });
});

describe.each(kinds)("a fleet of 1,000 sites of kind %s", (kind) => {
  let changed = "DENY";
  const shared = useStack(`fleet-${kind}`, () => {
    const sites = Array.from(
      { length: 1000 },
      (_, index): GatewaySiteArgs => ({
        ...{ name: `site-${index}`, binds: [`site-${index}.example.com:8080`], tls: "disabled" },
        ...upstreamOf(kind),
        headers: [{ on: "response", action: "set", name: "X-Frame-Options", value: index === 500 ? changed : "DENY" }],
      }),
    );
    const { configuration } = new Gateway("fleet", { kind, sites, ...optionsOf(kind) } as GatewayArgs);
    return { configuration };
  });

  it("shows a changed header of one site as one line less and one more", async () => {
    await shared.engine.up();
    changed = "SAMEORIGIN";
    const { changes, text } = await shared.engine.preview({ diff: true, color: "never" });
    expect(changes).toEqual({ update: 1 });
    expect(
      text
        .split("\n")
        .filter((line) => /^\s*[-+] /.test(line))
        .map((line) => line.trim()),
    ).toEqual(
      [
        '- header {"on":"response","action":"set","name":"X-Frame-Options","value":"DENY"}',
        '+ header {"on":"response","action":"set","name":"X-Frame-Options","value":"SAMEORIGIN"}',
      ].map((line) => expect.stringContaining(line.slice(2))),
    );
    expect(text.split("\n").length).toBeLessThan(60);
  });
});
