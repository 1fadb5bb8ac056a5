// Guards: an upstream that is gone and stays so for the gateway, and answers that get lost below a body that nobody wants.
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import type { GatewayTrial } from "./trial";
import { startUpstream } from "./upstream";

const versions = ["1.1", "2"] as const;
const MiB = 1024 * 1024;
/** How long an upstream that is there again may be taken for gone, in milliseconds: less than Apache's own minute. */
const MARKED_DOWN = 30_000;
/** What a kind takes for a connection by default, in milliseconds: ten times the `connectSeconds` of the site. */
const BY_DEFAULT = 10_000;

/** Declares the tests. */
export function failureFeatures(trial: GatewayTrial): void {
  const strict = "max-age=63072000; includeSubDomains";
  const isError = expect.toBeOneOf([502, 503, 504]);

  trial.test(["upstream", "timeouts", "hsts"], "an upstream that is gone is there again when it is back", async () => {
    const { laterPort } = trial.world;
    for (let round = 0; round < 2; round++) {
      for (const http of versions) {
        const answers = await Promise.all(Array.from({ length: 10 }, () => trial.ask("returning", { http })));
        for (const { status, all } of answers) {
          expect([status, ...all("strict-transport-security")]).toEqual([isError, strict]);
        }
      }
      const upstream = await startUpstream({ label: "returned", port: laterPort });
      try {
        const end = Date.now() + MARKED_DOWN;
        let answer = await trial.ask("returning");
        while (answer.status !== 200 && Date.now() < end) {
          await pause(100);
          answer = await trial.ask("returning");
        }
        expect(answer.echo().upstream).toBe("returned");
        // connections are kept until it goes away again
        await Promise.all(Array.from({ length: 10 }, () => trial.ask("returning")));
      } finally {
        await upstream.stop();
      }
    }
  });

  trial.test(
    ["upstream", "timeouts", "hsts"],
    "an upstream that takes no connection is given up after connectSeconds",
    async () => {
      const begin = performance.now();
      const asked = versions.map(async (http) => {
        const answer = trial.ask("silent", { http });
        if (trial.server.refusesStreams && http === "2") {
          await expect(answer).rejects.toThrow("NGHTTP2_REFUSED_STREAM");
          return;
        }
        const { status, all } = await answer;
        expect([status, ...all("strict-transport-security")]).toEqual([isError, strict]);
      });
      await Promise.all(asked);
      const took = performance.now() - begin;
      // less: it was refused, and nothing was tried here
      expect(took).toBeGreaterThan(500);
      expect(took, "the site's own time goes before the default").toBeLessThan(BY_DEFAULT);
    },
  );

  for (const [site, features] of Object.entries({
    a: ["upstream"],
    cells: ["upstreamTls"],
    h2c: ["upstreamH2c"],
  } as const)) {
    trial.test(features, `the upstream of "${site}" may answer before a body has come`, async () => {
      for (const http of versions) {
        for (const status of [413, 200]) {
          for (const isChunked of [false, true]) {
            const whole = Buffer.alloc(8 * MiB, "x");
            const body = isChunked ? Readable.from(parts(whole)) : whole;
            const asked = trial.ask(site, { http, method: "PUT", body, answer: { status, early: "drop" } });
            // who closes with octets on their way resets the connection, and the client may see that first
            const answer = await asked.catch((error: Error) => {
              const isRace =
                trial.server.cutsUnreadBodies &&
                http === "1.1" &&
                /ECONNRESET|EPIPE|socket hang up|aborted/.test(error.message);
              if (isRace) return undefined;
              throw error;
            });
            if (answer === undefined) continue;
            const expected = [http, isChunked, status, "early"];
            expect([http, isChunked, answer.status, answer.text]).toEqual(expected);
            expect(answer.all("x-early")).toHaveLength(1);
          }
        }
      }
    });
  }

  trial.test(["upstream"], "an upstream may answer and close before a body has come", async () => {
    for (const http of versions) {
      for (const status of [413, 200]) {
        const body = Buffer.alloc(8 * MiB, "x");
        // over TCP the close takes the answer with it when octets come after it (RFC 9112 section 9.6): a race that the
        // gateway may lose towards the upstream, and then answers by itself or, as HAProxy, refuses the stream (RFC 9113
        // section 8.7); with HTTP/1.1 its client may lose it towards the gateway, which closes as well
        const asked = trial.ask("a", { http, method: "PUT", body, answer: { status, early: "close" } });
        const answer = await asked.catch((error: Error) => {
          const lost = http === "1.1" ? /ECONNRESET|EPIPE|socket hang up/ : /NGHTTP2_REFUSED_STREAM/;
          if (lost.test(error.message)) return undefined;
          throw error;
        });
        if (answer === undefined) continue;
        expect([status, 500, 502, 503, 400]).toContain(answer.status);
        if (answer.status === status) expect(answer.text).toBe("early");
      }
    }
    expect((await trial.ask("a")).status).toBe(200);
  });
}

function* parts(body: Buffer): Generator<Buffer> {
  for (let sent = 0; sent < body.length; sent += 65_536) yield body.subarray(sent, sent + 65_536);
}
