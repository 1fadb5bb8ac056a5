import { expect, test } from "vitest";
import { parseCondition } from "../../../../provider/src/gateway/model/condition";

test.each([
  "not remote_ip 10.0.0.0/8 192.168.1.1",
  "remote_ip private_ranges",
  "path /a /b*",
  'path "/a b"',
  "header X-Debug *",
  "header_regexp agent User-Agent ^curl",
  "method GET HEAD",
  "protocol https",
  "query debug=1",
  "expression true",
  "vars_regexp a b",
])("the line %s is taken as it is", (line) => {
  expect(parseCondition(line)).toBe(line);
});

test("spaces between words are made single", () => {
  expect(parseCondition("  not \t path   /a  ".replace("\t", ""))).toBe("not path /a");
});

test.each([
  ["path /a\nrespond hacked", /line break/],
  ["path /a\r", /line break/],
  ["path {http.request.uri}", /brace/],
  ["path /a }", /brace/],
  ["path /a \\", /backslash/],
  ["path `/a`", /backtick/],
  ["path <<END", /<</],
  ["path /a # more", /comment/],
  ['path "/a', /double quote/],
  ['path /a"b"', /double quote/],
  ["", /none of Caddy's matchers/],
  ["not", /none of Caddy's matchers/],
  ["not not path /a", /none of Caddy's matchers/],
  ["respond hacked", /none of Caddy's matchers.*client_ip/],
  ["constructor x", /none of Caddy's matchers/],
  ["import other", /none of Caddy's matchers/],
  ["path", /path takes at least 1 arguments, found 0/],
  ["header X", /header takes 2 arguments, found 1/],
  ["header !X a", /"!X" is not the name of a header/],
  ["host a.test b.test A.test", /host "A\.test" stands there twice/],
  ["query a", /"a" is not name=value/],
  ["remote_ip 10.0.0.0/33", /prefix length/],
  ["client_ip everyone", /address range "everyone"/],
  ["path /\u0007", /invisible/],
  ["path /\u2028x", /invisible/],
])("the line %j is refused", (line, reason) => {
  expect(() => parseCondition(line)).toThrow(reason);
});
