import fc from "fast-check";
import { expect, test } from "vitest";
import { isMap, isSeq, parseDocument } from "yaml";
import type { SiteData } from "../../../../provider/src/gateway/model/site";
import { parseSites, renderSites } from "../../../../provider/src/gateway/model/text";
import { checkSiteListInput } from "../../../../provider/src/lifecycle/site/schema";
import { mixedListArbitrary, reversedKeys } from "../../../support/gateway/site-arbitraries";

function accepted(input: unknown): readonly SiteData[] {
  const result = checkSiteListInput(input);
  if ("issues" in result) throw new Error(JSON.stringify(result.issues));
  return result.sites;
}

test("a site is a block of lines, one for each property, header, route and condition", () => {
  const [site] = accepted([
    {
      name: "web",
      binds: ["share.example.com:443", ":8443"],
      hostnames: ["cells.internal", "10.0.0.5", "Cells.Internal"],
      externalUrl: "https://share.example.com:443/",
      tls: { certificate: { name: "web", hostnames: ["share.example.com", "cells.internal", "10.0.0.5"], root: true } },
      redirectToHttps: true,
      headers: [
        { on: "response", action: "set", name: "X-B", value: "b" },
        { on: "request", action: "remove", name: "X-A" },
      ],
      routing: [{ route: "public", effect: "allow", rewrite: "/p" }],
      maintenance: { except: ["192.168.0.1", "10.0.0.0/8"], conditions: ["method GET"] },
      grpcPort: 33060,
    },
  ]);
  expect(renderSites([site as SiteData])).toBe(`site web
  binds ["0.0.0.0:8443","share.example.com:443"]
  hostnames ["10.0.0.5","cells.internal"]
  externalUrl "https://share.example.com"
  tls certificate {"name":"web","root":true}
  redirectToHttps true
  grpcPort 33060
  header {"on":"response","action":"set","name":"X-B","value":"b"}
  header {"on":"request","action":"remove","name":"X-A"}
  route {"route":"public","effect":"allow","rewrite":"/p"}
  maintenance {"except":["10.0.0.0/8","192.168.0.1"]}
  condition "method GET"
`);
});

test("what a proxy serves is a line each", () => {
  const [site] = accepted([
    {
      name: "web",
      binds: ["share.example.com:443"],
      tls: { selfSigned: { ca: "local" } },
      timeouts: { tunnelSeconds: 60, connectSeconds: 5 },
      maxBodyBytes: 1000,
      proxyProtocol: { trusted: ["192.168.0.1", "10.0.0.0/8"] },
      tlsProfile: "modern",
      hsts: true,
      clientAuth: { ca: true },
      upstream: { rootCa: true, url: "https://cells.internal", kind: "cells" },
      maintenance: { retryAfterSeconds: 60 },
      routing: [{ route: "/public", effect: "allow" }],
    },
  ]);
  expect(renderSites([site as SiteData])).toBe(`site web
  binds ["share.example.com:443"]
  tls selfSigned {"ca":"local"}
  upstream {"url":"https://cells.internal:443","kind":"cells","rootCa":true}
  clientAuth {"ca":true}
  hsts {"maxAgeSeconds":63072000}
  tlsProfile "modern"
  proxyProtocol {"trusted":["10.0.0.0/8","192.168.0.1"]}
  maxBodyBytes 1000
  timeouts {"connectSeconds":5,"tunnelSeconds":60}
  route {"route":"/public","effect":"allow"}
  maintenance {"retryAfterSeconds":60}
`);
});

test("blocks are sorted by name, with one empty line between", () => {
  const sites = accepted(["b", "a"].map((name) => ({ name, binds: [":80"], tls: "disabled" })));
  expect(renderSites(sites)).toBe(
    'site a\n  binds ["0.0.0.0:80"]\n  tls disabled\n\nsite b\n  binds ["0.0.0.0:80"]\n  tls disabled\n',
  );
});

test("no sites are an empty text, and the reverse", () => {
  expect(renderSites([])).toBe("");
  expect(parseSites("")).toEqual([]);
});

test("the text read and rendered again is the same text, and the sites are the same sites", () => {
  fc.assert(
    fc.property(mixedListArbitrary, (input) => {
      const sites = accepted(input);
      const text = renderSites(sites);
      expect(renderSites(parseSites(text))).toBe(text);
      expect(parseSites(text)).toEqual([...sites].sort((one, other) => (one.name < other.name ? -1 : 1)));
      expect(accepted(parseSites(text))).toEqual(parseSites(text));
    }),
  );
});

test("the order of properties, of sets and of sites never shows in the text", () => {
  fc.assert(
    fc.property(mixedListArbitrary, (input) => {
      const shuffled = reversedKeys(input)
        .reverse()
        .map((site) => ({
          ...site,
          binds: [...site.binds].reverse(),
          ...(site.hostnames !== undefined && { hostnames: [...site.hostnames, ...site.hostnames].reverse() }),
        }));
      expect(renderSites(accepted(shuffled))).toBe(renderSites(accepted(input)));
    }),
  );
});

test("the text is neither JSON nor a YAML map or list, which the engine would print whole", () => {
  fc.assert(
    fc.property(mixedListArbitrary, (input) => {
      fc.pre(input.length > 0);
      const text = renderSites(accepted(input));
      expect(() => JSON.parse(text)).toThrow(SyntaxError);
      const document = parseDocument(text, { logLevel: "silent" });
      expect(document.errors.length === 0 && (isMap(document.contents) || isSeq(document.contents))).toBe(false);
    }),
  );
});

test.each([
  ["binds []", /line 1 .*starts with "site"/],
  ["site a\nbinds []", /line 2 .*not a property/],
  ["site a\n  binds [", /line 2 .*binds is not JSON/],
  ["site a\n  binds []\n  tls disabled\n\nsite b\n  bind []", /line 6 .*bind is not a property of a site/],
  ["site a\n  binds []\n  constructor 1\n  tls disabled", /line 3 .*constructor is not a property/],
  ["site a\n  binds []", /line 1 .*no binds or no tls/],
])("a damaged text is refused with its line: %j", (text, reason) => {
  expect(() => parseSites(text)).toThrow(reason);
});
