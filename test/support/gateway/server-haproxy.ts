// Guards: HAProxys that touch the system's own HAProxy, its socket and pid.
import { execFileSync } from "node:child_process";
import { userInfo } from "node:os";
import type { Peer } from "../peer";
import { type GatewayServer, spawnServer } from "./server";

/** The HAProxy of this path; a master with a worker, so that it can take over its files anew. */
export function haproxyServer(haproxy: Peer): GatewayServer {
  const text = execFileSync(haproxy.path, ["-v"], { encoding: "utf8" });
  return {
    kind: "haproxy",
    options: {
      version: /version (\d+\.\d+)/.exec(text)?.[1] ?? "",
      opensslVersion: "3.0",
      // whoever runs the tests stays who he is, and reads a test's folder
      processUser: userInfo().username,
      processGroup: execFileSync("id", ["-gn"], { encoding: "utf8" }).trim(),
      chroot: false,
      maxConnections: 1000,
    },
    refusesHandshakes: true,
    // a browser tries again by itself (RFC 9113 section 8.7)
    refusesStreams: true,
    lenientProxyHeaders: ["a long line", "an octet of 300"],
    keepsTunnels: true,
    start: (folder, configuration) => ({
      child: spawnServer(haproxy.path, ["-W", "-f", configuration], folder),
      reload: (child) => void child.kill("SIGUSR2"),
    }),
  };
}
