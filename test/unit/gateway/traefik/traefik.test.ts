// Guards what Traefik would take without a word: which router comes first, and what it can't serve.
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { traefik } from "../../../../provider/src/gateway/traefik/traefik";
import { acceptedSites } from "../../../support/gateway/cells-sites";

const options = traefik.parseOptions({});
const base = {
  binds: [":443"],
  tls: { certificate: { name: "shop" } },
  upstream: { url: "http://10.0.0.5:8080" },
};

interface Router {
  readonly rule: string;
  readonly priority: number;
  readonly middlewares: readonly string[];
  readonly service: string;
  readonly tls?: { readonly options?: string };
}

/** Rule, and what answers, of each router in the order in which Traefik tries them. */
function routers(...inputs: readonly object[]): readonly (readonly [string, string])[] {
  const { http } = parse(traefik.render(acceptedSites(...inputs), options).configuration);
  return Object.values(http.routers as Record<string, Router>)
    .sort((one, other) => other.priority - one.priority)
    .map(({ rule, service, middlewares }) => [
      rule,
      service === "noop@internal" ? (middlewares.at(-1) ?? "") : service,
    ]);
}

function problems(...inputs: readonly object[]) {
  return traefik.checkSites(acceptedSites(...inputs), options);
}

/** What stands before all else for a name: other methods and other forms of Host. */
const untrusted = /Method\(`TRACE`\) \|\| Method\(`CONNECT`\) \|\| !HeaderRegexp\(`X-Forwarded-Host`, /;
const upgrade = /HeaderRegexp\(`Upgrade`, /;

describe("routers", () => {
  it("put a whole name before a wildcard, and the dot makes its handshake come first too", () => {
    expect(routers({ ...base, name: "shop", hostnames: ["*.x.test", "a.x.test"] })).toEqual([
      [expect.stringMatching(untrusted), "refuse-400"],
      [expect.stringMatching(upgrade), "http-shop"],
      ["Host(`a.x.test.`)", "http-shop"],
      [expect.stringMatching(untrusted), "refuse-400"],
      [expect.stringMatching(upgrade), "http-shop"],
      ["Host(`*.x.test`)", "http-shop"],
      ["PathPrefix(`/`)", "refuse-421"],
    ]);
  });

  it("refuse first, then take the longest path", () => {
    const routing = [
      { route: "/p", effect: "allow" },
      { route: "/p/s.x", effect: "deny" },
    ];
    const maintenance = { except: ["10.0.0.0/8", "::1"] };
    const found = routers({ ...base, name: "shop", hostnames: ["a.test"], routing, maintenance });
    expect(found.map(([rule, answer]) => [rule.replace("Host(`a.test.`) && ", ""), answer])).toEqual([
      [expect.stringMatching(untrusted), "refuse-400"],
      [expect.stringMatching(/^PathRegexp/), "refuse-400"],
      ["!ClientIP(`10.0.0.0/8`) && !ClientIP(`::1`)", "refuse-503"],
      ["PathRegexp(`^/p/s\\.x(/|$)`)", "refuse-403"],
      [expect.stringMatching(upgrade), "http-shop"],
      ["PathRegexp(`^/p(/|$)`)", "http-shop"],
      ["Host(`a.test.`)", "refuse-403"],
      ["PathPrefix(`/`)", "refuse-421"],
    ]);
  });

  it("give each name TLS options of its own, so that no request passes with the handshake of another", () => {
    const { http, tls } = parse(
      traefik.render(acceptedSites({ ...base, name: "shop", hostnames: ["a.test", "b.test"] }), options).configuration,
    );
    const named = Object.values(http.routers as Record<string, Router>).map(
      (router) => router.tls?.options ?? "default",
    );
    expect(new Set(named).size).toBe(3);
    expect(Object.keys(tls.options).sort()).toEqual([...new Set(named)].sort());
  });
});

describe("checks", () => {
  it.each([
    [
      { headers: [{ on: "request", action: "append", name: "X-A", value: "x" }] },
      "headers[0].action",
      /set a header or remove/,
    ],
    [{ headers: [{ on: "response", action: "set", name: "connection", value: "x" }] }, "headers[0].name", /by itself/],
    [{ headers: [{ on: "request", action: "remove", name: "Host" }] }, "headers[0].action", /exactly one/],
    [{ maxBodyBytes: 5, upstream: { ...base.upstream, grpc: true } }, "maxBodyBytes", /stream would never begin/],
    [{ clientAuth: { caFile: "/etc/ca.pem " } }, "clientAuth.caFile", /space at its end/],
  ])("refuse %j", (more, property, reason) => {
    expect(problems({ ...base, name: "shop", ...more })).toMatchObject([
      { site: "shop", property, reason: expect.stringMatching(reason) },
    ]);
  });

  it("refuse IPv4 and IPv6 of a port with different sites, which Go listens on together", () => {
    const v6 = { ...base, name: "v6", binds: ["[::]:443"], hostnames: ["b.test"] };
    expect(problems({ ...base, name: "both", hostnames: ["a.test"] })).toEqual([]);
    expect(problems({ ...base, name: "both", hostnames: ["a.test"] }, v6)).toMatchObject([{ property: "binds" }]);
    expect(problems({ ...base, name: "v4", binds: ["10.0.0.1:443"] }, v6)).toMatchObject([{ property: "binds" }]);
  });

  it("refuse two certificates for unknown names", () => {
    const other = { ...base, name: "other", binds: [":8443"] };
    expect(problems({ ...base, name: "any" }, other)).toEqual([]);
    expect(problems({ ...base, name: "any" }, { ...other, tls: { certificate: { name: "x" } } })).toMatchObject([
      { site: "other", otherSite: "any", property: "hostnames" },
    ]);
  });
});

it("one entry point listens on all addresses, and the order of sites does not show", () => {
  const sites = acceptedSites(
    { ...base, name: "b", hostnames: ["b.test"] },
    { ...base, name: "a", hostnames: ["a.test"], redirectToHttps: true },
  );
  const rendering = traefik.render(sites, options);
  expect(traefik.render([...sites].reverse(), options)).toEqual(rendering);
  const { entryPoints } = parse(Object.values(rendering.texts ?? {})[0] ?? "");
  expect(Object.values(entryPoints as Record<string, { address: string }>).map(({ address }) => address)).toEqual([
    ":80",
    ":443",
  ]);
});
