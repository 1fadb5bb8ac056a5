import { describe, expect, it, test } from "vitest";
import { z } from "zod";
import { renderFailure } from "../../../../provider/src/adapter/failures";
import { TlsError } from "../../../../provider/src/errors";
import { attempt, attemptEach, failureOf, known, parseInputs } from "../../../../provider/src/lifecycle/input/parse";
import { UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { nearest } from "../../../../provider/src/text/nearest";

const shape = {
  secret: z.string("expected text"),
  days: z.number("expected a number of days").optional(),
  kind: z.enum(["one", "other"], "expected one or other").optional(),
  name: z.strictObject({ first: z.string("expected text").optional() }, "expected { first }").optional(),
  list: z.array(z.string("expected a name"), "expected a list").max(9, "has more than 9 names").optional(),
};
const secret = "hunter2-hunter2";

describe("inputs by their schemas", () => {
  it("are taken where they are valid; null and undefined are absent", () => {
    const { values } = parseInputs(shape, { secret, days: null, kind: undefined, list: ["a"] });
    expect(values).toEqual({ secret, list: ["a"] });
  });

  it("stay unknown where a preview does not know them, also where they are required", () => {
    expect(parseInputs(shape, { secret: UNKNOWN }).values).toEqual({ secret: UNKNOWN });
  });

  test.each<[string, object, string]>([
    ["a missing property", { secret: undefined }, "secret: is missing, expected text."],
    ["null for a required one", { secret: null }, "secret: is missing, expected text."],
    ["another type", { days: "many" }, "days: found a text, expected a number of days."],
    ["a secret of another type", { secret: 123456 }, "secret: found a number, expected text."],
    ["a secret in a list", { secret: [secret] }, "secret: found a list, expected text."],
    ["another word", { kind: "third" }, 'kind: found "third", expected one or other.'],
    [
      "an object with a length that is none",
      { list: { length: { toString: null } } },
      "list: found an object that can't be judged.",
    ],
    ["an object for a text", { list: [{}] }, "list[0]: found an object, expected a name."],
    ["null inside", { list: [null] }, "list[0]: found null, expected a name."],
    [
      "an unknown property inside",
      { name: { frist: "x" } },
      "name.frist: there is no such property, expected { first }.",
    ],
    ["an unknown property", { kinds: "one" }, "kinds: there is no such property; did you mean kind?"],
    ["an unknown property unlike any", { colour: "red" }, "colour: there is no such property."],
    ["an unknown property that is unknown", { colour: UNKNOWN }, "colour: there is no such property."],
    ["a property with a line break", { "a\nb": 1 }, '"a\\u{a}b": there is no such property.'],
  ])("refuse %s with one failure, and never show the value of a text", (_, change, failure) => {
    const failures = parseInputs(shape, { secret, ...change }).failures?.map(renderFailure);
    expect(failures).toEqual([failure]);
    expect(failures?.join()).not.toMatch(/hunter2|123456/);
  });

  it("refuse __proto__ and constructor like any other name", () => {
    const news = JSON.parse(`{"secret":"x","__proto__":{"days":1},"constructor":1}`);
    expect(parseInputs(shape, news).failures?.map(renderFailure)).toEqual([
      "__proto__: there is no such property.",
      "constructor: there is no such property.",
    ]);
  });

  it("tell every fault at once", () => {
    expect(parseInputs(shape, { days: "x", kind: 1, list: [1, 2] }).failures).toHaveLength(5);
  });
});

describe("a failure", () => {
  it("has its path once, in front, and ends its sentences", () => {
    expect(renderFailure(failureOf("a.b", "a.b: is wrong", "Correct it"))).toBe("a.b: is wrong. Hint: Correct it.");
    expect(renderFailure(failureOf("a", "did you mean b?"))).toBe("a: did you mean b?");
  });

  it("of a parser is returned, anything else is thrown", () => {
    const bad = () => {
      throw new TlsError("PEM_INVALID", "certPem: is cut short", { hint: "Copy it whole." });
    };
    const { value, failures } = attempt("certPem", "text", bad);
    expect(value).toBeUndefined();
    expect(failures.map(renderFailure)).toEqual(["certPem: is cut short. Hint: Copy it whole."]);
    expect(() =>
      attempt("certPem", "text", () => {
        throw new RangeError("a mistake");
      }),
    ).toThrow(RangeError);
    expect(attempt("certPem", "text", (text) => text.length)).toEqual({ value: 4, failures: [] });
    expect(attempt("certPem", undefined, bad)).toEqual({ failures: [] });
  });

  it("of one text of a list names its place, and the other texts are read", () => {
    const parse = (text: string) => {
      if (text === "bad") throw new TlsError("PEM_INVALID", "is cut short");
      return text.toUpperCase();
    };
    const { value, failures } = attemptEach("names", ["a", "bad", "b"], parse);
    expect(value).toEqual(["A", "B"]);
    expect(failures.map(renderFailure)).toEqual(["names[1]: is cut short."]);
  });
});

test("a value is known unless it is the mark or absent", () => {
  expect([known(0), known(""), known(UNKNOWN), known(undefined)]).toEqual([0, "", undefined, undefined]);
});

test("the nearest word is the one with the fewest edits, case aside, if they are few", () => {
  expect(nearest("keytype", ["keyType", "subject"])).toBe("keyType");
  expect(nearest("hostname", ["hostnames", "usage"])).toBe("hostnames");
  expect(nearest("zzz", ["keyType"])).toBeUndefined();
  expect(nearest("x".repeat(10_000_000), ["keyType"])).toBeUndefined();
});
