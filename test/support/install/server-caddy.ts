// Guards: an install script for Caddy that reaches the administrator of another Caddy, or the home of whoever runs the tests.
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { caddyServer } from "../gateway/server-caddy";
import type { Peer } from "../peer";
import type { InstallServer } from "./server";

const run = promisify(execFile);

/** A Caddy that serves a file of JSON of its own. */
export function installedCaddy(caddy: Peer): InstallServer {
  const { options, keepsTunnels } = caddyServer(caddy);
  return {
    kind: "caddy",
    keepsTunnels,
    // it opens each port a second time (SO_REUSEPORT) and closes the first socket with those that wait in its queue; and the
    // old server ends connections whose first request it has not read
    resetsWaiting: true,
    lay: ({ folder, ownPort, sparePort }) => {
      const configFile = join(folder, "caddy.json");
      const admin = `127.0.0.1:${sparePort}`;
      const own = { handle: [{ handler: "static_response", body: "own" }] };
      const server = { listen: [`127.0.0.1:${ownPort}`], automatic_https: { disable: true }, routes: [own] };
      writeFileSync(configFile, JSON.stringify({ admin: { listen: admin }, apps: { http: { servers: { server } } } }));
      mkdirSync(join(folder, "home"));
      const home = join(folder, "home");
      const user = userInfo().username;
      return {
        options: { ...options, configFile, admin, user, group: user },
        environment: { HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
        programs: { caddy: `exec ${caddy.path} "$@"` },
        replaced: configFile,
        start: ["caddy", "start", "--config", configFile],
        stop: async () => {
          // nobody answers when a test ended it
          await run(caddy.path, ["stop", "--address", admin]).catch(() => undefined);
        },
        taken: /address already in use/,
      };
    },
  };
}
