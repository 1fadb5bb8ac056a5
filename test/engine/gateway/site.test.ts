// Site on the real engine: normalised, known in a preview, a secret in it kept as one.
import * as pulumi from "@pulumi/pulumi";
import { SelfSignedCA, Site, type SiteArgs } from "pulumi-tls-gateway";
import { describe, expect, it } from "vitest";
import { readableOutputs, useStack } from "../../support/engine/shared-stack";

const SECRET = "Bearer-sesame-open-up";

describe("a site", () => {
  const tls = "disabled";
  let args: Record<string, SiteArgs> = {
    full: {
      binds: ["www.example.com:8080", "example.com:8080"],
      hostnames: ["b.example.com", "a.example.com"],
      tls,
      redirectToHttps: false,
      routing: [{ route: "ui", effect: "allow" }],
      maintenance: { except: ["10.0.0.0/8", "10.1.0.1"] },
      grpcPort: 33061,
    },
    bind: { binds: ["bind.example.com:8081"], tls },
    way: { binds: ["way.example.com:8443"], tls },
    header: { binds: ["header.example.com:8082"], tls },
    down: { binds: ["down.example.com:8083"], tls, maintenance: false, headers: [] },
    secret: {
      binds: ["secret.example.com:8084"],
      tls,
      headers: [{ on: "request", action: "set", name: "Authorization", value: pulumi.secret(SECRET) }],
    },
  };
  const shared = useStack("site", () => {
    const sites = Object.entries(args).map(([name, values]) => new Site(name, values));
    const ca = new SelfSignedCA("ca");
    // of another resource: unknown until it exists
    const derived = new Site("derived", {
      binds: ["derived.example.com:8443"],
      hostnames: [pulumi.interpolate`${ca.subjectKeyId}.example.com`],
      tls: { selfSigned: { ca } },
    });
    const [full, secret] = [sites[0] as Site, sites.at(-1) as Site];
    const { url, spec, firewallPorts, maintenance } = full;
    const isSecret = pulumi.all([pulumi.isSecret(secret.spec), pulumi.isSecret(full.spec)]);
    return { url, spec, firewallPorts, maintenance, isSecret, derived: derived.url, down: (sites[4] as Site).spec };
  });

  it("is known in the first preview, normalised, but for what another resource is still to make", async () => {
    expect((await shared.engine.preview()).changes).toEqual({ create: 9 });
    const { derived, ...seen } = shared.seen;
    expect(derived).toBe("[unknown]");
    expect(seen).toEqual({
      url: "http://a.example.com:8080",
      spec: {
        name: "full",
        binds: ["example.com:8080", "www.example.com:8080"],
        hostnames: ["a.example.com", "b.example.com"],
        tls,
        routing: [{ route: "ui", effect: "allow" }],
        maintenance: expect.objectContaining({ except: expect.arrayContaining(["10.0.0.0/8"]) }),
        grpcPort: 33061,
      },
      firewallPorts: [
        expect.objectContaining({ port: 8080, protocol: "tcp", sites: ["full"] }),
        expect.objectContaining({ port: 33061, protocol: "tcp", reason: expect.stringContaining("gRPC") }),
      ],
      maintenance: (seen.spec as { maintenance: unknown }).maintenance,
      isSecret: [true, false],
      down: { name: "down", binds: ["down.example.com:8083"], tls },
    });
  });

  it("is the same at the second run, whatever the order of keys and sets", async () => {
    await shared.engine.up();
    const { derived, ca } = shared.engine.resources();
    expect(derived?.outputs.hostnames).toEqual([`${ca?.outputs.subjectKeyId}.example.com`]);
    args.full = {
      grpcPort: 33061,
      maintenance: { except: ["10.1.0.1", "10.0.0.0/8"] },
      routing: [{ effect: "allow", route: "ui" }],
      tls,
      redirectToHttps: false,
      hostnames: ["A.example.com", "b.example.com"],
      binds: ["EXAMPLE.com:8080", "www.example.com:8080"],
    };
    const { changes, messages } = await shared.engine.up({ expectNoChanges: true });
    expect(changes).toEqual({ same: 9 });
    expect(messages).toEqual([]);
    expect(Object.values(shared.seen)).not.toContain("[unknown]");
  });

  it("shows each kind of change by the properties that differ, and updates in place", async () => {
    args = {
      ...args,
      bind: { binds: ["bind.example.com:8091"], tls },
      way: { binds: ["way.example.com:8443"], tls: { selfSigned: {} } },
      header: {
        binds: ["header.example.com:8082"],
        tls,
        headers: [{ on: "response", action: "remove", name: "Server" }],
      },
      down: { binds: ["down.example.com:8083"], tls, maintenance: true, headers: [] },
    };
    const { changes, steps } = await shared.engine.preview();
    expect(changes).toEqual({ same: 5, update: 4 });
    const updates = steps.filter(({ op }) => op === "update");
    const shown = updates.map(({ name, detailedDiff }) => [name, Object.keys(detailedDiff ?? {}).sort()]);
    expect(Object.fromEntries(shown)).toEqual({
      bind: ["binds[0]", "url"],
      way: ["tls", "url"],
      header: ["headers"],
      down: ["maintenance"],
    });
    expect((await shared.engine.up()).changes).toEqual({ same: 5, update: 4 });
  });

  it("refuses bad input by its property, with one failure, and keeps the state", async () => {
    const { full, ...others } = args;
    const state = readableOutputs(shared.engine.resources());
    const cases: [SiteArgs, RegExp][] = [
      [{ binds: ["bad..name:8080"], tls }, /'full' has a problem: binds\[0\]: /],
      [{ binds: ["a.example.com:8080"], tsl: tls } as unknown as SiteArgs, /'full' has a problem: t(sl|ls): /],
    ];
    for (const [bad, reason] of cases) {
      args = { full: bad, ...others };
      const text = await shared.engine.failure(() => shared.engine.up());
      args = { full: full as SiteArgs, ...others };
      expect(text).toMatch(reason);
    }
    expect(readableOutputs(shared.engine.resources())).toEqual(state);
  });

  it("keeps a secret header as a cipher wherever it gets into, also through a refresh", async () => {
    expect((await shared.engine.refresh()).changes).toEqual({ refresh: 9 });
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 9 });
    const { secret } = shared.engine.resources();
    expect(secret?.outputs.headers).toHaveProperty("ciphertext");
    expect(secret?.inputs.headers).toHaveProperty("ciphertext");
    expect(await shared.engine.leaks([SECRET])).toEqual([]);
    expect((await shared.engine.destroy()).changes).toEqual({ delete: 9 });
  });
});

describe("a site whose gateway asks Let's Encrypt by itself", () => {
  let staging = false;
  const shared = useStack("letsencrypt", () => {
    const letsEncrypt = { email: "ops@example.com", acceptEula: true as const, ...(staging && { staging }) };
    return { web: new Site("web", { binds: ["web.example.com:443"], tls: { letsEncrypt } }).url };
  });
  const warnings = (messages: readonly { severity: string; text: string }[]) =>
    messages.filter(({ severity }) => severity === "warning").map(({ text }) => text);

  it("is warned of production while its names were never tried at staging, in the preview, and not after", async () => {
    expect(warnings((await shared.engine.preview()).messages)).toEqual([
      expect.stringMatching(
        /^the gateway will ask Let's Encrypt's production for web\.example\.com, .*staging: true first/,
      ),
    ]);
    staging = true;
    expect(warnings((await shared.engine.up()).messages)).toEqual([]);
    staging = false;
    const { messages, changes } = await shared.engine.up();
    expect(warnings(messages)).toEqual([]);
    expect(changes).toEqual({ update: 1 });
  });
});
