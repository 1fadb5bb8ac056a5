// Guards: dns-01 that works with a test server alone. Orders and the wait for records, with BIND and Knot as the servers of
// the zones, a resolver that remembers, and Pebble as the CA.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChallengeSolver } from "../../../provider/src/acme/challenge/solver";
import { createSolver } from "../../../provider/src/acme/challenge/solvers";
import { dns01Value } from "../../../provider/src/acme/client/jws";
import { awaitPropagation, type ExpectedRecord } from "../../../provider/src/acme/dns/propagation";
import { ZoneFinder } from "../../../provider/src/acme/dns/zone";
import { type AcmeClock, Deadline, systemClock } from "../../../provider/src/acme/run/deadline";
import { Pebble } from "../../support/acme/pebble";
import { PebbleOrders } from "../../support/acme/pebble-orders";
import {
  describeWithNameServers,
  type NameResolver,
  NameServer,
  nameServerAddresses,
  startResolver,
} from "../../support/dns/name-server";
import { describeWithPeer } from "../../support/peer";
import { rejection } from "../../support/rejection";

/** Whose sleeps cost no time; `beforeSleep` may change the world meanwhile. */
class SkippingClock implements AcmeClock {
  beforeSleep: () => Promise<void> = async () => {};
  sleeps = 0;
  #now = Date.now();

