// Guards: an order that a CA in memory brings to its end and a real one does not. Each is made at Pebble, by each
// challenge, from each state that it can be left in, and each certificate is verified by openssl under Pebble's root.
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { AcmeIdentifier } from "../../../provider/src/acme/client/identifier";
import { makeCertificateRequest } from "../../../provider/src/acme/order/certificate-request";
import { type Issued, type OrderStep, revokeCertificate } from "../../../provider/src/acme/order/flow";
import { askRenewalInformation, renewalInfoId } from "../../../provider/src/acme/order/renewal-information";
import { Deadline, systemClock } from "../../../provider/src/acme/run/deadline";
import { readCertificates } from "../../../provider/src/x509/chain/chain";
import { parseIdentifier } from "../../../provider/src/x509/names/identifier";
import { passTimeLimits } from "../../support/acme/lifecycle";
import { isReplaceable } from "../../support/acme/pebble";
import { dnsSolver, newKey, PebbleOrders, usePebble, verifyByOpenssl } from "../../support/acme/pebble-orders";
import { describeWithPeer } from "../../support/peer";
import { rejection } from "../../support/rejection";

const profiles = {
  default: { description: "90 days", validityPeriod: 90 * 86_400 },
  shortlived: { description: "160 hours", validityPeriod: 160 * 3600 },
};
const keyTypes = ["P256", "P384", "RSA2048", "RSA3072", "RSA4096"] as const;
const keys = Object.fromEntries(keyTypes.map((type) => [type, newKey(type)]));

async function within<Result>(use: (deadline: Deadline) => Promise<Result>): Promise<Result> {
  const deadline = new Deadline(60, systemClock);
  return await use(deadline).finally(() => deadline.dispose());
}

describeWithPeer("openssl", ({ path: openssl }) => {
  it.each(keyTypes)("req verifies a request by a key %s, and reads each name in it and no subject", (type) => {
    const names = ["a.test", "*.a.test", "192.0.2.1", "2001:db8::1"].map(parseIdentifier) as AcmeIdentifier[];
    const input = makeCertificateRequest(keys[type] ?? newKey(type), names);
    const args = ["req", "-inform", "DER", "-verify", "-noout", "-text"];
    const verify = (der: Buffer) => spawnSync(openssl, args, { input: der, encoding: "utf8" });
    const { stdout, stderr } = verify(input);
    expect(stderr).toContain("verify OK");
    expect(stdout).toContain("DNS:a.test, DNS:*.a.test, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1");
    expect(stdout).toMatch(/Subject: *\n/);
    const damaged = Buffer.from(input);
    damaged[input.indexOf("a.test")] = 0x62;
    expect(verify(damaged).stderr).toContain("verify failure");
  });
});

