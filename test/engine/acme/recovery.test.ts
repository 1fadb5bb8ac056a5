// What is left of an order when the provider process is killed in the middle of it, and what the next run makes of that.
import { rmSync } from "node:fs";
import { expect, it } from "vitest";
import { isListening, killProvider, type Moment, useKillPlace } from "../../support/acme/kill";
import { describeWithPeer } from "../../support/peer";
import { sample } from "../../support/tier";

describeWithPeer("pebble", () => {
  const place = useKillPlace("acme-recovery");

  interface Point {
    readonly at: string;
    readonly moment: Moment;
    /** Two only where the CA has made one that nobody heard of. */
    readonly orders?: number;
  }
  const points: readonly Point[] = [
    { at: "before newOrder reaches the CA", moment: { request: "newOrder", at: "before" } },
    { at: "before the answer to newOrder comes back", moment: { request: "newOrder", at: "after" }, orders: 2 },
    { at: "before the authorization is asked for", moment: { request: "authorization", at: "before" } },
    { at: "before the authorization comes back", moment: { request: "authorization", at: "after" } },
    { at: "while the hook sets the record", moment: { hook: "present", at: "before" } },
    { at: "when the hook has set the record", moment: { hook: "present", at: "after" } },
    { at: "between two records of one name", moment: { hook: "present", nth: 2, at: "before" } },
    { at: "before the CA hears that the challenge is answered", moment: { request: "challenge", at: "before" } },
    { at: "when the CA has heard that the challenge is answered", moment: { request: "challenge", at: "after" } },
    { at: "before the proof is asked for", moment: { request: "authorization", nth: 2, at: "before" } },
    { at: "before it is known that the proof is good", moment: { request: "authorization", nth: 2, at: "after" } },
    { at: "while the hook removes the record", moment: { hook: "cleanup", at: "before" } },
    { at: "when the hook has removed the record", moment: { hook: "cleanup", at: "after" } },
    { at: "before the certificate request reaches the CA", moment: { request: "finalize", at: "before" } },
    { at: "when the CA has the certificate request", moment: { request: "finalize", at: "after" } },
    { at: "while the CA issues", moment: { request: "order", at: "before" } },
    { at: "before it is known that the CA has issued", moment: { request: "order", at: "after" } },
    { at: "before the certificate is asked for", moment: { request: "certificate", at: "before" } },
    { at: "before the certificate comes back", moment: { request: "certificate", at: "after" } },
    {
      at: "when the certificate is there and not given to the engine",
      moment: { request: "renewalInfo", at: "after" },
    },
  ];

  for (const [index, { at, moment, orders = 1 }] of sample(points, 5).entries()) {
    it(`is killed ${at}`, async () => {
      const ordered = place.pebble.orderCount();
      const name = `provider-${index}.test`;
      place.want(`provider-${index}`, {
        hostnames: moment.nth === 2 && "hook" in moment ? [name, `*.${name}`] : [name],
      });
      const { text } = await place.upUntil(moment, killProvider);
      expect(text).toMatch(/EOF|connection|closed/);
      const disk = place.disk();

      await place.engine.up();
      expect(await place.verify()).toContain("leaf.pem: OK");
      expect(place.pebble.orderCount() - ordered).toBe(orders);
      expect(await place.leaksIn({ ...disk, now: JSON.stringify(place.disk()) })).toEqual([]);
      await place.expectNothingLeft();
      expect(place.orphans()).toEqual([]);
    });
  }

  it("is killed again and again, and comes to its end with the order that it began with", async () => {
    const ordered = place.pebble.orderCount();
    place.want("unlucky");
    for (const request of ["authorization", "challenge", "finalize", "certificate"] as const) {
      place.proxy.reset();
      await place.upUntil({ request, at: "after" }, killProvider);
    }
    await place.engine.up();
    expect(await place.verify()).toContain("leaf.pem: OK");
    expect(place.pebble.orderCount() - ordered).toBe(1);
    await place.expectNothingLeft();
  });

  const said = (messages: readonly { readonly text: string }[]) => messages.map(({ text }) => text);

  it("fails for a CA that answers 500: the state keeps the order, and the next run goes on with it", async () => {
    const ordered = place.pebble.orderCount();
    place.want("broken");
    place.proxy.plan({ on: "finalize", times: 100, action: { answer: { status: 500, body: "broken", nonce: true } } });
    expect(await place.failedUp()).toMatch(/ACME_[A-Z]+: .*broken\.test/);
    const { broken } = place.engine.resources();
    expect(broken?.outputs.progress).toHaveProperty("ciphertext");
    expect(broken?.outputs).not.toHaveProperty("certPem");
    expect(place.records()).toEqual([]);
    place.proxy.reset();

    const { messages } = await place.engine.preview();
    expect(said(messages)).toEqual([
      expect.stringMatching(/^goes on with the order for broken\.test that an earlier run left; at https:/),
    ]);
    await place.engine.up();
    expect(await place.verify()).toContain("leaf.pem: OK");
    expect(place.pebble.orderCount() - ordered).toBe(1);
    expect(await place.leaksIn(place.disk())).toEqual([]);
    await place.expectNothingLeft();
  });

  it("fails for a CA that takes too long, is refreshed, and is finished by the next run all the same", async () => {
    const ordered = place.pebble.orderCount();
    place.want("slow", { timeoutSeconds: 15 });
    const rewrite = (body: string) => body.replace(/"status": "valid"/, '"status": "processing"');
    for (const on of ["finalize", "order"] as const) place.proxy.plan({ on, times: 100, action: { rewrite } });
    expect(await place.failedUp()).toMatch(/ACME_TIMEOUT: .*still being processed/);
    place.proxy.reset();
    await place.engine.refresh();
    expect((await place.engine.up()).changes).toMatchObject({ same: 1, update: 1 });
    expect(await place.verify()).toContain("leaf.pem: OK");
    expect(place.pebble.orderCount() - ordered).toBe(1);
    await place.expectNothingLeft();
  });

  it("keeps the old certificate when a renewal is killed, which the next run ends", async () => {
    place.want("renewed");
    await place.engine.up();
    const { serialNumber, certPem } = place.seen;
    const ordered = place.pebble.orderCount();
    await place.callForRenewal();
    await place.upUntil({ request: "finalize", at: "after" }, killProvider);
    expect(await place.storedSerial()).toBe(serialNumber);
    await place.engine.up();
    expect(place.seen.serialNumber).not.toBe(serialNumber);
    expect(await place.verify()).toContain("leaf.pem: OK");
    expect(place.pebble.orderCount() - ordered).toBe(1);
    expect((await place.pebble.certStatus(String(certPem))).Status).toBe("Valid");
    await place.expectNothingLeft();
  });

  it("is ordered anew by a runner that has no journal", async () => {
    const ordered = place.pebble.orderCount();
    place.want("elsewhere");
    await place.upUntil({ request: "finalize", at: "after" }, killProvider);
    rmSync(place.home, { recursive: true });
    await place.engine.up();
    expect(await place.verify()).toContain("leaf.pem: OK");
    expect(place.pebble.orderCount() - ordered).toBe(2);
    await place.expectNothingLeft();
  });

  it("is ordered anew when the CA came to a listener that had died with the run", async () => {
    const ordered = place.pebble.orderCount();
    const { httpPort: port } = place.pebble;
    place.want("listener", { challenge: { type: "http-01", port, address: "127.0.0.1" } });
    await place.upUntil({ request: "challenge", at: "before" }, async (run) => {
      await killProvider(run);
      return "pass";
    });
    const isInvalid = () => place.pebble.log.some((line) => /^.*order \S+ set INVALID/.test(line));
    await expect.poll(isInvalid, { timeout: 60_000 }).toBe(true);
    await place.engine.up();
    expect(await place.verify()).toContain("leaf.pem: OK");
    expect(place.pebble.orderCount() - ordered).toBe(2);
    await place.expectNothingLeft();
    expect(await isListening(port)).toBe(false);
  });
});
