import { gatewayFeatures } from "../support/gateway-features";
import { caddyServer, distributionCaddy } from "../support/gateway-server-caddy";
import { renderCaddyfile } from "../../provider/src/gateway/caddyfile";
import { caddy as kind } from "../../provider/src/gateway/caddy";
import { peer, type Peer } from "../support/peer";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
const original = kind.render;
const make = (caddy: Peer) => { const server = caddyServer(caddy); return { ...server, start: (folder: string, configuration: string) => {
  const text = last + "http://dummy.test:" + (/https:[^ ]*:(\d+)/.exec(last) ?? [])[1] + " {\n bind 127.0.0.5\n respond 421\n}\n";
  writeFileSync(join(folder, "Caddyfile"), text);
  const json = execFileSync(caddy.path, ["adapt", "--adapter", "caddyfile", "--config", join(folder, "Caddyfile")], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  writeFileSync(configuration, json);
  writeFileSync("/tmp/gw/adapted.json", json); writeFileSync("/tmp/gw/Caddyfile", text);
  try { execFileSync(caddy.path, ["validate", "--config", configuration], { stdio: "pipe", encoding: "utf8" }); } catch (e) { throw new Error(String((e as {stderr: string}).stderr).split("\n").filter((l) => !l.startsWith("{")).join("\n").slice(0, 1500)); }
  return server.start(folder, configuration);
} }; };
let last = "";
Object.assign(kind, { render: (sites: never, options: never) => { last = renderCaddyfile(sites, options); return original(sites, options); } });
describe("new", () => gatewayFeatures(make(peer("caddy") as Peer)));
describe("old", () => gatewayFeatures(make(distributionCaddy() as Peer)));
