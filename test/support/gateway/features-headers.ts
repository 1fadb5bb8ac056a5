// Guards: headers that are lost, doubled or taken from a client that may not set them.
import { expect } from "vitest";
import type { GatewayAnswer } from "./client";
import { oddValue } from "./sites";
import type { GatewayTrial } from "./trial";
import type { Echo } from "./upstream";

const hsts = "max-age=63072000; includeSubDomains";

/** Declares the tests. */
export function headerFeatures(trial: GatewayTrial): void {
  const strict = (answer: GatewayAnswer) => answer.all("strict-transport-security");
  const refused = new Set<string>(
    trial.server.refusedActions?.flatMap((action) => (action in refusable ? [refusable[action as "append"]] : [])),
  );
  const done = (all: Readonly<Record<string, readonly string[]>>) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !refused.has(name)));

  trial.test(["hsts"], "HSTS stands on every answer of its site, once", async () => {
    const ownHeader = [["Strict-Transport-Security", "max-age=1"]] as const;
    for (const http of ["1.1", "2"] as const) {
      const answers: Record<string, GatewayAnswer> = {
        usual: await trial.ask("a", { http }),
        "an upstream's own header": await trial.ask("a", { http, answer: { headers: ownHeader } }),
        "an upstream's error": await trial.ask("a", { http, answer: { status: 500, headers: ownHeader } }),
        "an upstream that is down": await trial.ask("down", { http }),
        "an upstream that is not trusted": await trial.ask("wrong-root", { http }),
      };
      const statuses = Object.values(answers).map(({ status }) => (status > 501 ? 502 : status));
      expect(statuses).toEqual([200, 200, 500, 502, trial.server.statuses?.unverified ?? 502]);
      for (const [what, answer] of Object.entries(answers)) expect([what, strict(answer)]).toEqual([what, [hsts]]);
    }
  });

  trial.test(["hsts", "maintenance"], "HSTS stands on the answers of maintenance", async () => {
    const answer = await trial.ask("maintained");
    expect([answer.status, ...strict(answer)]).toEqual([503, hsts]);
  });

  trial.test(["hsts", "routingPaths"], "HSTS stands on what routing refuses", async () => {
    const [denied, strange] = [
      await trial.ask("allow-list", { path: "/" }),
      await trial.ask("allow-list", { path: "//x" }),
    ];
    expect([denied.status, ...strict(denied)]).toEqual([403, hsts]);
    expect(strict(strange)).toEqual([hsts]);
  });

  trial.test(["hsts", "redirect"], "no site has HSTS that did not ask for it, and plain HTTP never", async () => {
    // RFC 6797 section 7.2
    expect(strict(await trial.askRedirect("a.gw.test"))).toEqual([]);
    expect(strict(await trial.ask("wild"))).toEqual([]);
    expect(strict(await trial.askPlain("plain.test"))).toEqual([]);
  });

  trial.test(["upstream"], "the upstream gets the host as it was sent", async () => {
    for (const http of ["1.1", "2"] as const) {
      for (const host of ["a.gw.test", `a.gw.test:${trial.world.tlsPort}`]) {
        const echo = (await trial.ask("a", { host, http })).echo();
        expect([sent(echo, "host"), sent(echo, "x-forwarded-host")]).toEqual([[host], [host]]);
      }
    }
    const host = `plain.test:${trial.world.plainPort}`;
    expect(sent((await trial.askPlain(host)).echo(), "host")).toEqual([host]);
  });

  trial.test(["upstream"], "no client can say who it is, or how it came", async () => {
    const headers = [
      ["X-Forwarded-For", "6.6.6.6"],
      ["x-forwarded-for", "7.7.7.7"],
      ["X-Forwarded-Proto", "gopher"],
      ["X-Forwarded-Host", "evil.test"],
    ] as const;
    for (const http of ["1.1", "2"] as const) {
      const echo = (await trial.ask("a", { headers, http, host: "a.gw.test" })).echo();
      expect(forwarded(echo)).toEqual([["127.0.0.1"], ["https"], ["a.gw.test"]]);
    }
    const plain = await trial.askPlain("plain.test", { headers }, { address: "::1" });
    expect(forwarded(plain.echo())).toEqual([["::1"], ["http"], ["plain.test"]]);
    const secure = await trial.ask("h2c", { headers, host: "h2c.gw.test" });
    expect(forwarded(secure.echo())).toEqual([["127.0.0.1"], ["https"], ["h2c.gw.test"]]);
  });

  trial.test(
    ["upstream"],
    "no client can have the gateway's headers taken away as headers of its connection",
    async () => {
      // RFC 9110 section 7.6.1
      const headers = [["Connection", "close, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, Host"]] as const;
      const echo = (await trial.ask("a", { headers, host: "a.gw.test" })).echo();
      expect([...forwarded(echo), sent(echo, "host")]).toEqual([
        ["127.0.0.1"],
        ["https"],
        ["a.gw.test"],
        ["a.gw.test"],
      ]);
    },
  );

  trial.test(["requestHeaders"], "changes of request headers where the client sent them", async () => {
    for (const http of ["1.1", "2"] as const) {
      const echo = (await trial.ask("request-headers", { http, headers: present })).echo();
      expect(changed((name) => sent(echo, name))).toMatchObject(done(changedPresent));
      expect(sent(echo, "x-forwarded-proto")).toEqual(["gopher"]);
    }
  });

  trial.test(["requestHeaders"], "changes of request headers where the client sent none", async () => {
    for (const http of ["1.1", "2"] as const) {
      const echo = (await trial.ask("request-headers", { http })).echo();
      expect(changed((name) => sent(echo, name))).toMatchObject(done(changedAbsent));
    }
  });

  trial.test(["responseHeaders"], "changes of response headers where the upstream sent them", async () => {
    for (const http of ["1.1", "2"] as const) {
      for (const status of [200, 404]) {
        const answer = await trial.ask("response-headers", { http, answer: { status, headers: present } });
        expect(changed(answer.all)).toMatchObject(done(changedPresent));
      }
    }
  });

  trial.test(["responseHeaders"], "changes of response headers where the upstream sent none", async () => {
    for (const http of ["1.1", "2"] as const) {
      for (const status of [200, 500]) {
        const answer = await trial.ask("response-headers", { http, answer: { status } });
        expect(changed(answer.all)).toMatchObject(done(changedAbsent));
      }
    }
  });

  trial.test(["upstream"], "no answer tells the version of the server", async () => {
    const { httpPort, plainPort } = trial.world;
    const answers = [
      await trial.ask("a"),
      await trial.ask("a", { host: "other.test" }),
      await trial.ask("down"),
      await trial.askPlain("plain.test"),
      await trial.askPlain("other.test"),
      await trial.askRedirect("other.test"),
      ...(trial.world.sites.some(({ redirectToHttps }) => redirectToHttps)
        ? [await trial.askRedirect("a.gw.test")]
        : []),
    ];
    expect([httpPort, plainPort]).not.toContain(0);
    for (const { status, all, text } of answers) {
      const shown = [...["server", "via", "x-powered-by", "alt-svc"].flatMap(all), status === 200 ? "" : text].join(
        " ",
      );
      expect([status, shown]).toEqual([
        status,
        expect.not.stringMatching(/(nginx|haproxy|caddy|apache)\S*\d|\d\.\d+\.\d/i),
      ]);
    }
  });
}

