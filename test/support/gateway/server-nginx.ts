// Guards: nginxs that touch the system's own nginx: its files, log and pid.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Peer } from "../peer";
import { type GatewayServer, spawnServer } from "./server";

/** The nginx of this path, with the configuration in its `http` block. */
export function nginxServer(nginx: Peer): GatewayServer {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return {
    kind: "nginx",
    options: { version: nginxVersion(nginx), opensslVersion: "3.0" },
    refusesHandshakes: true,
    lenientProxyHeaders: ["a long line", "an octet of 300", "another family", "an unknown command"],
    keepsTunnels: true,
    start: (folder, configuration) => {
      const lines = [
        // run by root, its worker would be another user, who can't enter a test's folder
        `user ${userInfo().username};`,
        "worker_processes 1;",
        "error_log stderr;",
        "pid nginx.pid;",
        "events {}",
        "http {",
        "access_log off;",
        ...temporary.map((name) => `${name}_temp_path ${name}-temp;`),
        `include ${configuration};`,
        "}",
      ];
      writeFileSync(join(folder, "nginx.conf"), `${lines.join("\n")}\n`);
      const options = ["-p", folder, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"];
      return { child: spawnServer(nginx.path, options, folder), reload: (child) => void child.kill("SIGHUP") };
    },
  };
}

function nginxVersion(nginx: Peer): string {
  // told on stderr
  const text = execFileSync("sh", ["-c", '"$0" -v 2>&1', nginx.path], { encoding: "utf8" });
  return /nginx\/(\d+\.\d+)/.exec(text)?.[1] ?? "";
}
