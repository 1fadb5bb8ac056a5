// Guards: nginxes that outlive their test, listen beyond loopback or touch the system's own nginx: its files, log and pid.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Peer } from "../peer";
import { freePorts } from "../ports";

/** A server that a test started on 127.0.0.1. */
export interface ListeningServer {
  readonly port: number;
  /** Resolves when it has ended. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts nginx; resolves when it listens, rejects with what it wrote when it ends before.
 *
 * @param folder of its own: configuration, pid and temporary files. Relative paths in the configuration start there.
 * @param servers what stands in the `http` block; it is to listen on `127.0.0.1:<port>`.
 */
export async function startNginx(
  nginx: Peer,
  folder: string,
  servers: (port: number) => string,
): Promise<ListeningServer> {
  const [port = 0] = await freePorts(1);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const configuration = [
    // run by root, its worker would be another user, who can't enter a test's folder
    `user ${userInfo().username};`,
    "worker_processes 1;",
    "error_log stderr;",
    "pid nginx.pid;",
    "events {}",
    "http {",
    "access_log off;",
    ...temporary.map((name) => `${name}_temp_path ${name}-temp;`),
    servers(port),
    "}",
  ];
  writeFileSync(join(folder, "nginx.conf"), `${configuration.join("\n")}\n`);
  const options = ["-p", folder, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"];
  return startListening("nginx", spawn(nginx.path, options, { stdio: ["ignore", "ignore", "pipe"] }), port);
}

/** Tries with 20 ms between them: a minute, for a machine that does much else. */
const MAX_TRIES = 3000;

/** Waits until the process listens on the port; rejects with what it wrote when it ends before or never does. */
export async function startListening(name: string, child: ChildProcess, port: number): Promise<ListeningServer> {
  // not "exit": what was written may still be on its way
  const ended = once(child, "close");
  const written: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (part: string) => written.push(part));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
    if (await isListening(port)) return { port, stop };
    await Promise.race([pause(20), ended]);
  }
  await stop();
  throw new Error(`${name} does not listen on port ${port}:\n${written.join("")}`);
}

/** Whether a connection is accepted. */
async function isListening(port: number): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
