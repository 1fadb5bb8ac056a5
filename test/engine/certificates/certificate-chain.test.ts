// CertificateChain on the real engine: known in a preview, refused before anything is applied, never expired in silence.
import * as pulumi from "@pulumi/pulumi";
import { CertificateChain, type CertificateChainArgs, SelfSignedCA } from "pulumi-tls-gateway";
import { afterAll, describe, expect, it } from "vitest";
import { useStack } from "../../support/engine/shared-stack";
import { caExtensions, day, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

describe("a chain", () => {
  const pki = new OpensslPki();
  afterAll(() => pki.remove());
  const root = pki.issue("Chain Root", { extensions: caExtensions() });
  const upper = pki.issue("Upper", { extensions: caExtensions(), issuer: root });
  const lower = pki.issue("Lower", { extensions: caExtensions(0), issuer: upper });
  const names = leafExtensions("DNS:shop.example.com,DNS:www.example.com");
  const leaf = pki.issue("shop.example.com", { extensions: names, issuer: lower });
  const aged = { from: new Date(Date.now() - 200 * day), to: new Date(Date.now() + 50 * day) };
  const next = pki.issue("shop.example.com", { extensions: names, issuer: lower, ...aged });
  const ends = new Date(Date.now() + day);
  const brief = pki.issue("brief.example.com", {
    extensions: leafExtensions("DNS:brief.example.com"),
    issuer: root,
    to: ends,
  });
  const passphrase = "a passphrase that nobody may read";
  const pkcs8 = "-topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 1000".split(" ");
  const cipher = pki.run(["pkcs8", ...pkcs8, "-in", leaf.keyFile, "-passout", `pass:${passphrase}`]);
  const usual: CertificateChainArgs = {
    certPem: lower.pem + leaf.pem + root.pem,
    issuerPem: upper.pem,
    privateKeyPem: cipher,
    passphrase,
    roots: root.pem,
    hostnames: ["www.example.com", "shop.example.com"],
  };
  let args = usual;
  const shared = useStack("chain", () => {
    const shop = new CertificateChain("shop", args);
    new CertificateChain("brief", { certPem: brief.pem, privateKeyPem: brief.keyPem });
    // of another resource: unknown until it exists
    const issued = new SelfSignedCA("ca").issue("issued", { hostnames: ["a.internal"] });
    const chain = new CertificateChain("derived", {
      certPem: issued.certPem,
      privateKeyPem: issued.privateKeyPem as pulumi.Output<string>,
      roots: issued.caCertPem,
    });
    const { fullChainPem, privateKeyPem, names, validTo, renewAt, issuerPem } = shop;
    const isSecret = pulumi.isSecret(privateKeyPem);
    return { fullChainPem, privateKeyPem, names, validTo, renewAt, issuerPem, isSecret, derived: chain.names };
  });
  const isShop = ({ on }: { on: string | undefined }) => on === "shop";

  it("is known in a preview: the leaf first, intermediates in order, the key opened, no root", async () => {
    expect((await shared.engine.preview()).changes).toEqual({ create: 5 });
    const { derived, ...seen } = shared.seen;
    expect(Object.values(seen)).not.toContain("[unknown]");
    expect(derived).toBe("[unknown]");
    expect(seen.fullChainPem).toBe(leaf.pem + lower.pem + upper.pem);
    expect(seen.names).toEqual(["shop.example.com", "www.example.com"]);
    expect(String(seen.privateKeyPem).trim()).toBe(leaf.keyPem.trim());
    expect(seen.isSecret).toBe(true);
  });

  it("keeps its key as a cipher and its passphrase out of the outputs", async () => {
    await shared.engine.up();
    const { shop, derived } = shared.engine.resources();
    expect(shop?.outputs.privateKeyPem).toHaveProperty("ciphertext");
    expect(shop?.outputs).not.toHaveProperty("passphrase");
    expect(derived?.outputs.names).toEqual(["a.internal"]);
  });

  it("is the same with its parts in another order, another wrapping of the key and other notes", async () => {
    args = {
      ...usual,
      certPem: `Bag Attributes: none\n${leaf.pem}${leaf.pem}`,
      issuerPem: upper.pem + lower.pem,
      privateKeyPem: pulumi.secret(pki.run(["ec", "-in", leaf.keyFile])),
      hostnames: ["shop.example.com", "WWW.example.com"],
    };
    delete (args as { passphrase?: unknown }).passphrase;
    const { changes, messages } = await shared.engine.up({ expectNoChanges: true });
    expect(changes).toEqual({ same: 5 });
    expect(messages.filter(isShop)).toEqual([]);
  });

  it("shows a new certificate by its facts, and updates in place", async () => {
    args = { ...args, certPem: next.pem, privateKeyPem: next.keyPem };
    const { steps } = await shared.engine.preview();
    const shown = Object.keys(steps.find(({ name }) => name === "shop")?.detailedDiff ?? {}).sort();
    expect(shown).toEqual(["certPem", "fingerprintSha256", "privateKeyPem", "serialNumber", "validFrom", "validTo"]);
    expect(shared.seen.fullChainPem).toBe(next.pem + lower.pem + upper.pem);
    expect((await shared.engine.up()).changes).toEqual({ same: 4, update: 1 });
  });

  it("refuses what would not work on a server, in the preview, and prints no key", async () => {
    const good = args;
    const cases: [CertificateChainArgs, RegExp][] = [
      [{ ...good, privateKeyPem: leaf.keyPem }, /privateKeyPem: .*shop\.example\.com/],
      [{ ...good, issuerPem: upper.pem }, /certPem: .*Lower/],
      [{ ...good, hostnames: ["other.example.com"] }, /hostnames: .*does not cover .*other\.example\.com/],
    ];
    for (const [bad, reason] of cases) {
      args = bad;
      const text = await shared.engine.failure(() => shared.engine.preview());
      args = good;
      expect(text).toMatch(reason);
      expect(text).toContain("'shop' has a problem");
    }
  });

  it("warns on itself, in every preview and up, when it ends soon", async () => {
    args = { ...args, minDaysRemaining: 100 };
    const text = expect.stringMatching(/^this certificate can't be renewed here: .* (49|50) of 250 days left/);
    for (const run of [await shared.engine.preview(), await shared.engine.up({ expectNoChanges: true })]) {
      expect(run.messages.filter(isShop)).toEqual([{ on: "shop", severity: "warning", text }]);
    }
  });

  it("does not block a run when it expired after it was accepted, and warns", async () => {
    shared.engine.shiftClock(2 * day);
    args = { ...args, hostnames: ["shop.example.com"] };
    const { changes, messages } = await shared.engine.up();
    expect(changes).toEqual({ same: 4, update: 1 });
    const text = expect.stringMatching(/expired on .* ago/);
    expect(messages).toContainEqual({ on: "brief", severity: "warning", text });
  });

  it("changes by a refresh as little as by a run after it, and left no key in clear anywhere", async () => {
    expect((await shared.engine.refresh()).changes).toEqual({ refresh: 5 });
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 5 });
    const keyLines = [leaf, next, brief].map(({ keyPem }) => keyPem.split("\n")[2] as string);
    expect(await shared.engine.leaks([passphrase, ...keyLines])).toEqual([]);
  });
});
