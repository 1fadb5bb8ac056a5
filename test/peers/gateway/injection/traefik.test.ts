// No text of a user becomes more than a text in Traefik's configuration.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "node:tls";
import { expect } from "vitest";
import { parse } from "yaml";
import { traefik as kind } from "../../../../provider/src/gateway/traefik/traefik";
import { spawnServer } from "../../../support/gateway/server";
import { traefikServer } from "../../../support/gateway/server-traefik";
import { placeFiles, shapeOf, testCarriedValues, testHostileSites, trialFolder } from "../../../support/hostile/trial";
import { describeWithPeer } from "../../../support/peer";
import { freePorts } from "../../../support/ports";

/** Where names of sites, paths and headers are keys. */
const namedPlaces = /\.(routers|services|middlewares|serversTransports|options|custom(Request|Response)Headers)$/;
const shape = (text: string) => shapeOf(parse(text), (key, at) => (namedPlaces.test(at) ? "key" : key));

describeWithPeer(
  "traefik",
  (traefik) => {
    const folder = trialFolder();
    const server = traefikServer(traefik);
    const options = kind.parseOptions({ ...server.options, directory: join(folder, "tls-gateway") });
    const hosts = ["127.0.0.1", "[::1]", "app.test", "a-b.app.test"];
    const ground = { kind, options, folder, hosts, actions: ["set", "remove"] } as const;

    testHostileSites(ground, async (sites, harmless) => {
      const { configuration } = kind.render(sites, options);
      expect(configuration).not.toContain("{{");
      expect(shape(configuration)).toEqual(shape(kind.render(harmless, options).configuration));
      placeFiles(ground, sites);
      expect(await complaints(configuration)).toEqual([]);
    });

    /** What Traefik itself has against it: every error in the file. */
    async function complaints(configuration: string): Promise<readonly string[]> {
      const place = mkdtempSync(join(folder, "run-"));
      mkdirSync(join(place, "dynamic"));
      const [port = 0, plainPort = 0] = await freePorts(2);
      writeFileSync(join(place, "dynamic", "all.yml"), configuration);
      const lines = [
        "entryPoints:",
        `  port-65001-127-0-0-1: { address: "127.0.0.1:${port}" }`,
        `  port-65002-127-0-0-1: { address: "127.0.0.1:${plainPort}" }`,
        `providers: { file: { directory: "${join(place, "dynamic")}" } }`,
        "log: { level: ERROR, format: json }",
      ];
      writeFileSync(join(place, "traefik.yml"), lines.join("\n"));
      const child = spawnServer(traefik.path, [`--configFile=${join(place, "traefik.yml")}`], place);
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part) => (said += String(part)));
      try {
        // until the configuration is there, the handshake has a certificate that Traefik made up
        for (let tries = 0; tries < 1200 && !(await isServed(port)); tries++) await pause(50);
        expect(await isServed(port)).toBe(true);
      } finally {
        const ended = once(child, "close");
        child.kill("SIGTERM");
        await ended;
      }
      return said.split("\n").filter((line) => line !== "");
    }

    testCarriedValues(server);
  },
  { isOptional: true },
);

/** Whether a handshake gets a certificate of the configuration. */
async function isServed(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, servername: "any.test", rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN) === "any");
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
  });
}