  now(): Date {
    return new Date(this.#now);
  }

  async sleep(ms: number): Promise<void> {
    [this.sleeps, this.#now] = [this.sleeps + 1, this.#now + ms];
    await this.beforeSleep();
  }
}

describeWithPeer("pebble", () => {
  describeWithNameServers(() => {
    describe.each([
      { primary: "bind", secondary: "knot" },
      { primary: "knot", secondary: "bind" },
    ] as const)("a zone of $primary with a copy at $secondary, which has the zone below", (kinds) => {
      const [at, atCopy] = [nameServerAddresses[kinds.primary], nameServerAddresses[kinds.secondary]];
      const zone = {
        name: "example.test",
        lines: [
          ...["@ NS ns1", "@ NS ns2", `ns1 A ${at}`, `ns2 A ${atCopy}`],
          ...["sub NS ns.sub", `ns.sub A ${atCopy}`],
          ...["_acme-challenge.alias CNAME alias.elsewhere.test.", "www A 192.0.2.1"],
        ],
      };
      const elsewhere = ["sub.example.test", "elsewhere.test"].map((name) => ({
        name,
        lines: ["@ NS ns", `ns A ${atCopy}`],
      }));
      let primary: NameServer;
      let secondary: NameServer;
      let resolver: NameResolver;
      let pebble: Pebble;
      let orders: PebbleOrders;

      beforeAll(async () => {
        primary = await NameServer.start(kinds.primary, [zone]);
        secondary = await NameServer.start(kinds.secondary, elsewhere, primary);
        resolver = await startResolver([primary, secondary]);
        pebble = await Pebble.start({ retryAfter: { authz: 0, order: 0 }, dnsServer: resolver.endpoint });
        orders = await PebbleOrders.open(pebble);
      });

      afterAll(async () => {
        orders.close();
        await Promise.all([pebble, resolver, secondary, primary].map((one) => one.stop()));
      });

      const portOf = (address: string) => (address === primary.address ? primary.port : secondary.port);

      const wait = async (record: ExpectedRecord, clock: AcmeClock, timeoutSeconds = 10) => {
        const deadline = new Deadline(60, systemClock);
        const settings = { resolvers: [resolver.endpoint], timeoutSeconds };
        await awaitPropagation([record], settings, { clock, deadline, portOf }).finally(() => deadline.dispose());
      };

      /** Where the value of a name has its place. */
      const placeOf = (name: string): { server: NameServer; name: string } => {
        if (name === "_acme-challenge.alias.example.test") return { server: secondary, name: "alias.elsewhere.test" };
        return { server: name.endsWith(".sub.example.test") ? secondary : primary, name };
      };

      const solver = (afterWait: (name: string) => Promise<void> = async () => {}): ChallengeSolver => ({
        type: "dns-01",
        refuse: () => undefined,
        present: async (tasks) => {
          const records = tasks.map(({ identifier, keyAuthorization }) => ({
            name: `_acme-challenge.${identifier.value}`,
            values: [dns01Value(keyAuthorization)],
          }));
          for (const { name, values } of records) {
            const place = placeOf(name);
            await place.server.add(place.name, "TXT", values);
          }
          await secondary.catchUp();
          for (const record of records) await wait(record, systemClock, 60);
          for (const { name } of records) await afterWait(name);
        },
        cleanUp: async (tasks) => {
          for (const { identifier } of tasks) {
            const place = placeOf(`_acme-challenge.${identifier.value}`);
            await place.server.delete(place.name, "TXT");
          }
        },
      });

      it.each([
        { names: ["www.example.test"], zoneOf: "example.test", by: "both servers of the zone" },
        { names: ["deep.in.sub.example.test"], zoneOf: "sub.example.test", by: "the server of the zone below" },
        { names: ["alias.example.test"], zoneOf: "elsewhere.test", by: "the server where the CNAME leads" },
        { names: ["example.test", "*.example.test"], zoneOf: "example.test", by: "both servers, two values at once" },
      ])("a certificate for $names is issued, and the record is looked for at $by", async ({ names, zoneOf }) => {
        const [name = ""] = names;
        const issued = await orders.issue({ names, solvers: [solver()] });
        expect(issued.notes).toEqual([]);
        const finder = new ZoneFinder([{ role: "resolver", label: "it", endpoint: resolver.endpoint }], portOf);
        const deadline = new Deadline(60, systemClock);
        const found = await finder.locate(`_acme-challenge.${name}`, deadline).finally(() => deadline.dispose());
        const servers = found.zone?.servers.map(([server]) => server?.endpoint);
        const both = [primary.endpoint, secondary.endpoint];
        expect({ ...found, zone: found.zone?.name, servers }).toEqual({
          name: placeOf(`_acme-challenge.${name}`).name,
          zone: zoneOf,
          servers: zoneOf === "example.test" ? both : [secondary.endpoint],
        });
      });

      it("a record that comes late, and to the copy later still, is waited for, and the resolver is asked last", async () => {
        const name = "_acme-challenge.late.example.test";
        const clock = new SkippingClock();
        clock.beforeSleep = async () => {
          if (clock.sleeps === 1) await primary.add(name, "TXT", ["late"]);
          if (clock.sleeps === 3) await secondary.catchUp();
        };
        await wait({ name, values: ["late"] }, clock, 60);
        expect(clock.sleeps).toBe(3);
        // one that was asked before the record was there would remember that there is nothing
        expect(await resolver.query(name, "TXT")).toEqual(["late"]);
      });

      it("a copy that does not catch up is named, and the resolver is not asked", async () => {
        const name = "_acme-challenge.never.example.test";
        await primary.add(name, "TXT", ["never"]);
        const error = await rejection(wait({ name, values: ["never"] }, new SkippingClock(), 60));
        expect(error.code).toBe("ACME_CHALLENGE");
        expect(error.reason).toBe(
          `the TXT record ${name} is not to be seen after 60 s: ns1.example.test (${at}) has it; ` +
            `ns2.example.test (${atCopy}) has no TXT record.`,
        );
        await secondary.catchUp();
        expect(await resolver.query(name, "TXT")).toEqual(["never"]);
      });

      it("a record that somebody has removed is told by its name and servers", async () => {
        const name = "_acme-challenge.gone.example.test";
        await primary.add(name, "TXT", ["gone", "other"], 60);
        await secondary.catchUp();
        await wait({ name, values: ["gone"] }, new SkippingClock());
        await primary.delete(name, "TXT", ["gone"]);
        await secondary.catchUp();
        const error = await rejection(wait({ name, values: ["gone"] }, new SkippingClock()));
        expect(error.reason).toBe(
          `the TXT record ${name} is not to be seen after 10 s: ns1.example.test (${at}) has 1 other ("other"); ` +
            `ns2.example.test (${atCopy}) has 1 other ("other").`,
        );
        // what the order would have met with
        expect(await resolver.query(name, "TXT")).toHaveLength(2);
      });

      it("a record that is removed before the CA looks is the CA's reason", async () => {
        const remove = async (name: string) => primary.delete(name, "TXT");
        const wanted = { names: ["removed.example.test"], solvers: [solver(remove)] };
        const error = await rejection(orders.issue(wanted));
        expect(error.code).toBe("ACME_UNAUTHORIZED");
        expect(error.reason).toMatch(/removed\.example\.test by dns-01: the CA answered/);
        expect(error.reason).toContain("_acme-challenge.removed.example.test");
      });

      it("this resolver remembers that there was nothing", async () => {
        const name = "_acme-challenge.early.example.test";
        expect(await resolver.query(name, "TXT")).toEqual([]);
        await primary.add(name, "TXT", ["early"]);
        expect(await resolver.query(name, "TXT")).toEqual([]);
        expect(await primary.query(name, "TXT")).toEqual(["early"]);
      });

      it("a hook of lego that calls nsupdate sets the record and takes it away", async () => {
        const folder = mkdtempSync(join(tmpdir(), "nsupdate-hook-"));
        const command = join(folder, "hook");
        writeFileSync(
          command,
          `#!/bin/sh
set -eu
case $1 in present) change=add ;; cleanup) change=delete ;; esac
printf 'server %s %s\\nupdate %s %s 0 TXT "%s"\\nsend\\n' "$DNS_ADDRESS" "$DNS_PORT" "$change" "$2" "$3" | nsupdate -k "$DNS_KEY"
`,
        );
        chmodSync(command, 0o700);
        const { address, port, keyFile } = primary;
        const hook = createSolver(
          {
            type: "dns-01",
            command,
            environment: { DNS_ADDRESS: address, DNS_PORT: String(port), DNS_KEY: keyFile },
            propagation: { resolvers: [resolver.endpoint], authoritative: false },
          },
          orders.solverContext,
        );
        try {
          const before = await primary.serial("example.test");
          await orders.issue({ names: ["hook.example.test", "*.hook.example.test"], solvers: [hook] });
          // two values put there, two taken away
          expect((await primary.serial("example.test")) - before).toBe(4);
          expect(await primary.query("_acme-challenge.hook.example.test", "TXT")).toEqual([]);
        } finally {
          rmSync(folder, { recursive: true });
        }
      });
    });
  });
});
