import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkKnownSiteProperties,
  checkSiteInput,
  checkSiteListInput,
} from "../../../../provider/src/lifecycle/site/schema";
import { withinCpuTime } from "../../../support/cpu-time";
import { proxySiteArbitrary, siteArbitrary } from "../../../support/gateway/site-arbitraries";

const change = { on: "response", action: "set", name: "X-A" };
const good = { name: "web", binds: ["share.example.com:443"], tls: { selfSigned: {} } };

function issuesOf(input: unknown): Record<string, string> {
  const result = checkSiteInput(input);
  return "issues" in result ? Object.fromEntries(result.issues.map(({ path, reason }) => [path, reason])) : {};
}

test("every valid site is accepted, and its result is accepted as it is", () => {
  fc.assert(
    fc.property(fc.oneof(siteArbitrary, proxySiteArbitrary), (input) => {
      const result = checkSiteInput(input);
      expect(result).toHaveProperty("site");
      if ("site" in result) expect(checkSiteInput(result.site)).toEqual(result);
    }),
  );
});

test("what is false, empty or undefined is as if it were not there", () => {
  const input = { ...good, hostnames: [], headers: [], routing: [], redirectToHttps: false, maintenance: false };
  expect(checkSiteInput({ ...input, externalUrl: undefined })).toEqual({ site: good });
});

test("maintenance: true is maintenance for everybody", () => {
  expect(checkSiteInput({ ...good, maintenance: true })).toEqual({ site: { ...good, maintenance: {} } });
});

