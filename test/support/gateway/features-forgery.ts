// Guards: requests that get past the rules of a site, or that tell the upstream something false: another protocol, a Host
// of another form, headers about the client that the client itself wrote, and methods that a proxy must not pass on.
import { once } from "node:events";
import { expect } from "vitest";
import type { GatewayAnswer, GatewayTarget } from "./client";
import { exchange, openSocket } from "./client";
import { addresses } from "./sites";
import type { GatewayTrial } from "./trial";
import { forged, identityHeaders, strangeHosts, underscored } from "./vectors";

const versions = ["1.1", "2"] as const;
/** Declares the tests. */
export function forgeryFeatures(trial: GatewayTrial): void {
  upgradeTests(trial);
  hostTests(trial);
  identityTests(trial);
  methodTests(trial);
}

/** Values of Upgrade, each a line of its own. */
const upgrades: readonly (readonly string[])[] = [
  ["h2c"],
  ["H2C"],
  ["h2c", "websocket"],
  ["websocket", "h2c"],
  ["websocket, h2c"],
  ["h2c, websocket"],
  ["websocket/13"],
  ["websockets"],
  ["TLS/1.2"],
];

function upgradeTests(trial: GatewayTrial): void {
  for (const [site, features] of Object.entries({ a: ["upstream"], "deny-list": ["routingPaths"] } as const)) {
    trial.test(features, `nothing but WebSocket is upgraded over TLS: ${site}`, async () => {
      await expectNoUpgrade(trial, trial.secure(`${site}.gw.test`), `${site}.gw.test`);
    });
  }

  trial.test(["upstream"], "nothing but WebSocket is upgraded without TLS", async () => {
    await expectNoUpgrade(trial, { address: addresses.main, port: trial.world.plainPort }, "plain.test");
  });
}

async function expectNoUpgrade(trial: GatewayTrial, target: GatewayTarget, host: string): Promise<void> {
  const { plain } = trial.world.upstreams;
  plain.upgrades();
  for (const lines of upgrades) {
    const head = [
      "GET /x HTTP/1.1",
      `Host: ${host}`,
      "Connection: Upgrade, HTTP2-Settings",
      "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
      ...lines.map((line) => `Upgrade: ${line}`),
    ];
    const status = await statusOf(target, `${head.join("\r\n")}\r\n\r\n`);
    // a client may offer an upgrade that a server does not take (RFC 9110 section 7.8): the request itself is served. Of
    // several lines a server may take the one that asks for a WebSocket, and pass on no other
    const fine = lines.includes("websocket") ? [200, 400, 101] : [200, 400];
    expect([lines, status]).toEqual([lines, expect.toBeOneOf(fine)]);
    expect([lines, plain.upgrades()]).toEqual([lines, []]);
  }
}

/** The status of the first answer; 0 when the connection ends without one. */
async function statusOf(target: GatewayTarget, octets: string): Promise<number> {
  const socket = await openSocket(target);
  const ended = once(socket, "close").then(() => undefined);
  try {
    socket.write(octets);
    let text = "";
    while (!text.includes("\r\n")) {
      const part = await Promise.race([once(socket, "data"), ended]);
      if (part === undefined) return 0;
      text += String(part[0]);
    }
    return Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
  } finally {
    socket.destroy();
  }
}

function hostTests(trial: GatewayTrial): void {
  trial.test(["upstream"], "a Host of another form than a name with a port is answered 400 or 421", async () => {
    const { plainPort } = trial.world;
    const places: readonly (readonly [string, GatewayTarget])[] = [
      ["a.gw.test", trial.secure("a.gw.test")],
      ["some.gw.test", trial.secure("some.gw.test")],
      ["plain.test", { address: addresses.main, port: plainPort }],
      ["any.test", trial.secure("any.test", addresses.nameless)],
    ];
    await expectRefused(trial, places);
  });

  trial.test(["upstream"], "no other authority reaches the upstream in a target that is a whole URL", async () => {
    // RFC 9112 section 3.2.2: such a target overrules Host
    const name = "a.gw.test";
    const authorities = [`user@${name}`, `${name}:443@evil.test`, `evil.test:443@${name}`, `${name}:port`, "evil.test"];
    for (const authority of authorities) {
      const lines = [`GET https://${authority}/x HTTP/1.1`, `Host: ${name}`, "Connection: close"];
      const answer = await exchange(trial.secure(name), `${lines.join("\r\n")}\r\n\r\n`);
      const isRefused = /^HTTP\/1\.1 (400|403|404|421)/.test(answer);
      expect([authority, isRefused || /^HTTP\/1\.1 200/.test(answer)]).toEqual([authority, true]);
      if (!isRefused) expect(answer).not.toMatch(/evil\.test|user@|:port/);
    }
  });

  trial.test(["redirect"], "the redirect sends nobody on to a Host of another form", async () => {
    const { httpPort } = trial.world;
    await expectRefused(trial, [
      ["a.gw.test", { address: addresses.main, port: httpPort }],
      ["any.test", { address: addresses.nameless, port: httpPort }],
    ]);
  });

  trial.test(["upstream"], "an authority of HTTP/2 of another form is refused", async () => {
    const reached = await trial.reaching(async () => {
      for (const host of strangeHosts("a.gw.test")) {
        const answer = await trial.ask("a", { host, http: "2" }).catch(() => undefined);
        if (answer !== undefined) {
          expect([host, answer.status]).toEqual([host, expect.toBeOneOf([400, 403, 404, 421])]);
        }
      }
    });
    expect(reached).toBe(0);
  });
}

