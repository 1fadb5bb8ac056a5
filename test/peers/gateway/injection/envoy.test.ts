// No text of a user becomes more than a text in Envoy's configuration.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { envoy as kind } from "../../../../provider/src/gateway/envoy/envoy";
import type { SiteData } from "../../../../provider/src/gateway/model/site";
import { shapeOf, testHostileSites, trialFolder } from "../../../support/hostile/trial";
import { describeWithPeer } from "../../../support/peer";

describeWithPeer("envoy-validator", ({ path }) => {
  const folder = trialFolder();
  const options = kind.parseOptions({});
  const hosts = ["127.0.0.1", "[::1]", "app.test", "a-b.app.test"];
  const parsed = (sites: readonly SiteData[]) =>
    Object.values(kind.render(sites, options).texts ?? {}).map((text) => JSON.parse(text));

  testHostileSites({ kind, options, folder: "/p", hosts }, (sites, harmless) => {
    const found = parsed(sites);
    expect(shapeOf(found)).toEqual(shapeOf(parsed(harmless)));
    // a certificate is a file of its own: one for all judges the texts as well
    const resources = found.flatMap((text) => text.resources);
    const file = join(folder, "all.json");
    writeFileSync(file, JSON.stringify({ resources }));
    const { status, stdout } = spawnSync(path, [file], { encoding: "utf8" });
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${file}: ok\n` });
    for (const value of formats(resources)) expect(value.replaceAll("%%", "")).not.toContain("%");
  });
});

const own = ["%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "%REQ(:AUTHORITY)%"];

/** The values of all changes of headers but ours, which Envoy reads as formats. */
function formats(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(formats);
  if (typeof value !== "object" || value === null) return [];
  const { header } = value as { header?: { key: string; value: string } };
  if (typeof header === "object") return own.includes(header.value) ? [] : [header.value];
  return Object.values(value).flatMap(formats);
}
