import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseSites, renderSites } from "../../../../provider/src/gateway/model/text";
import { UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { gateway } from "../../../../provider/src/lifecycle/site/gateway";
import { checkSiteListInput } from "../../../../provider/src/lifecycle/site/schema";
import { checked, created, refused, TODAY } from "../../../support/engine/lifecycle";
import { reversedKeys, siteListArbitrary } from "../../../support/gateway/site-arbitraries";

const web = { name: "web", binds: ["share.test:443"], tls: { selfSigned: {} } };
const api = { name: "api", binds: [":8080"], tls: "disabled" };

function args(sites: readonly unknown[], change: object = {}): Record<string, unknown> {
  return { name: "cells", kind: "cells", sites: JSON.stringify(sites), ...change };
}

describe("check", () => {
  it("keeps all sites as one text, sorted by name, that is neither JSON nor YAML", () => {
    const { sites } = checked(gateway, args([web, api]));
    expect(sites).toBe(
      'site api\n  binds ["0.0.0.0:8080"]\n  tls disabled\n\nsite web\n  binds ["share.test:443"]\n  tls selfSigned {}\n',
    );
  });

  it("makes the same text of the same sites, whatever their order and that of their keys", () => {
    fc.assert(
      fc.property(siteListArbitrary, (list) => {
        const judged = checkSiteListInput(list);
        fc.pre("sites" in judged);
        const one = gateway.check({}, args(list), TODAY);
        fc.pre(one.inputs !== undefined);
        const other = gateway.check({}, args(reversedKeys([...list].reverse())), TODAY);
        expect(other).toEqual(one);
        expect("sites" in judged && renderSites(judged.sites)).toBe(one.inputs?.sites);
      }),
    );
  });

  it("accepts its own text, which ignoreChanges sends", () => {
    const inputs = checked(gateway, args([web, api]));
    expect(checked(gateway, inputs, TODAY, inputs)).toEqual(inputs);
    expect(parseSites(inputs.sites as string)).toHaveLength(2);
  });

  it("accepts no sites at all", () => {
    expect(checked(gateway, args([])).sites).toBe("");
    expect(checked(gateway, args([], { sites: "" })).sites).toBe("");
  });
});

describe("what a preview does not know", () => {
  it("is left alone: the sites, the options, the kind, the name", () => {
    expect(checked(gateway, args([], { sites: UNKNOWN })).sites).toBe(UNKNOWN);
    expect(checked(gateway, args([web], { options: UNKNOWN }))).toMatchObject({ options: UNKNOWN });
    expect(checked(gateway, args([web], { kind: UNKNOWN }))).toMatchObject({ kind: UNKNOWN });
    expect(checked(gateway, args([web], { name: UNKNOWN }))).toMatchObject({ name: UNKNOWN });
  });

  it("hides no fault of the rest", () => {
    expect(refused(gateway, args([{ ...web, binds: [] }], { options: UNKNOWN }))).toHaveLength(1);
    expect(refused(gateway, args([], { sites: UNKNOWN, options: { version: "6" } }))).toHaveLength(1);
  });
});

describe("bad input gets one failure that begins with its property", () => {
  test.each<[string, object, RegExp]>([
    ["another kind", { kind: "lighttpd" }, /^kind: found "lighttpd", expected one of/],
    ["no kind", { kind: undefined }, /^kind: found nothing, expected one of/],
    ["constructor for a kind", { kind: "constructor" }, /^kind: found "constructor"/],
    ["no name", { name: "" }, /^name: found "", expected a text of 1 to 256/],
    ["sites that are no text", { sites: [] }, /^sites: found an empty list, expected a list of sites/],
    ["garbage for sites", { sites: "garbage" }, /^sites: found text, expected a list of sites\. Hint: give/],
    ["JSON cut short", { sites: '[{"name":' }, /^sites: found JSON that is not whole, expected a list/],
    ["text cut short", { sites: "site web\n  binds [" }, /^sites: found text that is not whole \(line 2 /],
    ["a site that is a number", { sites: "[5]" }, /^sites\[0\]: found 5, expected a site such as/],
    ["an option of no kind", { options: { versoin: "4" } }, /^options\.versoin: is not an option of kind cells/],
    ["an option with a line break", { options: { "a\nb": 1 } }, /^options\."a\\u\{a\}b": is not an option/],
    ["a version that is none", { options: { version: 4 } }, /^options\.version: found 4, expected "4" or "5".*Hint/],
    ["a relative folder", { options: { workingDirectory: "cells" } }, /^options\.workingDirectory: found "cells"/],
    ["options that are text", { options: "4" }, /^options: found "4", expected an object/],
    ["an unknown property", { site: "[]" }, /^site: there is no such property; did you mean sites\?/],
    ["__proto__", JSON.parse('{"__proto__":5}'), /^__proto__: there is no such property/],
  ])("%s", (_, change, failure) => {
    const merged = Object.defineProperties(args([]), Object.getOwnPropertyDescriptors(change));
    expect(refused(gateway, merged)).toEqual([expect.stringMatching(failure)]);
  });

  test.each<[string, unknown[], RegExp]>([
    ["a fault inside", [web, { ...api, binds: ["x"] }], /^sites\[1\]\.binds\[0\]: /],
    ["the same bind twice", [web, { ...web, name: "two" }], /^sites "web" and "two", binds: share\.test:443/],
    ["TLS and plain on one port", [web, { ...api, binds: ["b.test:443"] }], /^site.*443/],
    ["IPv6 for Cells", [{ ...api, binds: ["[::1]:80"] }], /^site "api", binds: \[::1\]:80: .*IPv6/],
    ["two sites of one name", [web, { ...web, binds: ["other.test:443"] }], /^sites? "web".*name/],
  ])("%s, with the sites named", (_, sites, failure) => {
    expect(refused(gateway, args(sites))).toContainEqual(expect.stringMatching(failure));
  });

  it("no more than twenty collisions are told, and the rest is counted", () => {
    const failures = refused(gateway, args(Array.from({ length: 30 }, (_, index) => ({ ...web, name: `s${index}` }))));
    expect(failures.length).toBeLessThanOrEqual(21);
    expect(failures.at(-1)).toMatch(/^and \d+ more problems between sites\.$/);
  });
});

test("a gateway exists in the state only, and another kind is another gateway", async () => {
  const { inputs, state } = await created(gateway, args([web]));
  expect(state).toEqual(inputs);
  expect(gateway.replaces?.(state, inputs)).toEqual([]);
  expect(gateway.replaces?.(state, { ...inputs, kind: "lighttpd" })).toEqual(["kind"]);
  expect(gateway.replaces?.(state, { ...inputs, kind: UNKNOWN })).toEqual([]);
});
