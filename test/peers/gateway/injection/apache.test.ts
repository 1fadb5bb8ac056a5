// No text of a user becomes more than its argument in Apache, whatever stands in it.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { apache as kind } from "../../../../provider/src/gateway/apache/apache";
import { apacheServer } from "../../../support/gateway/server-apache";
import { placeFiles, testCarriedValues, testHostileSites, trialFolder } from "../../../support/hostile/trial";
import { readApacheLines } from "../../../support/parsers/apache-words";
import { describeWithPeer } from "../../../support/peer";

const modulesDirectory =
  ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"].find((path) => existsSync(path)) ?? "";

/** How many directives of each name, with as many arguments, stand where. */
function shape(text: string): readonly string[] {
  return readApacheLines(text)
    .map(({ depth, words }) => `${depth} ${words.length} ${words[0]}`)
    .sort();
}

describeWithPeer("apache2", (apache) => {
  const folder = trialFolder();
  const server = apacheServer(apache);
  const directory = join(folder, "tls-gateway");
  const options = kind.parseOptions({ ...server.options, directory, modulesDirectory });
  const ground = { kind, options, folder };

  /** What Apache read, by its own word; throws with its complaint. */
  const read = (text: string): string => {
    writeFileSync(join(folder, "odd.conf"), text);
    const main = [
      "ServerName localhost",
      "DefaultRuntimeDir .",
      "ErrorLog error.log",
      ...["mpm_event", "info"].map((name) => `LoadModule ${name}_module ${modulesDirectory}/mod_${name}.so`),
      "Include odd.conf",
    ];
    writeFileSync(join(folder, "main.conf"), main.join("\n"));
    const args = ["-t", "-D", "DUMP_CONFIG", "-d", folder, "-f", "main.conf"];
    const { status, stdout, stderr } = spawnSync(apache.path, args, { encoding: "utf8", maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(stderr);
    return stdout.slice(stdout.indexOf(`# In file: ${join(folder, "odd.conf")}`));
  };

  testHostileSites(ground, (sites, harmless) => {
    placeFiles(ground, [...sites, ...harmless]);
    const [found = "", expected = ""] = [sites, harmless].map((some) => kind.render(some, options).configuration);
    expect(shape(found)).toEqual(shape(expected));
    expect(shape(read(found))).toEqual(shape(read(expected)));
  });

  testCarriedValues(server);
});
