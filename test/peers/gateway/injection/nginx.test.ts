// No text of a user becomes more than its word in nginx, whatever stands in it.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { nginx as kind } from "../../../../provider/src/gateway/nginx/nginx";
import { nginxServer } from "../../../support/gateway/server-nginx";
import { placeFiles, testCarriedValues, testHostileSites, trialFolder } from "../../../support/hostile/trial";
import { readNginxLines } from "../../../support/parsers/nginx-words";
import { describeWithPeer } from "../../../support/peer";

/** How many directives of each shape stand where. */
function shape(text: string): readonly string[] {
  return readNginxLines(text)
    .map(({ depth, words }) => `${depth} ${words.length} ${/^[a-z_]+$/.test(words[0] ?? "") ? words[0] : "key"}`)
    .sort();
}

describeWithPeer("nginx", (nginx) => {
  const folder = trialFolder();
  const server = nginxServer(nginx);
  const options = kind.parseOptions({ ...server.options, directory: join(folder, "tls-gateway") });
  // nginx looks up the upstreams' hosts even to judge a text
  const ground = { kind, options, folder, asksForHosts: true };

  /** What nginx itself has against the text. */
  const judge = (text: string): string => {
    writeFileSync(join(folder, "odd.conf"), text);
    const lines = [
      "pid /dev/null;",
      "error_log stderr;",
      "events {}",
      "http {",
      "access_log off;",
      "include odd.conf;",
      "}",
    ];
    writeFileSync(join(folder, "main.conf"), lines.join("\n"));
    const { status, stderr } = spawnSync(nginx.path, ["-t", "-q", "-c", join(folder, "main.conf")], {
      encoding: "utf8",
    });
    return status === 0 ? "" : stderr;
  };

  testHostileSites(ground, (sites, harmless) => {
    const { configuration } = kind.render(sites, options);
    expect(shape(configuration)).toEqual(shape(kind.render(harmless, options).configuration));
    placeFiles(ground, sites);
    expect(judge(configuration)).toBe("");
  });

  testCarriedValues(server);
});
