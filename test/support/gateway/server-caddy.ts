// Guards: Caddys that listen for their administrator where another does, or write into the home of whoever runs the tests.
import { execFile, execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { type Peer, peer } from "../peer";
import { freePorts } from "../ports";
import { type GatewayServer, spawnServer } from "./server";

const run = promisify(execFile);

/** The Caddy of this path. */
export function caddyServer(caddy: Peer): GatewayServer {
  const version = caddyVersion(caddy);
  return {
    kind: "caddy",
    options: { version },
    refusesHandshakes: true,
    cutsUnreadBodies: true,
    // 2.6 ends them, as its kind notes
    keepsTunnels: version !== "2.6",
    start: async (folder, configuration) => {
      const [adminPort = 0] = await freePorts(1);
      const own = join(folder, "caddy.json");
      const admin = { listen: `127.0.0.1:${adminPort}` };
      const text = () => JSON.stringify({ ...(JSON.parse(readFileSync(configuration, "utf8")) as object), admin });
      writeFileSync(own, text());
      return {
        child: spawnServer(caddy.path, ["run", "--config", own], folder),
        reload: async () => {
          writeFileSync(own, text());
          // certificates are read anew, though their paths are the same
          await run(caddy.path, ["reload", "--config", own, "--force", "--address", admin.listen]);
        },
      };
    },
  };
}

/** The Caddy on PATH beside the one that the set-up built: older, so that it takes another configuration. */
export function distributionCaddy(): Peer | undefined {
  const built = process.env.TLS_GATEWAY_TOOLS?.split(delimiter) ?? [];
  const folders = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "" && !built.includes(folder));
  const path = folders.map((folder) => join(folder, "caddy")).find((file) => existsSync(file));
  return path === undefined || path === peer("caddy")?.path ? undefined : { path };
}

/** Its major and minor version; built from source without a version, it is the one that tools/ pins. */
function caddyVersion(caddy: Peer): string {
  const text = execFileSync(caddy.path, ["version"], { encoding: "utf8" });
  return /^v?(\d+\.\d+)/.exec(text)?.[1] ?? "2.11";
}
