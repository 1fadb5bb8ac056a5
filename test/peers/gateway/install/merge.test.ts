// The merge of a JSON document in awk, under every awk that is there: JSON.parse says what it must come to, and every octet
// outside of the value is compared.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { jsonMergeAwk } from "../../../../provider/src/gateway/install/script/embedded-scripts";
import { describeWithPeer, peer } from "../../../support/peer";
import { fuzzRuns } from "../../../support/tier";

const folder = mkdtempSync(join(tmpdir(), "merge-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A document as it is written, and where `defaults.sites` stands in it. */
interface Written {
  readonly text: string;
  /** The text with a mark in place of the value, when there is one. */
  readonly marked?: string;
}

const mark = "\u0001";
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

/** A string as a writer may write it: any character escaped or not. */
const writtenString = (text: string): fc.Arbitrary<string> =>
  fc.array(fc.nat(3), { minLength: text.length, maxLength: text.length }).map((ways) => {
    const units = [...text].flatMap((sign) => {
      const code = sign.charCodeAt(0);
      const way = ways.shift() ?? 0;
      const hex = [...sign]
        .flatMap((one) => one.split(""))
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
      if (way === 0 || code < 0x20 || sign === '"' || sign === "\\") {
        return way === 1 && code >= 0x20
          ? `\\${sign}`
          : JSON.stringify(sign).slice(1, -1).startsWith("\\") && way !== 0
            ? JSON.stringify(sign).slice(1, -1)
            : hex;
      }
      return sign === "/" && way === 2 ? "\\/" : sign;
    });
    return `"${units.flat().join("")}"`;
  });

const anyString = fc
  .oneof(
    fc.string({ unit: "binary", maxLength: 8 }),
    // no key of `\\"` beside one of two backslashes, and none of a backslash alone beside one that begins with an escape:
    // JSON.parse of Node 24 takes the one for the other
    fc.constantFrom("defaults", "sites", 'a"b', "c\\", "b\\\\", ""),
  )
  .filter((text) => text !== "\\")
  .chain(writtenString);
const scalar = fc.oneof(
  anyString,
  fc.constantFrom("true", "false", "null", "0", "-0", "1.5e+3", "-12E-2", "123456789012345678901234567890"),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
);

function list(open: string, close: string, items: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(fc.tuple(space, items, space), { maxLength: 4 }), space)
    .map(([parts, empty]) =>
      parts.length === 0 ? `${open}${empty}${close}` : `${open}${parts.map((part) => part.join("")).join(",")}${close}`,
    );
}

const value: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    list("[", "]", tie("value")),
    list(
      "{",
      "}",
      fc
        .tuple(anyString, space, space, tie("value"))
        .map(([key, before, after, inner]) => `${key}${before}:${after}${inner}`),
    ),
  ),
})).value;

