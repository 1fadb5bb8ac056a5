import { expect, test } from "vitest";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";
import { isAllAddresses, parseBind, readBind, renderBind } from "../../../../provider/src/gateway/model/bind";

test.each([
  ["0.0.0.0:8443", "0.0.0.0:8443"],
  [":8443", "0.0.0.0:8443"],
  ["Share.Example.COM:443", "share.example.com:443"],
  ["bücher.example:443", "xn--bcher-kva.example:443"],
  ["*.example.com:443", "*.example.com:443"],
  ["192.168.1.5:8080", "192.168.1.5:8080"],
  ["[::]:443", "[::]:443"],
  ["[2001:DB8:0:0::1]:65535", "[2001:db8::1]:65535"],
  ["localhost:1", "localhost:1"],
])("the bind %s is %s, and that is itself", (text, canonical) => {
  expect(renderBind(parseBind(text))).toBe(canonical);
  expect(renderBind(parseBind(canonical))).toBe(canonical);
  expect(readBind(canonical)).toEqual(parseBind(canonical));
});

test("only 0.0.0.0 and an empty host are all addresses", () => {
  expect(["0.0.0.0:1", ":1", "a.test:1", "127.0.0.1:1"].map((text) => isAllAddresses(parseBind(text)))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test.each([
  ["", /not host:port/],
  ["8443", /no colon.*Write :8443/],
  ["share.example.com", /no port/],
  ["share.example.com:", /not a port/],
  ["a.test:0", /"0" is not a port.*1 to 65535/],
  ["a.test:65536", /"65536" is not a port/],
  ["a.test:99999999999", /not a port/],
  ["a.test:080", /"080" is not a port.*plain digits/],
  ["a.test:+80", /not a port/],
  ["a.test:８０", /not a port/],
  ["a.test:443/path", /not a port/],
  ["https://a.test:443", /it is a URL/],
  ["*:80", /"\*" is not a host.*0\.0\.0\.0/],
  ["::1", /IPv6 address without brackets/],
  ["2001:db8::1:443", /IPv6 address without brackets/],
  ["[a.test]:443", /not an IPv6 address/],
  ["[fe80::1%eth0]:443", /not an IPv6 address/],
  ["a_b.test:443", /./],
  ["a..test:443", /./],
  ["a.*.test:443", /./],
  [" :443", /./],
  ["256.1.1.1:443", /./],
  ["a.test\n:443", /./],
])("the bind %j is refused with what is wrong and what to do", (text, reason) => {
  const error = refusal(text);
  expect(error.code).toBe("SITE_INVALID");
  expect(error.message).toMatch(reason);
  expect(error.hint).toMatch(/\w/);
});

test("10 MB in place of a bind make a short message", () => {
  expect(refusal(`${"x".repeat(10_000_000)}:443`).message.length).toBeLessThan(300);
});

function refusal(text: string): TlsError {
  try {
    parseBind(text);
  } catch (error) {
    if (isTlsError(error)) return error;
  }
  throw new Error(`${text} was not refused`);
}