async function expectRefused(
  trial: GatewayTrial,
  places: readonly (readonly [string, GatewayTarget])[],
): Promise<void> {
  const reached = await trial.reaching(async () => {
    for (const [name, target] of places) {
      const several = [`${name}\r\nHost: evil.test`, `evil.test\r\nHost: ${name}`];
      for (const host of [...strangeHosts(name), ...several]) {
        const answer = await exchange(target, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        expect([host, answer.split("\r\n", 1)[0]]).toEqual([host, expect.stringMatching(/^HTTP\/1\.1 (400|421)/)]);
        expect(answer).not.toMatch(/^location:/im);
      }
    }
  });
  expect(reached).toBe(0);
}

function identityTests(trial: GatewayTrial): void {
  for (const [site, features] of Object.entries({
    a: ["upstream"],
    secure: ["upstreamTls"],
    h2c: ["upstreamH2c"],
    "request-headers": ["requestHeaders"],
  } as const)) {
    trial.test(features, `no header by which a client names itself reaches the upstream: ${site}`, async () => {
      const headers = identityHeaders.map((name) => [name, forged] as const);
      for (const http of versions) expectNoForged(await trial.ask(site, { http, headers }));
    });

    trial.test(features, `nor does one with underscores in its name: ${site}`, async () => {
      for (const http of versions) {
        for (const name of identityHeaders) {
          const headers = underscored(name).map((spelt) => [spelt, forged] as const);
          const answer = headers.length === 0 ? undefined : await trial.ask(site, { http, headers });
          // a server that cannot remove such a header refuses the request
          if (answer !== undefined && answer.status !== 400) expectNoForged(answer);
        }
      }
    });
  }

  trial.test(["upstream"], "nor does one over plain HTTP", async () => {
    const headers = identityHeaders.map((name) => [name, forged] as const);
    expectNoForged(await trial.askPlain("plain.test", { headers }));
  });

  trial.test(["upstream"], "nor is one kept by a client that names it as a header of its connection", async () => {
    const headers = identityHeaders.flatMap((name) => [[name, forged] as const, ["Connection", name] as const]);
    expectNoForged(await trial.ask("a", { headers }));
  });

  trial.test(["requestHeaders"], "a site sets such a header itself", async () => {
    const headers = [["X-Real-IP", forged] as const];
    for (const http of versions) {
      const { headers: sent } = (await trial.ask("identified", { http, headers })).echo();
      expect(sent.filter(([name]) => name === "x-real-ip")).toEqual([["x-real-ip", "the-gateway"]]);
    }
  });
}

function expectNoForged(answer: GatewayAnswer): void {
  expect(answer.echo().headers.filter(([, value]) => value.includes(forged))).toEqual([]);
}

function methodTests(trial: GatewayTrial): void {
  trial.test(["upstream"], "TRACE and CONNECT are refused, and nothing of the request comes back", async () => {
    const { plainPort } = trial.world;
    const places: readonly (readonly [string, GatewayTarget])[] = [
      ["a.gw.test", trial.secure("a.gw.test")],
      ["plain.test", { address: addresses.main, port: plainPort }],
      ["any.test", trial.secure("any.test", addresses.nameless)],
    ];
    const reached = await trial.reaching(async () => {
      for (const [host, target] of places) {
        for (const line of ["TRACE /", `CONNECT ${host}:443`, "CONNECT evil.test:443", "CONNECT /"]) {
          const lines = [`${line} HTTP/1.1`, `Host: ${host}`, "X-Told: by-the-client", "Connection: close"];
          const answer = await exchange(target, `${lines.join("\r\n")}\r\n\r\n`);
          expect([line, answer]).toEqual([
            line,
            expect.stringMatching(/^(HTTP\/1\.[01] (400|403|404|405|421|501) |$)/),
          ]);
          expect(answer).not.toContain("by-the-client");
        }
      }
    });
    expect(reached).toBe(0);
  });

  trial.test(["upstream"], "TRACE and CONNECT are refused over HTTP/2", async () => {
    const reached = await trial.reaching(async () => {
      for (const method of ["TRACE", "CONNECT"]) {
        // a refusal may be a stream that is reset
        const answer = await trial.ask("a", { method, http: "2" }).catch(() => undefined);
        if (answer !== undefined) expect(answer.status).toBeOneOf([400, 403, 404, 405, 501]);
      }
    });
    expect(reached).toBe(0);
  });
}
