import { expect, test } from "vitest";
import { type SiteData, selfSignedHostnames, siteNames, siteUrl } from "../../../../provider/src/gateway/model/site";

const plain = { name: "web", binds: ["0.0.0.0:8443"], tls: { selfSigned: {} } } satisfies SiteData;

test.each<[Partial<SiteData>, string]>([
  [{ externalUrl: "https://share.example.com" }, "https://share.example.com"],
  [{ binds: ["a.test:443"] }, "https://a.test"],
  [{ binds: ["a.test:8443"] }, "https://a.test:8443"],
  [{ binds: ["a.test:80"], tls: "disabled" }, "http://a.test"],
  [{ binds: ["a.test:8443", "b.test:443"] }, "https://a.test:8443"],
  [{ hostnames: ["10.0.0.5", "cells.internal"] }, "https://cells.internal:8443"],
  [{ hostnames: ["*.cells.internal", "10.0.0.5"] }, "https://10.0.0.5:8443"],
  [{ hostnames: ["2001:db8::1"] }, "https://[2001:db8::1]:8443"],
  [{ binds: ["0.0.0.0:443", "0.0.0.0:8443"], hostnames: ["a.test"] }, "https://a.test"],
  [{}, "https://localhost:8443"],
])("the URL of a site with %j is %s", (properties, url) => {
  expect(siteUrl({ ...plain, ...properties })).toBe(url);
});

test("a site's names are its host names and the hosts of its binds, without all addresses", () => {
  const site = { ...plain, binds: ["0.0.0.0:1", "[::]:1", "b.test:1", "b.test:2"], hostnames: ["a.test", "b.test"] };
  expect(siteNames(site)).toEqual(["a.test", "b.test"]);
});

test("self-signed names are those given for the certificate, else the site's", () => {
  const site = { ...plain, hostnames: ["a.test"] };
  expect(selfSignedHostnames(site)).toEqual(["a.test"]);
  expect(selfSignedHostnames({ ...site, tls: { selfSigned: { hostnames: ["c.test", "b.test"] } } })).toEqual([
    "b.test",
    "c.test",
  ]);
  expect(selfSignedHostnames(plain)).toEqual([]);
});
