// A preview tells what up will do: as of any day, with the options of Pulumi, and it says nothing where nothing is due.
import type * as pulumi from "@pulumi/pulumi";
import { AS_OF, CertificateChain, Gateway, SelfSignedCA, type SelfSignedCAArgs, Site } from "pulumi-tls-gateway";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readableOutputs, useStack } from "../../support/engine/shared-stack";
import { caExtensions, day, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

const pki = new OpensslPki();
const adoptedRoot = pki.issue("Adopted Root", { extensions: caExtensions(0), to: new Date(Date.now() + 1000 * day) });
const shopPair = pki.issue("shop", { extensions: leafExtensions("DNS:shop.example.com"), issuer: adoptedRoot });
pki.remove();

/** A moment in days from now, as the variable takes it. */
const dayFromNow = (days: number) => new Date(Date.now() + days * day).toISOString().slice(0, 10);

describe("a preview as of another day", () => {
  const shared = useStack("as-of", () => {
    const ca = new SelfSignedCA("ca");
    const site = new Site("site", { binds: ["a.internal:443"], tls: { selfSigned: { ca } } });
    new SelfSignedCA("adopted", { certPem: adoptedRoot.pem, privateKeyPem: adoptedRoot.keyPem });
    const chain = new CertificateChain("shop", {
      certPem: shopPair.pem,
      privateKeyPem: shopPair.keyPem,
      roots: adoptedRoot.pem,
    });
    const shop = new Site("shop-site", { binds: ["shop.example.com:443"], tls: { certificate: chain } });
    const gateway = new Gateway("gateway", { kind: "cells", sites: [site, shop] });
    return { configuration: gateway.configuration, renewals: gateway.renewals };
  });
  afterEach(() => vi.unstubAllEnvs());

  it("says nothing where nothing is due", async () => {
    await shared.engine.up();
    const { messages } = await shared.engine.preview({ expectNoChanges: true });
    expect(messages).toEqual([]);
  });

  it("shows what renews then with its reason and dates, and keeps the configuration known", async () => {
    const { configuration } = shared.seen;
    const asOf = dayFromNow(62);
    vi.stubEnv(AS_OF, asOf);
    const { steps, changes, messages } = await shared.engine.preview();
    expect(changes).toEqual({ same: 6, update: 1 });
    expect(steps.find(({ op }) => op === "update")).toMatchObject({
      name: "site-leaf",
      detailedDiff: { validFrom: expect.anything(), validTo: expect.anything() },
    });
    const reason = new RegExp(`^renews: valid until .*, 2[78] of 90 days left; then valid from ${asOf}T00:00:00Z to`);
    const leaf = messages.filter(({ on }) => on === "site-leaf");
    expect(leaf).toEqual([{ on: "site-leaf", severity: "info", text: expect.stringMatching(reason) }]);
    expect(shared.seen.configuration).toBe(configuration);
    const [renewal] = shared.seen.renewals as { name: string; renewAt: string }[];
    expect(renewal?.name).toBe("shop");
  });

  it("shows years ahead the root with its leaf, and warns on what nobody here can renew, expired or not", async () => {
    vi.stubEnv(AS_OF, dayFromNow(3000));
    const { changes, messages } = await shared.engine.preview();
    expect(changes).toEqual({ same: 5, update: 2 });
    const said = messages.map(({ on, severity, text }) => `${on}: ${severity}: ${text}`).sort();
    expect(said).toEqual([
      expect.stringMatching(/^adopted: warning: this adopted CA can't be renewed here: .* expired on .* ago\.$/),
      expect.stringMatching(/^ca: info: renews with the same key: valid until .* of 3650 days left; then valid from /),
      expect.stringMatching(/^shop: warning: CN=Adopted Root expired at .*, it is .* Get the CA's current root/),
      expect.stringMatching(/^shop: warning: this certificate can't be renewed here: .* expired on .* ago\.$/),
      expect.stringMatching(/^site-leaf: info: issues the certificate anew, since its CA changed: valid from /),
    ]);
  });

  it("is no order: up refuses to make anything under it, and changes nothing", async () => {
    const state = readableOutputs(shared.engine.resources());
    vi.stubEnv(AS_OF, dayFromNow(62));
    const text = await shared.engine.failure(() => shared.engine.up());
    expect(text).toContain(`CLOCK_SET: updating a LeafCertificate: refused while ${AS_OF}=`);
    expect(readableOutputs(shared.engine.resources())).toEqual(state);
    vi.stubEnv(AS_OF, "tomorrow");
    expect(await shared.engine.failure(() => shared.engine.preview())).toContain('is "tomorrow", which is not a date');
    vi.unstubAllEnvs();
    expect((await shared.engine.up({ expectNoChanges: true })).messages).toEqual([]);
    expect(await shared.engine.leaks([adoptedRoot.keyPem.split("\n")[2] as string])).toEqual([]);
  });
});

describe("the options of Pulumi", () => {
  let args: SelfSignedCAArgs = {};
  let opts: pulumi.CustomResourceOptions = {};
  let binds = ["a.internal:443"];
  const shared = useStack("options", () => {
    const ca = new SelfSignedCA("ca", args, opts);
    new Site("site", { binds, tls: "disabled" }, opts);
    return { url: ca.certPem };
  });

  it("ignoreChanges keeps an argument as it was, and what is derived from it", async () => {
    await shared.engine.up();
    binds = ["b.internal:443"];
    opts = { ignoreChanges: ["binds"] };
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 2 });
    expect(shared.engine.resources().site?.outputs.url).toBe("http://a.internal:443");
  });

  it("protect lets an update pass and stops a replacement with a message", async () => {
    opts = { protect: true };
    args = { validityDays: 1000 };
    expect((await shared.engine.up()).changes).toMatchObject({ update: 2 });
    args = { keyType: "P384" };
    const text = await shared.engine.failure(() => shared.engine.preview());
    expect(text).toMatch(/protect/);
    opts = {};
    args = {};
  });

  it("--target leaves the others as they are", async () => {
    args = { validityDays: 500 };
    binds = ["c.internal:443"];
    const urn = shared.engine.resources().site?.urn as string;
    const { changes } = await shared.engine.up({ target: [urn] });
    expect(changes).toMatchObject({ update: 1 });
    const { ca, site } = shared.engine.resources();
    expect(site?.outputs.binds).toEqual(binds);
    expect(ca?.outputs.validityDays).toBe(1000);
    expect((await shared.engine.preview()).changes).toEqual({ same: 1, update: 1 });
    expect(await shared.engine.leaks()).toEqual([]);
  });
});

describe("ignoreChanges of everything", () => {
  const options = { ignoreChanges: ["*"] };
  const adopted = { certPem: adoptedRoot.pem, privateKeyPem: adoptedRoot.keyPem };
  const shared = useStack("ignore", () => {
    const ca = new SelfSignedCA("ca", { validityDays: 30 }, options);
    new SelfSignedCA("adopted", adopted, options).issue("leaf", { hostnames: ["a.internal"] }, options);
    const pair = { certPem: shopPair.pem, privateKeyPem: shopPair.keyPem, roots: adoptedRoot.pem };
    new CertificateChain("shop", pair, options);
    new Site("site", { binds: ["a.internal:443"], tls: "disabled" }, options);
    return { renewAt: ca.renewAt };
  });

  it("is no failure, though the engine then sends as arguments what check had made", async () => {
    await shared.engine.up();
    expect((await shared.engine.preview({ expectNoChanges: true })).changes).toEqual({ same: 5 });
  });

  it("puts the renewal of a local certificate, a change of dates, off by one run and does not stop it", async () => {
    shared.engine.shiftClock(Date.parse(shared.seen.renewAt as string) - Date.now() + 1000);
    expect((await shared.engine.up()).changes).toEqual({ same: 5 });
    const { changes, messages } = await shared.engine.up();
    expect(changes).toEqual({ same: 4, update: 1 });
    expect(messages).toMatchObject([{ on: "ca", text: expect.stringMatching(/^renews with the same key: /) }]);
    expect(await shared.engine.leaks()).toEqual([]);
  });
});
