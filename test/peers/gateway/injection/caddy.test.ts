// No text of a user becomes more than itself in Caddy, whatever stands in it: its JSON loads, and has the shape of the same
// sites with harmless texts; so has its Caddyfile.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { caddy as kind } from "../../../../provider/src/gateway/caddy/caddy";
import { renderCaddyfile } from "../../../../provider/src/gateway/caddy/caddyfile";
import { isQuotable } from "../../../../provider/src/gateway/caddy/caddyfile-dialect";
import type { SiteData } from "../../../../provider/src/gateway/model/site";
import { caddyServer, distributionCaddy } from "../../../support/gateway/server-caddy";
import { placeFiles, shapeOf, testCarriedValues, testHostileSites, trialFolder } from "../../../support/hostile/trial";
import { describeWithPeer, type Peer } from "../../../support/peer";

/** Names of headers are keys here. */
const shape = (value: unknown) => shapeOf(value, () => "key");

/** All texts of a configuration, names of properties too. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return [...(Array.isArray(value) ? [] : Object.keys(value)), ...Object.values(value).flatMap(textsOf)];
}

const ownPlaceholders = /\{http\.(?:request\.(?:host|hostport|uri|orig_uri|orig_uri\.path))\}/g;

function injections(caddy: Peer): void {
  const folder = trialFolder();
  const env = { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const server = caddyServer(caddy);
  const options = kind.parseOptions({ ...server.options, directory: join(folder, "tls-gateway") });
  const plainValue = (value: string) => (isQuotable(value) ? `v${Buffer.from(value).toString("hex")}` : "`\\");
  const hosts = ["127.0.0.1", "[::1]", "app.test", "a-b.app.test"];
  const ground = { kind, options, folder, hosts, plainValue };

  const run = (args: readonly string[]): string =>
    execFileSync(caddy.path, args, { env, encoding: "utf8", stdio: "pipe", maxBuffer: 1 << 28 });
  const adapted = (sites: readonly SiteData[]): unknown => {
    const path = join(folder, "Caddyfile");
    writeFileSync(path, renderCaddyfile(sites, options));
    run(["validate", "--adapter", "caddyfile", "--config", path]);
    return JSON.parse(run(["adapt", "--adapter", "caddyfile", "--config", path]));
  };

  testHostileSites(ground, (sites, harmless) => {
    placeFiles(ground, [...sites, ...harmless]);
    const text = kind.render(sites, options).configuration;
    const parsed: unknown = JSON.parse(text);
    expect(shape(parsed)).toEqual(shape(JSON.parse(kind.render(harmless, options).configuration)));
    for (const found of textsOf(parsed)) {
      if (found.startsWith("^") || found.startsWith("(?i)")) continue;
      expect(found.replace(ownPlaceholders, "").replace(/\\[{}]/g, "")).not.toMatch(/[{}]/);
    }
    writeFileSync(join(folder, "caddy.json"), text);
    run(["validate", "--config", join(folder, "caddy.json")]);
    expect(shape(adapted(sites))).toEqual(shape(adapted(harmless)));
  });

  testCarriedValues(server);
}

describeWithPeer("caddy", injections);

const older = distributionCaddy();
if (older !== undefined) describe("with the distribution's caddy", () => injections(older));