/** The headers by which the suite tells changes that some kind refuses. */
const refusable = { append: "x-append", addIfAbsent: "x-if-absent", replace: "x-replace" };

const present = [
  ["X-Set", "old"],
  ["X-Append", "old"],
  ["X-If-Absent", "old"],
  ["X-Replace", "old"],
  ["X-Remove", "old"],
  ["X-Odd", "old"],
  ["X-Untouched", "old"],
] as const;
const changedPresent = {
  "x-set": ["by the gateway"],
  "x-append": ["old", "appended"],
  "x-if-absent": ["old"],
  "x-replace": ["replaced"],
  "x-remove": [],
  "x-odd": [oddValue],
  "x-untouched": ["old"],
};
const changedAbsent = {
  ...changedPresent,
  "x-append": ["appended"],
  "x-if-absent": ["added"],
  "x-replace": [],
  "x-untouched": [],
};

/** The headers that the sites change; what was appended may stand in one line (RFC 9110 section 5.3). */
function changed(all: (name: string) => readonly string[]): Readonly<Record<string, readonly string[]>> {
  const lines = Object.keys(changedPresent).map((name) => [name, all(name)] as const);
  return Object.fromEntries(
    lines.map(([name, values]) => [name, name === "x-append" ? values.flatMap((value) => value.split(", ")) : values]),
  );
}

function sent(echo: Echo, name: string): readonly string[] {
  return echo.headers.flatMap(([found, value]) => (found === name ? [value] : []));
}

function forwarded(echo: Echo): readonly (readonly string[])[] {
  return ["for", "proto", "host"].map((what) => sent(echo, `x-forwarded-${what}`));
}
