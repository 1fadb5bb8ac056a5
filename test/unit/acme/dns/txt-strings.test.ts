import fc from "fast-check";
import { expect, it } from "vitest";
import { renderTxt, splitTxt } from "../../../../provider/src/acme/dns/txt-strings";

it.each([
  ["", '""'],
  ["v=spf1 -all", '"v=spf1 -all"'],
  ['a"b\\c;d', '"a\\"b\\\\c;d"'],
  ["a\tb\u007f\u0000", '"a\\009b\\127\\000"'],
  ["ü", '"\\195\\188"'],
  ["x".repeat(255), `"${"x".repeat(255)}"`],
  ["x".repeat(256), `"${"x".repeat(255)}" "x"`],
])("a zone file has %j as %s", (value, text) => {
  expect(renderTxt(value)).toBe(text);
});

it("a value is cut into strings of at most 255 octets that are joined to it again, and no character is cut", () => {
  const long = fc.string({ unit: "grapheme", minLength: 100, maxLength: 900 });
  fc.assert(
    fc.property(fc.oneof(long, fc.string()), (value) => {
      const strings = splitTxt(value);
      expect(strings.join("")).toBe(value);
      for (const text of strings) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(255);
    }),
  );
  expect(splitTxt(`${"x".repeat(254)}ü`)).toEqual(["x".repeat(254), "ü"]);
});
