// Guards: an install script for HAProxy that reaches the system's own HAProxy: its configuration, socket and pid.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { haproxyServer } from "../gateway/server-haproxy";
import type { Peer } from "../peer";
import { type InstallServer, stopByPidFile } from "./server";

/** An HAProxy, master and worker, with a configuration of its own. */
export function installedHaproxy(haproxy: Peer): InstallServer {
  const { options, keepsTunnels } = haproxyServer(haproxy);
  return {
    kind: "haproxy",
    keepsTunnels,
    lay: ({ folder, ownPort }) => {
      const [configFile, pidFile] = [join(folder, "haproxy.cfg"), join(folder, "haproxy.pid")];
      const lines = [
        "global",
        "  maxconn 100",
        "defaults",
        "  mode http",
        ...["connect", "client", "server"].map((name) => `  timeout ${name} 10s`),
        "frontend own",
        `  bind 127.0.0.1:${ownPort}`,
        "  http-request return status 200 content-type text/plain string own",
      ];
      writeFileSync(configFile, `${lines.join("\n")}\n`);
      return {
        options: { ...options, configFile, pidFile },
        environment: {},
        programs: { haproxy: `exec ${haproxy.path} "$@"` },
        replaced: configFile,
        start: ["haproxy", "-W", "-D", "-f", configFile, "-p", pidFile],
        stop: () => stopByPidFile(pidFile),
        taken: /HAProxy did not take the configuration over/,
      };
    },
  };
}
