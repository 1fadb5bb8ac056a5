// A certificate by ACME on the real engine, from two real Pebbles: one is production, the other its staging.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AcmeAccount, AcmeCertificate, type AcmeCertificateArgs, Gateway, Site } from "pulumi-tls-gateway";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Pebble, startPebble } from "../../support/acme/pebble";
import { type DnsHook, startDnsHook } from "../../support/dns/hook";
import { UNKNOWN_OUTPUT, useStack } from "../../support/engine/shared-stack";
import { describeWithPeer } from "../../support/peer";

describeWithPeer("pebble", () => {
  let production: Pebble;
  let staging: Pebble;
  let hook: DnsHook;
  let names = ["shop.test", "*.shop.test"];
  let more: Partial<AcmeCertificateArgs> = {};
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-acme-"));
  const home = join(folder, "home");
  beforeAll(async () => {
    process.env.TLS_GATEWAY_HOME = home;
    [production, staging] = await Promise.all([startPebble({ blocklist: ["blocked.test"] }), startPebble()]);
    hook = await startDnsHook(production, staging);
  });
  afterAll(async () => {
    delete process.env.TLS_GATEWAY_HOME;
    await Promise.all([production?.stop(), staging?.stop(), hook?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const shared = useStack("acme", () => {
    const account = new AcmeAccount("ca", {
      directory: production.directoryUrl,
      rehearsalDirectory: staging.directoryUrl,
      caBundlePem: production.caBundlePem + staging.caBundlePem,
      contacts: ["ops@example.com"],
      acceptTermsOfService: true,
    });
    const shop = new AcmeCertificate("shop", {
      account,
      hostnames: names,
      challenge: {
        type: "dns-01",
        command: hook.command,
        propagation: { resolvers: [production.dnsAddress], authoritative: false },
      },
      ...more,
    });
    const site = new Site("web", { binds: [":8443"], hostnames: ["shop.test"], tls: { certificate: shop } });
    const { configuration } = new Gateway("gateway", { kind: "cells", sites: [site] });
    const { certPem, fullChainPem, privateKeyPem, renewAt, renewalReason, serialNumber, validTo } = shop;
    const { thumbprint, accountUrl, profiles, offersRenewalInformation } = account;
    return {
      ...{ certPem, fullChainPem, privateKeyPem, renewAt, renewalReason, serialNumber, validTo, configuration },
      ...{ thumbprint, accountUrl, profiles, offersRenewalInformation, names: shop.names },
    };
  });
  const ordered = expect.stringMatching(
    /^orders a certificate for \*\.shop\.test, shop\.test; at https:.* by dns-01 .*; rehearsed at https:/,
  );
  const said = (messages: readonly { on: string | undefined; text: string }[]) =>
    messages.filter(({ on }) => on === "shop").map(({ text }) => text);
  const verify = async (host: string) => {
    writeFileSync(join(folder, "root.pem"), await production.roots());
    writeFileSync(join(folder, "leaf.pem"), String(shared.seen.certPem));
    writeFileSync(join(folder, "chain.pem"), String(shared.seen.fullChainPem));
    const args = ["verify", "-CAfile", "root.pem", "-untrusted", "chain.pem", "-verify_hostname", host, "leaf.pem"];
    return execFileSync("openssl", args, { cwd: folder, encoding: "utf8" });
  };

  it("asks nobody in a preview, says what would be ordered, and leaves the site known", async () => {
    const { messages } = await shared.engine.preview();
    expect(said(messages)).toEqual([ordered]);
    expect(messages.find(({ on }) => on === "ca")?.text).toMatch(
      /^finds the account of its key at https:\/\/localhost/,
    );
    expect([production, staging].map((pebble) => pebble.requestCount("/sign-me-up"))).toEqual([0, 0]);
    expect(shared.seen.certPem).toBe(UNKNOWN_OUTPUT);
    expect(shared.seen.configuration).not.toBe(UNKNOWN_OUTPUT);
    expect(shared.seen.names).toEqual(["*.shop.test", "shop.test"]);
  });

  it("is rehearsed at staging, ordered once, and verified by openssl", async () => {
    const { messages } = await shared.engine.up();
    expect(said(messages)).toEqual([ordered]);
    expect([production, staging].map((pebble) => pebble.orderCount())).toEqual([1, 1]);
    for (const host of ["shop.test", "www.shop.test"]) expect(await verify(host)).toContain("leaf.pem: OK");
    expect(shared.seen).toMatchObject({ offersRenewalInformation: true, profiles: ["default"] });
    expect([...hook.records.values()].flatMap((values) => [...values])).toEqual([]);
  });

  it("keeps keys as ciphers, and the account's in the account alone", async () => {
    const { shop, ca } = shared.engine.resources();
    expect(shop?.outputs.privateKeyPem).toHaveProperty("ciphertext");
    expect(ca?.outputs.accountKeyPem).toHaveProperty("ciphertext");
    for (const name of ["accountKeyPem", "rehearsalAccountKeyPem", "challenge"]) {
      expect(shop?.outputs).not.toHaveProperty(name);
    }
  });

  it("is left alone by the next run", async () => {
    const requests = production.log.length;
    const { changes, messages } = await shared.engine.up({ expectNoChanges: true });
    expect(changes).toEqual({ same: 4 });
    expect(said(messages)).toEqual([]);
    expect(production.log.length).toBe(requests);
  });

  it("renews by the CA's window, with its reason in the preview, and takes the place of the old one at the CA", async () => {
    const before = shared.seen;
    const window = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };
    await production.setRenewalInfo(String(before.certPem), {
      suggestedWindow: window,
      explanationURL: "https://ca.test/incident",
    });
    expect((await shared.engine.refresh()).changes).toEqual({ refresh: 4 });
    const preview = await shared.engine.preview();
    expect(preview.changes).toEqual({ same: 3, update: 1 });
    const reason = expect.stringMatching(
      /^renews: valid until .* of 90 days left, by the CA's window from 2026-01-01 to 2026-01-02, chosen 2026-01-01T.*https:\/\/ca\.test\/incident/,
    );
    expect(said(preview.messages)).toEqual([reason]);
    expect((await shared.engine.up()).changes).toEqual({ same: 3, update: 1 });
    expect(shared.seen.serialNumber).not.toBe(before.serialNumber);
    expect([production, staging].map((pebble) => pebble.orderCount())).toEqual([2, 1]);
    expect((await production.certStatus(String(before.certPem))).Status).toBe("Valid");
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 4 });
  });

  it("keeps the old certificate when another set of names fails, remembers it, and stops the next run in the preview", async () => {
    const before = shared.seen;
    names = ["shop.test", "blocked.test"];
    const text = await shared.engine.failure(() => shared.engine.up());
    expect(text).toMatch(/ACME_REJECTED: .*blocked\.test/);
    const { shop } = shared.engine.resources();
    expect(shop?.outputs.serialNumber).toBe(before.serialNumber);
    const orders = production.orderCount();
    const again = await shared.engine.failure(() => shared.engine.preview());
    expect(again).toMatch(/ACME_BACKOFF: .*the CA is not asked: the last attempt for exactly these names failed/);
    expect(again).toContain("TLS_GATEWAY_RETRY_NOW");
    await shared.engine.failure(() => shared.engine.up());
    expect(production.orderCount()).toBe(orders);
  });

  it("is ordered for the names that are wanted next, in place", async () => {
    names = ["shop.test", "www.shop.test"];
    const { steps } = await shared.engine.up();
    expect(steps.find(({ name }) => name === "shop")?.op).toBe("update");
    expect(await verify("www.shop.test")).toContain("leaf.pem: OK");
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 4 });
  });

  it("is not asked at production when staging fails", async () => {
    const orders = production.orderCount();
    names = ["other.test"];
    hook.spoil(true);
    more = { challenge: { type: "dns-01", command: hook.command, propagation: false } };
    const text = await shared.engine.failure(() => shared.engine.up());
    hook.spoil(false);
    expect(text).toMatch(
      /ACME_UNAUTHORIZED: the rehearsal at https:.* failed, so the CA itself was not asked: .*other\.test/,
    );
    expect(production.orderCount()).toBe(orders);
    expect([...hook.records.values()].flatMap((values) => [...values])).toEqual([]);
  });

  it("revokes nothing by all of this, and on a destroy only what is asked for", async () => {
    names = ["shop.test", "www.shop.test"];
    more = { revokeOnDestroy: true };
    await shared.engine.up();
    const certPem = String(shared.seen.certPem);
    expect((await production.certStatus(certPem)).Status).toBe("Valid");
    expect(await shared.engine.leaks()).toEqual([]);
    await shared.engine.destroy();
    expect(await production.certStatus(certPem)).toMatchObject({ Status: "Revoked", Reason: 5 });
  });
});
