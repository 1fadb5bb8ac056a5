import fc from "fast-check";
import { expect, test } from "vitest";
import { cells } from "../../../../provider/src/gateway/cells/cells";
import { acceptedSites } from "../../../support/gateway/cells-sites";
import { siteListArbitrary } from "../../../support/gateway/site-arbitraries";

const v4 = cells.parseOptions({});
const plain = { tls: "disabled" };
const self = { tls: { selfSigned: {} } };
const file = { tls: { certificate: { certFile: "/a", keyFile: "/b" } } };
const le = { tls: { letsEncrypt: { email: "a@b.test", acceptEula: true } } };

/** Two sites, a and b. */
function problems(a: object, b?: object, options: object = {}): readonly string[] {
  const sites = acceptedSites({ name: "a", ...a }, ...(b === undefined ? [] : [{ name: "b", ...b }]));
  return cells
    .checkSites(sites, cells.parseOptions(options))
    .map(
      ({ site, otherSite, property, reason }) =>
        `${site}${otherSite === undefined ? "" : `+${otherSite}`} ${property}: ${reason}`,
    );
}

test.each<[string, object, object]>([
  ["two hosts on one port", { ...file, binds: ["a.test:443"] }, { ...self, binds: ["b.test:443"] }],
  ["a host beside all addresses on one port", { ...file, binds: ["a.test:443"] }, { ...self, binds: [":443"] }],
  ["TLS and plain on two ports", { ...file, binds: [":443"] }, { ...plain, binds: [":80"] }],
  [
    "redirects of two hosts",
    { ...file, binds: ["a.test:443"], redirectToHttps: true },
    { ...file, binds: ["b.test:443"], redirectToHttps: true },
  ],
  [
    "a redirect of one host beside a plain other host",
    { ...file, binds: ["a.test:443"], redirectToHttps: true },
    { ...plain, binds: ["b.test:80"] },
  ],
  ["Let's Encrypt for one host on two ports", { ...le, binds: ["a.test:443"] }, { ...le, binds: ["a.test:8443"] }],
  ["two files for one host on two ports", { ...file, binds: ["a.test:443"] }, { ...self, binds: ["a.test:8443"] }],
  ["one certificate in two sites", certificate("web", ":443"), certificate("web", ":8443")],
  ["one CA in two sites", signed("ca", "a.test:443"), signed("ca", "b.test:443")],
])("%s are fine", (_, a, b) => {
  expect(problems(a, b)).toEqual([]);
});

test.each<[string, object, object, RegExp]>([
  [
    "the same bind",
    { ...file, binds: [":443"] },
    { ...file, binds: ["0.0.0.0:443"] },
    /^b\+a binds: 0\.0\.0\.0:443 is a bind of site "a" too/,
  ],
  [
    "the same host and port",
    { ...file, binds: ["a.test:443"] },
    { ...file, binds: ["A.test:443"] },
    /^b\+a binds: a\.test:443/,
  ],
  [
    "TLS and plain on one port",
    { ...file, binds: ["a.test:8443"] },
    { ...plain, binds: ["b.test:8443"] },
    /^b\+a binds: b\.test:8443 is for plain HTTP, and a\.test:8443 of site "a" is for TLS/,
  ],
  [
    "two redirects of all hosts",
    { ...file, binds: [":443"], redirectToHttps: true },
    { ...file, binds: [":8443"], redirectToHttps: true },
    /^b\+a redirectToHttps: the bind 0\.0\.0\.0:8443 makes a redirect at http:\/\/:80 for every host, where site "a" redirects for 0\.0\.0\.0:443/,
  ],
  [
    "two redirects of one host",
    { ...file, binds: ["a.test:443"], redirectToHttps: true },
    { ...file, binds: ["a.test:8443"], redirectToHttps: true },
    /^b\+a redirectToHttps: .*http:\/\/a\.test,/,
  ],
  [
    "a redirect over a plain site",
    { ...file, binds: [":443"], redirectToHttps: true },
    { ...plain, binds: [":80"] },
    /^a\+b redirectToHttps: .*where site "b" is bound to it/,
  ],
  [
    "Let's Encrypt and a file for one host",
    { ...file, binds: ["a.test:8443"] },
    { ...le, binds: ["a.test:443"] },
    /^b\+a tls: a\.test gets its certificate from Let's Encrypt as a@b\.test here and from a file in site "a"/,
  ],
  [
    "Let's Encrypt and its staging for one host",
    { ...le, binds: ["a.test:8443"] },
    { tls: { letsEncrypt: { ...le.tls.letsEncrypt, staging: true } }, binds: ["a.test:443"] },
    /^b\+a tls: .*staging/,
  ],
  [
    "a CA and none",
    signed("local", "a.test:443"),
    { ...self, binds: ["b.test:443"] },
    /^b\+a tls\.selfSigned\.ca: no ca here and CA "local" in site "a": with a CA its key is not on the server/,
  ],
  [
    "two CAs",
    signed("one", "a.test:443"),
    signed("two", "b.test:443"),
    /^b\+a tls\.selfSigned\.ca: CA "two" here and CA "one" in site "a", but Cells has one root/,
  ],
  [
    "a name that is another's key file",
    certificate("web", ":443"),
    certificate("web-key", ":8443"),
    /^b\+a tls: the file \/var\/cells\/certs\/web-key\.pem would hold certificate "web-key" and, for site "a", the key of certificate "web"/,
  ],
  [
    "two gRPC ports",
    { ...plain, binds: [":80"], grpcPort: 1 },
    { ...plain, binds: [":81"], grpcPort: 2 },
    /^b\+a grpcPort: 2 here and 1 in site "a"/,
  ],
  [
    "a bind on the gRPC port",
    { ...plain, binds: [":80"] },
    { ...file, binds: [":33060"] },
    /^b\+a binds: 0\.0\.0\.0:33060 has the port of the separate gRPC service \(33060\)/,
  ],
])("%s collide, and the message names both sites", (_, a, b, reason) => {
  expect(problems(a, b)).toEqual([expect.stringMatching(reason)]);
});

