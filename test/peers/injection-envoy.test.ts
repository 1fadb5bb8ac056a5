// No text of a user becomes more than a text in Envoy's configuration. FUZZ_RUNS=10000 for a long run.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { envoy } from "../../provider/src/gateway/envoy";
import { harmlessSites, hostileSites, shapeOf } from "../support/hostile-sites";
import { describeWithPeer } from "../support/peer";

const runs = Number(process.env.FUZZ_RUNS ?? 2000);
/** Sites in one configuration. */
const batch = 500;
const actions = ["append", "addIfAbsent", "set", "replace"];

describeWithPeer("envoy-validator", ({ path }) => {
  const folder = mkdtempSync(join(tmpdir(), "injection-envoy-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(`keeps the structure of ${runs} sites with hostile texts`, { timeout: 60_000 + runs * 60 }, () => {
    const options = envoy.parseOptions({});
    let served = 0;
    for (let start = 0; start < runs; start += batch) {
      const sites = hostileSites(Math.min(batch, runs - start), actions);
      expect(envoy.checkSites(sites, options)).toEqual([]);
      served += sites.length;
      const found = Object.values(envoy.render(sites, options).texts ?? {});
      const expected = Object.values(envoy.render(harmlessSites(sites), options).texts ?? {});
      expect(found.map((text) => shapeOf(JSON.parse(text)))).toEqual(expected.map((text) => shapeOf(JSON.parse(text))));
      // a certificate is a file of its own: one for all judges the texts as well
      const resources = found.flatMap((text) => JSON.parse(text).resources);
      const file = join(folder, "all.json");
      writeFileSync(file, JSON.stringify({ resources }));
      const { status, stdout } = spawnSync(path, [file], { encoding: "utf8" });
      expect({ status, stdout }).toEqual({ status: 0, stdout: `${file}: ok\n` });
      for (const value of formats(resources)) expect(value.replaceAll("%%", "")).not.toContain("%");
    }
    // what the schema refuses proves nothing here
    expect(served).toBeGreaterThan(runs / 3);
  });
});

/** The values of all changes of headers but ours, which Envoy reads as formats. */
function formats(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(formats);
  if (typeof value !== "object" || value === null) return [];
  const { header } = value as { header?: { key: string; value: string } };
  if (typeof header === "object") return header.key.startsWith("x-forwarded-") ? [] : [header.value];
  return Object.values(value).flatMap(formats);
}
