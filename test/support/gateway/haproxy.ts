// Guards: HAProxys that outlive their test, listen beyond loopback or touch the system's own HAProxy.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer } from "../peer";
import { freePorts } from "../ports";
import { type ListeningServer, startListening } from "./nginx";

/**
 * Starts HAProxy in mode http; resolves when it listens, rejects with what it wrote when it ends before.
 *
 * @param folder of its own: its configuration. Relative paths in the configuration start there.
 * @param sections `frontend` and `backend`; one is to bind `127.0.0.1:<port>`.
 */
export async function startHaproxy(
  haproxy: Peer,
  folder: string,
  sections: (port: number) => string,
): Promise<ListeningServer> {
  const [port = 0] = await freePorts(1);
  const configuration = [
    "global",
    // by default as many as the system has file descriptors, and memory for each
    "  maxconn 100",
    "defaults",
    "  mode http",
    "  timeout connect 10s",
    "  timeout client 10s",
    "  timeout server 10s",
    sections(port),
  ];
  writeFileSync(join(folder, "haproxy.cfg"), `${configuration.join("\n")}\n`);
  // -db: in the foreground, as one process
  const child = spawn(haproxy.path, ["-db", "-f", "haproxy.cfg"], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  return startListening("HAProxy", child, port);
}
