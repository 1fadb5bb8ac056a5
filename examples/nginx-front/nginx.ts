import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";

/** The main file of this example's nginx; what we install is included by it, as Debian's includes `conf.d`. */
export const mainFile = "nginx.conf";

/** Versions of the nginx on this machine, as the options of the gateway take them. On a server they are known. */
export function describeNginx(): { version: "1.22" | "1.26"; opensslVersion: "3.0" | "3.5" } {
  // on stderr, as "nginx version: nginx/1.22.1" and "built with OpenSSL 3.0.19 …"
  const text = runNginx(["-V"]);
  const [, minor = "26"] = /nginx\/1\.(\d+)/.exec(text) ?? [];
  const [, major = "3", ssl = "5"] = /(?:running|built) with OpenSSL (\d+)\.(\d+)/.exec(text) ?? [];
  return {
    version: Number(minor) < 25 ? "1.22" : "1.26",
    opensslVersion: Number(major) > 3 || Number(ssl) >= 5 ? "3.5" : "3.0",
  };
}

/** Starts an nginx in the folder that serves nothing yet; resolves when it runs. `stop` resolves when it has ended. */
export async function startNginx(folder: string): Promise<{ readonly stop: () => Promise<void> }> {
  mkdirSync(join(folder, "conf.d"), { recursive: true });
  writeFileSync(join(folder, mainFile), mainConfiguration());
  const flags = ["-p", folder, "-c", mainFile, "-e", "stderr", "-g", "daemon off;"];
  const child = spawn("nginx", flags, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(child, "exit");
  const isRunning = () => readPid(folder) === child.pid;
  while (!isRunning() && child.exitCode === null) await Promise.race([pause(20), ended]);
  if (!isRunning()) throw new pulumi.RunError("nginx did not start: see above.");
  return {
    stop: async () => {
      child.kill("SIGQUIT");
      await ended;
    },
  };
}

function mainConfiguration(): string {
  // run by root, its worker would be another user, who can't enter this folder
  const user = process.getuid?.() === 0 ? "user root;\n" : "";
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path temp-${name};`,
  );
  return `${user}worker_processes 1;
pid nginx.pid;
events {}
http {
  access_log access.log;
${temporary.join("\n")}
  include conf.d/*.conf;
}
`;
}

function readPid(folder: string): number | undefined {
  const file = join(folder, "nginx.pid");
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
}

function runNginx(args: readonly string[]): string {
  try {
    return execFileSync("/bin/sh", ["-c", 'nginx "$@" 2>&1', "nginx", ...args], { encoding: "utf8" });
  } catch {
    throw new pulumi.RunError(
      "The program nginx is not on PATH: this example starts one. Install the package nginx-light.",
    );
  }
}
