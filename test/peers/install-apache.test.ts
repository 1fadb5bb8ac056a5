// The install script on a running Apache, by the commands that it has of itself: certificates change under load without one
// failed request, and what a graceful restart would end the server by is found beforehand.
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apache as kind } from "../../provider/src/gateway/apache";
import { contentHash, renderInstallScript } from "../../provider/src/gateway/install-script";
import { freePorts } from "../support/caddy";
import { acceptedSites } from "../support/cells-sites";
import { shakeHands } from "../support/gateway-client";
import { runScript, type Shell } from "../support/install-fixture";
import { type IssuedPair, leafExtensions, OpensslPki } from "../support/openssl-pki";
import { describeWithPeer } from "../support/peer";

const host = "a.test";
const modules = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"].find((path) => existsSync(path)) ?? "";

describeWithPeer("openssl", () => {
  describeWithPeer("apache2ctl", ({ path }) => {
    for (const shell of [["dash"], ["busybox", "sh"]] as const) {
      describeWithPeer(shell[0], () => {
        describe("an install script for apache", () => serves(path, shell));
      });
    }
  });
});

function serves(apache2ctl: string, shell: Shell): void {
  const folder = mkdtempSync(join(tmpdir(), "install-apache-"));
  const pki = new OpensslPki();
  const before = process.env.APACHE_CONFDIR;
  let pairs: readonly IssuedPair[] = [];
  let upstream: Server | undefined;
  let upstreamPort = 0;
  let ports: readonly number[] = [];

  const control = (...args: readonly string[]) => spawnSync(apache2ctl, args, { encoding: "utf8" });
  const inFolder = (name: string) => join(folder, name);

  beforeAll(async () => {
    pairs = Array.from({ length: 4 }, (_, version) =>
      pki.issue(`version ${version}`, { extensions: leafExtensions(`DNS:${host}`) }),
    );
    ports = await freePorts(4);
    upstream = createServer((_, response) => void response.end("upstream"));
    await once(upstream.listen(0, "127.0.0.1"), "listening");
    upstreamPort = (upstream.address() as AddressInfo).port;
    mkdirSync(inFolder("conf-enabled"));
    const user = process.getuid?.() === 0 ? ["User #65534", "Group #65534"] : [];
    const main = [
      `ServerRoot "${folder}"`,
      "ServerName localhost",
      ...["PidFile apache.pid", "ErrorLog error.log", "DefaultRuntimeDir .", ...user, `Listen 127.0.0.1:${ports[0]}`],
      `LoadModule mpm_event_module ${modules}/mod_mpm_event.so`,
      "IncludeOptional conf-enabled/*.conf",
    ];
    writeFileSync(inFolder("apache2.conf"), `${main.join("\n")}\n`);
    writeFileSync(inFolder("envvars"), `export APACHE_RUN_DIR=${folder} APACHE_LOCK_DIR=${folder}\n`);
    // the commands are the kind's own, and look for the server's configuration there
    process.env.APACHE_CONFDIR = folder;
    expect(control("start").status).toBe(0);
  });
  afterAll(async () => {
    const pid = existsSync(inFolder("apache.pid")) ? Number(readFileSync(inFolder("apache.pid"), "utf8")) : undefined;
    if (pid !== undefined) process.kill(pid, "SIGTERM");
    if (before === undefined) delete process.env.APACHE_CONFDIR;
    else process.env.APACHE_CONFDIR = before;
    if (upstream !== undefined) await once(upstream.close(), "close");
    pki.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (version: number, port = ports[1], key = version) => {
    const options = kind.parseOptions({
      ...{ directory: inFolder("tls-gateway"), configFile: inFolder("conf-enabled/tls-gateway.conf") },
      ...{ opensslVersion: "3.0", pidFile: inFolder("apache.pid"), modulesDirectory: modules, innerPort: ports[3] },
    });
    const sites = acceptedSites({
      ...{ name: "a", binds: [`127.0.0.1:${port}`], hostnames: [host], tls: { certificate: { name: "a" } } },
      upstream: { url: `http://127.0.0.1:${upstreamPort}` },
    });
    expect(kind.checkSites(sites, options)).toEqual([]);
    const install = kind.install?.(sites, options);
    if (install === undefined) throw new Error("apache is not installed");
    const { configuration, texts = {} } = kind.render(sites, options);
    const written = { [`${install.directory}/current/${install.configurationFile}`]: configuration, ...texts };
    const files = [
      ...Object.entries(written).map(([path, content]) => ({ path, content, mode: "0644", isSecret: false })),
      ...kind.files(sites, options).map(({ path, mode, source }) => {
        const isSecret = source.part === "privateKeyPem";
        const content = isSecret ? pairs[key]?.keyPem : pairs[version]?.pem;
        return { path, mode, isSecret, content: content ?? "" };
      }),
    ];
    const hash = contentHash({ kind: "apache", install, files });
    return runScript(shell, renderInstallScript({ gateway: "web", kind: "apache", install, files, contentHash: hash }));
  };

  /** The certificate of a handshake, and the answer to a request, each on a connection of its own. */
  const served = async () => {
    const target = { address: "127.0.0.1", port: ports[1] ?? 0, tls: { servername: host, rejectUnauthorized: false } };
    return (await shakeHands(target)).subject;
  };

  it("installs on a running server, and changes its certificate under load without a failed handshake", async () => {
    expect(await run(0)).toMatchObject({ status: 0 });
    expect(await served()).toBe("version 0");
    let isOn = true;
    const seen = new Set<string | undefined>();
    const clients = Array.from({ length: 3 }, async () => {
      while (isOn) seen.add(await served());
    });
    for (const version of [1, 2]) {
      const installed = await run(version);
      expect([installed.status, installed.stdout]).toEqual([0, expect.stringContaining("verified: 1 handshakes show")]);
    }
    isOn = false;
    await Promise.all(clients);
    expect([...seen].sort()).toEqual(["version 0", "version 1", "version 2"]);
  });

  it("refuses a Listen that would end the server at a graceful restart, though its own checker takes it", async () => {
    writeFileSync(inFolder("conf-enabled/other.conf"), `Listen ${ports[1]}\n`);
    expect(control("configtest").status).toBe(0);
    const refused = await run(3);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/Two Listen lines .* port \d+/)]);
    rmSync(inFolder("conf-enabled/other.conf"));
    expect(await served()).toBe("version 2");
  });

  it("starts the server again when a graceful restart has ended it: the port is another's", async () => {
    const taker = createServer().listen(ports[2], "127.0.0.1");
    await once(taker, "listening");
    const taken = await run(3, ports[2]);
    expect([taken.status, taken.stderr]).toEqual([1, expect.stringContaining("Apache did not take")]);
    taker.closeAllConnections();
    await once(taker.close(), "close");
    expect(await served()).toBe("version 2");
  });

  it("judges a set by a start of its own, which leaves nothing behind", async () => {
    const options = kind.parseOptions({ directory: inFolder("tls-gateway") });
    const set = execFileSync("readlink", [`${options.directory}/current`], { encoding: "utf8" }).trim();
    expect(existsSync(join(options.directory, set, "check/apache-check.pid"))).toBe(false);
    const mismatch = await run(3, ports[1], 0);
    expect(mismatch.status).toBe(1);
    expect(await served()).toBe("version 2");
  });
}
