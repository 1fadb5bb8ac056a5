import { expect, test } from "vitest";
import {
  parseAddressRange,
  parseEmailAddress,
  parseExternalUrl,
  parseHeaderName,
  parseHeaderValue,
  parseName,
  parseRewrite,
  parseRoute,
  parseServerPath,
  parseSiteHostname,
} from "../../../../provider/src/gateway/model/fields";

test.each([
  [parseExternalUrl, "HTTPS://Share.Example.com:443/", "https://share.example.com"],
  [parseExternalUrl, "http://share.example.com:80", "http://share.example.com"],
  [parseExternalUrl, "https://share.example.com:8443", "https://share.example.com:8443"],
  [parseExternalUrl, "https://[2001:db8::0:1]:80", "https://[2001:db8::1]:80"],
  [parseAddressRange, "10.0.0.0/8", "10.0.0.0/8"],
  [parseAddressRange, "10.0.0.5/32", "10.0.0.5"],
  [parseAddressRange, "0.0.0.0/0", "0.0.0.0/0"],
  [parseAddressRange, "2001:DB8:0::/33", "2001:db8::/33"],
  [parseEmailAddress, "admin+tls@Example.com", "admin+tls@example.com"],
  [parseHeaderName, "X-Frame-Options", "X-Frame-Options"],
  [parseHeaderValue, 'max-age=1; a="b"', 'max-age=1; a="b"'],
  [parseServerPath, "/etc/ssl/web.pem", "/etc/ssl/web.pem"],
  [parseServerPath, "C:\\certs\\web.pem", "C:\\certs\\web.pem"],
  [parseRoute, "*", "*"],
  [parseRewrite, "/p/public", "/p/public"],
  [parseName, "my site: one", "my site: one"],
  [parseSiteHostname, "Cells.Internal", "cells.internal"],
])("%o takes %s as %s, and that is itself", (parse, text, canonical) => {
  expect(parse(text)).toBe(canonical);
  expect(parse(canonical)).toBe(canonical);
});

test.each([
  [parseExternalUrl, "share.example.com", /no scheme/],
  [parseExternalUrl, "ftp://a.test", /neither http nor https/],
  [parseExternalUrl, "https://a.test/path", /path, query or fragment/],
  [parseExternalUrl, "https://a.test?x", /path, query or fragment/],
  [parseExternalUrl, "https://user@a.test", /user name/],
  [parseExternalUrl, "https://a.test:70000", /70000 is not a port/],
  [parseExternalUrl, "https://a.test:x", /port is not a number/],
  [parseExternalUrl, "https://", /no host/],
  [parseExternalUrl, "https://*.a.test", /wildcard/],
  [parseExternalUrl, "https://{$HOME}", /./],
  [parseAddressRange, "10.0.0.5/8", /bits beyond its prefix/],
  [parseAddressRange, "10.0.0.0/33", /from 0 to 32/],
  [parseAddressRange, "10.0.0.0/08", /from 0 to 32/],
  [parseAddressRange, "10.0.0.0/8/8", /it is none/],
  [parseAddressRange, "a.test", /it is none/],
  [parseEmailAddress, "admin", /no @/],
  [parseEmailAddress, "admin@localhost", /no dot/],
  [parseEmailAddress, "{$HOME}@a.test", /./],
  [parseEmailAddress, "a b@c.test", /./],
  [parseHeaderName, "X Frame", /it is none/],
  [parseHeaderName, "-Server", /it is none/],
  [parseHeaderName, "X:", /it is none/],
  [parseHeaderValue, "a\r\nSet-Cookie: b", /line break/],
  [parseHeaderValue, "{http.request.uri}", /brace/],
  [parseHeaderValue, "grün", /visible ASCII/],
  [parseHeaderValue, " a", /starts or ends with a space/],
  [parseHeaderValue, "", /empty/],
  [parseServerPath, "certs/web.pem", /not absolute/],
  [parseServerPath, '/a"b', /holds one of/],
  [parseServerPath, "/a{$X}", /holds one of/],
  [parseServerPath, "/etc/ssl/", /folder/],
  [parseServerPath, "/a\nb", /invisible/],
  [parseRoute, "a b", /it is none/],
  [parseRewrite, "p", /no plain path/],
  [parseRewrite, "/p/", /no plain path/],
  [parseRewrite, "/../p", /as a step/],
  [parseRewrite, "/{uri}", /no plain path/],
  [parseName, "", /0 characters/],
  [parseName, "a\nb", /invisible/],
  [parseName, " a", /space/],
  [parseSiteHostname, "10.0.0.1:443", /port/],
])("%o refuses %j", (parse, text, reason) => {
  expect(() => parse(text)).toThrow(reason);
});

test("a range with bits beyond its prefix is answered with the range that was meant", () => {
  expect(() => parseAddressRange("10.1.2.3/8")).toThrow("The range is 10.0.0.0/8.");
  expect(() => parseAddressRange("192.168.1.130/25")).toThrow("The range is 192.168.1.128/25.");
  expect(() => parseAddressRange("2001:db8::1/32")).toThrow("The range is 2001:db8::/32.");
});
