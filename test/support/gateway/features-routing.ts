// Guards: paths that get past a rule by another way of writing them, and maintenance that lets the wrong ones in.
import { expect } from "vitest";
import { clients } from "./sites";
import type { GatewayTrial } from "./trial";
import { allowed, denied, encodedShut, plainlyEncoded, shut, strange, undenied } from "./vectors";

/** Declares the tests. */
export function routingFeatures(trial: GatewayTrial): void {
  const versions = ["1.1", "2"] as const;
  const statuses = async (site: string, paths: readonly string[], http: "1.1" | "2") => {
    const found: (readonly [string, number])[] = [];
    for (const path of paths) found.push([path, (await trial.ask(site, { path, http })).status]);
    return found;
  };
  const all = (paths: readonly string[], status: number) => paths.map((path) => [path, status]);

  trial.test(
    ["routingPaths"],
    "a list of allowed paths lets in these and all below, the longest rule decides",
    async () => {
      for (const http of versions) {
        expect(await statuses("allow-list", allowed, http)).toEqual(all(allowed, 200));
        expect(await statuses("allow-list", denied, http)).toEqual(all(denied, 403));
      }
    },
  );

  trial.test(["routingPaths"], "a list of denied paths lets in all but these and what is below", async () => {
    for (const http of versions) {
      expect(await statuses("deny-list", undenied, http)).toEqual(all(undenied, 200));
      expect(await statuses("deny-list", shut, http)).toEqual(all(shut, 403));
    }
  });

  trial.test(["routingPaths"], "what is denied never reaches the upstream, by any method", async () => {
    const reached = await trial.reaching(async () => {
      for (const method of ["GET", "POST", "HEAD", "OPTIONS", "DELETE"]) {
        expect([method, (await trial.ask("deny-list", { path: "/admin", method })).status]).toEqual([method, 403]);
      }
      // the request line may hold a whole URL (RFC 9112 section 3.2.2)
      const whole = await trial.ask("deny-list", { path: `https://deny-list.gw.test:${trial.world.tlsPort}/admin` });
      expect([400, 403]).toContain(whole.status);
    });
    expect(reached).toBe(0);
  });

  for (const [site, paths] of Object.entries({ "allow-list": strange("/public"), "deny-list": strange("/x") })) {
    trial.test(["routingPaths"], `paths that can be read in two ways are refused: ${site}`, async () => {
      for (const http of versions) {
        const reached = await trial.reaching(async () => {
          const found = await statuses(site, paths, http);
          const refused = [400, 403, trial.server.statuses?.undecodable];
          expect(found.filter(([, status]) => !refused.includes(status))).toEqual([]);
        });
        expect(reached).toBe(0);
      }
    });
  }

  trial.test(["routingPaths"], "a denied path in percent-encoding is denied", async () => {
    for (const http of versions) {
      const found = await statuses("deny-list", encodedShut, http);
      expect(found.filter(([, status]) => status !== 400 && status !== 403)).toEqual([]);
    }
  });

  trial.test(["routingPaths"], "other percent-encoding passes as it was sent", async () => {
    for (const http of versions) {
      for (const path of plainlyEncoded) {
        const answer = await trial.ask("allow-list", { path, http });
        const spelt = trial.server.differs?.spelling(path) ?? path;
        expect([path, answer.status, answer.status === 200 && answer.echo().url]).toEqual([path, 200, spelt]);
      }
    }
  });

  trial.test(["maintenance"], "maintenance answers 503, says when to come again, and lets nobody in", async () => {
    const reached = await trial.reaching(async () => {
      for (const http of versions) {
        for (const method of ["GET", "POST", "DELETE"]) {
          const body = method === "POST" ? { body: Buffer.from("x") } : {};
          const answer = await trial.ask("maintained", { http, method, path: "/a?b", ...body });
          expect([answer.status, ...answer.all("retry-after")]).toEqual([503, "120"]);
          expect(answer.all("content-type").join()).toMatch(/^text\/plain/);
          expect(answer.text.length).toBeGreaterThan(10);
        }
      }
    });
    expect(reached).toBe(0);
  });

  trial.test(
    ["maintenance"],
    "maintenance lets in the addresses that it excepts, and says 300 seconds by itself",
    async () => {
      expect((await trial.ask("open", { target: { from: clients.excepted } })).echo().upstream).toBe("plain");
      expect((await trial.ask("open", { target: { address: "::1" } })).echo().upstream).toBe("plain");
      const reached = await trial.reaching(async () => {
        for (const http of versions) {
          const headers = [["X-Forwarded-For", clients.excepted]] as const;
          const answer = await trial.ask("open", { http, headers, target: { from: "127.0.0.1" } });
          expect([answer.status, ...answer.all("retry-after")]).toEqual([503, "300"]);
        }
        expect((await trial.ask("open", { target: { from: "127.0.0.99" } })).status).toBe(503);
      });
      expect(reached).toBe(0);
    },
  );
}
