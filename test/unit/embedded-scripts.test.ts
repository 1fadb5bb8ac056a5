// Guards that the shell scripts and awk programs which the provider carries are those of the .sh and .awk files.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it, test } from "vitest";
import { shellFragment } from "../../provider/src/gateway/syntax/shell";
import { embeddedModules, findScripts } from "../../scripts/lib/embed-scripts.mjs";

const source = resolve(import.meta.dirname, "../../provider/src");
const modules = [...embeddedModules()];

test.each(modules)("%s holds the scripts of its folder; `npm run build` makes it", (path, text) => {
  expect(existsSync(path)).toBe(true);
  expect(readFileSync(path, "utf8")).toBe(text);
});

test("every module of embedded scripts has a script", () => {
  const found = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith("embedded-scripts.ts"))
    .map((file) => join(source, file));
  expect(modules.map(([path]) => path).sort()).toEqual(found.sort());
  expect(findScripts().length).toBeGreaterThan(modules.length);
});

test("no embedded script holds a comment for readers of its file, or a directive for shellcheck", () => {
  for (const [, text] of modules) expect(text).not.toMatch(/(\\n|= ")\s*(##|# shellcheck)/);
});

test("what stands in single quotes of a script holds none", () => {
  const programs = findScripts().filter((file) => file.endsWith(".awk"));
  expect(programs).not.toEqual([]);
  for (const file of programs) expect(readFileSync(file, "utf8")).not.toContain("'");
});

it("fills placeholders as they are, each with a value and no value without one", () => {
  expect(shellFragment("a '@one@' \"$@\" @one@\n", { one: "$& @two@" })).toBe("a '$& @two@' \"$@\" $& @two@");
  expect(() => shellFragment("a @one@\n")).toThrow("no value for @one@");
  expect(() => shellFragment("a\n", { one: "" })).toThrow("no placeholder for one");
});