describe("bad input gets one failure that names the property", () => {
  test.each<[string, object, string, RegExp]>([
    ["an upstream without scheme", { upstream: { url: "10.0.0.5:80" } }, "upstream.url", /its scheme is none of http/],
    ["an upstream with a path", { upstream: { url: "http://a.test/x" } }, "upstream.url", /path, query or fragment/],
    ["an upstream with a user", { upstream: { url: "http://u@a.test" } }, "upstream.url", /holds a user name/],
    [
      "a root without https",
      { upstream: { url: "http://a.test", rootCa: true } },
      "upstream",
      /found rootCa with http:/,
    ],
    ["two roots", { upstream: { url: "https://a.test", rootCa: true, rootCaFile: "/a" } }, "upstream", /expected one/],
    [
      "an unknown kind",
      { upstream: { url: "http://a.test", kind: "nextcloud" } },
      "upstream.kind",
      /"cells", or nothing/,
    ],
    ["clients of nobody", { clientAuth: {} }, "clientAuth", /found neither of caPem and caFile/],
    ["clients of two", { clientAuth: { ca: true, caFile: "/a" } }, "clientAuth", /found both of caPem and caFile/],
    ["preload alone", { hsts: { maxAgeSeconds: 63072000, preload: true } }, "hsts", /without includeSubDomains/],
    ["a short preload", { hsts: { maxAgeSeconds: 60, preload: true, includeSubDomains: true } }, "hsts", /of a year/],
    ["HSTS without TLS", { tls: "disabled", hsts: true }, "hsts", /expected a site with TLS/],
    ["mTLS without TLS", { tls: "disabled", clientAuth: { ca: true } }, "clientAuth", /expected a site with TLS/],
    ["an old profile", { tlsProfile: "old" }, "tlsProfile", /"intermediate" or "modern"/],
    ["PROXY from nobody", { proxyProtocol: { trusted: [] } }, "proxyProtocol.trusted", /at least 1/],
    ["no body at all", { maxBodyBytes: 0 }, "maxBodyBytes", /found 0, expected at least 1/],
    ["half a second", { timeouts: { connectSeconds: 0.5 } }, "timeouts.connectSeconds", /seconds/],
    ["a foreign time-out", { timeouts: { readSeconds: 5 } }, "timeouts.readSeconds", /not a known property/],
    ["a route with a dot step", { routing: [{ route: "/a/../b", effect: "allow" }] }, "routing[0].route", /"\."/],
    ["an empty label", { hostnames: ["a..test"] }, "hostnames[0]", /a\.\.test/],
    ["an underscore", { hostnames: ["a_b.test"] }, "hostnames[0]", /a_b\.test/],
    ["over 253 octets", { hostnames: [`${"a234567.".repeat(32)}test`] }, "hostnames[0]", /253/],
    ["a wildcard not leftmost", { hostnames: ["a.*.test"] }, "hostnames[0]", /a\.\*\.test/],
    ["an address with a port", { hostnames: ["10.0.0.1:443"] }, "hostnames[0]", /port/i],
    ["a port out of range", { binds: ["a.test:70000"] }, "binds[0]", /not a port/],
    ["a bind without port", { binds: ["a.test"] }, "binds[0]", /no port/],
    ["a bind that is a number", { binds: [8443] }, "binds[0]", /found 8443, expected a text such as/],
    ["no bind", { binds: [] }, "binds", /empty list, expected at least 1 entry/],
    ["a bind in place of the list", { binds: ":443" }, "binds", /found ":443", expected a list/],
    ["the same bind twice", { binds: [":443", "0.0.0.0:443"] }, "binds", /0\.0\.0\.0:443 twice/],
    ["no tls", { tls: undefined }, "tls", /is missing: expected "disabled"/],
    ["an unknown way of tls", { tls: "off" }, "tls", /found "off", expected "disabled"/],
    ["two ways of tls", { tls: { selfSigned: {}, certificate: { name: "a" } } }, "tls", /certificate and selfSigned/],
    ["no way of tls", { tls: {} }, "tls", /found none/],
    [
      "half a certificate",
      { tls: { certificate: { certFile: "/a" } } },
      "tls.certificate",
      /both certFile and keyFile/,
    ],
    [
      "two certificates",
      { tls: { certificate: { name: "a", keyFile: "/a" } } },
      "tls.certificate",
      /found name, keyFile/,
    ],
    [
      "a relative path",
      { tls: { certificate: { certFile: "a", keyFile: "/a" } } },
      "tls.certificate.certFile",
      /absolute/,
    ],
    ["redirect with TLS off", { tls: "disabled", redirectToHttps: true }, "redirectToHttps", /no https to redirect/],
    ["a text for a truth value", { redirectToHttps: "yes" }, "redirectToHttps", /found "yes", expected true or false/],
    ["an unknown property", { bind: [] }, "bind", /not a known property: did you mean binds\?/],
    ["a property of Cells", { SSLRedirect: true }, "SSLRedirect", /did you mean redirectToHttps\?/],
    [
      "an unknown property inside",
      { tls: { selfSigned: { hostname: [] } } },
      "tls.selfSigned.hostname",
      /mean hostnames\?/,
    ],
    ["a far-fetched property", { colour: "red" }, "colour", /leave it away\. Known here: name, binds/],
    ["a header with a line break", set("a\nb"), "headers[0].value", /line break/],
    ["a header with a brace", set("{x}"), "headers[0].value", /brace/],
    ["a header without value", set(undefined), "headers[0].value", /needs the value of X-A/],
    [
      "a removal with value",
      { headers: [{ ...change, action: "remove", value: "a" }] },
      "headers[0].value",
      /leave value/,
    ],
    [
      "an unknown action",
      { headers: [{ ...change, action: "add" }] },
      "headers[0].action",
      /found "add", expected "append"/,
    ],
    [
      "a condition with a line break",
      { maintenance: { conditions: ["path /a\n"] } },
      "maintenance.conditions[0]",
      /line break/,
    ],
    ["a condition with braces", { maintenance: { conditions: ["path {x}"] } }, "maintenance.conditions[0]", /brace/],
    [
      "an exception that is no range",
      { maintenance: { except: ["10.0.0.5/8"] } },
      "maintenance.except[0]",
      /10\.0\.0\.0\/8/,
    ],
    ["maintenance as text", { maintenance: "yes" }, "maintenance", /found "yes", expected true, false or/],
    ["a route twice", routes(["io", "allow"], ["io", "deny"]), "routing[1].route", /second rule for "io"/],
    [
      "a rewrite of a denied route",
      { routing: [{ route: "io", effect: "deny", rewrite: "/a" }] },
      "routing[0].rewrite",
      /denied/,
    ],
    ["a gRPC port out of range", { grpcPort: 0 }, "grpcPort", /found 0, expected at least 1/],
    ["half a port", { grpcPort: 80.5 }, "grpcPort", /found 80\.5, expected a port/],
    ["an external URL without scheme", { externalUrl: "share.example.com" }, "externalUrl", /no scheme/],
    ["no name", { name: "" }, "name", /0 characters/],
    [
      "Let's Encrypt without the agreement",
      le({ acceptEula: false }),
      "tls.letsEncrypt.acceptEula",
      /found false, expected true/,
    ],
    ["Let's Encrypt without a word on it", le({ acceptEula: undefined }), "tls.letsEncrypt.acceptEula", /is missing/],
    ["Let's Encrypt with a bad e-mail", le({ email: "me" }), "tls.letsEncrypt.email", /no @/],
    [
      "Let's Encrypt for a wildcard",
      { ...le({}), binds: ["*.example.com:443"] },
      "binds",
      /wildcard \*\.example\.com.*dns-01/,
    ],
    ["Let's Encrypt for an address", { ...le({}), binds: ["192.0.2.1:443"] }, "binds", /IP address 192\.0\.2\.1/],
    ["Let's Encrypt for a short name", { ...le({}), hostnames: ["cells"] }, "hostnames", /has a dot/],
    ["a certificate that misses a name", covered(["b.test"]), "tls.certificate", /does not cover share\.example\.com/],
    [
      "a self-signed one that misses a name",
      { tls: { selfSigned: { hostnames: ["b.test"] } } },
      "tls.selfSigned.hostnames",
      /does not cover share\.example\.com/,
    ],
  ])("%s", (_, change, path, reason) => {
    expect(issuesOf({ ...good, ...change })).toEqual({ [path]: expect.stringMatching(reason) });
  });

  test.each([null, undefined, 5, "a site", true, [], () => {}, Symbol("a"), 5n])("%o in place of a site", (input) => {
    expect(issuesOf(input)).toEqual({ "": expect.stringMatching(/^(found|is missing).*expected a site such as/) });
  });
});

