// The classes without an engine: what they register, what they compute beside it, and who is whose child.
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it, test } from "vitest";
import { createDynamicProvider } from "../../../provider/src/adapter/dynamic-provider";
import {
  CertificateChain,
  Gateway,
  LeafCertificate,
  SelfSignedCA,
  Site,
  type SiteArgs,
} from "../../../provider/src/index";
import { certificateChain } from "../../../provider/src/lifecycle/chain/certificate-chain";
import type { Lifecycle } from "../../../provider/src/lifecycle/lifecycle";
import { leafCertificate } from "../../../provider/src/lifecycle/local/leaf-certificate";
import { selfSignedCa } from "../../../provider/src/lifecycle/local/self-signed-ca";
import { gateway } from "../../../provider/src/lifecycle/site/gateway";
import { site } from "../../../provider/src/lifecycle/site/site";
import { issuer, leafOf } from "../../support/engine/lifecycle";
import { opened, type Registered, recordResources, resolved } from "../../support/engine/mocks";

const engine = recordResources();
const plain: SiteArgs = { binds: [":8080"], tls: "disabled" };

function named(made: readonly Registered[], name: string): Registered {
  const found = made.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is not among ${made.map((one) => one.name).join(", ")}`);
  return found;
}

const lifecycles = new Map(
  [selfSignedCa, leafCertificate, certificateChain, site, gateway].map((one) => [one.name, one]),
);

/** Answers as the provider's process would. */
async function provide({ type, inputs, id }: Registered): Promise<Record<string, unknown>> {
  if (id !== undefined) return {};
  const lifecycle = lifecycles.get(type.split(":").at(-1) ?? "") as Lifecycle;
  const provider = createDynamicProvider(() => lifecycle);
  const checked = await provider.check({}, inputs);
  if (checked.inputs === undefined) throw new Error(checked.failures?.map(({ reason }) => reason).join("\n"));
  const { outs } = await provider.create(opened(checked.inputs));
  return opened(outs);
}

describe("SelfSignedCA", () => {
  it("registers its arguments, its name, every output, and its secrets", async () => {
    const made = await engine.of(() => new SelfSignedCA("root", { keyType: "P384", minDaysRemaining: 5 }));
    expect(made).toEqual([
      expect.objectContaining({
        type: "pulumi-nodejs:dynamic/tls-gateway:SelfSignedCA",
        inputs: expect.objectContaining({ name: "root", keyType: "P384", minDaysRemaining: 5 }),
        additionalSecretOutputs: ["privateKeyPem", "passphrase"],
      }),
    ]);
    expect(made[0]?.inputs).not.toHaveProperty("__sensitive");
  });

  it("says when it renews, and puts its files under mkcert's names, as a secret", async () => {
    engine.answer(provide);
    let ca: SelfSignedCA | undefined;
    await engine.of(() => {
      ca = new SelfSignedCA("root");
    });
    const root = ca as SelfSignedCA;
    expect(await resolved(root.readyForRenewal)).toBe(false);
    expect(await resolved(root.renewAt)).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);
    expect(await resolved(root.renewalReason)).toMatch(
      /^renews from 20\d\d-\d\d-\d\d on, with 1217 days of 3650 days left$/,
    );
    expect(await resolved(root.files)).toEqual({
      "rootCA.pem": await resolved(root.certPem),
      "rootCA-key.pem": await resolved(root.privateKeyPem),
    });
    expect(await pulumi.isSecret(root.files)).toBe(true);
    expect(await resolved(root.nameConstraints)).toBeUndefined();
  });

  it("that is adopted has no subject and key type of its own, and its key travels as it was given", async () => {
    const { caCertPem, caPrivateKeyPem } = await issuer();
    let ca: SelfSignedCA | undefined;
    const made = await engine.of(() => {
      ca = new SelfSignedCA("root", { certPem: caCertPem, privateKeyPem: pulumi.secret(caPrivateKeyPem) });
    });
    expect(named(made, "root")).toMatchObject({
      inputs: { privateKeyPem: caPrivateKeyPem },
      secrets: ["privateKeyPem"],
    });
    // a key is secret anyway: that alone makes nothing else so
    expect(named(made, "root").inputs).not.toHaveProperty("__sensitive");
    expect(await resolved((ca as SelfSignedCA).subject)).toBeUndefined();
    expect(await resolved((ca as SelfSignedCA).keyType)).toBeUndefined();
  });

  it("warns of an adopted one that ends soon, which nothing here can renew", async () => {
    const { caCertPem, caPrivateKeyPem } = await issuer({ validityDays: 5 }, new Date());
    engine.answer(provide);
    const policy = { minDaysRemaining: 3.9 };
    await engine.of(() => new SelfSignedCA("old", { certPem: caCertPem, privateKeyPem: caPrivateKeyPem, ...policy }));
    expect(engine.log()).toEqual([]);
    const { caCertPem: endingPem, caPrivateKeyPem: endingKey } = await issuer({ validityDays: 5 }, daysAgo(3));
    engine.answer(() => ({ validFrom: daysAgo(4).toISOString(), validTo: daysAgo(-1).toISOString() }));
    await engine.of(() => new SelfSignedCA("ending", { certPem: endingPem, privateKeyPem: endingKey }));
    expect(engine.log()).toEqual([
      expect.stringMatching(/^warn: this adopted CA can't be renewed here.*hours of .* left/),
    ]);
  });
});

describe("LeafCertificate", () => {
  it("takes of its CA what it needs: certificate, key as a secret, end, constraints; and is told of no other", async () => {
    engine.answer(provide);
    const made = await engine.of(() => {
      const ca = new SelfSignedCA("root", { nameConstraints: { permittedDnsDomains: ["a.test"] } });
      return ca.issue("leaf", { hostnames: ["x.a.test"], minDaysRemaining: 5 });
    });
    const { inputs, secrets, additionalSecretOutputs } = named(made, "leaf");
    expect(inputs).toMatchObject({
      hostnames: ["x.a.test"],
      minDaysRemaining: 5,
      caCertPem: expect.stringContaining("BEGIN CERTIFICATE"),
      caPrivateKeyPem: expect.stringContaining("BEGIN PRIVATE KEY"),
      caValidTo: expect.stringMatching(/Z$/),
      caNameConstraints: { permittedDnsDomains: ["a.test"] },
    });
    expect(inputs).not.toHaveProperty("ca");
    expect(inputs).not.toHaveProperty("__sensitive");
    expect(secrets).toEqual(["caPrivateKeyPem"]);
    expect(additionalSecretOutputs).toEqual(["privateKeyPem", "caPrivateKeyPem"]);
  });

  it("presents itself alone, names its issuer, and knows no key where a request brought one", async () => {
    engine.answer(provide);
    let leaf: LeafCertificate | undefined;
    let asked: LeafCertificate | undefined;
    await engine.of(() => {
      leaf = new SelfSignedCA("root").issue("leaf", { hostnames: ["b.test", "a.test"] });
    });
    const made = leaf as LeafCertificate;
    expect(await resolved(made.names)).toEqual(["a.test", "b.test"]);
    expect(await resolved(made.fullChainPem)).toBe(await resolved(made.certPem));
    expect(await resolved(made.issuerPem)).toBe(await resolved(made.caCertPem));
    expect(await resolved(made.renewalReason)).toMatch(/^renews from .* on, with 31 days of 90 days left$/);
    engine.answer(() => ({}));
    await engine.of(() => {
      const ca = { certPem: "x", privateKeyPem: "x" };
      asked = new LeafCertificate("asked", { ca, certificateRequestPem: "x" });
    });
    expect(await resolved((asked as LeafCertificate).privateKeyPem)).toBeUndefined();
  });

  it.each([
    [398, 0],
    [399, 1],
  ])("of %i days gives %i warnings", async (validityDays, warnings) => {
    const ca = { certPem: "x", privateKeyPem: "x" };
    await engine.of(() => new LeafCertificate("leaf", { ca, hostnames: ["a.test"], validityDays }));
    expect(engine.log()).toHaveLength(warnings);
  });
});

describe("CertificateChain", () => {
  it("joins what a server sends, and warns of what is left of it and of a missing issuer", async () => {
    const { certPem } = await leafOf(await issuer());
    engine.answer(({ inputs }) => ({
      ...inputs,
      issuerPem: "issuer",
      validFrom: daysAgo(60).toISOString(),
      validTo: daysAgo(-20).toISOString(),
    }));
    let chain: CertificateChain | undefined;
    await engine.of(() => {
      chain = new CertificateChain("shop", { certPem });
    });
    expect(await resolved((chain as CertificateChain).fullChainPem)).toBe(`${certPem}issuer`);
    expect(await resolved((chain as CertificateChain).readyForRenewal)).toBe(true);
    expect(engine.log()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^warn: this certificate can't be renewed here: .* (19|20) of 80 days left\./),
        expect.stringMatching(/^warn: .*CN=Example Root, whose certificate is not here/),
      ]),
    );
  });

  it("marks everything that is derived as secret when an argument is that is not anyway", async () => {
    const made = await engine.of(() => {
      new CertificateChain("open", { certPem: "x", privateKeyPem: pulumi.secret("k"), passphrase: pulumi.secret("p") });
      new CertificateChain("closed", { certPem: pulumi.secret("x") });
    });
    expect(named(made, "open").inputs).not.toHaveProperty("__sensitive");
    expect(named(made, "closed").inputs).toHaveProperty("__sensitive", ["certPem"]);
  });
});

describe("Site", () => {
  it("refers to certificates and CAs by name, and issues the leaf of a CA as its child", async () => {
    engine.answer(provide);
    const { certPem } = await leafOf(await issuer({}, new Date()), { hostnames: ["shop.test"] }, new Date());
    const made = await engine.of(() => {
      const ca = new SelfSignedCA("root");
      const certificate = new CertificateChain("shop-chain", { certPem });
      new Site("shop", { binds: ["shop.test:443"], tls: { certificate } });
      new Site("intern", { binds: ["cells.test:443"], tls: { selfSigned: { ca } } });
      new Site("leafy", { binds: ["x.test:443"], tls: { certificate: ca.issue("x", { hostnames: ["x.test"] }) } });
    });
    expect(named(made, "shop").inputs.tls).toEqual({ certificate: { name: "shop-chain", hostnames: ["shop.test"] } });
    expect(named(made, "intern").inputs.tls).toEqual({ selfSigned: { ca: "root" } });
    expect(named(made, "leafy").inputs.tls).toEqual({ certificate: { name: "x", hostnames: ["x.test"], root: true } });
    expect(named(made, "intern-leaf")).toMatchObject({
      type: "pulumi-nodejs:dynamic/tls-gateway:LeafCertificate",
      inputs: { hostnames: ["cells.test"] },
      parent: expect.stringMatching(/Site::intern$/),
    });
    expect(JSON.stringify(made.filter(({ type }) => type.endsWith(":Site")))).not.toContain("BEGIN");
  });

  it("knows what it was not given, its spec, URL and ports", async () => {
    engine.answer(provide);
    let web: Site | undefined;
    await engine.of(() => {
      web = new Site("web", { ...plain, hostnames: [], redirectToHttps: false });
    });
    const made = web as Site;
    for (const absent of [made.externalUrl, made.headers, made.routing, made.maintenance, made.grpcPort]) {
      expect(await resolved(absent as pulumi.Output<unknown>)).toBeUndefined();
    }
    expect(await resolved(made.spec)).toEqual({ name: "web", binds: ["0.0.0.0:8080"], tls: "disabled" });
    expect(await resolved(made.url)).toBe("http://localhost:8080");
    expect((await resolved(made.firewallPorts)).map(({ port }) => port)).toEqual([8080, 33060]);
  });
});

describe("Gateway", () => {
  it("sends sites as one text, resources and data alike, and issues the leaves of data as its children", async () => {
    engine.answer(provide);
    let made: Gateway | undefined;
    const registered = await engine.of(() => {
      const ca = new SelfSignedCA("root");
      const web = new Site("web", { binds: ["web.test:443"], tls: { selfSigned: { ca } } });
      const api = { name: "api", binds: ["api.test:443"], tls: { selfSigned: { ca } } };
      made = new Gateway("cells", { kind: "cells", sites: [web, api] });
    });
    const { inputs } = named(registered, "cells");
    expect(JSON.parse(inputs.sites as string)).toEqual([
      { name: "web", binds: ["web.test:443"], tls: { selfSigned: { ca: "root" } } },
      { name: "api", binds: ["api.test:443"], tls: { selfSigned: { ca: "root" } } },
    ]);
    expect(inputs).not.toHaveProperty("options");
    expect(named(registered, "web-leaf").parent).toMatch(/Site::web$/);
    expect(named(registered, "cells-api-leaf")).toMatchObject({
      inputs: { hostnames: ["api.test"] },
      parent: expect.stringMatching(/Gateway::cells$/),
    });
    const cells = made as Gateway;
    expect((await resolved(cells.renewals)).map(({ name }) => name).sort()).toEqual(["cells-api-leaf", "web-leaf"]);
    const files = await resolved(cells.files);
    expect(Object.keys(files).sort()).toEqual((await resolved(cells.fileList)).map(({ path }) => path).sort());
    expect(Object.values(files).filter((content) => content.includes("BEGIN PRIVATE KEY"))).toHaveLength(2);
    expect(await pulumi.isSecret(cells.files)).toBe(true);
    expect(await pulumi.isSecret(cells.configuration)).toBe(false);
    expect(await resolved(cells.configuration)).not.toContain("PRIVATE");
  });

  it("refuses two different resources of one name, whose files would be the same", async () => {
    await expect(
      engine.of(() => {
        const one = new CertificateChain("same", { certPem: "x" });
        const other = new SelfSignedCA("root").issue("same", { hostnames: ["a.test"] });
        const sites = [one, other].map((certificate, index) => ({
          name: `s${index}`,
          binds: [`s${index}.test:443`],
          tls: { certificate },
        }));
        new Gateway("cells", { kind: "cells", sites });
      }),
    ).rejects.toThrow(/^GATEWAY_INVALID: gateway cells: two different resources are called "same"/);
  });
});

describe("every class", () => {
  const classes = [SelfSignedCA, LeafCertificate, CertificateChain, Site, Gateway];

  test("knows its own by its type, and nobody else's", async () => {
    const made: pulumi.Resource[] = [];
    await engine.of(() => {
      const ca = new SelfSignedCA("root");
      made.push(ca, ca.issue("leaf", { hostnames: ["a.test"] }), new CertificateChain("chain", { certPem: "x" }));
      made.push(new Site("web", plain), new Gateway("cells", { kind: "cells", sites: [] }));
    });
    for (const [index, one] of classes.entries()) {
      expect(made.map((resource) => one.isInstance(resource))).toEqual(classes.map((_, at) => at === index));
      for (const value of [undefined, null, {}, "x", { __pulumiType: one.__pulumiType }]) {
        expect(one.isInstance(value)).toBe(false);
      }
    }
  });

  test("takes over a resource of another stack by get: read and not registered, with the outputs that are given", async () => {
    let leaf: LeafCertificate | undefined;
    const registered = await engine.of(() => {
      SelfSignedCA.get("root", "1", { certPem: "c", privateKeyPem: pulumi.secret("k") });
      leaf = LeafCertificate.get("leaf", "2", { certPem: "c", caCertPem: "ca", hostnames: ["a.test"] });
      CertificateChain.get("chain", "3", { certPem: "c" });
      Site.get("web", "4", plain);
      Gateway.get("cells", "5", { kind: "cells", sites: 'site a\n  binds ["0.0.0.0:80"]\n  tls disabled\n' });
    });
    expect(registered.map(({ name, id }) => [name, id]).sort()).toEqual([
      ["cells", "5"],
      ["chain", "3"],
      ["leaf", "2"],
      ["root", "1"],
      ["web", "4"],
    ]);
    expect(await resolved((leaf as LeafCertificate).issuerPem)).toBe("ca");
    expect(engine.log()).toEqual([]);
  });
});

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * 86_400_000);
}