describeWithPeer("pebble", () => {
  describe("a certificate", () => {
    const used = usePebble({ profiles });
    const cases = [
      { names: ["a.test"], by: "dns-01", address: "" },
      { names: ["*.b.test"], by: "dns-01", address: "" },
      { names: ["c.test", "*.c.test", "xn--mnchen-3ya.test"], by: "dns-01", address: "" },
      { names: ["d.test", "www.d.test"], by: "http-01", address: "127.0.0.1" },
      { names: ["e.test"], by: "tls-alpn-01", address: "127.0.0.1" },
      { names: ["127.0.0.1"], by: "http-01", address: "127.0.0.1" },
      { names: ["127.0.0.1", "f.test"], by: "tls-alpn-01", address: "127.0.0.1" },
      { names: ["::1"], by: "http-01", address: "::1" },
      { names: ["::1"], by: "tls-alpn-01", address: "::1" },
    ] as const;
    const matrix = keyTypes.flatMap((type) => Object.keys(profiles).map((profile) => ({ type, profile })));

    it.each(matrix)("of each kind of names by $type, profile $profile, is verified by openssl", async (one) => {
      const { orders, pebble } = used;
      const key = keys[one.type] ?? newKey(one.type);
      const make = async ({ names, by, address }: (typeof cases)[number]) => {
        const solvers = [by === "dns-01" ? dnsSolver(pebble) : orders.listener(by, address)];
        const issued = await orders.issue({ names, key, profile: one.profile, solvers });
        const certificate = new X509Certificate(issued.certPem);
        const days = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 86_400_000;
        const isOfKey = certificate.checkPrivateKey(key);
        const verdict = await verifyByOpenssl(issued, await pebble.roots(), names);
        return { names, by, verdict, isOfKey, days: Math.round(days) };
      };
      const days = one.profile === "default" ? 90 : 7;
      const good = cases.map(({ names, by }) => ({ names, by, verdict: "OK", isOfKey: true, days }));
      expect(await Promise.all(cases.map(make))).toEqual(good);
    });

    it("is revoked once, and revoked again is a success", async () => {
      const { orders, pebble } = used;
      const { certPem } = await orders.issue({ names: ["revoked.test"] });
      const revoke = () =>
        within((deadline) => revokeCertificate(orders.session, orders.accountUrl, certPem, "superseded", deadline));
      await revoke();
      expect(await pebble.certStatus(certPem)).toMatchObject({ Status: "Revoked", Reason: 4 });
      await revoke();
    });

    it("has a renewal window, which the CA can change, and which is none when it is malformed", async () => {
      const { orders, pebble } = used;
      const { certPem } = await orders.issue({ names: ["ari.test"] });
      const [certificate] = readCertificates(certPem, "it");
      if (certificate === undefined) throw new Error("no certificate");
      const ask = () => within((deadline) => askRenewalInformation(orders.session, certificate, deadline));
      const usual = await ask();
      expect(usual?.id).toBe(renewalInfoId(certificate));
      expect(Date.parse(usual?.start ?? "")).toBeGreaterThan(Date.now());
      const told = { suggestedWindow: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" } };
      await pebble.setRenewalInfo(certPem, { ...told, explanationURL: "https://ca.test/why" });
      expect(await ask()).toMatchObject({ ...told.suggestedWindow, explanationUrl: "https://ca.test/why" });
      await pebble.setRenewalInfo(certPem, "{ broken");
      expect(await ask()).toBeUndefined();
    });

    it("that another CA issued has no renewal window, and that is no error", async () => {
      const { orders } = used;
      const [foreign] = readCertificates(await used.pebble.intermediates(), "it");
      if (foreign === undefined) throw new Error("no certificate");
      expect(await within((deadline) => askRenewalInformation(orders.session, foreign, deadline))).toBeUndefined();
    });

    it("replaces its predecessor, once; what the CA refuses is ordered without saying so", async () => {
      const { orders } = used;
      let first = await orders.issue({ names: ["r.test"] });
      while (!isReplaceable(first.certPem)) first = await orders.issue({ names: ["r.test"] });
      const replaces = idOf(first);
      expect((await orders.issue({ names: ["r.test"], replaces })).progress).not.toHaveProperty("replacesDropped");
      const third = await orders.issue({ names: ["r.test"], replaces });
      expect(third.progress.replacesDropped).toBe(true);
      expect(third.notes.join()).toMatch(/does not take this order for a replacement/);
      const foreign = await orders.issue({ names: ["r.test"], replaces: "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE" });
      expect(foreign.progress.replacesDropped).toBe(true);
      // Pebble answers this with status 500, which is tried again for some seconds
      const other = await orders.issue({ names: ["s.test"], replaces: idOf(third) });
      expect(other.progress.replacesDropped).toBe(true);
    });
  });

  describe("a run that is stopped", () => {
    const used = usePebble({});
    const steps: readonly OrderStep[] = [
      ...(["new-order", "ordered", "present", "presented", "answer", "answered", "clean-up"] as const),
      ...(["finalize", "finalized", "download", "downloaded"] as const),
    ];

    it.each(steps)("at %s is gone on with by the next: one order, one certificate, no record left", async (step) => {
      const { pebble, orders } = used;
      const names = [`${step}.test`, `*.${step}.test`];
      const records = new Set<string>();
      const before = [pebble.orderCount(), pebble.certificateCount()];
      const stop = new Error("stopped");
      const save = async (now: OrderStep) => {
        if (now === step) throw stop;
      };
      const solvers = [dnsSolver(pebble, records)];
      await expect(orders.issue({ names, solvers, save })).rejects.toBe(stop);
      const at = orders.saved.findLast((one) => one.step === step)?.progress ?? {};
      const issued = await orders.issue({ names, solvers }, at);
      expect(await verifyByOpenssl(issued, await pebble.roots(), names)).toBe("OK");
      expect([pebble.orderCount(), pebble.certificateCount()]).toEqual(before.map((count) => (count ?? 0) + 1));
      expect(issued.notes).toEqual([]);
      expect(records.size).toBe(0);
    });

    it("of another account, or one that the CA has forgotten, is ordered anew", async () => {
      const { pebble, orders } = used;
      const { progress } = await orders.issue({ names: ["mine.test"] });
      const others = await PebbleOrders.open(pebble);
      expect((await others.issue({ names: ["mine.test"] }, progress)).notes.join()).toMatch(/not one of this account/);
      others.close();
      const orderUrl = `${progress.orderUrl}gone`;
      expect((await orders.issue({ names: ["mine.test"] }, { orderUrl })).notes.join()).toMatch(/not there any more/);
    });
  });

  describe("what goes wrong", () => {
    const used = usePebble({ blocklist: ["blocked.test"] });

    it("a name that the CA's policy forbids is named", async () => {
      const error = await rejection(used.orders.issue({ names: ["fine.test", "blocked.test"] }));
      expect(error.code).toBe("ACME_REJECTED");
      expect(error.message).toContain("blocked.test");
      expect(error.message).toContain("rejectedIdentifier");
    });

    it("a failed proof is told name by name, the record is gone, and the next run orders anew", async () => {
      const { orders, pebble } = used;
      const names = ["bad.test", "*.bad.test", "good.test"];
      const good = dnsSolver(pebble);
      const present: typeof good.present = async (tasks, deadline) =>
        good.present(
          tasks.map((task) => (task.identifier.value === "bad.test" ? { ...task, keyAuthorization: "wrong" } : task)),
          deadline,
        );
      const error = await rejection(orders.issue({ names, solvers: [{ ...good, present }] }));
      expect(error.code).toBe("ACME_UNAUTHORIZED");
      expect(error.reason).toContain("bad.test by dns-01: the CA answered unauthorized");
      expect(error.reason).toContain("*.bad.test by dns-01: the CA answered unauthorized");
      expect(error.reason).not.toContain("good.test by");
      expect(orders.progress).toEqual({});
      const issued = await orders.issue({ names }, orders.progress);
      expect(await verifyByOpenssl(issued, await pebble.roots(), names)).toBe("OK");
    });

    it("a challenge that the CA does not offer for a name is told, with those that it offers", async () => {
      const error = await rejection(used.orders.issue({ names: ["127.0.0.1"] }));
      expect(error.code).toBe("ACME_CHALLENGE");
      expect(error.message).toMatch(/the CA offers http-01, tls-alpn-01; configured: dns-01/);
      const { orders } = used;
      const error2 = await rejection(
        orders.issue({ names: ["*.w.test"], solvers: [orders.listener("http-01", "127.0.0.1")] }),
      );
      expect(error2.code).toBe("ACME_CHALLENGE");
    });

    it("a server where nobody answers is the CA's reason", async () => {
      const { orders } = used;
      const solver = orders.listener("http-01", "127.0.0.1");
      const error = await rejection(
        orders.issue({ names: ["silent.test"], solvers: [{ ...solver, present: async () => {} }] }),
      );
      expect(error.code).toBe("ACME_UNAUTHORIZED");
      expect(error.reason).toContain("silent.test by http-01: the CA answered connection");
      expect(error.hint).toBeDefined();
    });

    it("a profile that the CA does not have is refused", async () => {
      expect((await rejection(used.orders.issue({ names: ["p.test"], profile: "none" }))).message).toContain("none");
    });
  });

  describe("an order that is processed for ever", () => {
    const used = usePebble({ retryAfter: { authz: 1, order: 1 } });
    afterEach(() => vi.useRealTimers());

    it("ends by our bound with its URL, and the next run takes it up again", async () => {
      const { pebble, orders } = used;
      // Pebble takes any notAfter and fails to issue by it without a word
      const post = orders.session.post.bind(orders.session);
      orders.session.post = async (url, payload, options) => {
        const order = url.endsWith("/order-plz") ? { ...(payload as object), notAfter: "garbage" } : payload;
        const answer = await post(url, order, options);
        // the time of the run is over when an order is seen to be processed
        const isOrder = /\/(my-order|finalize-order)\//.test(url);
        if (isOrder && /"status": *"processing"/.test(answer.body.toString())) passTimeLimits();
        return answer;
      };
      const error = await rejection(orders.issue({ names: ["never.test"] }));
      vi.useRealTimers();
      expect(error.code).toBe("ACME_TIMEOUT");
      expect(error.message).toMatch(
        /the order for \S+ \("https:\/\/localhost:\d+\/my-order\/[^"]+"\) is still being processed/,
      );
      expect((await rejection(orders.issue({ names: ["never.test"] }, orders.progress))).code).toBe("ACME_TIMEOUT");
      expect(pebble.orderCount()).toBe(1);
    });
  });

  describe("authorizations that are reused", () => {
    const used = usePebble({ authzReuse: 100 });

    it("make the order ready at once, and no solver is asked", async () => {
      const { orders } = used;
      await orders.issue({ names: ["again.test", "*.again.test"] });
      const issued = await orders.issue({ names: ["again.test", "*.again.test"], solvers: [] });
      expect(issued.notes).toEqual([]);
    });

    it("of some names leave the others to be proved", async () => {
      const { orders, pebble } = used;
      await orders.issue({ names: ["half.test"] });
      const names = ["half.test", "new.test"];
      const issued = await orders.issue({ names });
      expect(await verifyByOpenssl(issued, await pebble.roots(), names)).toBe("OK");
    });
  });

  describe("a CA that refuses half of all nonces and keeps to the letter", () => {
    const used = usePebble({ nonceReject: 50, strict: true });

    it("issues all the same", async () => {
      const { orders, pebble } = used;
      const all = Array.from({ length: 5 }, (_, index) => ({ names: [`n${index}.test`, `*.n${index}.test`] }));
      const issued = await Promise.all(all.map((wanted) => orders.issue(wanted)));
      for (const [index, one] of issued.entries()) {
        expect(await verifyByOpenssl(one, await pebble.roots(), all[index]?.names ?? [])).toBe("OK");
      }
      expect([pebble.orderCount(), pebble.certificateCount()]).toEqual([5, 5]);
    });
  });

  describe("alternate roots and a chain of three", () => {
    const used = usePebble({ alternateRoots: 2, chainLength: 3 });

    it.each([0, 1, 2])("root %i is preferred by its common name", async (number) => {
      const { orders, pebble } = used;
      const rootPem = await pebble.roots(number);
      const preferredChain = /CN=(.*)/.exec(new X509Certificate(rootPem).subject)?.[1] ?? "";
      const issued = await orders.issue({ names: ["alt.test"], preferredChain });
      expect(issued).toMatchObject({ preferredChainFound: true, notes: [] });
      expect(issued.chains).toHaveLength(3);
      expect(readCertificates(issued.fullChainPem, "it")).toHaveLength(4);
      expect(await verifyByOpenssl(issued, rootPem, ["alt.test"])).toBe("OK");
      const other = await pebble.roots((number + 1) % 3);
      expect(await verifyByOpenssl(issued, other, ["alt.test"])).not.toBe("OK");
    });

    it("a preferred chain that is not offered is said, and the CA's own taken", async () => {
      const { orders, pebble } = used;
      const issued = await orders.issue({ names: ["alt.test"], preferredChain: "Nobody's Root" });
      expect(issued.preferredChainFound).toBe(false);
      for (const top of issued.chains) expect(issued.notes.join()).toContain(top);
      expect(await verifyByOpenssl(issued, await pebble.roots(), ["alt.test"])).toBe("OK");
    });
  });
});

/** What a later order says that it replaces. */
function idOf({ certPem }: Issued): string {
  const [certificate] = readCertificates(certPem, "it");
  const id = certificate === undefined ? undefined : renewalInfoId(certificate);
  if (id === undefined) throw new Error("the certificate has no identifier");
  return id;
}