test("a wildcard certificate covers one label, and the external URL's host needs no cover", () => {
  const site = { ...good, externalUrl: "https://elsewhere.test", ...covered(["*.example.com"]) };
  expect(checkSiteInput(site)).toHaveProperty("site");
});

test("every fault is told at once", () => {
  expect(Object.keys(issuesOf({ name: 1, binds: ["a", "b"], tls: 5, x: 1 })).sort()).toEqual([
    "binds[0]",
    "binds[1]",
    "name",
    "tls",
    "x",
  ]);
});

test("of very many faults the first ones are told, and the rest is counted", () => {
  const result = checkSiteInput({ ...good, hostnames: Array.from({ length: 1000 }, () => "_") });
  expect("issues" in result && result.issues.length).toBe(26);
  expect("issues" in result && result.issues.at(-1)?.reason).toContain("975 further problems");
});

describe("huge input is refused in less than 100 ms, with a short message", () => {
  const list = Array.from({ length: 100_000 }, (_, index) => `h${index}.test`);
  const cycle: Record<string, unknown> = { ...good };
  cycle.tls = cycle;
  const wide = Array.from({ length: 900 }, () => ({ a: Array.from({ length: 900 }, () => 1) }));
  test.each<[string, object]>([
    ["10 MB as a name", { ...good, name: "x".repeat(10_000_000) }],
    ["10 MB as a bind", { ...good, binds: ["x".repeat(10_000_000)] }],
    ["10 MB as a key", { ...good, ["x".repeat(10_000_000)]: 1 }],
    ["10 MB as a header", { ...good, ...set("x".repeat(10_000_000)) }],
    ["8 KB of dots as a host name", { ...good, hostnames: [".".repeat(8000)] }],
    ["8 KB of quotes as a condition", { ...good, maintenance: { conditions: [`path ${'" "'.repeat(2000)}a"`] } }],
    ["100,000 host names", { ...good, hostnames: list }],
    ["100,000 properties", Object.fromEntries(list.map((key) => [key, 1]))],
    ["a million values", { ...good, headers: wide }],
    ["a cycle", cycle],
    ["a sparse list", { ...good, binds: new Array(4_000_000_000) }],
  ])("%s", (_, input) => {
    const result = withinCpuTime(100, () => checkSiteInput(input));
    expect(result).toHaveProperty("issues");
    expect(JSON.stringify(result).length).toBeLessThan(5000);
  });
});

