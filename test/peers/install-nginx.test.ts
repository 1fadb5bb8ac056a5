// The install script on a running nginx: certificates change under load without one failed request, and what nginx would not
// take, or does not do, leaves it with what it served.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { request } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contentHash, renderInstallScript, renderRemoveScript } from "../../provider/src/gateway/install-script";
import { nginx as kind } from "../../provider/src/gateway/nginx";
import { freePorts } from "../support/caddy";
import { acceptedSites } from "../support/cells-sites";
import { runScript, type Shell } from "../support/install-fixture";
import { type ListeningServer, startListening } from "../support/nginx";
import { type IssuedPair, leafExtensions, OpensslPki } from "../support/openssl-pki";
import { describeWithPeer, type Peer } from "../support/peer";

const host = "a.test";

describeWithPeer("openssl", () => {
  describeWithPeer("nginx", (nginx) => {
    for (const shell of [["dash"], ["busybox", "sh"]] as const) {
      describeWithPeer(shell[0], () => {
        describe("an install script for nginx", () => serves(nginx, shell));
      });
    }
  });
});

function serves(nginx: Peer, shell: Shell): void {
  const folder = mkdtempSync(join(tmpdir(), "install-nginx-"));
  const pki = new OpensslPki();
  let pairs: readonly IssuedPair[] = [];
  let running: ListeningServer | undefined;
  let upstream: Server | undefined;
  let upstreamPort = 0;
  let ports: readonly number[] = [];

  beforeAll(async () => {
    pairs = Array.from({ length: 6 }, () => pki.issue(host, { extensions: leafExtensions(`DNS:${host}`) }));
    ports = await freePorts(3);
    upstream = createServer((_, response) => void response.end("upstream"));
    await once(upstream.listen(0, "127.0.0.1"), "listening");
    upstreamPort = (upstream.address() as AddressInfo).port;
    mkdirSync(join(folder, "conf.d"));
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    const lines = [
      `user ${userInfo().username};`,
      "worker_processes 2;",
      `error_log ${folder}/error.log;`,
      `pid ${folder}/nginx.pid;`,
      "events {}",
      "http {",
      "access_log off;",
      ...temporary.map((name) => `${name}_temp_path ${folder}/${name}-temp;`),
      `server { listen 127.0.0.1:${ports[0]}; return 200 "own\\n"; }`,
      `include ${folder}/conf.d/*.conf;`,
      "}",
    ];
    writeFileSync(join(folder, "nginx.conf"), `${lines.join("\n")}\n`);
    const child = spawn(nginx.path, [...inFolder, "-g", "daemon off;"], { stdio: ["ignore", "ignore", "pipe"] });
    running = await startListening("nginx", child, ports[0] ?? 0);
  });
  afterAll(async () => {
    await running?.stop();
    if (upstream !== undefined) await once(upstream.close(), "close");
    pki.remove();
    rmSync(folder, { recursive: true });
  });

  const inFolder = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"];
  const command = (...words: readonly string[]) => [nginx.path, ...inFolder, ...words].join(" ");
  const plan = (version: number, port = ports[1]) => {
    const options = kind.parseOptions({
      ...{ directory: join(folder, "tls-gateway"), configFile: join(folder, "conf.d/tls-gateway.conf") },
      ...{ version: "1.22", opensslVersion: "3.0", pidFile: join(folder, "nginx.pid") },
      ...{ checkCommand: command("-t", "-q"), reloadCommand: command("-s", "reload") },
    });
    const sites = acceptedSites({
      ...{ name: "a", binds: [`127.0.0.1:${port}`], hostnames: [host], tls: { certificate: { name: "a" } } },
      upstream: { url: `http://127.0.0.1:${upstreamPort}` },
    });
    expect(kind.checkSites(sites, options)).toEqual([]);
    const install = kind.install?.(sites, options);
    if (install === undefined) throw new Error("nginx is not installed");
    const { configuration, texts = {} } = kind.render(sites, options);
    const { pem = "", keyPem = "" } = pairs[version] ?? {};
    const files = [
      ...Object.entries({ [`${install.directory}/current/${install.configurationFile}`]: configuration, ...texts }).map(
        ([path, content]) => ({ path, content, mode: "0644", isSecret: false }),
      ),
      ...kind.files(sites, options).map(({ path, mode, source }) => {
        const isSecret = source.part === "privateKeyPem";
        return { path, mode, isSecret, content: isSecret ? keyPem : pem };
      }),
    ];
    return {
      gateway: "web",
      kind: "nginx",
      install,
      files,
      contentHash: contentHash({ kind: "nginx", install, files }),
    };
  };
  const run = (version: number, port?: number) => runScript(shell, renderInstallScript(plan(version, port)));

  const served = async (): Promise<number> => {
    const socket = connectTls({ host: "127.0.0.1", port: ports[1] ?? 0, servername: host, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const version = versionOf(socket);
    socket.destroy();
    return version;
  };
  const versionOf = (socket: TLSSocket): number => {
    const pem = socket.getPeerX509Certificate()?.toString();
    return pairs.findIndex((pair) => pair.pem === pem);
  };

  /** One request on a connection of its own: the version of the certificate, and the answer. */
  const ask = async (): Promise<{ version: number; answer: string }> => {
    const options = { host: "127.0.0.1", port: ports[1], servername: host, rejectUnauthorized: false, agent: false };
    const sent = request({ ...options, headers: { host: `${host}:${ports[1]}` } }).end();
    const [response] = (await once(sent, "response")) as [import("node:http").IncomingMessage];
    const version = versionOf(response.socket as TLSSocket);
    let answer = `${response.statusCode} `;
    for await (const part of response.setEncoding("utf8")) answer += part;
    return { version, answer };
  };

  it("installs on a running server and changes its certificate under load without a failed request", async () => {
    expect(await run(0)).toMatchObject({ status: 0, stderr: "" });
    expect(await served()).toBe(0);
    let isOn = true;
    const seen = new Set<string>();
    let requests = 0;
    const clients = Array.from({ length: 4 }, async () => {
      while (isOn) {
        const { version, answer } = await ask();
        seen.add(`${version}: ${answer}`);
        requests++;
      }
    });
    for (const version of [1, 2, 3, 4]) {
      const installed = await run(version);
      expect(installed).toMatchObject({ status: 0, stderr: "" });
      expect(installed.stdout).toContain("verified: 1 handshakes show");
    }
    isOn = false;
    await Promise.all(clients);
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4].map((version) => `${version}: 200 upstream`));
    expect(requests).toBeGreaterThan(20);
    expect(await served()).toBe(4);
    expect(readdirSync(join(folder, "tls-gateway/sets"))).toHaveLength(3);
  });

  it("leaves the server alone when a key is not its certificate's, and when somebody else's file is broken", async () => {
    const broken = plan(1);
    const files = broken.files.map((file) => (file.isSecret ? { ...file, content: pairs[2]?.keyPem ?? "" } : file));
    const mismatch = await runScript(shell, renderInstallScript({ ...broken, files }));
    // the set of version 1 was pruned
    expect(mismatch.stderr).toContain("does not belong to the certificate");
    expect(mismatch.status).toBe(1);
    writeFileSync(join(folder, "conf.d/other.conf"), "serve {}\n");
    const other = await run(5);
    expect(other.stderr).toMatch(/unknown directive "serve"[\s\S]*what was there before serves/);
    expect(other.status).toBe(1);
    rmSync(join(folder, "conf.d/other.conf"));
    expect(await served()).toBe(4);
    expect(await run(4)).toMatchObject({ status: 0, stdout: expect.stringContaining("nothing to do") });
  });

  it("goes back when nginx takes the reload and does not do it: the port is another's", async () => {
    const taker = createServer().listen(ports[2], "127.0.0.1");
    await once(taker, "listening");
    const taken = await run(5, ports[2]);
    expect(taken.status).toBe(1);
    expect(taken.stderr).toMatch(/Address already in use|no TLS handshake with/);
    taker.closeAllConnections();
    await once(taker.close(), "close");
    expect(await served()).toBe(4);
    expect(readFileSync(join(folder, "conf.d/tls-gateway.conf"), "utf8")).toContain(`${ports[1]}`);
  });

  it("is removed, and the server goes on with the rest", async () => {
    const { install, files } = plan(4);
    const paths = files.map(({ path }) => path);
    const removed = await runScript(shell, renderRemoveScript({ gateway: "web", kind: "nginx", install, paths }));
    expect(removed).toMatchObject({ status: 0, stderr: "" });
    expect(existsSync(join(folder, "tls-gateway"))).toBe(false);
    expect(readdirSync(join(folder, "conf.d"))).toEqual([]);
    const socket = connect(ports[0] ?? 0, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
  });
}
