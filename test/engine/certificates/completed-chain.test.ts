// A chain that is completed by AIA on the real engine: a preview fetches nothing and says what would be fetched; later runs
// need no network; a refresh asks anew, and goes on without an answer.
import { X509Certificate } from "node:crypto";
import { CertificateChain, type CertificateChainArgs, Gateway, Site } from "pulumi-tls-gateway";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UNKNOWN_OUTPUT, useStack } from "../../support/engine/shared-stack";
import { type AiaServer, startAiaServer } from "../../support/x509/aia-server";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

describe("a chain that is completed by AIA", () => {
  const pki = new OpensslPki();
  let server: AiaServer;
  let root: IssuedPair;
  let upper: IssuedPair;
  let leaf: IssuedPair;
  let args: CertificateChainArgs;
  const publish = (pair: IssuedPair) => server.answers.set("/upper", new X509Certificate(pair.pem).raw);
  beforeAll(async () => {
    server = await startAiaServer([]);
    const aia = `authorityInfoAccess=caIssuers;URI:${server.url("/upper")}`;
    root = pki.issue("Root", { extensions: caExtensions() });
    upper = pki.issue("Upper", { extensions: caExtensions(0), issuer: root });
    leaf = pki.issue("shop", { extensions: [...leafExtensions("DNS:shop.example.com"), aia], issuer: upper });
    publish(upper);
    args = {
      certPem: leaf.pem,
      privateKeyPem: leaf.keyPem,
      roots: root.pem,
      completeFromAia: { allowPrivateAddresses: true },
    };
  });
  afterAll(async () => {
    pki.remove();
    await server.stop();
  });

  const shared = useStack("completed", () => {
    const shop = new CertificateChain("shop", args);
    const site = new Site("web", { binds: [":8443"], hostnames: ["shop.example.com"], tls: { certificate: shop } });
    const { configuration } = new Gateway("gateway", { kind: "cells", sites: [site] });
    const { names, fullChainPem, issuerPem, rootPem, missingIssuerUrls, chain, spkiSha256 } = shop;
    return { names, fullChainPem, issuerPem, rootPem, missingIssuerUrls, chain, spkiSha256, configuration };
  });
  const fetches = {
    on: "shop",
    severity: "info",
    text: expect.stringMatching(/^fetches the missing issuer of CN=shop/),
  };

  it("fetches nothing in a preview, says what would be fetched, and leaves the site known", async () => {
    const { messages } = await shared.engine.preview();
    expect(messages).toContainEqual(fetches);
    expect(messages.find(({ on }) => on === "shop")?.text).toContain(server.url("/upper"));
    expect(server.connections).toBe(0);
    const { fullChainPem, issuerPem, rootPem, chain, ...known } = shared.seen;
    expect([fullChainPem, issuerPem, rootPem, chain]).toEqual(Array(4).fill(UNKNOWN_OUTPUT));
    expect(Object.values(known)).not.toContain(UNKNOWN_OUTPUT);
    expect(known.missingIssuerUrls).toEqual([server.url("/upper")]);
  });

  it("refuses a server inside unless that is allowed, and nothing is made", async () => {
    args = { ...args, completeFromAia: true };
    const text = await shared.engine.failure(() => shared.engine.up());
    args = { ...args, completeFromAia: { allowPrivateAddresses: true } };
    expect(text).toMatch(/AIA_REFUSED: .*127\.0\.0\.1 is a loopback address/);
    expect(Object.keys(shared.engine.resources())).not.toContain("shop");
  });

  it("is completed by an up, with the whole chain in its outputs", async () => {
    expect((await shared.engine.up()).messages).toContainEqual(fetches);
    expect(shared.seen).toMatchObject({
      fullChainPem: leaf.pem + upper.pem,
      issuerPem: upper.pem,
      rootPem: root.pem,
      chain: [{ subject: "CN=shop" }, { subject: "CN=Upper", issuer: "CN=Root" }],
    });
  });

  it("needs no network in later runs, and shows no change and no reason", async () => {
    const asked = server.connections;
    const { changes, messages } = await shared.engine.up({ expectNoChanges: true });
    expect(changes).toEqual({ same: 3 });
    expect(messages).toEqual([]);
    args = { ...args, hostnames: ["shop.example.com"] };
    expect((await shared.engine.up()).changes).toEqual({ same: 2, update: 1 });
    expect(shared.seen).toMatchObject({ fullChainPem: leaf.pem + upper.pem });
    expect(server.connections).toBe(asked);
  });

  it("takes what the CA publishes now by a refresh", async () => {
    const renewed = pki.issue("Upper", { extensions: caExtensions(0), issuer: root, keyOf: upper });
    publish(renewed);
    expect((await shared.engine.refresh()).changes).toEqual({ refresh: 3 });
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 3 });
    expect(shared.seen).toMatchObject({ fullChainPem: leaf.pem + renewed.pem });
    upper = renewed;
  });

  it("keeps what it has when nobody answers a refresh", async () => {
    server.answers.delete("/upper");
    expect((await shared.engine.refresh()).changes).toEqual({ refresh: 3 });
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 3 });
    expect(shared.seen).toMatchObject({ fullChainPem: leaf.pem + upper.pem });
  });

  it("becomes one that is given whole, in place, when its intermediates are appended", async () => {
    const { completeFromAia: _, ...rest } = args;
    args = { ...rest, issuerPem: upper.pem };
    expect((await shared.engine.up()).changes).toEqual({ same: 2, update: 1 });
    const { shop } = shared.engine.resources();
    for (const name of ["missingIssuerUrls", "completedIssuerPem", "completeFromAia"]) {
      expect(shop?.outputs).not.toHaveProperty(name);
    }
    expect(shared.seen).toMatchObject({ fullChainPem: leaf.pem + upper.pem, missingIssuerUrls: undefined });
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 3 });
  });

  it("left no key in clear anywhere", async () => {
    expect(await shared.engine.leaks([leaf.keyPem.split("\n")[2] as string])).toEqual([]);
  });
});
