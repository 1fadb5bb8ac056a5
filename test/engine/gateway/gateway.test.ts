// Gateway on the real engine: two in one program, known before certificates are, differences short, collisions refused.
import { createPrivateKey, X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { Gateway, type GatewaySiteArgs, SelfSignedCA, Site } from "pulumi-tls-gateway";
import { describe, expect, it } from "vitest";
import { readableOutputs, useStack } from "../../support/engine/shared-stack";

const SECRET = "Bearer-sesame-open-up";

describe("two gateways", () => {
  const plain = (index: number): GatewaySiteArgs => ({
    name: `plain-${index}`,
    binds: [`plain-${index}.example.com:8080`],
    tls: "disabled",
  });
  const fleet = Array.from({ length: 300 }, (_, index) => plain(index));
  let sites: readonly GatewaySiteArgs[] = fleet;
  let extra: readonly GatewaySiteArgs[] = [];
  let turned = false;
  const shared = useStack("gateway", () => {
    const ca = new SelfSignedCA("ca");
    const web = new Site("web", { binds: ["web.internal:8443"], tls: { selfSigned: { ca } } });
    const leaf = ca.issue("leaf", { hostnames: ["own.internal"] });
    const mixed = [
      web,
      { name: "data", binds: ["data.internal:8444"], tls: { selfSigned: { ca } } },
      { name: "own", binds: ["own.internal:8445"], tls: { certificate: leaf } },
      ...extra,
    ];
    const one = new Gateway("one", {
      kind: "cells",
      sites: turned ? mixed.reverse() : mixed,
      options: { version: "5" },
    });
    const two = new Gateway("two", { kind: "cells", sites: turned ? [...sites].reverse() : sites });
    const { configuration, installYaml, firewallPorts, commands, fileList, files, renewals } = one;
    const isSecret = pulumi.all([pulumi.isSecret(files), pulumi.isSecret(configuration)]);
    const rendered = { configuration, installYaml, firewallPorts, commands, fileList };
    return { ...rendered, renewals, files, isSecret, two: two.configuration };
  });

  it("are known in a preview in which no certificate exists yet", async () => {
    expect((await shared.engine.preview()).changes).toEqual({ create: 7 });
    const { files, ...seen } = shared.seen;
    expect(files).toBe("[unknown]");
    expect(Object.values(seen)).not.toContain("[unknown]");
    const { defaults } = JSON.parse(seen.configuration as string);
    expect(defaults.sites).toHaveLength(3);
    expect(defaults.sites.find((site: { Binds: string[] }) => site.Binds[0] === "own.internal:8445").TLSConfig).toEqual(
      {
        Certificate: { CertFile: "/var/cells/certs/leaf.pem", KeyFile: "/var/cells/certs/leaf-key.pem" },
      },
    );
    expect(JSON.parse(seen.two as string).defaults.sites).toHaveLength(300);
    expect(seen.renewals).toHaveLength(3);
  });

  it("place each certificate with its key, as a secret, and no key in the configuration", async () => {
    await shared.engine.up();
    const files = shared.seen.files as Record<string, string>;
    expect(shared.seen.isSecret).toEqual([true, false]);
    const list = shared.seen.fileList as { path: string }[];
    expect(Object.keys(files).sort()).toEqual(list.map(({ path }) => path).sort());
    const certificate = new X509Certificate(files["/var/cells/certs/leaf.pem"] as string);
    expect(certificate.checkPrivateKey(createPrivateKey(files["/var/cells/certs/leaf-key.pem"] as string))).toBe(true);
    const { one, "one-data-leaf": issued } = shared.engine.resources();
    expect(issued?.outputs.hostnames).toEqual(["data.internal"]);
    expect(JSON.stringify(one?.outputs)).not.toContain("-----BEGIN");
  });

  it("are the same at the second run, whatever the order of sites and their keys", async () => {
    turned = true;
    sites = fleet.map(({ name, binds, tls }) => ({ tls, binds, name }));
    const { changes, messages } = await shared.engine.up({ expectNoChanges: true });
    expect(changes).toEqual({ same: 7 });
    expect(messages).toEqual([]);
    expect(Object.values(shared.seen)).not.toContain("[unknown]");
  });

  it("show a change of one site of many by its lines, and nothing of the other gateway", async () => {
    sites = fleet.map((site, index) => (index === 150 ? { ...site, binds: ["plain-150.example.com:9090"] } : site));
    const { changes, steps, text } = await shared.engine.preview({ diff: true, color: "never" });
    expect(changes).toEqual({ same: 6, update: 1 });
    expect(steps.filter(({ op }) => op === "update")).toMatchObject([
      { name: "two", detailedDiff: { sites: expect.anything() } },
    ]);
    expect(text).toMatch(/^\s*- .*binds \["plain-150\.example\.com:8080"\]/m);
    expect(text).toMatch(/^\s*\+ .*binds \["plain-150\.example\.com:9090"\]/m);
    expect(text.split("\n").filter((line) => line.includes("plain-")).length).toBeLessThan(12);
  });

  it("refuse two sites that collide, naming both and why, and keep the state", async () => {
    sites = fleet;
    const state = readableOutputs(shared.engine.resources());
    extra = [{ name: "clash", binds: ["own.internal:8445"], tls: "disabled" }];
    const text = await shared.engine.failure(() => shared.engine.up());
    extra = [];
    expect(text).toContain("'one' has a problem");
    expect(text).toMatch(/"clash"/);
    expect(text).toMatch(/"own"/);
    expect(readableOutputs(shared.engine.resources())).toEqual(state);
  });

  it("keep a secret header as a cipher in state, preview and configuration", async () => {
    const value = pulumi.secret(SECRET);
    extra = [{ ...plain(0), headers: [{ on: "request", action: "set", name: "Authorization", value }] }];
    await shared.engine.preview({ diff: true });
    await shared.engine.up();
    expect(shared.seen.isSecret).toEqual([true, true]);
    expect(shared.seen.configuration).toContain(SECRET);
    const { one } = shared.engine.resources();
    expect(one?.outputs.sites).toHaveProperty("ciphertext");
    expect(one?.inputs.sites).toHaveProperty("ciphertext");
    expect((await shared.engine.refresh()).changes).toEqual({ refresh: 7 });
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 7 });
    expect(await shared.engine.leaks([SECRET])).toEqual([]);
  });
});
