import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { identifierSetKey } from "../../../provider/src/acme/limits/back-off";
import { acmeAccount } from "../../../provider/src/lifecycle/acme/account";
import type { Properties } from "../../../provider/src/lifecycle/lifecycle";
import type { FaultProxy } from "../../support/acme/fault-proxy";
import { later, openAccount } from "../../support/acme/lifecycle";
import { DAY, daysOf, pastWindow, useSplitOrders } from "../../support/acme/split-orders";
import { describeWithPeer } from "../../support/peer";

describeWithPeer("pebble", () => {
  const used = useSplitOrders();
  const { home, said } = used;

  describe("a CA that does not answer", () => {
    it("holds up nothing: the estimate decides until it speaks again", async () => {
      const both = await used.issued();
      used.proxy.plan({ on: "order", times: 99, action: { answer: { status: 503 } } });
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
      used.proxy.reset();
      expect((await both.order.preview(both.orderArgs())).op).toBe("same");
    });

    it("is estimated anew for another profile", async () => {
      const both = await used.issued();
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
      const both = await used.issued();
      const first = both.certificate.state;
      await used.pebble.setRenewalInfo(String(first?.certPem), pastWindow);
      expect((await both.order.preview(both.orderArgs())).op).toBe("same");
      expect(await both.order.refresh()).toMatchObject({
        certPem: first?.certPem,
        certificateUrl: first?.certificateUrl,
        validFrom: first?.validFrom,
        validTo: first?.validTo,
        renewalWindow: { start: expect.stringContaining("2026-01-01"), end: expect.stringContaining("2026-01-02") },
      });
      used.proxy.reset();
      const { op, reason } = await both.order.preview(both.orderArgs());
      expect(op).toBe("update");
      expect(reason).toMatch(
        /^renews with another order: valid until .*, by the CA's window from 2026-01-01 to 2026-01-02/,
      );
      // the state knows it all, but for a window that may have changed
      expect(used.kinds().filter((kind) => kind !== "renewalInfo")).toEqual([]);
      const renewed = await both.up();
      expect(renewed.serialNumber).not.toBe(first?.serialNumber);
      expect(await both.verdict()).toBe("OK");
      expect(replacedIn(used.proxy)).toEqual([true]);
      expect(both.order.state).toMatchObject({ issuances: [expect.objectContaining({ at: first?.validFrom })] });
      expect(await both.preview()).toEqual(["same", "same"]);
    });

    it("is placed without saying so when the CA has another replacement, which is said", async () => {
      const both = await used.issued();
      const first = String(both.certificate.state?.certPem);
      await used.pebble.setRenewalInfo(first, pastWindow);
      const learnt = await both.order.refresh();
      await both.up();
      both.order.state = { ...learnt };
      used.proxy.reset();
      const mark = said.length;
      await both.up();
      expect(await both.verdict()).toBe("OK");
      expect(replacedIn(used.proxy)).toEqual([true, false]);
      expect(said.slice(mark).join("\n")).toContain("does not take this order for a replacement");
    });

    it("comes near the certificate's end without a refresh, too", async () => {
      const both = await used.issued({ profile: "shortlived" });
      await used.pebble.setRenewalInfo(String(both.certificate.state?.certPem), pastWindow);
      const { op, reason } = await both.order.preview(both.orderArgs());
      expect(op).toBe("update");
      expect(reason).toContain("by the CA's window from 2026-01-01");
      await both.up();
      expect(replacedIn(used.proxy)).toEqual([true]);
    });

    it("is none for other names, another profile or a change of policy alone", async () => {
      const both = await used.issued();
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
      expect(replacedIn(used.proxy)).toEqual([false]);
    });

    it("learns nothing by a refresh that has no key or no answer, and fails for neither", async () => {
      const both = await used.issued();
      const state = both.order.state;
      both.order.state = { ...state, orderKeyPem: null };
      expect(await both.order.refresh()).not.toHaveProperty("validTo", expect.any(String));
      both.order.state = { ...state };
      const malformed = { type: "urn:ietf:params:acme:error:malformed" };
      used.proxy.plan({ on: "order", action: { answer: { status: 400, body: malformed, nonce: true } } });
      expect(await both.order.refresh()).not.toHaveProperty("validTo", expect.any(String));
      used.proxy.reset();
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
      used.proxy.plan({ on: kind, action: { ask, at: "before" } });
    };

    it("between the order and the state leaves the order in the journal: the next run has the same one", async () => {
      const both = used.split();
      const ordered = used.pebble.orderCount();
      await both.order.killed(both.orderArgs(), at("authorization"));
      expect(both.order.state).toBeUndefined();
      await both.up();
      expect(await both.verdict()).toBe("OK");
      expect(used.pebble.orderCount()).toBe(ordered + 1);
    });

    it("between the certificate and the state leaves its key there, too: the next run has the same one", async () => {
      const both = used.split();
      await both.order.up(both.orderArgs());
      await both.putRecords();
      const before = used.pebble.certificateCount();
      await both.certificate.killed(both.certificateArgs(), at("certificate"));
      used.proxy.reset();
      expect((await both.order.preview(both.orderArgs())).op).toBe("same");
      await both.certificate.up(both.certificateArgs());
      expect(await both.verdict()).toBe("OK");
      expect(used.pebble.certificateCount()).toBe(before + 1);
      expect(await both.preview()).toEqual(["same", "same"]);
    });

    it("whose journal is gone has lost the key, which is said, with what to do; another order is the way out", async () => {
      const both = used.split();
      await both.order.up(both.orderArgs());
      await both.putRecords();
      await both.certificate.killed(both.certificateArgs(), at("certificate"));
      used.proxy.reset();
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
    const { accountUrl, ...rest } = await openAccount(used.proxy);
    const state = { ...rest, accountUrl, deactivateOnDestroy: true };
    const destroy = (recordsUntil: string) => acmeAccount.delete?.("id", { ...state, recordsUntil });
    const statusOf = async () => (await acmeAccount.refresh?.("id", state, { now: new Date() }))?.status;
    // tomorrow may be today by then
    await expect(
      destroy(
        later(2 * DAY)
          .toISOString()
          .slice(0, 10),
      ),
    ).rejects.toThrow(/^ACME_ACCOUNT: .* is not deactivated: /);
    expect(await statusOf()).toBe("valid");
    await destroy(new Date().toISOString().slice(0, 10));
    await expect(statusOf()).rejects.toThrow("deactivated");
  });

  describe("what costs something at the CA", () => {
    it("stops the next order for a while when one was refused, and says so in the preview", async () => {
      const both = used.split({ hostnames: ["blocked.test"] });
      expect(await both.order.failure(both.orderArgs())).toMatch(/^ACME_REJECTED: .*blocked\.test/);
      const asked = used.proxy.count("newOrder");
      await expect(both.order.preview(both.orderArgs())).rejects.toThrow(
        /^ACME_BACKOFF: places an order for blocked\.test; but the CA is not asked: the last attempt .* Hint: .*TLS_GATEWAY_RETRY_NOW/,
      );
      await expect(both.order.effect(both.orderArgs())).rejects.toThrow(/^ACME_BACKOFF: the CA is not asked/);
      expect(used.proxy.count("newOrder")).toBe(asked);
      await both.up({ hostnames: ["not-blocked.test"] });
      expect(await both.verdict()).toBe("OK");
    });

    it("counts each certificate that its orders came to, once", async () => {
      const both = await used.issued();
      for (let round = 1; round <= 2; round++) {
        await both.order.refresh();
        const { issuances } = await both.order.up(both.orderArgs({ profile: round === 1 ? "shortlived" : "default" }));
        expect(issuances).toHaveLength(round);
        await both.putRecords();
        await both.certificate.up(both.certificateArgs());
      }
      const names = identifierSetKey([`s${used.count}.test`]);
      expect(both.order.state?.issuances).toEqual(
        [1, 2].map(() => ({ at: expect.any(String), names, directory: used.account.directoryUrl })),
      );
    });
  });
});

/** Whether each order that came says what it replaces. */
function replacedIn(proxy: FaultProxy): readonly boolean[] {
  return proxy.requests
    .filter(({ kind }) => kind === "newOrder")
    .map(({ body }) => "replaces" in JSON.parse(Buffer.from(JSON.parse(body).payload, "base64url").toString()));
}
