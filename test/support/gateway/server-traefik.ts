// Guards: Traefiks that read the system's own configuration, and requests before a configuration is taken over.
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Peer } from "../peer";
import { freePorts } from "../ports";
import { type GatewayServer, spawnServer } from "./server";

/** Tries with 20 ms between them: a minute, for a machine that does much else. */
const MAX_TRIES = 3000;

/** The Traefik of this path. It tells by an entry point of its own which configuration it has. */
export function traefikServer(traefik: Peer): GatewayServer {
  return {
    kind: "traefik",
    options: { version: "3.7" },
    refusesHandshakes: true,
    statuses: { slow: 504, unverified: 500, undecodable: 400 },
    differs: { redirectOfGet: 301, mixesWildcard: true, keepsSilentTunnels: true, spelling },
    keepsTunnels: true,
    lenientProxyHeaders: ["another family"],
    refusedActions: ["append", "addIfAbsent", "replace"],
    start: async (folder, configuration) => {
      const dynamic = join(folder, "dynamic");
      mkdirSync(dynamic);
      const [port = 0] = await freePorts(1);
      // moved into place, as the install script does; what is ready is told after it
      const place = (text: string, name: string) => {
        writeFileSync(join(folder, "next.yml"), text);
        renameSync(join(folder, "next.yml"), join(dynamic, name));
      };
      let generation = 0;
      const takeOver = () => {
        generation++;
        copyFileSync(configuration, join(folder, "next.yml"));
        renameSync(join(folder, "next.yml"), join(dynamic, "tls-gateway.yml"));
        place(readyRouter(generation), "ready.yml");
      };
      takeOver();
      const own = readFileSync(join(folder, "tls-gateway/current/traefik.yml"), "utf8")
        .replace("/etc/traefik/dynamic", dynamic)
        .replace('"entryPoints":\n', `"entryPoints":\n  ready:\n    address: 127.0.0.1:${port}\n`)
        .replace('"providers":\n', '"providers":\n  providersThrottleDuration: "0.1s"\n');
      writeFileSync(join(folder, "traefik.yml"), own);
      const child = spawnServer(traefik.path, [`--configFile=${join(folder, "traefik.yml")}`], folder);
      await ready(port, generation);
      return {
        child,
        reload: async () => {
          takeOver();
          await ready(port, generation);
        },
      };
    },
  };
}

function readyRouter(generation: number): string {
  const router = { entryPoints: ["ready"], rule: `Path(\`/${generation}\`)`, service: "noop@internal" };
  return JSON.stringify({ http: { routers: { ready: router } } });
}

/** Until Traefik no longer answers 404 for this generation. */
async function ready(port: number, generation: number): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/${generation}`).catch(() => undefined);
    if (answer !== undefined && answer.status !== 404) return;
    await pause(20);
  }
  throw new Error(`Traefik did not take over configuration ${generation}`);
}

/** Hex in capitals (RFC 3986 section 6.2.2.1) in the path, and a semicolon of the query in hex. */
function spelling(target: string): string {
  const [path = "", ...query] = target.split("?");
  const spelt = path.replace(/%[0-9a-f]{2}/gi, (hex) => hex.toUpperCase());
  return [spelt, ...query.map((part) => part.replaceAll(";", "%3B"))].join("?");
}
