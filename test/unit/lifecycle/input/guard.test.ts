import { expect, test } from "vitest";
import { findExcess, type InputLimits } from "../../../../provider/src/lifecycle/input/guard";

const limits: InputLimits = { text: 10, entries: 3, properties: 2, depth: 2, values: 8 };
const cycle: Record<string, unknown> = {};
cycle.self = cycle;

test.each<[string, unknown, string, RegExp]>([
  ["a long text", { a: ["x".repeat(11)] }, "a[0]", /11 characters, expected at most 10/],
  ["a long list", { a: [1, 2, 3, 4] }, "a", /4 entries, expected at most 3/],
  ["many properties", { a: { b: 1, c: 1, d: 1 } }, "a", /3 properties, expected at most 2/],
  ["deep nesting", { a: [[1]] }, "a[0]", /more than 2 levels/],
  ["a cycle", cycle, "self.self", /more than 2 levels/],
  ["many values", { a: [1, 2, 3], b: [1, 2, 3] }, "b[2]", /more than 8 values/],
  ["a long name of a property", { ["k".repeat(65)]: 1 }, "", /65 characters/],
])("%s is found, with its path", (_, input, path, reason) => {
  expect(findExcess(input, limits)).toEqual({ path, reason: expect.stringMatching(reason) });
});

test("what is within the limits is not", () => {
  for (const input of [{ a: ["x".repeat(10), 1, 2], b: 1 }, [], null, "text", { a: {} }]) {
    expect(findExcess(input, limits)).toBeUndefined();
  }
});
