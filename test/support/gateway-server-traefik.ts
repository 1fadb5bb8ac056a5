// Guards: Traefiks that read the system's own configuration, and requests before the first configuration is taken over.
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { dynamicFolder } from "../../provider/src/gateway/traefik-static";
import { type GatewayServer, spawnServer } from "./gateway-server";
import type { Peer } from "./peer";

/** Tries with 50 ms between them. */
const MAX_TRIES = 600;

/** The Traefik of this path. */
export function traefikServer(traefik: Peer): GatewayServer {
  return {
    kind: "traefik",
    options: { version: "3.7" },
    refusesHandshakes: true,
    statuses: { slow: 504, unverified: 500, undecodable: 400 },
    differs: { redirectOfGet: 301, mixesWildcard: true, keepsSilentTunnels: true, spelling },
    keepsTunnels: true,
    refusedActions: ["append", "addIfAbsent", "replace"],
    start: async (folder, configuration) => {
      const dynamic = join(folder, "dynamic");
      mkdirSync(dynamic);
      const file = join(dynamic, "tls-gateway.yml");
      copyFileSync(configuration, file);
      const log = join(folder, "traefik.log");
      const own = readFileSync(join(folder, "tls-gateway/current/traefik.yml"), "utf8").replace(dynamicFolder, dynamic);
      const wait = 'providers:\n  providersThrottleDuration: "0.1s"\n';
      const text = `${own.replace("providers:\n", wait)}log:\n  level: DEBUG\n  filePath: ${log}\n`;
      writeFileSync(join(folder, "traefik.yml"), text);
      const child = spawnServer(traefik.path, [`--configFile=${join(folder, "traefik.yml")}`], folder);
      await applied(log, 1);
      return {
        child,
        reload: async () => {
          const times = occurrences(log);
          // moved into place, as the install script does
          copyFileSync(configuration, join(folder, "next.yml"));
          renameSync(join(folder, "next.yml"), file);
          await applied(log, times + 1);
        },
      };
    },
  };
}

async function applied(log: string, times: number): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES && occurrences(log) < times; tries++) await pause(50);
}

/** How many configurations of files were taken over. */
function occurrences(log: string): number {
  try {
    return readFileSync(log, "utf8").split("Configuration received").length - 1;
  } catch {
    return 0;
  }
}

/** Hex in capitals (RFC 3986 section 6.2.2.1) in the path, and a semicolon of the query in hex. */
function spelling(target: string): string {
  const [path = "", ...query] = target.split("?");
  const spelt = path.replace(/%[0-9a-f]{2}/gi, (hex) => hex.toUpperCase());
  return [spelt, ...query.map((part) => part.replaceAll(";", "%3B"))].join("?");
}
