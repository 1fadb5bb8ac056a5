import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LeafCertificate } from "../../../../provider/src/resources/certificate/leaf-certificate";
import { Gateway } from "../../../../provider/src/resources/gateway/gateway";
import { Site } from "../../../../provider/src/resources/gateway/site";
import type { SiteArgs } from "../../../../provider/src/resources/gateway/site-args";

/** What the classes registered, by name. */
let registered: Map<string, Record<string, unknown>>;

beforeAll(async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => {
      registered.set(name, inputs);
      return { id: name, state: { ...inputs, url: "https://a.example.com" } };
    },
    call: () => ({}),
  });
});

beforeEach(() => {
  registered = new Map();
});

/** Inputs of the site, once it is registered. */
async function register(args: Partial<SiteArgs>): Promise<Record<string, unknown> | undefined> {
  const site = new Site("web", { binds: ["a.example.com:443"], tls: "disabled", ...args });
  await promiseOf(site.urn);
  return registered.get("web");
}

function promiseOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve as (value: unknown) => void));
}

describe("the mark that makes secret what is derived from arguments", () => {
  const secret = pulumi.secret("internal.example.com");
  for (const [where, args] of Object.entries({
    "an argument": { externalUrl: pulumi.secret("https://internal.example.com") },
    "an entry of a list": { hostnames: ["b.example.com", secret] },
    "a whole list": { hostnames: pulumi.secret(["internal.example.com"]) },
    "an object inside of another": { tls: { selfSigned: { hostnames: [secret] } } },
    "a promise": { hostnames: Promise.resolve([secret]) },
    "an output that is made of one": { hostnames: pulumi.all([secret]) },
  } satisfies Record<string, Partial<SiteArgs>>)) {
    it(`names the argument that holds a secret in ${where}`, async () => {
      expect((await register(args))?.__sensitive).toEqual(Object.keys(args));
    });
  }

  for (const [where, args] of Object.entries({
    "plain data": {},
    "outputs and promises": {
      hostnames: [pulumi.output("b.example.com"), Promise.resolve("c.example.com")],
      externalUrl: pulumi.output("https://d.example.com"),
    },
  } satisfies Record<string, Partial<SiteArgs>>)) {
    it(`is not set for ${where}`, async () => {
      expect(await register(args)).not.toHaveProperty("__sensitive");
    });
  }

  it("is not set for the key of a CA, which is a secret anyway", async () => {
    const ca = { certPem: "certificate", privateKeyPem: pulumi.secret("key") };
    const leaf = new LeafCertificate("leaf", { ca, hostnames: ["a.example.com"] });
    await promiseOf(leaf.urn);
    expect(registered.get("leaf")).not.toHaveProperty("__sensitive");
  });

  it("is set for a gateway with a secret in one of its sites", async () => {
    const sites = [{ name: "a", binds: ["a.example.com:80"], hostnames: [secret], tls: "disabled" as const }];
    await promiseOf(new Gateway("gateway", { kind: "cells", sites }).urn);
    expect(registered.get("gateway")?.__sensitive).toEqual(["sites"]);
  });
});

describe("an output that was not given", () => {
  it("is known to be absent, also where another one is known later", async () => {
    const site = new Site("web", { binds: ["a.example.com:443"], tls: "disabled" });
    expect(await promiseOf(site.externalUrl)).toBeUndefined();
    expect(await promiseOf(site.spec)).toEqual({ name: "web", binds: ["a.example.com:443"], tls: "disabled" });
  });
});
