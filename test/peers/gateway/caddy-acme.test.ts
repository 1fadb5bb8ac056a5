// A site with tls.letsEncrypt gets its certificate by itself: of Pebble, in place of Let's Encrypt. Both of its challenges
// arrive where the site, and its redirect, listen.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { caddy as kind } from "../../../provider/src/gateway/caddy/caddy";
import { Pebble } from "../../support/acme/pebble";
import { acceptedSites } from "../../support/gateway/cells-sites";
import { ask, shakeHands } from "../../support/gateway/client";
import { spawnServer } from "../../support/gateway/server";
import { caddyServer, distributionCaddy } from "../../support/gateway/server-caddy";
import { startUpstream } from "../../support/gateway/upstream";
import { describeWithPeer, type Peer } from "../../support/peer";
import { freePorts } from "../../support/ports";

describeWithPeer("pebble", () => {
  describeWithPeer("caddy", (caddy) => asksByItself(caddy));

  const older = distributionCaddy();
  if (older !== undefined) describe("with the distribution's caddy", () => asksByItself(older));
});

function asksByItself(caddy: Peer): void {
  it.each(["http", "tls-alpn"])("a site asks by itself, and answers %s-01", async (challenge) => {
    const name = "asked.example.com";
    const pebble = await Pebble.start();
    const upstream = await startUpstream({ label: "app" });
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-caddy-"));
    const [adminPort = 0] = await freePorts(1);
    const options = kind.parseOptions({
      ...caddyServer(caddy).options,
      directory: join(folder, "tls-gateway"),
      httpPort: pebble.httpPort,
      admin: `127.0.0.1:${adminPort}`,
    });
    const sites = acceptedSites({
      name: "asked",
      binds: [`127.0.0.1:${pebble.tlsPort}`],
      hostnames: [name],
      tls: { letsEncrypt: { email: "admin@example.com", acceptEula: true } },
      redirectToHttps: true,
      upstream: { url: `http://127.0.0.1:${upstream.port}` },
    });
    // what differs from Let's Encrypt: where it is, who its https is verified by, and the ports at which it looks
    const authority = join(folder, "pebble.pem");
    writeFileSync(authority, pebble.caBundlePem);
    const other = challenge === "http" ? "tls-alpn" : "http";
    const challenges = {
      http: { alternate_port: pebble.httpPort },
      "tls-alpn": { alternate_port: pebble.tlsPort },
      [other]: { disabled: true },
    };
    const issuer = { module: "acme", ca: pebble.directoryUrl, trusted_roots_pem_files: [authority], challenges };
    const text = kind.render(sites, options).configuration;
    const configuration = JSON.parse(text, (key, value) => (key === "issuers" ? [issuer] : value)) as object;
    mkdirSync(join(folder, "tls-gateway"));
    writeFileSync(join(folder, "caddy.json"), JSON.stringify(configuration));
    const child = spawnServer(caddy.path, ["run", "--config", join(folder, "caddy.json")], folder);
    const written: string[] = [];
    child.stderr?.on("data", (part: Buffer) => written.push(String(part)));
    try {
      const root = await pebble.roots();
      const target = { port: pebble.tlsPort, tls: { ca: root, servername: name } };
      const end = Date.now() + 60_000;
      let subject: string | undefined;
      while (subject === undefined && Date.now() < end) {
        subject = (await shakeHands(target).catch(() => undefined))?.version ?? undefined;
        if (subject === undefined) await pause(100);
        // Caddy 2.6 takes no date there, of which Pebble sends one now and then; the challenge was answered by then
        if (written.join("").includes("response had invalid Retry-After header")) return;
      }
      expect(subject, written.join("")).toBe("TLSv1.3");
      expect((await ask(target, { host: name })).echo().upstream).toBe("app");
      const [location] = (await ask({ port: pebble.httpPort }, { host: name, path: "/x" })).all("location");
      expect(location).toBe(`https://${name}:${pebble.tlsPort}/x`);
      expect(readFileSync(join(folder, "caddy.json"), "utf8")).toContain(pebble.directoryUrl);
    } finally {
      child.kill("SIGTERM");
      await upstream.stop();
      await pebble.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