test.each<[string, object, RegExp]>([
  ["IPv6", { ...file, binds: ["[::]:443"] }, /^a binds: \[::\]:443: Cells splits binds at the colon/],
  ["an address that holds 0.0.0.0", { ...file, binds: ["10.0.0.0:8443"] }, /cuts "0\.0\.0\.0" out/],
  ["TLS on port 80", { ...file, binds: [":80"] }, /never speaks TLS on port 80/],
  ["plain HTTP on port 443", { ...plain, binds: [":443"] }, /never speaks plain HTTP on port 443/],
  [
    "Let's Encrypt on all addresses",
    { ...le, binds: [":443"] },
    /^a binds: 0\.0\.0\.0:443: Let's Encrypt needs a host name/,
  ],
  [
    "a redirect of a wildcard",
    { ...file, binds: ["*.a.test:443"], redirectToHttps: true },
    /redirect to the wildcard itself/,
  ],
  [
    "a redirect of one host to two ports",
    { ...file, binds: ["a.test:443", "a.test:8443"], redirectToHttps: true },
    /^a redirectToHttps: the binds a\.test:443 and a\.test:8443 share a host/,
  ],
  [
    "a name that no bind answers",
    { ...file, binds: ["a.test:443"], hostnames: ["b.test"] },
    /^a hostnames: b\.test: Cells answers only the hosts of the binds \(a\.test\)/,
  ],
  [
    "headers on Cells 4",
    { ...file, binds: [":443"], headers: [{ on: "response", action: "remove", name: "Server" }] },
    /^a headers: Cells 4 has no changes of headers.*version: "5"/,
  ],
  [
    "a CA and no name",
    { tls: { selfSigned: { ca: "local" } }, binds: [":443"] },
    /^a hostnames: a certificate of CA "local" needs names/,
  ],
  ["a certificate of an odd name", certificate("a/b", ":443"), /^a tls\.certificate\.name: "a\/b" names the files/],
  [
    "a certificate in place of the root",
    certificate("rootCA", ":443"),
    /rootCA\.pem of certificate "rootCA" is one that Cells keeps/,
  ],
])("%s is refused", (_, site, reason) => {
  expect(problems(site)[0]).toMatch(reason);
});

test("a quote in a header is refused on Cells 5", () => {
  const headers = [{ on: "response", action: "set", name: "X-A", value: 'a "b"' }];
  expect(problems({ ...file, binds: [":443"], headers }, undefined, { version: "5" })).toEqual([
    expect.stringMatching(/^a headers\[0\]\.value: .*double quote/),
  ]);
});

test("a wildcard bind answers the names that it covers", () => {
  expect(problems({ ...file, binds: ["*.a.test:443"], hostnames: ["b.a.test"] })).toEqual([]);
});

test("two sites of one name are refused", () => {
  const site = { name: "a", tls: "disabled" };
  const sites = acceptedSites({ ...site, binds: ["a.test:80"] }, { ...site, binds: ["b.test:80"] });
  expect(cells.checkSites(sites, v4)).toEqual([
    expect.objectContaining({ site: "a", otherSite: "a", property: "name" }),
  ]);
});

test("the order of sites never changes what is found", () => {
  fc.assert(
    fc.property(siteListArbitrary, (input) => {
      const sites = acceptedSites(...input);
      expect(cells.checkSites([...sites].reverse(), v4)).toEqual(cells.checkSites(sites, v4));
    }),
  );
});

function certificate(name: string, bind: string): object {
  return { tls: { certificate: { name } }, binds: [bind] };
}

function signed(ca: string, bind: string): object {
  return { tls: { selfSigned: { ca } }, binds: [bind] };
}
