// Guards: a load balancer's word that is not heard, or that is taken from anybody.
import { expect } from "vitest";
import { ask, exchange, type GatewayAnswer, proxyHeaderV1, proxyHeaderV2 } from "./client";
import { addresses, clients } from "./sites";
import type { GatewayTrial } from "./trial";

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

/** Closed, or answered that it is wrong. */
const refusal = /^(HTTP\/1\.[01] 4\d\d |$)/;

/** Declares the tests. */
export function proxyProtocolFeatures(trial: GatewayTrial): void {
  const overTls = (host: string, proxyHeader: Buffer, http: "1.1" | "2" = "1.1", address: string = addresses.proxied) =>
    ask({ ...trial.secure(host, address), from: "127.0.0.1", proxyHeader }, { host, http });
  const clientOf = (answer: GatewayAnswer) =>
    answer.echo().headers.flatMap(([name, value]) => (name === "x-forwarded-for" ? [value] : []));

  /** What comes of these octets, and a request after them, without TLS. */
  const begin = (octets: Buffer) => {
    const target = { address: addresses.proxied, port: trial.world.plainPort, from: "127.0.0.1" };
    const request = "GET / HTTP/1.1\r\nHost: proxied.test\r\nConnection: close\r\n\r\n";
    return exchange(target, Buffer.concat([octets, Buffer.from(request)]));
  };

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

  trial.test(["proxyProtocol"], "a connection without a header gets no answer, or its kind says so", async () => {
    const isServed = trial.world.gateway.notes.some((note) => /without a PROXY header/.test(note));
    const reached = await trial.reaching(async () => {
      for (const http of ["1.1", "2"] as const) {
        const answer = await overTls("proxied.test", Buffer.alloc(0), http).catch(() => undefined);
        if (isServed && answer !== undefined) expect(clientOf(answer)).toEqual(["127.0.0.1"]);
        else expect(answer).toBeUndefined();
      }
      const plain = await begin(Buffer.alloc(0));
      if (!isServed) expect(plain).toMatch(refusal);
    });
    if (!isServed) expect(reached).toBe(0);
  });

  trial.test(["proxyProtocol"], "a header that is none ends the connection, or says nothing of a client", async () => {
    const taken = new Set<string>();
    for (const [what, octets] of Object.entries(garbled(headers["version 1"].v4, headers["version 2"].v4))) {
      const reached = await trial.reaching(async () => {
        const secure = await overTls("proxied.test", octets).catch(() => undefined);
        if (secure?.status === 200) {
          // at most what the header says, at least one address
          expect([what, clientOf(secure)]).toEqual([what, [expect.stringMatching(/^[0-9a-f.:]+$/)]]);
          taken.add(what);
        } else if (secure !== undefined) expect([what, secure.status]).toEqual([what, expect.toBeOneOf([400, 403])]);
        const plain = await begin(octets);
        if (!refusal.test(plain)) taken.add(what);
      });
      if (!taken.has(what)) expect([what, reached]).toEqual([what, 0]);
    }
    expect([...taken].sort()).toEqual([...(trial.server.lenientProxyHeaders ?? [])].sort());
  });
}

/** What begins like a header of either version and is none, by what is wrong with it. */
function garbled(v1: Buffer, v2: Buffer): Readonly<Record<string, Buffer>> {
  const line = (text: string) => Buffer.from(`${text}\r\n`);
  const changed = (octets: Buffer, at: number, value: number) => {
    const copy = Buffer.from(octets);
    copy[at] = value;
    return copy;
  };
  const address = `${clients.behind} 192.0.2.1`;
  return {
    // the longest line has 107 octets
    "a long line": line(`PROXY TCP4 ${clients.behind} ${"1".repeat(200)} 40000 443`),
    "no address": line(`PROXY TCP4 not-an-address 192.0.2.1 40000 443`),
    "an octet of 300": line("PROXY TCP4 300.0.113.7 192.0.2.1 40000 443"),
    "no ports": line(`PROXY TCP4 ${address}`),
    "another family": line(`PROXY TCP6 ${address} 40000 443`),
    "no end of line": v1.subarray(0, -2),
    "no family": line("PROXY"),
    "an unknown version": changed(v2, 12, 0x31),
    "an unknown command": changed(v2, 12, 0x2f),
    "a short length": changed(v2, 15, 4),
    "a broken signature": changed(v2, 3, 1),
  };
}
