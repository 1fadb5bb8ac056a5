// No text of a user becomes more than a text in Traefik's configuration. FUZZ_RUNS=10000 for a long run.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { parse } from "yaml";
import type { SiteData } from "../../provider/src/gateway/site";
import { traefik as kind } from "../../provider/src/gateway/traefik";
import { freePorts } from "../support/caddy";
import { spawnServer } from "../support/gateway-server";
import { harmlessSites, hostileSites, shapeOf } from "../support/hostile-sites";
import { leafExtensions, OpensslPki } from "../support/openssl-pki";
import { describeWithPeer } from "../support/peer";

const runs = Number(process.env.FUZZ_RUNS ?? 2000);
/** Sites in one configuration. */
const batch = 500;
const options = kind.parseOptions({});

describeWithPeer(
  "traefik",
  ({ path }) => {
    const pki = new OpensslPki();
    const folder = mkdtempSync(join(tmpdir(), "injection-traefik-"));
    const pair = pki.issue("any", { extensions: leafExtensions("DNS:any.test") });
    afterAll(() => {
      pki.remove();
      rmSync(folder, { recursive: true, force: true });
    });

    it(`keeps the structure of ${runs} sites with hostile texts`, { timeout: 60_000 + runs * 60 }, async () => {
      let served = 0;
      for (let start = 0; start < runs; start += batch) {
        const sites = hostileSites(Math.min(batch, runs - start), ["set"]).filter(
          (site) => kind.checkSites([site], options).length === 0,
        );
        served += sites.length;
        const { configuration } = kind.render(sites, options);
        expect(configuration).not.toContain("{{");
        // names of sites, paths and headers are keys here
        const isKept = (key: string) => /^[a-z][A-Za-z0-9]*$/.test(key);
        const found = shapeOf(parse(configuration), isKept);
        expect(found).toEqual(shapeOf(parse(kind.render(harmlessSites(sites), options).configuration), isKept));
        expect(await complaints(path, join(folder, String(start)), sites, configuration)).toEqual([]);
      }
      // what the schema refuses proves nothing here
      expect(served).toBeGreaterThan(runs / 3);
    });

    /** What Traefik itself has against it: every error in the file. */
    async function complaints(
      program: string,
      place: string,
      sites: readonly SiteData[],
      configuration: string,
    ): Promise<readonly string[]> {
      mkdirSync(join(place, "dynamic"), { recursive: true });
      mkdirSync(join(place, "p"));
      for (const { tls, upstream, clientAuth } of sites) {
        const own =
          tls !== "disabled" && "certificate" in tls && "certFile" in tls.certificate ? tls.certificate : undefined;
        for (const file of [own?.certFile, upstream?.rootCaFile, clientAuth?.caFile]) {
          if (file !== undefined) writeFileSync(join(place, file), pair.keyPem + pair.pem);
        }
      }
      const [port = 0] = await freePorts(1);
      const text = configuration.replaceAll('"/p/', `"${place}/p/`);
      writeFileSync(join(place, "dynamic", "all.yml"), text);
      const point = "port-443-127-0-0-1";
      const lines = [
        `entryPoints: { ${point}: { address: "127.0.0.1:${port}" } }`,
        `providers: { file: { directory: "${join(place, "dynamic")}" } }`,
        `log: { level: ERROR, format: json }`,
      ];
      writeFileSync(join(place, "traefik.yml"), lines.join("\n"));
      const child = spawnServer(program, [`--configFile=${join(place, "traefik.yml")}`], place);
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part) => (said += String(part)));
      try {
        // until the configuration is there, the handshake has a certificate that Traefik made up
        const [probe] = sites;
        for (let tries = 0; tries < 600 && !(await isServed(port, probe)); tries++) await pause(50);
        expect(await isServed(port, probe)).toBe(true);
      } finally {
        const ended = new Promise((resolve) => child.once("close", resolve));
        child.kill("SIGTERM");
        await ended;
      }
      return said.split("\n").filter((line) => line !== "");
    }
  },
  { isOptional: true },
);

/** Whether a handshake for the name of the site gets the pair's certificate. */
async function isServed(port: number, site: SiteData | undefined): Promise<boolean> {
  const { connect } = await import("node:tls");
  return await new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, servername: "any.test", rejectUnauthorized: false }, () => {
      resolve(site !== undefined && String(socket.getPeerCertificate().subject.CN) === "any");
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
  });
}
