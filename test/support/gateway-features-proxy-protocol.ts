// Guards: a load balancer's word that is not heard, or that is taken from anybody.
import { expect } from "vitest";
import { ask, type GatewayAnswer, proxyHeaderV1, proxyHeaderV2 } from "./gateway-client";
import { addresses, clients } from "./gateway-sites";
import type { GatewayTrial } from "./gateway-trial";

const behind = clients.behind.split(".").map(Number);
const ipv6 = { text: "2001:db8::7", octets: [0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 7] };
const headers = {
  "version 1": { v4: proxyHeaderV1(clients.behind), v6: proxyHeaderV1(ipv6.text), other: proxyHeaderV1(clients.other) },
  "version 2": {
    v4: proxyHeaderV2(behind),
    v6: proxyHeaderV2(ipv6.octets),
    other: proxyHeaderV2(clients.other.split(".").map(Number)),
  },
};

/** Declares the tests. */
export function proxyProtocolFeatures(trial: GatewayTrial): void {
  const overTls = (host: string, proxyHeader: Buffer, http: "1.1" | "2" = "1.1", address: string = addresses.proxied) =>
    ask({ ...trial.secure(host, address), from: "127.0.0.1", proxyHeader }, { host, http });
  const clientOf = (answer: GatewayAnswer) =>
    answer.echo().headers.flatMap(([name, value]) => (name === "x-forwarded-for" ? [value] : []));

  for (const [version, { v4, v6, other }] of Object.entries(headers)) {
    trial.test(
      ["proxyProtocol"],
      `the client's address comes by a header of ${version}, over TLS and without`,
      async () => {
        for (const http of ["1.1", "2"] as const) {
          expect(clientOf(await overTls("proxied.test", v4, http))).toEqual([clients.behind]);
          expect(clientOf(await overTls("proxied.test", v6, http))).toEqual([ipv6.text]);
        }
        const plain = await trial.askPlain("proxied.test", {}, { address: addresses.proxied, proxyHeader: v4 });
        expect(clientOf(plain)).toEqual([clients.behind]);
      },
    );

    trial.test(
      ["proxyProtocol", "maintenance"],
      `maintenance excepts by the address of a header of ${version}`,
      async () => {
        for (const http of ["1.1", "2"] as const) {
          expect((await overTls("busy.test", v4, http)).status).toBe(200);
          expect((await overTls("busy.test", v6, http)).status).toBe(200);
          expect((await overTls("busy.test", other, http)).status).toBe(503);
        }
      },
    );

    trial.test(["proxyProtocol", "redirect"], `the redirect takes a header of ${version} too`, async () => {
      const answer = await trial.askRedirect(
        "proxied.test",
        { path: "/x" },
        { address: addresses.proxied, proxyHeader: v4 },
      );
      expect([answer.status, ...answer.all("location")]).toEqual([
        trial.server.differs?.redirectOfGet ?? 308,
        `https://proxied.test:${trial.world.tlsPort}/x`,
      ]);
    });

    trial.test(
      ["proxyProtocol", "maintenance"],
      `a header of ${version} from a peer that is not trusted does not count`,
      async () => {
        const reached = await trial.reaching(async () => {
          for (const http of ["1.1", "2"] as const) {
            const answer = await overTls("busy.test", v4, http, addresses.mistrusted).catch(() => undefined);
            expect(answer === undefined || answer.status === 503 || answer.status === 403).toBe(true);
          }
        });
        expect(reached).toBe(0);
      },
    );
  }

  trial.test(["proxyProtocol"], "a load balancer that asks for health, without a client, is answered", async () => {
    expect(clientOf(await overTls("proxied.test", proxyHeaderV2()))).toEqual(["127.0.0.1"]);
  });
}
