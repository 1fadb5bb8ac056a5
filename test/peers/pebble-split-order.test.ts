// Guards: an order whose names are proved by others. Placed, answered by records and by a web server, taken, renewed, and lost in
// each way that a CA can lose it; what the CA is asked is counted by a proxy.
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { RETRY_NOW } from "../../provider/src/acme/failure-memory";
import { identifierSetKey } from "../../provider/src/acme/identifier-set";
import { acmeAccount } from "../../provider/src/lifecycle/acme-account";
import type { Properties } from "../../provider/src/lifecycle/lifecycle";
import { later, openAccount, useAcmeHome } from "../support/acme-lifecycle";
import { HeldResource, SplitCertificate } from "../support/acme-split";
import { FaultProxy } from "../support/fault-proxy";
import { newKeyPem } from "../support/memory-orders";
import { OpensslPki } from "../support/openssl-pki";
import { type Pebble, startPebble } from "../support/pebble";
import { describeWithPeer } from "../support/peer";

const DAY = 24 * 3600;
const pastWindow = { suggestedWindow: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" } };
const profiles = {
  default: { description: "90 days", validityPeriod: 90 * DAY },
  shortlived: { description: "6 days", validityPeriod: 6 * DAY },
};

describeWithPeer("pebble", () => {
  const { home, said } = useAcmeHome();
  let pebble: Pebble;
  let proxy: FaultProxy;
  let account: Properties;
  let count = 0;
  beforeAll(async () => {
    pebble = await startPebble({ retryAfter: { authz: 0, order: 0 }, profiles, blocklist: ["blocked.test"] });
    proxy = await FaultProxy.start(pebble);
    account = await openAccount(proxy);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    proxy.reset();
  });
  afterAll(async () => {
    await proxy?.stop();
    await pebble?.stop();
  });

  const split = (args: Properties = {}) => {
    count += 1;
    return new SplitCertificate(pebble, account, { hostnames: [`s${count}.test`], profile: "default", ...args });
  };
  /** A certificate that was just taken; what was asked for it is not counted. */
  const issued = async (args: Properties = {}) => {
    const both = split(args);
    await both.up();
    proxy.reset();
    return both;
  };
  const kinds = () => proxy.requests.map(({ kind }) => kind).filter((kind) => kind !== "newNonce");
  const daysOf = ({ certPem }: Properties) => {
    const { validFrom, validTo } = new X509Certificate(String(certPem));
    return Math.round((Date.parse(validTo) - Date.parse(validFrom)) / (DAY * 1000));
  };

  describe("a certificate from an order", () => {
    it("is proved by the order's records, of which a name and its wildcard have one, and is left alone then", async () => {
      const both = split({ hostnames: ["*.Shop.test", "shop.test", "www.shop.test"] });
      const { op, reason } = await both.order.preview(both.orderArgs());
      const at = `at ${account.directoryUrl}, profile default`;
      expect([op, reason]).toEqual(["create", `places an order for *.shop.test, shop.test, www.shop.test; ${at}`]);
      const state = await both.order.up(both.orderArgs());
      expect(both.challenges.map(({ hostname, isProved }) => [hostname, isProved])).toEqual(
        ["*.shop.test", "shop.test", "www.shop.test"].map((name) => [name, false]),
      );
      expect(Date.parse(String(state.expiresAt))).toBeGreaterThan(Date.now());
      expect(Date.parse(String(state.estimatedValidTo)) - Date.parse(String(state.orderedAt))).toBe(90 * DAY * 1000);
      expect(both.order.secrets).toEqual(["orderKeyPem"]);
      expect(state).not.toHaveProperty("accountKeyPem");
      await both.putRecords();
      const told = await both.certificate.preview(both.certificateArgs());
      expect(told.reason).toBe(
        `takes the certificate for *.shop.test, shop.test, www.shop.test from its order; at ${account.directoryUrl} by dns-01 (its order), profile default`,
      );
      const look = { resolvers: [pebble.dnsAddress], authoritative: false };
      const args = both.certificateArgs({ challenge: { type: "dns-01", via: "order", propagation: look } });
      expect(await both.certificate.up(args)).toMatchObject({ validatedBy: "dns-01", orderUrl: state.orderUrl });
      expect(both.certificate.secrets).toEqual(["privateKeyPem"]);
      expect(await both.verdict()).toBe("OK");
      const [ordered, issuedBefore] = [pebble.orderCount(), pebble.certificateCount()];
      proxy.reset();
      expect(await both.preview()).toEqual(["same", "same"]);
      // what became of the order, and the certificate's dates
      expect(kinds()).toEqual(["order", "certificate"]);
      expect([pebble.orderCount(), pebble.certificateCount()]).toEqual([ordered, issuedBefore]);
    });

    it("waits for a record that a resource is just making, and says which one is missing", async () => {
      const both = split();
      await both.order.up(both.orderArgs());
      const look = { resolvers: [pebble.dnsAddress], authoritative: false, timeoutSeconds: 1 };
      const args = both.certificateArgs({ challenge: { type: "dns-01", via: "order", propagation: look } });
      const text = await both.certificate.failure(args);
      expect(text).toContain(
        `ACME_CHALLENGE: the TXT record _acme-challenge.s${count}.test is not to be seen after 1 s`,
      );
      expect(proxy.count("challenge")).toBe(0);
      await both.putRecords();
      await both.certificate.up(args);
      expect(await both.verdict()).toBe("OK");
    });

    it("is proved by a web server that answers as the order says, for names and addresses", async () => {
      const both = split({ hostnames: ["web.test", "www.web.test", "127.0.0.1"] });
      await both.order.up(both.orderArgs());
      const asked = new Set<string>();
      const server = await serve(both, pebble.httpPort, "127.0.0.1", asked);
      try {
        const look = { port: pebble.httpPort, resolvers: [pebble.dnsAddress] };
        const args = both.certificateArgs({ challenge: { type: "http-01", via: "order", ...look } });
        expect((await both.certificate.up(args)).validatedBy).toBe("http-01");
        expect(await both.verdict()).toBe("OK");
        expect(asked.size).toBe(3);
      } finally {
        server.close();
      }
    });

    it("is proved by records for its names and by a web server for its addresses, unless told otherwise", async (context) => {
      // the look before is at the port that CAs ask; an address of its own, so that it is free
      const host = "127.80.80.1";
      const both = split({ hostnames: [host, "beside.test"] });
      await both.order.up(both.orderArgs());
      await both.putRecords();
      const asked = new Set<string>();
      const look = await serve(both, 80, host, asked).catch(() => undefined);
      if (look === undefined) return context.skip("port 80 is not to be had");
      const server = await serve(both, pebble.httpPort, host, asked);
      try {
        expect((await both.certificate.up(both.certificateArgs())).validatedBy).toBe("dns-01 and http-01");
        expect(await both.verdict()).toBe("OK");
        expect(asked.size).toBe(1);
      } finally {
        for (const one of [look, server]) one.close();
      }
    });

    it("has the profile of its order, and a request's key in place of its own", async () => {
      const pki = new OpensslPki();
      try {
        const make = "req -new -newkey rsa:2048 -nodes -keyout k.pem -out r.pem -subj / -addext";
        pki.run([...make.split(" "), "subjectAltName=DNS:csr.test", "-config", "ca.cnf"]);
        const certificateRequestPem = pki.run(["req", "-in", "r.pem"]);
        const both = split({ hostnames: ["csr.test"], profile: "shortlived" });
        const state = await both.up({}, { certificateRequestPem });
        expect(state).not.toHaveProperty("privateKeyPem", expect.any(String));
        expect(daysOf(state)).toBe(6);
        expect(new X509Certificate(String(state.certPem)).publicKey.asymmetricKeyType).toBe("rsa");
        expect(await both.verdict()).toBe("OK");
      } finally {
        pki.remove();
      }
    });

    it("keeps its key where that is asked for, and takes another kind of key at the next order", async () => {
      const both = await issued();
      const before = both.certificate.state;
      const wish = { keyType: "P384", reuseKey: true };
      const { op, reason } = await both.certificate.preview(both.certificateArgs(wish));
      expect([op, reason]).toEqual(["update", undefined]);
      expect(await both.certificate.up(both.certificateArgs(wish))).toMatchObject({
        serialNumber: before?.serialNumber,
        privateKeyPem: before?.privateKeyPem,
      });
      await pebble.setRenewalInfo(String(before?.certPem), pastWindow);
      await both.order.refresh();
      const renewed = await both.up({}, wish);
      expect(new X509Certificate(String(renewed.certPem)).publicKey.asymmetricKeyDetails?.namedCurve).toBe("secp384r1");
      await pebble.setRenewalInfo(String(renewed.certPem), pastWindow);
      await both.order.refresh();
      const again = await both.up({}, wish);
      expect(again.serialNumber).not.toBe(renewed.serialNumber);
      expect(again.privateKeyPem).toBe(renewed.privateKeyPem);
    });
  });

  describe("an order that came to no certificate", () => {
    it("is kept while it waits, and placed anew when it has expired", async () => {
      const both = split();
      const first = await both.order.up(both.orderArgs());
      expect(await both.order.preview(both.orderArgs())).toEqual({ op: "same", reason: undefined });
      const expire = (body: string) => JSON.stringify({ ...JSON.parse(body), expires: "2026-01-02T03:04:05Z" });
      proxy.plan({ on: "order", times: 2, action: { rewrite: expire } });
      const { op, reason } = await both.order.preview(both.orderArgs());
      expect(op).toBe("update");
      expect(reason).toMatch(
        /^places another order for s\d+\.test, since the last one expired at 2026-01-02T03:05Z, before its names were proved; at /,
      );
      proxy.plan({ on: "order", times: 4, action: { rewrite: expire } });
      const second = await both.order.up(both.orderArgs());
      expect(second.orderUrl).not.toBe(first.orderUrl);
      await both.putRecords();
      await both.certificate.up(both.certificateArgs());
      expect(await both.verdict()).toBe("OK");
    });

    it("is placed anew when the CA could not prove a name, for the CA's reason; the certificate backs off meanwhile", async () => {
      const both = split();
      const first = await both.order.up(both.orderArgs());
      const text = await both.certificate.failure(both.certificateArgs());
      expect(text).toMatch(/^ACME_UNAUTHORIZED: .*s\d+\.test by dns-01.* The next `pulumi up` places another order/);
      const { op, reason } = await both.order.preview(both.orderArgs());
      expect(op).toBe("update");
      expect(reason).toMatch(/^places another order for s\d+\.test, since the last one has failed \(the order for /);
      const second = await both.order.up(both.orderArgs());
      expect(second.orderUrl).not.toBe(first.orderUrl);
      await both.putRecords();
      expect(await both.certificate.failure(both.certificateArgs())).toMatch(
        /^ACME_BACKOFF: takes the certificate for/,
      );
      vi.stubEnv(RETRY_NOW, "1");
      await both.certificate.up(both.certificateArgs());
      expect(await both.verdict()).toBe("OK");
      expect(await both.preview()).toEqual(["same", "same"]);
    });

    it.each([
      ["of an account that is another one", (): Promise<Properties> => openAccount(proxy)],
      [
        "that the CA does not have",
        async (): Promise<Properties> => {
          proxy.plan({ on: "order", times: 9, action: { answer: { status: 404, nonce: true } } });
          return {};
        },
      ],
    ])("%s is placed anew, and its certificate says so until then", async (_, happen) => {
      const both = split();
      const first = await both.order.up(both.orderArgs());
      const other = await happen();
      const { accountUrl = account.accountUrl, accountKeyPem = account.accountKeyPem } = other;
      const changed = { accountUrl, accountKeyPem };
      const lost = await both.certificate.failure(both.certificateArgs(changed));
      expect(lost).toMatch(
        /^ACME_ORDER_LOST: The order "https:.*, so there is nothing to take the certificate from\. Hint: /,
      );
      const { op, reason } = await both.order.preview(both.orderArgs(changed));
      expect(op).toBe("update");
      expect(reason).toMatch(/^places another order for s\d+\.test, since the last one is not at the CA any more; at /);
      const second = await both.order.up(both.orderArgs(changed));
      expect(second.orderUrl).not.toBe(first.orderUrl);
      proxy.reset();
      await both.putRecords();
      await both.certificate.up(both.certificateArgs(changed));
      expect(await both.verdict()).toBe("OK");
    });

    it("is gone on with when its challenges could not be asked for", async () => {
      const both = split();
      const ordered = pebble.orderCount();
      proxy.plan({ on: "authorization", times: 99, action: { answer: { status: 503, nonce: true } } });
      const text = await both.order.failure(both.orderArgs({ timeoutSeconds: 2 }));
      expect(text).toContain("asking for an authorization");
      expect((await both.order.preview(both.orderArgs())).reason).toMatch(
        /^goes on with the order for s\d+\.test that an/,
      );
      const other = await both.order.preview(both.orderArgs({ hostnames: ["other.test"] }));
      expect(other.reason).toMatch(/^places an order for other\.test; at /);
      proxy.reset();
      await both.up();
      expect(await both.verdict()).toBe("OK");
      expect(pebble.orderCount()).toBe(ordered + 1);
    });

    it("is placed anew when its account has another key by now, which no record of it is of", async () => {
      const own = new HeldResource(acmeAccount);
      const args = { directory: proxy.directoryUrl, caBundlePem: proxy.caBundlePem, acceptTermsOfService: true };
      const { accountUrl, accountKeyPem: oldKeyPem, directoryUrl, caBundlePem } = await own.up(args);
      const ordering = { accountUrl, accountKeyPem: oldKeyPem, directoryUrl, caBundlePem };
      const both = new SplitCertificate(pebble, ordering, { hostnames: ["rolled.test"], profile: "default" });
      const first = await both.order.up(both.orderArgs());
      const accountKeyPem = newKeyPem();
      await own.up({ ...args, accountKeyPem });
      const { op, reason } = await both.order.preview(both.orderArgs({ accountKeyPem }));
      expect(op).toBe("update");
      expect(reason).toMatch(/^places another order for rolled\.test, since the account has another key by now; at /);
      const second = await both.order.up(both.orderArgs({ accountKeyPem }));
      expect(second.orderUrl).not.toBe(first.orderUrl);
      await both.putRecords();
      await both.certificate.up(both.certificateArgs({ accountKeyPem }));
      expect(await both.verdict()).toBe("OK");
    });
  });

  describe("a CA that does not answer", () => {
    it("holds up nothing: the estimate decides until it speaks again", async () => {
      const both = await issued();
      proxy.plan({ on: "order", times: 99, action: { answer: { status: 503 } } });
      expect(await both.order.preview(both.orderArgs())).toEqual({ op: "same", reason: undefined });
      const state = both.order.state as Properties;
      const back = (name: string) => later((Date.parse(String(state[name])) - Date.now()) / 1000 - 61 * DAY);
      const old = {
        orderedAt: back("orderedAt").toISOString(),
        estimatedValidTo: back("estimatedValidTo").toISOString(),
      };
      both.order.state = { ...state, ...old };
      const { op, reason } = await both.order.preview(both.orderArgs());
      expect(op).toBe("update");
      expect(reason).toMatch(
        /^renews with another order: the CA does not answer; by an estimate of 90 days its certificate is valid until \S+, 2\d of 90 days left; at /,
      );
      proxy.reset();
      expect((await both.order.preview(both.orderArgs())).op).toBe("same");
    });

    it("is estimated anew for another profile", async () => {
      const both = await issued();
      await both.order.refresh();
      const { orderedAt, estimatedValidTo } = await both.order.up(both.orderArgs({ profile: "shortlived" }));
      expect(Date.parse(String(estimatedValidTo)) - Date.parse(String(orderedAt))).toBe(90 * DAY * 1000);
      both.order.state = { ...both.order.state, certPem: null };
      const again = await both.up({ profile: "shortlived" });
      expect(daysOf(again)).toBe(6);
      await both.order.refresh();
      const back = await both.order.up(both.orderArgs({ profile: "default" }));
      expect(Date.parse(String(back.estimatedValidTo)) - Date.parse(String(back.orderedAt))).toBe(90 * DAY * 1000);
    });
  });

  describe("a renewal", () => {
    it("comes by the CA's window, which a refresh learns, and says at the CA what it replaces", async () => {
      const both = await issued();
      const first = both.certificate.state;
      await pebble.setRenewalInfo(String(first?.certPem), pastWindow);
      expect((await both.order.preview(both.orderArgs())).op).toBe("same");
      expect(await both.order.refresh()).toMatchObject({
        certPem: first?.certPem,
        certificateUrl: first?.certificateUrl,
        validFrom: first?.validFrom,
        validTo: first?.validTo,
        renewalWindow: { start: expect.stringContaining("2026-01-01"), end: expect.stringContaining("2026-01-02") },
      });
      proxy.reset();
      const { op, reason } = await both.order.preview(both.orderArgs());
      expect(op).toBe("update");
      expect(reason).toMatch(
        /^renews with another order: valid until .*, by the CA's window from 2026-01-01 to 2026-01-02/,
      );
      // the state knows it all, but for a window that may have changed
      expect(kinds().filter((kind) => kind !== "renewalInfo")).toEqual([]);
      const renewed = await both.up();
      expect(renewed.serialNumber).not.toBe(first?.serialNumber);
      expect(await both.verdict()).toBe("OK");
      expect(replacedIn(proxy)).toEqual([true]);
      expect(both.order.state).toMatchObject({ issuances: [expect.objectContaining({ at: first?.validFrom })] });
      expect(await both.preview()).toEqual(["same", "same"]);
    });

    it("is placed without saying so when the CA has another replacement, which is said", async () => {
      const both = await issued();
      const first = String(both.certificate.state?.certPem);
      await pebble.setRenewalInfo(first, pastWindow);
      const learnt = await both.order.refresh();
      await both.up();
      both.order.state = { ...learnt };
      proxy.reset();
      const mark = said.length;
      await both.up();
      expect(await both.verdict()).toBe("OK");
      expect(replacedIn(proxy)).toEqual([true, false]);
      expect(said.slice(mark).join("\n")).toContain("does not take this order for a replacement");
    });

    it("comes near the certificate's end without a refresh, too", async () => {
      const both = await issued({ profile: "shortlived" });
      await pebble.setRenewalInfo(String(both.certificate.state?.certPem), pastWindow);
      const { op, reason } = await both.order.preview(both.orderArgs());
      expect(op).toBe("update");
      expect(reason).toContain("by the CA's window from 2026-01-01");
      await both.up();
      expect(replacedIn(proxy)).toEqual([true]);
    });

    it("is none for other names, another profile or a change of policy alone", async () => {
      const both = await issued();
      expect((await both.order.preview(both.orderArgs({ minDaysRemaining: 5, timeoutSeconds: 99 }))).op).toBe("same");
      const names = { hostnames: ["other.test"] };
      expect((await both.order.preview(both.orderArgs(names))).reason).toMatch(
        /^places another order, for other\.test; at/,
      );
      const profile = { profile: "shortlived" };
      expect((await both.order.preview(both.orderArgs(profile))).reason).toMatch(
        /^places another order, for s\d+\.test; at/,
      );
      await both.up(names);
      expect(await both.verdict()).toBe("OK");
      expect(replacedIn(proxy)).toEqual([false]);
    });

    it("learns nothing by a refresh that has no key or no answer, and fails for neither", async () => {
      const both = await issued();
      const state = both.order.state;
      both.order.state = { ...state, orderKeyPem: null };
      expect(await both.order.refresh()).not.toHaveProperty("validTo", expect.any(String));
      both.order.state = { ...state };
      const malformed = { type: "urn:ietf:params:acme:error:malformed" };
      proxy.plan({ on: "order", action: { answer: { status: 400, body: malformed, nonce: true } } });
      expect(await both.order.refresh()).not.toHaveProperty("validTo", expect.any(String));
      proxy.reset();
      expect(await both.order.refresh()).toHaveProperty("validTo", expect.any(String));
    });
  });

  describe("a process that is killed", () => {
    /** At the first request of this kind, which the CA does not see. */
    const at = (kind: "authorization" | "certificate") => (kill: () => Promise<unknown>) => {
      const ask = async () => {
        await kill();
        return "cut" as const;
      };
      proxy.plan({ on: kind, action: { ask, at: "before" } });
    };

    it("between the order and the state leaves the order in the journal: the next run has the same one", async () => {
      const both = split();
      const ordered = pebble.orderCount();
      await both.order.killed(both.orderArgs(), at("authorization"));
      expect(both.order.state).toBeUndefined();
      await both.up();
      expect(await both.verdict()).toBe("OK");
      expect(pebble.orderCount()).toBe(ordered + 1);
    });

    it("between the certificate and the state leaves its key there, too: the next run has the same one", async () => {
      const both = split();
      await both.order.up(both.orderArgs());
      await both.putRecords();
      const before = pebble.certificateCount();
      await both.certificate.killed(both.certificateArgs(), at("certificate"));
      proxy.reset();
      expect((await both.order.preview(both.orderArgs())).op).toBe("same");
      await both.certificate.up(both.certificateArgs());
      expect(await both.verdict()).toBe("OK");
      expect(pebble.certificateCount()).toBe(before + 1);
      expect(await both.preview()).toEqual(["same", "same"]);
    });

    it("whose journal is gone has lost the key, which is said, with what to do; another order is the way out", async () => {
      const both = split();
      await both.order.up(both.orderArgs());
      await both.putRecords();
      await both.certificate.killed(both.certificateArgs(), at("certificate"));
      proxy.reset();
      rmSync(home, { recursive: true });
      const text = await both.certificate.failure(both.certificateArgs());
      expect(text).toMatch(
        /^ACME_ORDER_LOST: The certificate of an earlier run is there, but its key is lost or another one is wanted now, so there is nothing to take the certificate from\. Hint: .*`pulumi up --replace` with the URN of the AcmeOrder/,
      );
      // a replacement is a creation
      both.order.state = undefined;
      await both.up();
      expect(await both.verdict()).toBe("OK");
      expect(await both.preview()).toEqual(["same", "same"]);
    });
  });

  it("an account that records authorise is deactivated once they have ended, and not before", async () => {
    const { accountUrl, ...rest } = await openAccount(proxy);
    const state = { ...rest, accountUrl, deactivateOnDestroy: true };
    const destroy = (recordsUntil: string) => acmeAccount.delete?.("id", { ...state, recordsUntil });
    const statusOf = async () => (await acmeAccount.refresh?.("id", state, { now: new Date() }))?.status;
    await expect(destroy(later(DAY).toISOString().slice(0, 10))).rejects.toThrow(
      /^ACME_ACCOUNT: .* is not deactivated: /,
    );
    expect(await statusOf()).toBe("valid");
    await destroy(new Date().toISOString().slice(0, 10));
    await expect(statusOf()).rejects.toThrow("deactivated");
  });

  describe("what costs something at the CA", () => {
    it("stops the next order for a while when one was refused, and says so in the preview", async () => {
      const both = split({ hostnames: ["blocked.test"] });
      expect(await both.order.failure(both.orderArgs())).toMatch(/^ACME_REJECTED: .*blocked\.test/);
      const asked = proxy.count("newOrder");
      await expect(both.order.preview(both.orderArgs())).rejects.toThrow(
        /^ACME_BACKOFF: places an order for blocked\.test; but the CA is not asked: the last attempt .* Hint: .*TLS_GATEWAY_RETRY_NOW/,
      );
      await expect(both.order.effect(both.orderArgs())).rejects.toThrow(/^ACME_BACKOFF: the CA is not asked/);
      expect(proxy.count("newOrder")).toBe(asked);
      await both.up({ hostnames: ["not-blocked.test"] });
      expect(await both.verdict()).toBe("OK");
    });

    it("counts each certificate that its orders came to, once", async () => {
      const both = await issued();
      for (let round = 1; round <= 2; round++) {
        await both.order.refresh();
        const { issuances } = await both.order.up(both.orderArgs({ profile: round === 1 ? "shortlived" : "default" }));
        expect(issuances).toHaveLength(round);
        await both.putRecords();
        await both.certificate.up(both.certificateArgs());
      }
      const names = identifierSetKey([`s${count}.test`]);
      expect(both.order.state?.issuances).toEqual(
        [1, 2].map(() => ({ at: expect.any(String), names, directory: account.directoryUrl })),
      );
    });
  });
});

describeWithPeer("pebble", () => {
  useAcmeHome();

  it("an order whose names are proved already is ready at once, and its certificate comes", async () => {
    const pebble = await startPebble({ retryAfter: { authz: 0, order: 0 }, authzReuse: 100 });
    try {
      const account = await openAccount(pebble);
      const args = { hostnames: ["*.reused.test", "reused.test"] };
      await new SplitCertificate(pebble, account, { ...args, name: "first" }).up();
      await pebble.clearTxt("_acme-challenge.reused.test");
      const both = new SplitCertificate(pebble, account, { ...args, name: "second" });
      await both.order.up(both.orderArgs());
      expect(both.challenges.map(({ isProved }) => isProved)).toEqual([true, true]);
      expect((await both.certificate.up(both.certificateArgs())).validatedBy).toBe("what the CA knew already");
      expect(await both.verdict()).toBe("OK");
    } finally {
      await pebble.stop();
    }
  });
});

/** Whether each order that came says what it replaces. */
function replacedIn(proxy: FaultProxy): readonly boolean[] {
  return proxy.requests
    .filter(({ kind }) => kind === "newOrder")
    .map(({ body }) => "replaces" in JSON.parse(Buffer.from(JSON.parse(body).payload, "base64url").toString()));
}

/** A web server that has what the order says at each path, and nothing else. */
async function serve(both: SplitCertificate, port: number, host: string, asked: Set<string>): Promise<Server> {
  const answers = new Map(
    both.challenges.flatMap(({ http }) => (http === undefined ? [] : [[http.token, http.keyAuthorization]])),
  );
  const server = createServer(({ url = "" }, response) => {
    const answer = answers.get(url.replace("/.well-known/acme-challenge/", ""));
    if (answer !== undefined) asked.add(url);
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "text/plain" }).end(answer);
  });
  await once(server.listen(port, host), "listening");
  return server;
}