const member = (key: fc.Arbitrary<string>, inner: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(key, space, space, inner).map(([name, before, after, text]) => `${name}${before}:${after}${text}`);
const other = member(
  anyString.filter((text) => !["defaults", "sites"].includes(JSON.parse(text) as string)),
  value,
);
const named = (name: string): fc.Arbitrary<string> => writtenString(name);
const object = (members: fc.Arbitrary<readonly string[]>): fc.Arbitrary<string> =>
  fc
    .tuple(members, space, space)
    .map(([parts, before, after]) => `{${before}${parts.join(`${after},${before}`)}${after}}`);

/** Members before, duplicates that do not count, the one that counts, members after. */
const around = (earlier: fc.Arbitrary<string>, one: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> =>
  fc
    .tuple(fc.array(fc.oneof(other, earlier), { maxLength: 3 }), one, fc.array(other, { maxLength: 3 }))
    .map(([before, counts, after]) => [...before, counts, ...after]);

const document: fc.Arbitrary<Written> = fc
  .tuple(
    space,
    fc.oneof(
      object(
        around(
          member(named("defaults"), value),
          member(
            named("defaults"),
            object(around(member(named("sites"), value), member(named("sites"), fc.constant(mark)))),
          ),
        ),
      ),
      object(
        around(member(named("defaults"), value), member(named("defaults"), object(fc.array(other, { maxLength: 3 })))),
      ),
      object(fc.array(other, { maxLength: 4 })),
    ),
    value,
    space,
  )
  .map(([before, marked, sites, after]) =>
    marked.includes(mark)
      ? { text: `${before}${marked.replace(mark, () => sites)}${after}`, marked: `${before}${marked}${after}` }
      : { text: `${before}${marked}${after}` },
  );

const runs = fuzzRuns(40, 2000);

function tests(awk: readonly [string, ...string[]]): void {
  const merged = (from: string, into: string): { status: number | null; text: string; reason: string } => {
    const environment = {
      ...process.env,
      LC_ALL: "C",
      MERGE_FROM: join(folder, "from"),
      MERGE_INTO: join(folder, "into"),
    };
    writeFileSync(environment.MERGE_FROM, from);
    writeFileSync(environment.MERGE_INTO, into);
    const [program, ...args] = awk;
    const run = spawnSync(program, [...args, jsonMergeAwk], { env: environment, maxBuffer: 1 << 26 });
    return { status: run.status, text: run.stdout.toString(), reason: run.stderr.toString() };
  };
  const from = (sites: string): string => `{ "defaults" : {"sites": ${sites}\n} }\n`;

  it("replaces the value that counts, or inserts it, and keeps every other octet", () => {
    fc.assert(
      fc.property(document, value, ({ text, marked }, sites) => {
        JSON.parse(text);
        const result = merged(from(sites), text);
        expect(result).toMatchObject({ status: 0, reason: "" });
        if (marked !== undefined) expect(result.text).toBe(marked.replace(mark, () => sites));
        else expect(withoutOne(result.text, sites)).toContain(text);
        const before = JSON.parse(text) as { defaults?: object };
        expect(JSON.parse(result.text)).toEqual({
          ...before,
          defaults: { ...before.defaults, sites: JSON.parse(sites) },
        });
        // with its own value nothing changes
        expect(merged(result.text, result.text).text).toBe(result.text);
      }),
      { numRuns: runs },
    );
  });

  it("says of every damaged document what JSON.parse says", () => {
    const damage = fc.tuple(
      fc.nat(),
      fc.constantFrom("", ",", ":", "{", "}", "[", "]", '"', "\\", "0", "-", ".", "e", "t", "\u0001", "\n"),
      fc.nat(2),
    );
    fc.assert(
      fc.property(document, damage, ({ text }, [at, sign, gone]) => {
        const place = at % (text.length + 1);
        const damaged = text.slice(0, place) + sign + text.slice(place + gone);
        // half a character can't be written down
        fc.pre(Buffer.from(damaged).toString() === damaged);
        let parsed: unknown;
        try {
          parsed = JSON.parse(damaged);
        } catch {
          expect(merged(from("[]"), damaged)).toMatchObject({
            status: 1,
            reason: expect.stringMatching(/^it is not /),
          });
          return;
        }
        const has = typeof parsed === "object" && parsed !== null && Object.hasOwn(parsed, "defaults");
        const defaults = has ? (parsed as { defaults: unknown }).defaults : {};
        const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
        const fits = isObject && typeof defaults === "object" && defaults !== null && !Array.isArray(defaults);
        expect(merged(from("[]"), damaged).status).toBe(fits ? 0 : 1);
      }),
      { numRuns: runs * 2 },
    );
  });

  it("takes documents of megabytes", () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => ({ index, name: `a"${index}`, list: [index, null] }));
    const text = JSON.stringify({ rows, defaults: { sites: [1], other: true } });
    expect(merged(from("[2]"), text).text).toBe(text.replace('"sites":[1]', '"sites":[2]'));
  });
}

/** The text without the sites that were inserted into it. */
function withoutOne(text: string, sites: string): readonly string[] {
  const inserted = [`"defaults":{"sites":${sites}}`, `"sites":${sites}`];
  return inserted
    .flatMap((part) => [`${part},`, part])
    .flatMap((part) => {
      const found: string[] = [];
      for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1))
        found.push(text.slice(0, at) + text.slice(at + part.length));
      return found;
    });
}

describe("sites merged into a JSON document", () => {
  for (const name of ["mawk", "gawk", "original-awk"]) {
    const found = peer(name);
    if (found !== undefined) describe(`by ${name}`, () => tests([found.path]));
  }
  describeWithPeer("awk", ({ path }) => tests([path]));
  describeWithPeer("busybox", ({ path }) => tests([path, "awk"]));
});
