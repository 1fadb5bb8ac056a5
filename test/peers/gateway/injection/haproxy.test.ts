// No text of a user becomes more than its word in HAProxy, whatever stands in it.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { haproxy as kind } from "../../../../provider/src/gateway/haproxy/haproxy";
import type { SiteData } from "../../../../provider/src/gateway/model/site";
import { haproxyServer } from "../../../support/gateway/server-haproxy";
import { placeFiles, testCarriedValues, testHostileSites, trialFolder } from "../../../support/hostile/trial";
import { readHaproxyLines } from "../../../support/parsers/haproxy-words";
import { describeWithPeer } from "../../../support/peer";

/** How many directives of each shape stand in how many sections. */
function shape(text: string): readonly string[] {
  return readHaproxyLines(text)
    .map(
      ({ section, words }) =>
        `${section.split(" ")[0]} ${words.length} ${words[0]} ${words[0] === "backend" ? "" : words[1]}`,
    )
    .sort();
}

/** How many words stand on the lines of the maps and lists. */
function shapeOfTexts(texts: Readonly<Record<string, string>> = {}): readonly (readonly number[])[] {
  return Object.values(texts).map((text) =>
    text
      .split("\n")
      .map((line) => line.split(" ").length)
      .sort(),
  );
}

describeWithPeer("haproxy", (haproxy) => {
  const folder = trialFolder();
  const server = haproxyServer(haproxy);
  const options = kind.parseOptions({ ...server.options, directory: join(folder, "tls-gateway") });
  const ground = { kind, options, folder, asksForHosts: true };

  /** What HAProxy's own check says; a warning counts. */
  const judge = (sites: readonly SiteData[]): string => {
    const { configuration, texts = {} } = kind.render(sites, options);
    const path = `${options.directory}/current/haproxy.cfg`;
    for (const [file, text] of [[path, configuration], ...Object.entries(texts)] as const) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const { status, stderr } = spawnSync(haproxy.path, ["-c", "-f", path], { encoding: "utf8" });
    return status === 0 ? stderr : `${status} ${stderr}`;
  };

  testHostileSites(ground, (sites, harmless) => {
    const [found, expected] = [kind.render(sites, options), kind.render(harmless, options)];
    expect(shape(found.configuration)).toEqual(shape(expected.configuration));
    expect(shapeOfTexts(found.texts)).toEqual(shapeOfTexts(expected.texts));
    expect(found.configuration.match(/^backend /gm)?.length).toBe(sites.length);
    placeFiles(ground, sites);
    expect(judge(sites)).toBe("");
  });

  testCarriedValues(server);
});
