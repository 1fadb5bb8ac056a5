// What becomes of an order when the CLI is killed in the middle of it: the provider process lives on, has to notice that
// nobody wants its result any more, and must not stand in the way of the next run.
import { expect, it } from "vitest";
import type { ProxiedKind } from "../../support/acme/fault-proxy";
import { isListening, killCli, type Moment, useKillPlace } from "../../support/acme/kill";
import { describeWithPeer } from "../../support/peer";
import { sample } from "../../support/tier";

describeWithPeer("pebble", () => {
  const place = useKillPlace("acme-orphan");
  const gate = () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    return { released, release };
  };
  const givesUp = () => expect.poll(() => place.journalFiles(".lock"), { timeout: 120_000 }).toEqual([]);
  interface Point {
    readonly at: string;
    readonly moment: Moment;
    /** What the orphan still asks, beside what it was at: it changes nothing more at the CA. */
    readonly asks?: readonly ProxiedKind[];
  }
  const points: readonly Point[] = [
    {
      at: "before newOrder reaches the CA",
      moment: { request: "newOrder", at: "before" },
      asks: ["authorization"],
    },
    {
      at: "before the answer to newOrder comes back",
      moment: { request: "newOrder", at: "after" },
      asks: ["authorization"],
    },
    { at: "before the authorization comes back", moment: { request: "authorization", at: "after" } },
    { at: "while the hook sets the record", moment: { hook: "present", at: "before" } },
    { at: "when the hook has set the record", moment: { hook: "present", at: "after" } },
    {
      at: "before the CA hears that the challenge is answered",
      moment: { request: "challenge", at: "before" },
      asks: ["authorization"],
    },
    {
      at: "before it is known that the proof is good",
      moment: { request: "authorization", nth: 2, at: "after" },
      asks: ["authorization"],
    },
    { at: "while the hook removes the record", moment: { hook: "cleanup", at: "before" } },
    {
      at: "before the certificate request reaches the CA",
      moment: { request: "finalize", at: "before" },
      asks: ["order"],
    },
    { at: "when the CA has the certificate request", moment: { request: "finalize", at: "after" }, asks: ["order"] },
    { at: "before it is known that the CA has issued", moment: { request: "order", at: "after" }, asks: ["order"] },
    {
      at: "before the certificate comes back",
      moment: { request: "certificate", at: "after" },
      asks: ["directory", "renewalInfo"],
    },
    {
      at: "when the certificate is there and not given to the engine",
      moment: { request: "renewalInfo", at: "after" },
    },
  ];

  for (const [index, { at, moment, asks = [] }] of sample(points, 3).entries()) {
    it(`ends its work when the CLI is killed ${at}`, async () => {
      const ordered = place.pebble.orderCount();
      let begun = 0;
      place.want(`cli-${index}`);
      const { run } = await place.upUntil(moment, (met) => {
        begun = place.proxy.requests.length;
        return killCli(met);
      });
      await givesUp();
      expect(place.orphans()).toEqual([{ ...run.provider, ppid: expect.any(Number) }]);
      expect(asks).toEqual(expect.arrayContaining(place.proxy.requests.slice(begun).map(({ kind }) => kind)));
      expect(place.records()).toEqual([]);
      const disk = place.disk();

      // once as a user does it
      if (index === 0) await place.unlock();
      else place.clear();
      await place.engine.up();
      expect(await place.verify()).toContain("leaf.pem: OK");
      expect(place.pebble.orderCount() - ordered).toBe(1);
      expect(await place.leaksIn({ ...disk, now: JSON.stringify(place.disk()) })).toEqual([]);
      await place.expectNothingLeft();
    });
  }

  it("is waited for by the next run while it is at its last step, which then goes on with the same order", async () => {
    const ordered = place.pebble.orderCount();
    const { released, release } = gate();
    place.want("held");
    const { run } = await place.upUntil({ hook: "present", at: "before" }, async (met) => {
      await killCli(met);
      await released;
      return "pass";
    });
    expect(await place.failedUp()).toContain("the stack is currently locked by 1 lock(s)");
    place.clear();
    const finished = place.engine.up();
    await expect
      .poll(() => place.engine.printed.join(""), { timeout: 120_000 })
      .toContain(`another run (process ${run.provider.pid}, since `);
    expect(place.pebble.orderCount() - ordered).toBe(1);
    release();
    await finished;
    expect(await place.verify()).toContain("leaf.pem: OK");
    expect(place.pebble.orderCount() - ordered).toBe(1);
    await place.expectNothingLeft();
  });

  it("left its account in the state when that was new as well: the journal can be read by its key", async () => {
    const ordered = place.pebble.orderCount();
    place.account = "another-ca";
    place.want("both-new");
    await place.upUntil({ request: "finalize", at: "after" }, killCli);
    await givesUp();
    place.clear();
    await place.engine.up();
    expect(await place.verify()).toContain("leaf.pem: OK");
    expect(place.pebble.orderCount() - ordered).toBe(1);
    await place.expectNothingLeft();
  });

  it("keeps the old certificate when it was a renewal, which the next run ends", async () => {
    place.want("renewed");
    await place.engine.up();
    const { serialNumber } = place.seen;
    const ordered = place.pebble.orderCount();
    await place.callForRenewal();
    await place.upUntil({ request: "certificate", at: "after" }, killCli);
    await givesUp();
    expect(await place.storedSerial()).toBe(serialNumber);
    place.clear();
    await place.engine.up();
    expect(place.seen.serialNumber).not.toBe(serialNumber);
    expect(await place.verify()).toContain("leaf.pem: OK");
    expect(place.pebble.orderCount() - ordered).toBe(1);
    await place.expectNothingLeft();
  });

  it("leaves the port of its listener to the next run", async () => {
    const ordered = place.pebble.orderCount();
    const { httpPort: port } = place.pebble;
    const { released, release } = gate();
    place.want("listener", { challenge: { type: "http-01", port, address: "127.0.0.1" } });
    await place.upUntil({ request: "challenge", at: "before" }, async (met) => {
      await killCli(met);
      await released;
      return "pass";
    });
    expect(await isListening(port)).toBe(true);
    place.clear();
    const finished = place.engine.up();
    await expect
      .poll(() => place.engine.printed.join(""), { timeout: 120_000 })
      .toContain("works on the order for listener.test");
    release();
    await finished;
    expect(await place.verify()).toContain("leaf.pem: OK");
    expect(place.pebble.orderCount() - ordered).toBe(1);
    await place.expectNothingLeft();
    expect(await isListening(port)).toBe(false);
  });
});
