// Guards: an order that needs a network without faults. Each kind of request at a real Pebble fails in each way that a
// connection, a limit or an outage has, and the order comes to its end, or the next run brings it there.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FaultAction, FaultProxy, type ProxiedKind } from "../../support/acme/fault-proxy";
import { PebbleOrders, usePebble, verifyByOpenssl, type Wanted } from "../../support/acme/pebble-orders";
import { describeWithPeer } from "../../support/peer";
import { rejection } from "../../support/rejection";

describeWithPeer("pebble", () => {
  describe("through a connection that fails", () => {
    const used = usePebble({});
    let proxy: FaultProxy;
    let orders: PebbleOrders;
    const others: { readonly proxy: FaultProxy; readonly orders: PebbleOrders }[] = [];
    const enter = async () => {
      const entrance = await FaultProxy.start(used.pebble);
      const entered = { proxy: entrance, orders: await PebbleOrders.open(used.pebble, entrance) };
      others.push(entered);
      return entered;
    };
    beforeAll(async () => {
      ({ proxy, orders } = await enter());
      for (const _ of actions.slice(1)) await enter();
    });
    afterEach(() => {
      for (const one of others) one.proxy.reset();
    });
    afterAll(async () => {
      for (const one of others) {
        one.orders.close();
        await one.proxy.stop();
      }
    });

    it("that does not fail it takes seven signed requests", async () => {
      proxy.reset();
      await orders.issue({ names: ["seven.test"] });
      const kinds = proxy.requests.filter(({ method }) => method === "POST").map(({ kind }) => kind);
      // a look that comes too early is repeated, at the proof and at the order
      expect(kinds.filter((kind, at) => kind !== kinds[at - 1])).toEqual([
        "newOrder",
        "authorization",
        "challenge",
        "authorization",
        "finalize",
        "order",
        "certificate",
      ]);
    });

    const limited = { type: "urn:ietf:params:acme:error:rateLimited", detail: "too many" };
    const soon = () => new Date(Date.now() + 2000).toUTCString();
    const actions: readonly (readonly [string, () => FaultAction])[] = [
      ["429, Retry-After in seconds", () => answer(429, { "retry-after": "1" }, limited)],
      ["429, Retry-After as a date", () => answer(429, { "retry-after": soon() }, limited)],
      ["503 with Retry-After", () => answer(503, { "retry-after": "1" })],
      ["500", () => answer(500)],
      ["a connection that is cut before", () => ({ drop: "before" })],
      ["a connection that is cut after", () => ({ drop: "after" })],
      ["half an answer", () => ({ half: true })],
    ];
    const kinds: readonly ProxiedKind[] = [
      ...(["newOrder", "authorization", "challenge", "finalize", "order", "certificate"] as const),
    ];
    it.each(kinds)("%s with each kind of failure comes to its end in one run, with one certificate", async (on) => {
      const before = used.pebble.certificateCount();
      const run = async ([told, make]: (typeof actions)[number], index: number) => {
        const entered = others[index];
        if (entered === undefined) throw new Error("no proxy");
        const names = [`${on.toLowerCase()}${index}.test`, `*.${on.toLowerCase()}${index}.test`];
        entered.proxy.plan({ on, action: make() });
        const issued = await entered.orders.issue({ names });
        const verdict = await verifyByOpenssl(issued, await used.pebble.roots(), names);
        return { told, notes: issued.notes, verdict, ordered: entered.proxy.count("newOrder") };
      };
      const ordered = on === "newOrder" ? 2 : 1;
      const good = actions.map(([told]) => ({ told, notes: [], verdict: "OK", ordered }));
      expect(await Promise.all(actions.map(run))).toEqual(good);
      expect(used.pebble.certificateCount()).toBe(before + actions.length);
    });

    const lasting: readonly (readonly [string, FaultAction])[] = [
      ["429 for an hour", answer(429, { "retry-after": "3600" }, limited)],
      ["503 for an hour", answer(503, { "retry-after": "3600" })],
    ];
    const lastingMatrix = kinds.flatMap((on) => lasting.map(([told, action]) => ({ on, told, action })));
    it.each(lastingMatrix)("$on with $told ends with the time, and the next run goes on", async ({ on, action }) => {
      const wanted: Wanted = { names: [`late-${on.toLowerCase()}.test`] };
      const before = [used.pebble.orderCount(), used.pebble.certificateCount()];
      proxy.plan({ on, action });
      const start = orders.saved.length;
      const error = await rejection(orders.issue(wanted));
      const late = Date.parse(error.retryAt ?? "") - Date.now();
      expect(late).toBeGreaterThan(3500_000);
      expect(orders.saved.length).toBeGreaterThan(start);
      const issued = await orders.issue(wanted, orders.progress);
      expect(issued.notes).toEqual([]);
      expect([used.pebble.orderCount(), used.pebble.certificateCount()]).toEqual(
        before.map((count) => (count ?? 0) + 1),
      );
    });

    it("a CA that is out of reach at any kind of request leaves a run that goes on", async () => {
      const before = used.pebble.certificateCount();
      const run = async (on: ProxiedKind, index: number) => {
        const entered = others[index];
        if (entered === undefined) throw new Error("no proxy");
        const wanted: Wanted = { names: [`out-${on.toLowerCase()}.test`] };
        entered.proxy.plan({ on, times: 1000, action: { drop: "before" } });
        const error = await rejection(entered.orders.issue(wanted));
        expect(error.code, on).toMatch(/^ACME_(UNREACHABLE|TIMEOUT)$/);
        entered.proxy.reset();
        const issued = await entered.orders.issue(wanted, entered.orders.progress);
        return { on, notes: issued.notes, ordered: entered.proxy.count("newOrder") };
      };
      // an order that the CA never heard of is placed by the second run
      const good = kinds.map((on) => ({ on, notes: [], ordered: on === "newOrder" ? 1 : 0 }));
      expect(await Promise.all(kinds.map(run))).toEqual(good);
      expect(used.pebble.certificateCount()).toBe(before + kinds.length);
    });
  });
});

function answer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body?: Readonly<Record<string, unknown>>,
) {
  return { answer: { status, headers, nonce: true, ...(body !== undefined && { body }) } };
}
