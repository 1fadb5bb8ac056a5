import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gatewayKinds } from "../../../../provider/src/gateway/kinds";
import { checkFeatures, featuresBut, gatewayFeatures } from "../../../../provider/src/gateway/model/features";
import { renderFeatureTable, replaceTable } from "../../../../scripts/lib/feature-table.mjs";
import { proxySite } from "../../../support/gateway/proxy-sites";

const kinds = {
  able: { features: featuresBut({}) },
  lame: { features: featuresBut({ clientAuth: "asks clients for nothing", grpc: "speaks HTTP/1.1 alone" }) },
};

describe("what a kind can't serve", () => {
  it("is told with its reason and with the kinds that can", () => {
    const sites = [proxySite("a", { clientAuth: { ca: true } }), proxySite("b", {})];
    expect(checkFeatures("lame", sites, kinds)).toEqual([
      { site: "a", property: "clientAuth", reason: "lame asks clients for nothing. Kinds that can: able" },
    ]);
    expect(checkFeatures("able", sites, kinds)).toEqual([]);
  });

  it("says so where no kind can", () => {
    const { lame } = kinds;
    const [problem] = checkFeatures("lame", [proxySite("a", { clientAuth: { ca: true } })], { lame });
    expect(problem?.reason).toBe("lame asks clients for nothing. No kind can");
  });

  it.each(Object.keys(gatewayKinds))("%s answers for every feature, and each can be served by some kind", (name) => {
    const { features } = gatewayKinds[name as keyof typeof gatewayKinds];
    expect(Object.keys(features).sort()).toEqual(Object.keys(gatewayFeatures).sort());
    for (const served of Object.values(features)) {
      // a clause that follows the kind's name
      if (served !== true) expect(served).toMatch(/^[a-z].{8,}[^.]$/);
    }
  });
});

it("the table in the README is that of the code: node scripts/lib/feature-table.mjs writes it", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../../../README.md"), "utf8");
  expect(replaceTable(readme, renderFeatureTable(gatewayKinds, gatewayFeatures))).toBe(readme);
});
