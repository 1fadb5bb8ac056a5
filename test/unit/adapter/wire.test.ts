import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  readUnknowns,
  renderUnknowns,
  type WireProperties,
  withoutUndefined,
  wrapSecrets,
} from "../../../provider/src/adapter/wire";
import { UNKNOWN } from "../../../provider/src/lifecycle/lifecycle";

/** As in pulumi/pulumi, sdk/nodejs/runtime/rpc.ts. */
const mark = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const envelope = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

describe("the mark of an unknown value", () => {
  it("makes the whole top-level property unknown, however deep it stands", () => {
    const read = readUnknowns({ a: mark, b: ["x", { c: mark }], d: { e: ["f"] }, g: null, h: `x${mark}` });
    expect(read).toEqual({ a: UNKNOWN, b: UNKNOWN, d: { e: ["f"] }, g: null, h: `x${mark}` });
  });

  it("is written back for what is unknown", () => {
    expect(renderUnknowns({ a: UNKNOWN, b: [1], c: undefined })).toEqual({ a: mark, b: [1], c: undefined });
  });

  it("survives the way there and back", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(fc.jsonValue(), fc.constant(mark))), (properties) => {
        expect(renderUnknowns(readUnknowns(properties))).toEqual(properties);
      }),
    );
  });
});

describe("the envelope of a secret", () => {
  const names = new Set(["key"]);

  it("is put around each named property, and around nothing else", () => {
    expect(wrapSecrets({ key: "k", other: "o" }, names)).toEqual({ key: { ...envelope, value: "k" }, other: "o" });
    expect(wrapSecrets({ key: "" }, names)).toEqual({ key: { ...envelope, value: "" } });
  });

  it("is not put around what is absent, unknown or wrapped already", () => {
    for (const key of [null, mark, { ...envelope, value: "k" }]) {
      expect(wrapSecrets({ key }, names)).toEqual({ key });
    }
  });
});

test("undefined is dropped at any depth, and a place in a list kept", () => {
  const value = { a: undefined, b: { c: undefined, d: [undefined, { e: undefined }, 1] }, f: null };
  expect(withoutUndefined(value)).toEqual({ b: { d: [null, {}, 1] }, f: null });
  expect(Object.keys(withoutUndefined(value))).toEqual(["b", "f"]);
});

test("a property called __proto__ stays a property on every way", () => {
  const given = JSON.parse('{"__proto__":{"x":1},"a":{"__proto__":[1]}}') as WireProperties;
  for (const way of [
    readUnknowns,
    renderUnknowns,
    withoutUndefined,
    (all: WireProperties) => wrapSecrets(all, new Set()),
  ]) {
    expect(JSON.stringify(way(given))).toBe(JSON.stringify(given));
  }
});
