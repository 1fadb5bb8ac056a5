// Guards: a failure that costs the certificate that is there, is forgotten, or is repeated until a limit is spent. Orders
// fail at a real Pebble in each way that it has; what reaches it is counted by a proxy.
import { createPrivateKey } from "node:crypto";
import { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { identifierSetKey, RETRY_NOW } from "../../../provider/src/acme/limits/back-off";
import type { ErrorCode } from "../../../provider/src/errors";
import type { Properties } from "../../../provider/src/lifecycle/lifecycle";
import { describeKey } from "../../../provider/src/x509/keys/private-key";
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
import { freePorts } from "../../support/ports";
import { rejection } from "../../support/rejection";

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";

describeWithPeer("pebble", () => {
  const { said } = useAcmeHome();
  let pebble: Pebble;
  let proxy: FaultProxy;
  let hook: DnsHook;
  let account: Properties;
  let dns: Properties;
  /** A certificate that is there, whose resource the cases fail. */
  let served: HeldCertificate;
  /** Of all challenges: no message needs them. */
  const tokens = new Set<string>();
  beforeAll(async () => {
    pebble = await startPebble({
      retryAfter: { authz: 0, order: 0 },
      blocklist: ["blocked.test"],
    });
    [proxy, hook] = await Promise.all([FaultProxy.start(pebble), startDnsHook(pebble)]);
    account = await openAccount(proxy);
    dns = { type: "dns-01", command: hook.command, propagation: false };
    served = new HeldCertificate({ ...account, challenge: dns, hostnames: ["served.test"] });
    await served.up();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
    proxy.reset();
    hook.spoil(false);
  });
  afterAll(async () => {
    await Promise.all([proxy?.stop(), hook?.stop()]);
    await pebble?.stop();
  });
  const readTokens = (body: string) => {
    for (const [, token = ""] of body.matchAll(/"token": ?"([^"]+)"/g)) tokens.add(token);
    return body;
  };

  interface Case {
    readonly what: string;
    readonly args: () => Promise<Properties>;
    readonly code: ErrorCode;
    readonly reason: RegExp;
    readonly hint: RegExp;
  }
  const cases: readonly Case[] = [
    {
      what: "a name that the CA's policy forbids",
      args: async () => ({ hostnames: ["blocked.test", "fine.test"] }),
      code: "ACME_REJECTED",
      reason: /rejectedIdentifier/,
      hint: /remove it from the names/,
    },
    {
      what: "another TXT record than ours",
      args: async () => {
        hook.spoil(true);
        return { hostnames: ["*.spoilt.test", "spoilt.test"] };
      },
      code: "ACME_UNAUTHORIZED",
      reason: /spoilt\.test by dns-01: the CA answered unauthorized/,
      hint: /dig TXT _acme-challenge/,
    },
    {
      what: "a server where nobody listens",
      args: async () => {
        const [port] = await freePorts(1);
        return { hostnames: ["silent.test"], challenge: { type: "http-01", port, address: "127.0.0.1" } };
      },
      code: "ACME_UNAUTHORIZED",
      reason: /silent\.test by http-01: the CA answered connection/,
      hint: /port 80 \(http-01\)/,
    },
    {
      what: "a CAA record that names another CA",
      args: async () => {
        // Pebble does not look at CAA: this is how Boulder says it
        const detail = "CAA record for caa.test prevents issuance";
        proxy.plan({
          on: "authorization",
          times: 1000,
          action: { rewrite: (body) => refuse(body, "caa", detail) },
        });
        return { hostnames: ["caa.test"] };
      },
      code: "ACME_UNAUTHORIZED",
      reason: /caa\.test by dns-01: the CA answered caa/,
      hint: /CAA/,
    },
    {
      what: "a profile that the CA does not have",
      // the directory lists profiles, and a look before would stop here already
      args: async () => ({ hostnames: ["profile.test"], profile: "none", preflight: { when: "off" } }),
      code: "ACME_REJECTED",
      reason: /none/,
      hint: /profile/,
    },
  ];

  describe("a failure that costs something at the CA", () => {
    it.each(cases)("by $what keeps the old certificate, is remembered, and stops the next run", async (one) => {
      const held = served.copy();
      proxy.plan({ on: "authorization", action: { rewrite: readTokens } });
      const args = await one.args();
      const now = new Date();
      const error = await held.failure(args, now);
      expect(error.code).toBe(one.code);
      expect(error.reason).toMatch(one.reason);
      expect(error.hint).toMatch(one.hint);
      // Pebble's own text has the address that it asked
      expect(held.leaks(error.message.replace(/acme-challenge\/[\w-]+/g, ""), [...tokens])).toEqual([]);
      expect(held.isUnfinished).toBe(true);
      expect(held.state?.failure).toMatchObject({ count: 1, code: one.code, names: expect.any(String) });
      expect(JSON.stringify(held.state?.failure)).not.toContain("BEGIN");
      expect(held.state).not.toHaveProperty("progress");
      expect([...hook.records.values()].flatMap((values) => [...values])).toEqual([]);

      proxy.reset();
      for (const refusal of [held.preview(args, now), held.effect(args, now)]) {
        const { code, message, retryAt, hint } = await rejection(refusal);
        expect(code).toBe("ACME_BACKOFF");
        expect(message).toContain(`the CA is not asked: the last attempt for exactly these names failed`);
        expect(Date.parse(retryAt ?? "")).toBeGreaterThan(now.getTime());
        expect(Date.parse(retryAt ?? "")).toBeLessThanOrEqual(later(61).getTime());
        expect(hint).toContain(RETRY_NOW);
        expect(held.leaks(message, [...tokens])).toEqual([]);
      }
      expect(proxy.requests).toEqual([]);

      vi.stubEnv(RETRY_NOW, "1");
      await one.args();
      await held.failure(args);
      vi.unstubAllEnvs();
      expect(proxy.count("newOrder")).toBe(1);
      expect(held.state?.failure).toMatchObject({ count: 2 });

      proxy.reset();
      expect((await rejection(held.effect(args, later(120)))).code).toBe("ACME_BACKOFF");
      expect(proxy.requests).toEqual([]);
      await one.args();
      await held.failure(args, later(11 * 60));
      expect(proxy.count("newOrder")).toBe(1);
      expect(held.state?.failure).toMatchObject({ count: 3 });
    });

    it("of other names, or at an end, is in nobody's way", async () => {
      const held = served.copy();
      hook.spoil(true);
      await held.failure({ hostnames: ["mended.test"] });
      hook.spoil(false);
      const state = await held.copy().up({ hostnames: ["another.test"] });
      expect(state.hostnames).toEqual(["another.test"]);
      await held.up({ hostnames: ["mended.test"] }, later(61));
      expect(await held.verdict(await pebble.roots())).toBe("OK");
      expect(held.state).not.toHaveProperty("failure");
      expect(held.isUnfinished).toBe(false);
      expect(await held.preview({ hostnames: ["mended.test"] })).toEqual({ op: "same", reason: undefined });
    });

    it("at the first order leaves no certificate, and the next run makes it", async () => {
      const held = new HeldCertificate({ ...account, challenge: dns, hostnames: ["first.test"] });
      hook.spoil(true);
      await held.failure({});
      hook.spoil(false);
      expect(held.state).not.toHaveProperty("certPem");
      expect((await held.preview({}, later(61))).reason).toMatch(/^orders a certificate for first\.test/);
      await held.up({}, later(61));
      expect(await held.verdict(await pebble.roots())).toBe("OK");
    });
  });

  describe("a failure that costs nothing", () => {
    it("such as an order that never ends is not remembered, and gone on with at once", async () => {
      const held = served.copy();
      const args = { hostnames: ["never.test"], timeoutSeconds: 60 };
      stallOrders(proxy);
      const before = [pebble.orderCount(), pebble.certificateCount()].map((count) => count + 1);
      const error = await held.failure(args, new Date(), ["/my-order/", "timeoutSeconds"]);
      vi.useRealTimers();
      expect(error.code).toBe("ACME_TIMEOUT");
      expect(held.state).not.toHaveProperty("failure");
      expect(held.leaks(error.message, [...tokens, keyIn(held)])).toEqual([]);
      expect((await held.preview(args)).reason).toMatch(
        /^goes on with the order for never\.test that an earlier run left/,
      );
      proxy.reset();
      await held.up(args);
      expect(proxy.count("newOrder")).toBe(0);
      expect([pebble.orderCount(), pebble.certificateCount()]).toEqual(before);
      expect(await held.verdict(await pebble.roots())).toBe("OK");
      expect(held.state).not.toHaveProperty("progress");
    });

    it("in a renewal is gone on with also when nothing is due any more", async () => {
      const held = new HeldCertificate({ ...account, challenge: dns, hostnames: ["renewal.test"] });
      const { serialNumber, renewalWindow } = await held.up();
      const passed = { ...(renewalWindow as Properties), start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };
      held.state = { ...held.state, renewalWindow: passed };
      stallOrders(proxy);
      await held.failure({ timeoutSeconds: 60 }, new Date(), ["/my-order/"]);
      vi.useRealTimers();
      proxy.reset();
      held.state = { ...held.state, renewalWindow };
      held.isUnfinished = false;
      expect((await held.preview()).op).toBe("update");
      expect((await held.up()).serialNumber).not.toBe(serialNumber);
      expect(proxy.count("newOrder")).toBe(0);
      expect(await held.preview()).toEqual({ op: "same", reason: undefined });
    });

    it("is not gone on with for another kind of key, but ordered anew", async () => {
      const held = served.copy();
      const args = { hostnames: ["kind.test"], timeoutSeconds: 60 };
      stallOrders(proxy);
      await held.failure(args, new Date(), ["/my-order/"]);
      vi.useRealTimers();
      proxy.reset();
      const told = said.length;
      await held.up({ ...args, keyType: "P384" });
      expect(describeKey(createPrivateKey(String(held.state?.privateKeyPem)))).toBe("P384");
      expect(await held.verdict(await pebble.roots())).toBe("OK");
      expect(said.slice(told).join("\n")).toContain("another one is wanted now");
    });

    it("such as a CA that can't be reached is not remembered", async () => {
      const held = served.copy();
      cutNewOrders(proxy);
      const error = await held.failure({ hostnames: ["away.test"] });
      vi.useRealTimers();
      expect(error.code).toMatch(/^ACME_(UNREACHABLE|TIMEOUT)$/);
      expect(held.state).not.toHaveProperty("failure");
      proxy.reset();
      await held.up({ hostnames: ["away.test"] });
      expect(await held.verdict(await pebble.roots())).toBe("OK");
    });

    it("such as a hook that does not work is not remembered, and says what it wrote", async () => {
      const held = served.copy();
      hook.watch(async ({ action }) => {
        if (action === "present") throw new Error("the zone is locked");
      });
      const error = await held.failure({ hostnames: ["hook.test"] });
      hook.watch(undefined);
      expect(error.code).toBe("ACME_CHALLENGE");
      expect(error.message).toContain("the zone is locked");
      expect(held.state).not.toHaveProperty("failure");
      await held.up({ hostnames: ["hook.test"] });
      expect(await held.verdict(await pebble.roots())).toBe("OK");
    });
  });

  describe("a limit that is spent", () => {
    it("stops a run before anything is asked of anybody, also where another name set's certificate would be replaced", async () => {
      const held = served.copy();
      const names = identifierSetKey(["spent.test"]);
      const issuances = [1, 2, 3, 4, 5].map((hours) => ({
        at: later(-3600 * hours).toISOString(),
        names,
        directory: letsEncrypt,
      }));
      held.state = { ...held.state, issuances };
      const args = { hostnames: ["spent.test"], directoryUrl: letsEncrypt };
      const connect = vi.spyOn(Socket.prototype, "connect");
      for (const refusal of [held.preview(args), held.effect(args)]) {
        const { code, message, hint, retryAt } = await rejection(refusal);
        expect(code).toBe("ACME_BUDGET");
        expect(message).toContain("5 of 5 certificates for exactly these names were issued in the last 7 days");
        expect(hint).toMatch(/another set of names/);
        expect(Date.parse(retryAt ?? "")).toBeGreaterThan(later(6 * 86_400).getTime());
      }
      expect(connect).not.toHaveBeenCalled();
      connect.mockRestore();
    });
  });
});

/** An authorization that the CA has come to its end with, and did not grant. */
function refuse(body: string, kind: string, detail: string): string {
  const authorization = JSON.parse(body) as { status: string; challenges: readonly { type: string }[] };
  if (authorization.status !== "valid") return body;
  const error = { type: `urn:ietf:params:acme:error:${kind}`, detail, status: 403 };
  const challenges = authorization.challenges.map((one) => ({ ...one, status: "invalid", error }));
  return JSON.stringify({ ...authorization, status: "invalid", challenges });
}

/** A line of the certificate's key in the order that came to no end. */
function keyIn(held: HeldCertificate): string {
  const { certificateKeyPem } = JSON.parse(String(held.state?.progress)) as { certificateKeyPem: string };
  return certificateKeyPem.split("\n")[2] ?? "";
}
