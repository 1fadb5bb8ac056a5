import { expect, test } from "vitest";
import { trim, trimEnd } from "../../../provider/src/text/trim";

test.each([
  ["", "", ""],
  ["  a b ", "  a b", "a b"],
  ["\t a\u00a0", "\t a\u00a0", "a\u00a0"],
  ["   ", "", ""],
])("%j loses the given characters at its ends alone", (text, atEnd, atBoth) => {
  expect(trimEnd(text, " \t")).toBe(atEnd);
  expect(trim(text, " \t")).toBe(atBoth);
});
