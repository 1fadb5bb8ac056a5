// Guards: a mistake that is made at production. Two Pebbles, one of them the staging of the other; what reaches each of
// them is counted by a proxy in front of it.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Properties } from "../../../provider/src/lifecycle/lifecycle";
import { FaultProxy } from "../../support/acme/fault-proxy";
import {
  cutNewOrders,
  HeldCertificate,
  later,
  openAccount,
  stallOrders,
  useAcmeHome,
} from "../../support/acme/lifecycle";
import { type Pebble, startPebble } from "../../support/acme/pebble";
import { type DnsHook, startDnsHook } from "../../support/dns/hook";
import { describeWithPeer } from "../../support/peer";
import { rejection } from "../../support/rejection";

const renewNow = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };

describeWithPeer("pebble", () => {
  useAcmeHome();
  const ca = {} as Record<"production" | "staging", Pebble>;
  const proxies = {} as Record<"production" | "staging", FaultProxy>;
  let hook: DnsHook;
  let account: Properties;
  beforeAll(async () => {
    const options = { retryAfter: { authz: 0, order: 0 } };
    [ca.production, ca.staging] = await Promise.all([
      startPebble({ ...options, blocklist: ["refused.test"] }),
      startPebble({ ...options, blocklist: ["early.test"] }),
    ]);
    proxies.production = await FaultProxy.start(ca.production);
    proxies.staging = await FaultProxy.start(ca.staging);
    hook = await startDnsHook(ca.production, ca.staging);
    const caBundlePem = proxies.production.caBundlePem + proxies.staging.caBundlePem;
    const { directoryUrl } = proxies.production;
    account = await openAccount({ directoryUrl, caBundlePem }, { rehearsalDirectory: proxies.staging.directoryUrl });
  });
  const forget = () => {
    proxies.production.reset();
    proxies.staging.reset();
  };
  afterEach(() => {
    vi.useRealTimers();
    forget();
    hook.spoil(false);
  });
  afterAll(async () => {
    await Promise.all([proxies.production?.stop(), proxies.staging?.stop(), hook?.stop()]);
    await Promise.all([ca.production?.stop(), ca.staging?.stop()]);
  });
  const certificate = (name: string, args: Properties = {}) => {
    const challenge = { type: "dns-01", command: hook.command, propagation: false };
    return new HeldCertificate({ ...account, challenge, hostnames: [name, `*.${name}`], ...args });
  };
  /** Orders that came to each CA since this was asked last. */
  const orders = () => {
    const counts = [proxies.staging.count("newOrder"), proxies.production.count("newOrder")];
    forget();
    return { staging: counts[0], production: counts[1] };
  };
  const due = (held: HeldCertificate) => {
    const renewalWindow = { ...(held.state?.renewalWindow as Properties), ...renewNow };
    held.state = { ...held.state, renewalWindow };
  };

  describe("a rehearsal", () => {
    it("is made before the first order of a set of names, and again for no renewal but for another order", async () => {
      const held = certificate("first.test");
      expect((await held.preview()).reason).toContain(`rehearsed at ${proxies.staging.directoryUrl} first`);
      await held.up();
      expect(orders()).toEqual({ staging: 1, production: 1 });
      due(held);
      const { reason } = await held.preview();
      expect(reason).toMatch(/^renews: /);
      expect(reason).not.toContain("rehearsed");
      await held.up();
      expect(orders()).toEqual({ staging: 0, production: 1 });
      const other = { hostnames: ["first.test", "second.test"] };
      expect((await held.preview(other)).reason).toContain("rehearsed at");
      await held.up(other);
      expect(orders()).toEqual({ staging: 1, production: 1 });
      await held.up({ ...other, keyType: "P384" });
      expect(orders()).toEqual({ staging: 1, production: 1 });
    });

    it("brings nothing of staging into the state, and its record is gone", async () => {
      const held = certificate("outputs.test");
      const { accountUrl, certificateUrl, orderUrl, issuerPem, issuances } = await held.up();
      expect(await held.verdict(await ca.production.roots())).toBe("OK");
      expect(await held.verdict(await ca.staging.roots())).not.toBe("OK");
      const intermediate = await ca.staging.intermediates();
      expect(intermediate).toContain("BEGIN CERTIFICATE");
      const state = JSON.stringify(held.state).replaceAll("\\n", "\n");
      expect(state).not.toContain(intermediate.split("\n")[5]);
      expect(issuerPem).toBe(await ca.production.intermediates());
      for (const url of [accountUrl, certificateUrl, orderUrl]) {
        expect(new URL(String(url)).host).toBe(new URL(proxies.production.directoryUrl).host);
      }
      expect(issuances).toHaveLength(1);
      expect(state).not.toContain(new URL(proxies.staging.directoryUrl).host);
      expect(held.leaks(JSON.stringify({ ...held.state, privateKeyPem: undefined }))).toEqual([]);
      expect([...hook.records.values()].flatMap((values) => [...values])).toEqual([]);
    });

    it("is made before each order when it is wanted always, and before none when it is off", async () => {
      const always = certificate("always.test", { rehearsal: "always" });
      await always.up();
      expect(orders()).toEqual({ staging: 1, production: 1 });
      due(always);
      expect((await always.preview()).reason).toContain("rehearsed at");
      await always.up();
      expect(orders()).toEqual({ staging: 1, production: 1 });
      const off = certificate("off.test", { rehearsal: "off" });
      expect((await off.preview()).reason).not.toContain("rehearsed");
      await off.up();
      expect(proxies.staging.requests).toEqual([]);
      expect(orders()).toEqual({ staging: 0, production: 1 });
    });
  });

  describe("a rehearsal that fails", () => {
    it("keeps production from being asked at all, and the old certificate; the next one is made after the back-off", async () => {
      const held = certificate("served.test");
      await held.up();
      forget();
      const args = { hostnames: ["mistaken.test"] };
      hook.spoil(true);
      const now = new Date();
      const error = await held.failure(args, now, ["mistaken.test", proxies.staging.directoryUrl]);
      expect(error.code).toBe("ACME_UNAUTHORIZED");
      expect(error.reason).toMatch(/^the rehearsal at https:.* failed, so the CA itself was not asked: /);
      expect(proxies.production.requests).toEqual([]);
      expect(orders()).toEqual({ staging: 1, production: 0 });
      expect(held.state?.failure).toMatchObject({ count: 1, code: "ACME_UNAUTHORIZED" });

      for (const refusal of [held.preview(args, now), held.effect(args, now)]) {
        expect((await rejection(refusal)).code).toBe("ACME_BACKOFF");
      }
      expect([...proxies.production.requests, ...proxies.staging.requests]).toEqual([]);

      hook.spoil(false);
      expect((await held.preview(args, later(61))).reason).toContain("rehearsed at");
      await held.up(args, later(61));
      expect(orders()).toEqual({ staging: 1, production: 1 });
      expect(await held.verdict(await ca.production.roots())).toBe("OK");
      expect(held.state).not.toHaveProperty("failure");
    });

    it("is the end, whatever it fails of", async () => {
      const held = certificate("refusal.test");
      const error = await held.failure({ hostnames: ["early.test"] });
      expect(error.code).toBe("ACME_REJECTED");
      expect(proxies.production.requests).toEqual([]);
      cutNewOrders(proxies.staging);
      const away = await held.failure({ hostnames: ["away.test"] });
      vi.useRealTimers();
      expect(away.code).toMatch(/^ACME_(UNREACHABLE|TIMEOUT)$/);
      expect(away.reason).toContain("the CA itself was not asked");
      expect(proxies.production.requests).toEqual([]);
    });
  });

  it("a failure at production is rehearsed again, though the rehearsal had succeeded", async () => {
    const held = certificate("refused.test");
    const error = await held.failure({});
    expect(error.code).toBe("ACME_REJECTED");
    expect(error.reason).not.toContain("rehearsal");
    expect(orders()).toEqual({ staging: 1, production: 1 });
    expect(held.state).toHaveProperty("rehearsedFor");
    await held.failure({}, later(61));
    expect(orders()).toEqual({ staging: 1, production: 1 });
    expect(held.state?.failure).toMatchObject({ count: 2 });
  });

  it("an order that production has already is gone on with, without a rehearsal even where each is wanted", async () => {
    const held = certificate("open.test", { rehearsal: "always" });
    stallOrders(proxies.production);
    await held.failure({ timeoutSeconds: 60 }, new Date(), ["/my-order/"]);
    vi.useRealTimers();
    expect(orders()).toEqual({ staging: 1, production: 1 });
    expect((await held.preview()).reason).not.toContain("rehearsed");
    await held.up();
    expect(orders()).toEqual({ staging: 0, production: 0 });
    expect(await held.verdict(await ca.production.roots())).toBe("OK");
  });
});
