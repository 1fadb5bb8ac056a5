import fc from "fast-check";
import { expect, test } from "vitest";
import { isSameValue } from "../../../provider/src/lifecycle/lifecycle";
import { reversedKeys } from "../../support/gateway/site-arbitraries";

test("a value is the same as itself in another order of keys", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(isSameValue(value, reversedKeys(structuredClone(value)))).toBe(true);
    }),
  );
});

test("null, undefined and absent say the same, also inside", () => {
  expect(isSameValue({ a: null, b: { c: undefined } }, { b: {} })).toBe(true);
  expect(isSameValue(null, undefined)).toBe(true);
});

test.each<[string, unknown, unknown]>([
  ["a list in another order", [1, 2], [2, 1]],
  ["a longer list", [1], [1, 2]],
  ["a list and an object of the same entries", [1], { 0: 1 }],
  ["zero and nothing", 0, null],
  ["a number and its text", 1, "1"],
  ["another value far inside", { a: [{ b: 1 }] }, { a: [{ b: 2 }] }],
  ["one property more", { a: 1 }, { a: 1, b: false }],
])("%s differ, whichever comes first", (_, one, other) => {
  expect(isSameValue(one, other)).toBe(false);
  expect(isSameValue(other, one)).toBe(false);
});
