// Guards: a renewal that no CA asked for, or one that a CA asked for and nobody heard. The window of a certificate is set
// through Pebble's management port, and every question about it is counted by a proxy.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { acmeCertificate } from "../../../provider/src/lifecycle/acme/certificate";
import type { Properties } from "../../../provider/src/lifecycle/lifecycle";
import { FaultProxy } from "../../support/acme/fault-proxy";
import { HeldCertificate, later, openAccount, useAcmeHome } from "../../support/acme/lifecycle";
import { isReplaceable, type Pebble, startPebble } from "../../support/acme/pebble";
import { type DnsHook, startDnsHook } from "../../support/dns/hook";
import { describeWithPeer } from "../../support/peer";

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Pebble wants to be asked again after six hours. */
const askable = 7 * HOUR;

/** Asks whenever the CA may be asked. */
const always = { renewalInfoDays: 1000 };

const past = { suggestedWindow: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" } };
const window = (from: number, to: number) => ({
  suggestedWindow: { start: later(from).toISOString(), end: later(to).toISOString() },
});

describeWithPeer("pebble", () => {
  const { said } = useAcmeHome();
  let pebble: Pebble;
  let proxy: FaultProxy;
  let hook: DnsHook;
  let account: Properties;
  let count = 0;
  beforeAll(async () => {
    pebble = await startPebble({ retryAfter: { authz: 0, order: 0 } });
    [proxy, hook] = await Promise.all([FaultProxy.start(pebble), startDnsHook(pebble)]);
    account = await openAccount(proxy);
  });
  afterEach(() => {
    vi.useRealTimers();
    proxy.reset();
  });
  afterAll(async () => {
    await Promise.all([proxy?.stop(), hook?.stop()]);
    await pebble?.stop();
  });

  /** A certificate that was just issued; what was asked for it is not counted. */
  const issued = async (args: Properties = {}): Promise<HeldCertificate> => {
    const challenge = { type: "dns-01", command: hook.command, propagation: false };
    count += 1;
    const held = new HeldCertificate({
      ...account,
      challenge,
      hostnames: [`r${count}.test`, `*.r${count}.test`],
      ...args,
    });
    const { certPem } = await held.up();
    proxy.reset();
    return isReplaceable(certPem) ? held : issued(args);
  };
  const tell = (held: HeldCertificate, answer: unknown) => pebble.setRenewalInfo(String(held.state?.certPem), answer);
  const asked = () => proxy.count("renewalInfo");
  const windowOf = (held: HeldCertificate) => held.state?.renewalWindow as Readonly<Record<string, string>> | undefined;

  describe("the CA's window", () => {
    it("is asked for at the creation, and then near the estimate alone and not before the CA wants to be asked", async () => {
      const held = await issued();
      expect(windowOf(held)).toMatchObject({ id: expect.stringMatching(/^[\w-]+\.[\w-]+$/) });
      await tell(held, past);
      expect(await held.preview(always)).toEqual({ op: "same", reason: undefined });
      expect(await held.preview(always, later(5 * HOUR))).toEqual({ op: "same", reason: undefined });
      expect(await held.preview({}, later(askable))).toEqual({ op: "same", reason: undefined });
      expect(proxy.requests).toEqual([]);
      expect((await held.preview({}, later(55 * DAY))).reason).toContain("by the CA's window from 2026-01-01");
      expect(asked()).toBeGreaterThan(0);
    });

    it("that has passed renews, with its reason in the preview, and another certificate comes with a window of its own", async () => {
      const held = await issued();
      const old = held.copy();
      const before = old.state;
      await tell(held, { ...past, explanationURL: "https://ca.test/incident" });
      const { op, reason } = await held.preview(always, later(askable));
      expect(op).toBe("update");
      expect(reason).toMatch(
        /^renews: valid until .*, by the CA's window from 2026-01-01 to 2026-01-02, chosen 2026-01-01T.*\(why: https:\/\/ca\.test\/incident\)/,
      );
      expect(asked()).toBe(1); // the reason and the decision are one
      await held.up(always, later(askable));
      expect(held.state?.serialNumber).not.toBe(before?.serialNumber);
      expect(windowOf(held)?.id).not.toBe(windowOf(old)?.id);
      expect(Date.parse(windowOf(held)?.start ?? "")).toBeGreaterThan(Date.now());
      expect(await held.verdict(await pebble.roots())).toBe("OK");
      expect((await held.preview(always)).op).toBe("same");
      // the new one took the place of the old one at the CA
      expect(pebble.log.filter((line) => line.includes("is a replacement of")).length).toBeGreaterThan(0);
      expect((await pebble.certStatus(String(before?.certPem))).Status).toBe("Valid");
    });

    it("that is to come renews when it is there, in place of our own rule", async () => {
      const held = await issued();
      await tell(held, window(75 * DAY, 80 * DAY));
      expect(await held.preview(always, later(65 * DAY))).toEqual({ op: "same", reason: undefined });
      expect(asked()).toBeGreaterThan(0);
      const { op, reason } = await held.preview(always, later(81 * DAY));
      expect(op).toBe("update");
      expect(reason).toContain("by the CA's window");
    });

    it.each([
      ["no JSON", "{ broken"],
      ["an end before the start", { suggestedWindow: { start: "2026-01-02T00:00:00Z", end: "2026-01-01T00:00:00Z" } }],
      ["dates that are none", { suggestedWindow: { start: "soon", end: "later" } }],
      ["nothing in it", {}],
    ])("that is malformed (%s) leaves what was known, or our own rule", async (_, answer) => {
      const held = await issued();
      await tell(held, answer);
      expect((await held.preview(always, later(askable))).op).toBe("same");
      expect(asked()).toBe(1);
      // what it was told before it still goes by
      expect((await held.preview(always, later(89 * DAY))).reason).toContain("by the CA's window");
      const { renewalWindow: _unused, ...without } = held.state as Properties;
      held.state = without;
      expect((await held.preview(always, later(askable))).op).toBe("same");
      const { op, reason } = await held.preview({}, later(61 * DAY));
      expect(op).toBe("update");
      expect(reason).toMatch(/^renews: valid until .* of 90 days left; at /);
    });

    it("of a CA that has none is our own rule", async () => {
      // another setting is another session, which asks for the directory
      const withoutIt = (body: string) => JSON.stringify({ ...JSON.parse(body), renewalInfo: undefined });
      proxy.plan({ on: "directory", times: 10, action: { rewrite: withoutIt } });
      const held = await issued({ requestTimeoutSeconds: 29 });
      expect(held.state).not.toHaveProperty("renewalWindow");
      expect(await held.preview(always, later(58 * DAY))).toEqual({ op: "same", reason: undefined });
      expect(await held.preview(always, later(60 * DAY))).toMatchObject({ op: "update" });
      expect(asked()).toBe(0);
      const before = held.state?.serialNumber;
      expect((await held.up(always, later(60 * DAY))).serialNumber).not.toBe(before);
    });

    it("that the CA does not tell costs three seconds at the most, and blocks nothing", async () => {
      const held = await issued();
      proxy.plan({ on: "renewalInfo", times: 100, action: { hold: true } });
      const inputs = held.inputs(always);
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const moments = [later(askable), later(89 * DAY)];
      const due = moments.map((now) => acmeCertificate.isDue?.(held.state as Properties, inputs, now));
      while (asked() < moments.length) await new Promise(setImmediate);
      vi.advanceTimersByTime(3000);
      expect(await Promise.all(due)).toEqual([false, true]);
      vi.useRealTimers();
      proxy.reset();
      proxy.plan({ on: "renewalInfo", times: 100, action: { answer: { status: 429 } } });
      const before = held.state?.serialNumber;
      expect((await held.up({}, later(89 * DAY))).serialNumber).not.toBe(before);
      expect(held.state).not.toHaveProperty("renewalWindow");
    });

    it("is asked for anew by a refresh, and decides then", async () => {
      const held = await issued();
      await tell(held, past);
      const learnt = await acmeCertificate.refresh?.("id", held.state as Properties, { now: new Date() });
      expect(asked()).toBe(1);
      held.state = { ...held.state, ...learnt };
      expect((await held.preview()).reason).toContain("by the CA's window from 2026-01-01");
    });

    it("of the old certificate is never that of the new one", async () => {
      const held = await issued();
      await tell(held, past);
      const old = await acmeCertificate.refresh?.("id", held.state as Properties, { now: new Date() });
      held.state = { ...held.state, ...old };
      await held.up();
      expect(await held.preview()).toEqual({ op: "same", reason: undefined });
      held.state = { ...held.state, ...old };
      proxy.reset();
      expect(await held.preview()).toEqual({ op: "same", reason: undefined });
      expect(await held.preview({}, later(58 * DAY))).toEqual({ op: "same", reason: undefined });
      expect((await held.preview({}, later(60 * DAY))).reason).toMatch(/ by the CA's window from (?!2026-01-01)/);
    });
  });

  describe("an order that says what it replaces", () => {
    it("is placed without saying so when the CA has another replacement, which is said", async () => {
      const held = await issued();
      await tell(held, past);
      held.state = {
        ...held.state,
        ...(await acmeCertificate.refresh?.("id", held.state as Properties, { now: new Date() })),
      };
      const twin = held.copy();
      await held.up();
      const [ordered, told] = [pebble.orderCount(), said.length];
      proxy.reset();
      const before = twin.state?.serialNumber;
      expect((await twin.up()).serialNumber).not.toBe(before);
      expect(await twin.verdict(await pebble.roots())).toBe("OK");
      expect(proxy.count("newOrder")).toBe(2);
      expect(pebble.orderCount()).toBe(ordered + 1);
      expect(said.slice(told).join("\n")).toContain("does not take this order for a replacement");
      expect(replacedIn(proxy)).toEqual([true, false]);
    });

    it("says nothing of a certificate that has no name in common", async () => {
      const held = await issued();
      await held.up({ hostnames: ["elsewhere.test"] });
      expect(replacedIn(proxy)).toEqual([false]);
    });
  });
});

/** Whether each order that came says what it replaces. */
function replacedIn(proxy: FaultProxy): readonly boolean[] {
  return proxy.requests
    .filter(({ kind }) => kind === "newOrder")
    .map(({ body }) => "replaces" in JSON.parse(Buffer.from(JSON.parse(body).payload, "base64url").toString()));
}
