// Guards: Apaches that touch the system's own Apache: its modules in use, log, locks and pid.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer } from "../peer";
import { type GatewayServer, spawnServer } from "./server";

/** Where distributions keep the modules. */
const moduleFolders = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/libexec/apache2"];
/** What the kind needs, and in order: some build on others. */
const modules = [
  "mpm_event",
  "authn_core",
  "authz_core",
  "authz_host",
  "socache_shmcb",
  "ssl",
  "http2",
  "headers",
  "setenvif",
  "rewrite",
  "reqtimeout",
  "remoteip",
  "proxy",
  "proxy_http",
  "proxy_http2",
  "proxy_wstunnel",
];

/** The Apache of this path, with the configuration included by a file of its own. */
export function apacheServer(apache: Peer): GatewayServer {
  return {
    kind: "apache",
    options: { opensslVersion: "3.0" },
    refusesHandshakes: true,
    statuses: { slow: 502, unverified: 500, undecodable: 404 },
    keepsTunnels: true,
    start: (folder, configuration) => {
      const directory = moduleFolders.find((path) => existsSync(path)) ?? "";
      const found = modules.filter((name) => existsSync(join(directory, `mod_${name}.so`)));
      const lines = [
        `ServerRoot "${folder}"`,
        "ServerName localhost",
        "PidFile apache.pid",
        `ErrorLog "|$/bin/cat >&2"`,
        "Mutex sem",
        // how long a silent tunnel lives at the least, as the kind notes
        "Timeout 5",
        "DefaultRuntimeDir .",
        ...found.map((name) => `LoadModule ${name}_module ${directory}/mod_${name}.so`),
        // by number: the names differ between distributions, and Apache does not serve as root
        ...(process.getuid?.() === 0 ? ["User #65534", "Group #65534"] : []),
        `Include "${configuration}"`,
      ];
      writeFileSync(join(folder, "main.conf"), `${lines.join("\n")}\n`);
      const options = ["-DFOREGROUND", "-d", folder, "-f", "main.conf"];
      return { child: spawnServer(apache.path, options, folder), reload: (child) => void child.kill("SIGUSR1") };
    },
  };
}
