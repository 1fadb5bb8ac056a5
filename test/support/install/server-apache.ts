// Guards: an install script for Apache that reaches the system's own Apache: its modules in use, log, locks and pid.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apacheServer } from "../gateway/server-apache";
import type { Peer } from "../peer";
import { type InstallServer, stopByPidFile } from "./server";

/** Where distributions keep the modules. */
const moduleFolders = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/libexec/apache2"];

/** An Apache of Debian's cut with a site of its own, whose configuration includes those of a folder. */
export function installedApache(apache2ctl: Peer): InstallServer {
  const { options, keepsTunnels } = apacheServer(apache2ctl);
  const modulesDirectory = moduleFolders.find((path) => existsSync(path)) ?? "";
  return {
    kind: "apache",
    keepsTunnels,
    lay: ({ folder, ownPort, sparePort }) => {
      const [pidFile, enabled] = [join(folder, "apache.pid"), join(folder, "conf-enabled")];
      const load = (name: string) => `LoadModule ${name}_module ${modulesDirectory}/mod_${name}.so`;
      const lines = [
        `ServerRoot "${folder}"`,
        ...["ServerName localhost", "PidFile apache.pid", "ErrorLog error.log", "DefaultRuntimeDir .", "Mutex sem"],
        // by number: the names differ between distributions, and Apache does not serve as root
        ...(process.getuid?.() === 0 ? ["User #65534", "Group #65534"] : []),
        ...["mpm_event", "rewrite"].map(load),
        `Listen 127.0.0.1:${ownPort}`,
        `<VirtualHost 127.0.0.1:${ownPort}>`,
        "  ErrorDocument 503 own",
        "  RewriteEngine on",
        "  RewriteRule ^ - [R=503,L]",
        "</VirtualHost>",
        "IncludeOptional conf-enabled/*.conf",
      ];
      mkdirSync(enabled);
      writeFileSync(join(folder, "apache2.conf"), `${lines.join("\n")}\n`);
      writeFileSync(join(folder, "envvars"), `export APACHE_RUN_DIR=${folder} APACHE_LOCK_DIR=${folder}\n`);
      return {
        options: {
          ...options,
          ...{ configFile: join(enabled, "tls-gateway.conf"), pidFile, modulesDirectory, innerPort: sparePort },
        },
        environment: { APACHE_CONFDIR: folder },
        programs: { apache2ctl: `exec ${apache2ctl.path} "$@"` },
        start: ["apache2ctl", "start"],
        stop: () => stopByPidFile(pidFile),
        foreign: {
          ...{ path: join(enabled, "other.conf"), text: `Listen ${ownPort}\nListen 0.0.0.0:${ownPort}\n` },
          message: /Two Listen lines .* port \d+/,
        },
        taken: /Apache did not take the configuration over/,
      };
    },
  };
}
