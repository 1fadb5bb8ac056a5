import { generateKeyPairSync } from "node:crypto";
import { expect, it } from "vitest";
import type { ChallengeSettings } from "../../../../provider/src/acme/challenge/solver";
import { createSolver } from "../../../../provider/src/acme/challenge/solvers";
import { readAccountKey } from "../../../../provider/src/acme/client/jws";
import { systemClock } from "../../../../provider/src/acme/run/deadline";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = readAccountKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const context = {
  ...{ key, accountUrl: "https://ca.example/acct/1", clock: systemClock },
  directory: () => Promise.reject(new Error("no CA is asked")),
};

it.each<[ChallengeSettings, { wildcard: boolean; ip: boolean }]>([
  [
    { type: "http-01", webroot: "/srv/www" },
    { wildcard: false, ip: true },
  ],
  [{ type: "http-01" }, { wildcard: false, ip: true }],
  [
    { type: "http-01", port: 8080, address: "127.0.0.1" },
    { wildcard: false, ip: true },
  ],
  [
    { type: "tls-alpn-01", port: 8443 },
    { wildcard: false, ip: true },
  ],
  [
    { type: "http-01", via: "gateway" },
    { wildcard: false, ip: true },
  ],
  [
    { type: "http-01", via: "order" },
    { wildcard: false, ip: true },
  ],
  [
    { type: "dns-01", via: "order" },
    { wildcard: true, ip: false },
  ],
  [
    { type: "dns-01", command: "./dns.sh" },
    { wildcard: true, ip: false },
  ],
])("the settings %j make a solver that takes what its challenge can prove", (settings, can) => {
  const solver = createSolver(settings, context);
  expect(solver.type).toBe(settings.type);
  const name = { type: "dns", value: "example.test" } as const;
  expect(solver.refuse(name, false)).toBeUndefined();
  expect(solver.refuse(name, true) === undefined).toBe(can.wildcard);
  expect(solver.refuse({ type: "ip", value: "192.0.2.1" }, false) === undefined).toBe(can.ip);
});