test("whatever the input is, the schema answers and takes no time", () => {
  const nearly = fc.record(
    {
      name: fc.oneof(fc.string({ unit: "binary" }), fc.anything()),
      binds: fc.oneof(fc.array(fc.string({ unit: "binary" })), fc.anything()),
      hostnames: fc.array(fc.string({ unit: "binary" })),
      tls: fc.oneof(fc.constant("disabled"), fc.object(), fc.record({ selfSigned: fc.anything() })),
      headers: fc.array(fc.record({ on: fc.constant("request"), name: fc.string(), value: fc.anything() })),
      maintenance: fc.record({ conditions: fc.array(fc.string({ unit: "binary" })), except: fc.array(fc.string()) }),
      externalUrl: fc.oneof(fc.webUrl(), fc.string()),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(nearly, fc.anything({ withNullPrototype: true, withSparseArray: true })), (input) => {
      const result = withinCpuTime(100, () => checkSiteInput(input));
      if ("issues" in result) {
        expect(result.issues.length).toBeGreaterThan(0);
        for (const { path, reason } of result.issues) {
          expect(`${path}: ${reason}`).not.toMatch(/[\n\r]|undefined|\[object/);
          expect(reason.length).toBeLessThan(1000);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test("an accessor that throws is an issue, not an exception", () => {
  const input = Object.defineProperty({ ...good }, "hostnames", {
    enumerable: true,
    get: () => {
      throw new RangeError("no");
    },
  });
  expect(issuesOf(input)).toEqual({ "": "the site can't be read: RangeError" });
});

test("__proto__ as a property is refused like any other", () => {
  expect(issuesOf(JSON.parse('{"name":"a","binds":[":1"],"tls":"disabled","__proto__":{"x":1}}'))).toHaveProperty([
    "__proto__",
  ]);
});

test("in a preview what is known is judged, and what is unknown is left alone", () => {
  const input = { name: "web", hostnames: ["_"], tls: Symbol("unknown") };
  expect(checkKnownSiteProperties(input, ["binds", "tls"])).toEqual([
    { path: "hostnames[0]", reason: expect.stringMatching(/_/) },
  ]);
  expect(checkKnownSiteProperties({ name: "web", tls: "disabled" }, ["binds"])).toEqual([]);
});

describe("a list of sites", () => {
  test("is accepted in its order", () => {
    const sites = ["b", "a"].map((name) => ({ ...good, name }));
    expect(checkSiteListInput(sites)).toEqual({ sites });
  });

  test("has its faults named by the position of the site", () => {
    const result = checkSiteListInput([good, { ...good, binds: ["x"] }, 5]);
    expect("issues" in result && result.issues.map((issue) => issue.path)).toEqual(["sites[1].binds[0]", "sites[2]"]);
  });

  test("of the wrong kind or beyond all bounds is refused at once", () => {
    expect(checkSiteListInput("x")).toEqual({
      issues: [{ path: "sites", reason: 'found "x", expected a list of sites' }],
    });
    const result = withinCpuTime(100, () => checkSiteListInput(new Array(100_000).fill({})));
    expect(result).toEqual({ issues: [expect.objectContaining({ path: "sites" })] });
    withinCpuTime(100, () => checkSiteListInput(new Array(20_000).fill({})));
  });
});

function set(value: string | undefined): object {
  return { headers: [{ on: "response", action: "set", name: "X-A", value }] };
}

function routes(...rules: [string, string][]): object {
  return { routing: rules.map(([route, effect]) => ({ route, effect })) };
}

function le(properties: object): object {
  return { tls: { letsEncrypt: { email: "admin@example.com", acceptEula: true, ...properties } } };
}

function covered(hostnames: readonly string[]): object {
  return { tls: { certificate: { name: "web", hostnames } } };
}
