// Guards: an install script for nginx that reaches the system's own nginx: its files, log and pid.
import { mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { nginxServer } from "../gateway/server-nginx";
import type { Peer } from "../peer";
import { type InstallServer, stopByPidFile } from "./server";

/** An nginx with a site of its own, whose configuration includes those of a folder. */
export function installedNginx(nginx: Peer): InstallServer {
  const { options, keepsTunnels } = nginxServer(nginx);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return {
    kind: "nginx",
    keepsTunnels,
    lay: ({ folder, ownPort }) => {
      const lines = [
        // run by root, its worker would be another user, who can't enter a test's folder
        `user ${userInfo().username};`,
        "worker_processes 2;",
        `error_log ${folder}/error.log;`,
        `pid ${folder}/nginx.pid;`,
        "events {}",
        "http {",
        "access_log off;",
        ...temporary.map((name) => `${name}_temp_path ${folder}/${name}-temp;`),
        `server { listen 127.0.0.1:${ownPort}; return 200 own; }`,
        `include ${folder}/conf.d/*.conf;`,
        "}",
      ];
      mkdirSync(join(folder, "conf.d"));
      writeFileSync(join(folder, "nginx.conf"), `${lines.join("\n")}\n`);
      const pidFile = join(folder, "nginx.pid");
      return {
        options: { ...options, configFile: join(folder, "conf.d/tls-gateway.conf"), pidFile },
        environment: {},
        // as if it had been built for this folder; a -c of the caller counts, as the later one
        programs: { nginx: `exec ${nginx.path} -p ${folder} -c ${folder}/nginx.conf -e stderr "$@"` },
        start: ["nginx"],
        stop: () => stopByPidFile(pidFile),
        foreign: { path: join(folder, "conf.d/other.conf"), text: "serve {}\n", message: /unknown directive "serve"/ },
        taken: /nginx did not take the configuration over/,
      };
    },
  };
}
