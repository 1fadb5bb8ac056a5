// Guards: requests that reach the upstream in another spelling, and header values that a configuration's syntax changed.
import { once } from "node:events";
import { expect } from "vitest";
import { openSocket } from "./client";
import { longSignValues, longValues, signValues } from "./sites-edge";
import type { GatewayTrial } from "./trial";

const versions = ["1.1", "2"] as const;

const paths = [
  "/a%2Fb?x=%20&y=a+b",
  "/?",
  "/x?",
  "/x??a=?&b=/../",
  "/%C3%A9/%E2%82%AC?q=%F0%9F%98%80",
  "/%c3%a9%2f?q=%e2%82%ac",
  "/%252Fa/%2525?x=%2526",
  "/a+b/c,d/(e)!'*;f=g:@&=$~_-.",
  "/a%20b%3Fc%23d%5Be%5D",
  "/a?b=c%0d%0aX-Evil:%20yes&d=%00",
  "/%FF?%FE",
  "/a/",
  `/${"long%20".repeat(585)}`,
  `/?${"q=%2F&".repeat(680)}`,
] as const;

/** Declares the tests. */
export function octetFeatures(trial: GatewayTrial): void {
  for (const [site, features] of Object.entries({
    a: ["upstream"],
    secure: ["upstreamTls"],
    h2c: ["upstreamH2c"],
    cells: ["upstreamTls"],
    grpc: ["grpc"],
  } as const)) {
    trial.test(features, `path and query reach the upstream of "${site}" octet for octet`, async () => {
      for (const http of versions) {
        const seen: (string | number)[] = [];
        for (const path of paths) {
          const answer = await trial.ask(site, { http, path });
          seen.push(answer.status === 200 ? answer.echo().url : answer.status);
        }
        expect(seen).toEqual(paths.map((path) => trial.server.differs?.spelling(path) ?? path));
      }
    });
  }

  for (const on of ["request", "response"] as const) {
    for (const [what, values] of Object.entries({
      signs: signValues,
      long: longValues,
      "long-signs": longSignValues,
    })) {
      const sentence = `values of ${on} headers come as they are, or are refused by name: ${what}`;
      trial.test([`${on}Headers`], sentence, async () => {
        const problems = trial.world.refusals.get(`${on}-${what}`);
        if (problems !== undefined) {
          for (const { property, reason } of problems) {
            expect(property).toMatch(/^headers\[\d+\]\.value$/);
            expect(reason).toMatch(/^found /);
          }
          return;
        }
        for (const http of versions) {
          const answer = await trial.ask(`${on}-${what}`, { http });
          const echo = answer.echo().headers;
          for (const [name, value] of Object.entries(values)) {
            const key = name.toLowerCase();
            const found =
              on === "response" ? answer.all(key) : echo.flatMap(([sent, text]) => (sent === key ? [text] : []));
            expect([name, found]).toEqual([name, [value]]);
          }
        }
      });
    }
  }

  methodFeatures(trial);
}

function methodFeatures(trial: GatewayTrial): void {
  trial.test(["upstream"], "every method passes, with and without a body", async () => {
    for (const http of versions) {
      for (const method of ["GET", "OPTIONS", "PUT", "POST", "DELETE", "PATCH", "PROPFIND", "REPORT", "PURGE"]) {
        for (const body of method === "GET" ? [undefined] : [undefined, Buffer.from("four")]) {
          const answer = await trial.ask("a", { http, method, path: "/m", ...(body && { body }) });
          expect([method, http, answer.status]).toEqual([method, http, 200]);
          const { method: seen, bodyLength } = answer.echo();
          expect([seen, bodyLength]).toEqual([method, body?.length ?? 0]);
        }
      }
    }
  });

  trial.test(["upstream"], "HEAD passes, and its answer has the headers and no body", async () => {
    for (const http of versions) {
      const reached = await trial.reaching(async () => {
        const answer = await trial.ask("a", { http, method: "HEAD", answer: { headers: [["X-Here", "yes"]] } });
        expect([answer.status, answer.length, ...answer.all("x-here")]).toEqual([200, 0, "yes"]);
      });
      expect(reached).toBe(1);
    }
  });

  trial.test(["upstreamH2c"], "a method that nobody knows passes", async () => {
    for (const http of versions) {
      const answer = await trial.ask("h2c", { http, method: "FROBNICATE" });
      expect([answer.status, answer.status === 200 && answer.echo().method]).toEqual([200, "FROBNICATE"]);
    }
  });

  trial.test(["upstream"], "a client that waits for 100 before it sends its body gets it", async () => {
    for (const site of ["a", ...(trial.world.sites.some(({ name }) => name === "cells") ? ["cells"] : [])]) {
      const host = `${site}.gw.test`;
      const socket = await openSocket(trial.secure(host));
      try {
        const lines = [
          "PUT /x HTTP/1.1",
          `Host: ${host}`,
          "Content-Length: 4",
          "Expect: 100-continue",
          "Connection: close",
        ];
        socket.write(`${lines.join("\r\n")}\r\n\r\n`);
        const [first] = (await once(socket, "data", { signal: AbortSignal.timeout(10_000) })) as [Buffer];
        expect([site, String(first)]).toEqual([site, expect.stringMatching(/^HTTP\/1\.1 100 /)]);
        const parts: Buffer[] = [];
        socket.on("data", (part: Buffer) => parts.push(part)).write("four");
        await once(socket, "end", { signal: AbortSignal.timeout(10_000) });
        const text = Buffer.concat(parts).toString();
        // the gateway's own 100 and the upstream's may both come (RFC 9110 section 15.2)
        expect(text).toMatch(/^(HTTP\/1\.1 100 .*\r\n([^\r]+\r\n)*\r\n)?HTTP\/1\.1 200 [\s\S]*"bodyLength":4/);
      } finally {
        socket.destroy();
      }
    }
  });
}
