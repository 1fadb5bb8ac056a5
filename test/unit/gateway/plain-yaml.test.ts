import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { type PlainTree, renderPlainYaml } from "../../../provider/src/gateway/plain-yaml";

test("a reader of YAML 1.1 or 1.2 gets the same tree back", () => {
  const tricky = fc.constantFrom(
    "no",
    "1:30",
    "0x1",
    "~",
    "",
    "- a",
    "a: b",
    "#",
    "{$HOME}",
    "é\n\t\u0007",
    "=",
    "<<",
    "1e3",
  );
  const { tree } = fc.letrec<{ tree: PlainTree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      tricky,
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{4,9}$/), tie("tree"), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      const text = renderPlainYaml(value);
      expect(parse(text, { version: "1.2" })).toEqual(value);
      expect(parse(text, { version: "1.1" })).toEqual(value);
    }),
    { numRuns: 500 },
  );
});

test("what is undefined is left away", () => {
  expect(renderPlainYaml({ a: undefined, b: [{ c: undefined }] })).toBe("b:\n  - {}\n");
});
