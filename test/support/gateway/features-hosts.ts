// Guards: requests that a site answers for the host of another, and redirects that lose something on their way.
import { expect } from "vitest";
import { ask, exchange } from "./client";
import { addresses } from "./sites";
import type { GatewayTrial } from "./trial";

/** Declares the tests. */
export function hostFeatures(trial: GatewayTrial): void {
  const versions = ["1.1", "2"] as const;
  const permanent = trial.server.differs?.redirectOfGet ?? 308;

  trial.test(["upstream"], "a host other than the name of the handshake is answered 421", async () => {
    const { tlsPort } = trial.world;
    const reached = await trial.reaching(async () => {
      for (const http of versions) {
        for (const [name, host] of [
          ["a.gw.test", "any.gw.test"],
          ["a.gw.test", "b.unknown.test"],
          ["any.gw.test", "a.gw.test"],
          ...(trial.server.differs?.mixesWildcard ? [] : [["any.gw.test", "other.gw.test"] as const]),
          ["any.gw.test", `secure.gw.test:${tlsPort}`],
          ["a.gw.test", "a.gw.test.evil.test"],
          ["a.gw.test", "127.0.0.1"],
        ] as const) {
          expect([name, host, http, (await ask(trial.secure(name), { host, http })).status]).toEqual([
            name,
            host,
            http,
            421,
          ]);
        }
      }
    });
    expect(reached).toBe(0);
  });

  trial.test(["upstream"], "a host is compared without its port, and in any case of letters", async () => {
    for (const http of versions) {
      for (const host of ["a.gw.test", "A.gw.TEST", `A.gw.test:${trial.world.tlsPort}`, "a.gw.test:1"]) {
        const answer = await ask(trial.secure("a.gw.test"), { host, http });
        expect([host, answer.status]).toEqual([host, 200]);
      }
    }
    expect((await ask(trial.secure("any.gw.test"), { host: "ANY.gw.test" })).status).toBe(200);
  });

  trial.test(["upstream"], "a plain listener finds its site by the host, and answers 421 to any other", async () => {
    const { plainPort } = trial.world;
    for (const host of ["plain.test", `PLAIN.test:${plainPort}`, "a.plain.test", "localhost"]) {
      expect([host, (await trial.askPlain(host)).status]).toEqual([host, 200]);
    }
    expect((await trial.askPlain("plain.test", {}, { address: "::1" })).status).toBe(200);
    const reached = await trial.reaching(async () => {
      for (const host of ["other.test", "a.gw.test", "a.b.plain.test", "127.0.0.1", "plain.test.evil.test"]) {
        expect([host, (await trial.askPlain(host)).status]).toEqual([host, 421]);
      }
    });
    expect(reached).toBe(0);
  });

  trial.test(["upstream"], "of two hosts in a request, none but the site's own reaches the upstream", async () => {
    const two = [
      await trial.ask("a", { host: "a.gw.test", headers: [["Host", "other.gw.test"]] }).catch(() => undefined),
      await trial.ask("a", { host: "other.gw.test", headers: [["Host", "a.gw.test"]] }).catch(() => undefined),
      await trial.ask("a", { host: "a.gw.test", path: "https://other.gw.test/x" }).catch(() => undefined),
      await trial.ask("a", { host: "other.gw.test", path: "https://a.gw.test/x" }).catch(() => undefined),
      await trial
        .ask("a", { host: "a.gw.test", headers: [["host", "other.gw.test"]], http: "2" })
        .catch(() => undefined),
    ];
    for (const [index, answer] of two.entries()) {
      if (answer === undefined || [400, 421].includes(answer.status)) continue;
      const hosts = answer.echo().headers.filter(([name]) => name === "host");
      expect([index, hosts]).toEqual([index, [["host", "a.gw.test"]]]);
    }
  });

  trial.test(["upstream"], "a request without a host is refused", async () => {
    const { plainPort } = trial.world;
    const places = [trial.secure("a.gw.test"), { port: plainPort, address: addresses.main }];
    const reached = await trial.reaching(async () => {
      for (const place of places) {
        for (const lines of ["GET / HTTP/1.0\r\n", "GET / HTTP/1.1\r\nConnection: close\r\n"]) {
          const answer = await exchange(place, `${lines}\r\n`);
          expect([lines, answer]).toEqual([lines, expect.stringMatching(/^(HTTP\/1\.[01] (400|421) |$)/)]);
        }
      }
    });
    expect(reached).toBe(0);
  });

  trial.test(["redirect"], "plain HTTP is sent on to https with path and query as they were", async () => {
    const { httpPort, tlsPort } = trial.world;
    const paths = [
      "/",
      "/a/b?c=d&e",
      "/x%20y%2Fz/%C3%A9?q=%26a%3D&r=%2520",
      "/?",
      "/%0d%0aX-Evil:%20yes",
      "/$host/%7B%7D?u=http://e.test/",
    ];
    for (const path of paths) {
      const answer = await trial.askRedirect(`a.gw.test:${httpPort}`, { path });
      expect([path, answer.status]).toEqual([path, permanent]);
      expect(answer.all("location")).toEqual([
        `https://a.gw.test:${tlsPort}${trial.server.differs?.spelling(path) ?? path}`,
      ]);
      expect(answer.all("x-evil")).toEqual([]);
    }
    const wild = await trial.askRedirect("some.gw.test", { path: "/w" });
    expect([wild.status, ...wild.all("location")]).toEqual([permanent, `https://some.gw.test:${tlsPort}/w`]);
    const ipv6 = await trial.askRedirect("a.gw.test", {}, { address: "::1" });
    expect([ipv6.status, ...ipv6.all("location")]).toEqual([permanent, `https://a.gw.test:${tlsPort}/`]);
  });

  trial.test(["redirect"], "a POST is sent on by 308, which keeps the method", async () => {
    const answer = await trial.askRedirect("a.gw.test", { method: "POST", body: Buffer.from("x=1"), path: "/form" });
    expect(answer.status).toBe(308);
    expect(answer.all("location")).toEqual([`https://a.gw.test:${trial.world.tlsPort}/form`]);
  });

  trial.test(
    ["redirect"],
    "the redirect answers 421 to hosts that no site has, or whose site does not ask for it",
    async () => {
      for (const host of ["unknown.test", "a.b.gw.test", "gw.test", "plain.test", "127.0.0.1"]) {
        const answer = await trial.askRedirect(host);
        expect([host, answer.status, answer.all("location")]).toEqual([host, 421, []]);
      }
    },
  );

  trial.test(["redirect"], "the redirect of a site without names sends every host on", async () => {
    for (const host of ["whatever.test", "any.test:81"]) {
      const answer = await trial.askRedirect(host, { path: "/p?q" }, { address: addresses.nameless });
      const expected = `https://${host.replace(/:\d+$/, "")}:${trial.world.tlsPort}/p?q`;
      expect([answer.status, ...answer.all("location")]).toEqual([permanent, expected]);
    }
  });
}
