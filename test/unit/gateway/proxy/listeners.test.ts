import { describe, expect, it } from "vitest";
import { checkProxySites } from "../../../../provider/src/gateway/proxy/checks";
import { listenersOf, renderAddress } from "../../../../provider/src/gateway/proxy/listeners";
import { proxySite } from "../../../support/gateway/proxy-sites";

const options = { httpPort: 80, ipv6: true };

function shape(sites: Parameters<typeof listenersOf>[0], given = options): unknown {
  return listenersOf(sites, given).map((listener) => ({
    at: renderAddress(listener),
    tls: listener.isTls,
    sites: listener.sites.map(({ site, names }) => [site.name, ...names]),
    redirects: listener.redirects.map(({ site, port }) => [site.name, port]),
  }));
}

describe("sites by where they listen", () => {
  it("a name, and all addresses, are IPv4 and IPv6; one address is itself", () => {
    const named = proxySite("named", { binds: ["a.test:443"] });
    const all = proxySite("all", { binds: ["0.0.0.0:8443"], hostnames: ["b.test"] });
    const one = proxySite("one", { binds: ["10.0.0.5:9443", "[::1]:9443"], hostnames: ["c.test"] });
    expect(shape([one, all, named])).toEqual([
      { at: "0.0.0.0:443", tls: true, sites: [["named", "a.test"]], redirects: [] },
      { at: "[::]:443", tls: true, sites: [["named", "a.test"]], redirects: [] },
      { at: "0.0.0.0:8443", tls: true, sites: [["all", "b.test"]], redirects: [] },
      { at: "[::]:8443", tls: true, sites: [["all", "b.test"]], redirects: [] },
      { at: "10.0.0.5:9443", tls: true, sites: [["one", "c.test"]], redirects: [] },
      { at: "[::1]:9443", tls: true, sites: [["one", "c.test"]], redirects: [] },
    ]);
  });

  it("without IPv6 all addresses are those of IPv4", () => {
    expect(
      shape([proxySite("a", { binds: [":443".padStart(11, "0.0.0.0")], hostnames: ["a.test"] })], {
        ...options,
        ipv6: false,
      }),
    ).toEqual([{ at: "0.0.0.0:443", tls: true, sites: [["a", "a.test"]], redirects: [] }]);
  });

  it("a redirect listens on the same addresses, and leads to 443 where the site has it", () => {
    const site = proxySite("a", {
      binds: ["10.0.0.5:8443", "10.0.0.5:443"],
      hostnames: ["a.test"],
      redirectToHttps: true,
    });
    expect(shape([site])).toEqual([
      { at: "10.0.0.5:80", tls: false, sites: [], redirects: [["a", 443]] },
      { at: "10.0.0.5:443", tls: true, sites: [["a", "a.test"]], redirects: [] },
      { at: "10.0.0.5:8443", tls: true, sites: [["a", "a.test"]], redirects: [] },
    ]);
  });
});

describe("what no proxy can serve together", () => {
  const a = proxySite("a", { hostnames: ["a.test"] });
  const named = (name: string, more: object = {}) => proxySite(name, { hostnames: [`${name}.test`], ...more });

  it.each<[string, Parameters<typeof checkProxySites>[0], string, RegExp]>([
    [
      "a site without upstream",
      [{ name: "x", binds: ["a.test:443"], tls: { selfSigned: { ca: "ca" } } }],
      "upstream",
      /is missing: .*give \{ url/,
    ],
    [
      "two sites of one name",
      [a, named("b", { name: "a", hostnames: ["b.test"] })],
      "name",
      /two sites are called "a"/,
    ],
    [
      "one host name twice",
      [a, named("b", { hostnames: ["a.test"] })],
      "hostnames",
      /both answer a\.test on 0\.0\.0\.0:443/,
    ],
    [
      "two sites for every name",
      [proxySite("x", {}), proxySite("y", {})],
      "binds",
      /both answer every name on 0\.0\.0\.0:443/,
    ],
    ["TLS beside plain HTTP", [a, named("b", { tls: "disabled" })], "binds", /would speak both TLS and plain HTTP/],
    [
      "different profiles",
      [a, named("b", { tlsProfile: "modern" })],
      "tlsProfile",
      /found "modern" and "intermediate"/,
    ],
    [
      "different PROXY protocols",
      [a, named("b", { proxyProtocol: { trusted: ["10.0.0.1"] } })],
      "proxyProtocol",
      /one PROXY protocol for all/,
    ],
    [
      "an address that TLS clients ask for",
      [named("b", { hostnames: ["10.0.0.5", "b.test"] })],
      "hostnames",
      /^10\.0\.0\.5: clients send no name/,
    ],
    [
      "an address beside all addresses",
      [a, named("b", { binds: ["10.0.0.5:443"] })],
      "binds",
      /10\.0\.0\.5:443 and 0\.0\.0\.0:443 are one port/,
    ],
    [
      "TLS where the redirect listens",
      [named("b", { binds: ["0.0.0.0:80"] }), named("c", { redirectToHttps: true })],
      "binds",
      /has TLS, and the redirect to https/,
    ],
    [
      "a redirect of a name that has a plain site",
      [
        named("b", { redirectToHttps: true }),
        named("c", { tls: "disabled", binds: ["0.0.0.0:80"], hostnames: ["b.test"] }),
      ],
      "hostnames",
      /both answer b\.test on 0\.0\.0\.0:80/,
    ],
  ])("%s is refused, by its property", (_, sites, property, reason) => {
    const problems = checkProxySites(sites, options);
    expect(problems.map((problem) => problem.property)).toContain(property);
    expect(problems.find((problem) => problem.property === property)?.reason).toMatch(reason);
  });

  it("sites that share what they can share are no problem", () => {
    const sites = [
      a,
      named("b", { redirectToHttps: true }),
      named("c", { hostnames: ["*.test"] }),
      named("d", { tls: "disabled", binds: ["0.0.0.0:80"] }),
    ];
    expect(checkProxySites(sites, options)).toEqual([]);
  });

  it("both sites of a conflict are named, once for IPv4 and IPv6", () => {
    const problems = checkProxySites([a, named("b", { tlsProfile: "modern" })], options);
    expect(problems.map(({ site, otherSite, property }) => [site, otherSite, property])).toEqual([
      ["b", "a", "tlsProfile"],
    ]);
  });
});
