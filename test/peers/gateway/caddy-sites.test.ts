// What is Caddy's own among the kinds: a site without names beside others, wildcards across sites, several changes of one
// header, certificates that Caddy makes, hundreds of sites on one port.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { acceptedSites } from "../../support/gateway/cells-sites";
import { type GatewayCertificates, makeGatewayCertificates, partOf } from "../../support/gateway/certificates";
import { ask, type GatewayAsk, type GatewayTarget, openSocket, shakeHands } from "../../support/gateway/client";
import { type RunningGateway, startGateway } from "../../support/gateway/server";
import { caddyServer, distributionCaddy } from "../../support/gateway/server-caddy";
import { type GatewayUpstream, startUpstream } from "../../support/gateway/upstream";
import { describeWithPeer, type Peer } from "../../support/peer";
import { freePorts } from "../../support/ports";

describeWithPeer("caddy", (caddy) => caddySites(caddy));

const older = distributionCaddy();
if (older !== undefined) describe("with the distribution's caddy", () => caddySites(older));

const alert = { code: expect.stringMatching(/ALERT/) };
const [main, openMixed, lockedMixed, own] = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"];

interface World {
  readonly certificates: GatewayCertificates;
  readonly upstream: GatewayUpstream;
  readonly gateway: RunningGateway;
  readonly folder: string;
  readonly tlsPort: number;
  readonly plainPort: number;
}

function caddySites(caddy: Peer): void {
  let world: World;

  beforeAll(async () => {
    const certificates = makeGatewayCertificates({ exact: ["*.x.test", "*.y.test", "*.many.test", "*.z.test"] });
    const upstream = await startUpstream({ label: "app" });
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-caddy-"));
    const [tlsPort = 0, plainPort = 0, httpPort = 0] = await freePorts(3);
    const sites = acceptedSites(...siteInputs(tlsPort, plainPort, upstream.port));
    const gateway = await startGateway(caddyServer(caddy), folder, sites, { httpPort }, ({ of, part }) =>
      of === "clientAuth" ? certificates.clientRootPem : partOf(certificates.served.exact ?? certificates.client, part),
    );
    world = { certificates, upstream, gateway, folder, tlsPort, plainPort };
  });

  afterAll(async () => {
    await world?.gateway.stop();
    await world?.upstream.stop();
    world?.certificates.remove();
    if (world !== undefined) rmSync(world.folder, { recursive: true, force: true });
  });

  const target = (address: string | undefined, servername?: string, tls: object = {}): GatewayTarget => ({
    ...(address !== undefined && { address }),
    port: world.tlsPort,
    tls: { ca: world.certificates.rootPem, ...(servername !== undefined && { servername }), ...tls },
  });
  const siteOf = async (to: GatewayTarget, request: GatewayAsk): Promise<string | number> => {
    const answer = await ask(to, request);
    const [site] = answer.all("x-site");
    return answer.status === 200 && site !== undefined ? site : answer.status;
  };

  describe("a site without names beside others that have some", () => {
    it("answers what they don't, with any name and none in the handshake", async () => {
      for (const http of ["1.1", "2"] as const) {
        for (const [name, host] of [
          ["whatever.test", "whatever.test"],
          [undefined, "whatever.test"],
          [undefined, "127.0.0.2:8443"],
          [undefined, "[::1]:8443"],
        ] as const) {
          expect(await siteOf(target(openMixed, name), { host, http }), `${name} ${host} ${http}`).toBe("open");
        }
        expect(await siteOf(target(openMixed, "free.x.test"), { host: "Free.X.test:1", http })).toBe("free");
      }
    });

    it("is no way to them, nor they to it", async () => {
      for (const http of ["1.1", "2"] as const) {
        for (const [name, host] of [
          [undefined, "locked.x.test"],
          ["whatever.test", "locked.x.test"],
          ["free.x.test", "locked.x.test"],
          ["free.x.test", "whatever.test"],
          [undefined, "free.x.test"],
          ["whatever.test", "other.test"],
        ] as const) {
          expect(await siteOf(target(openMixed, name), { host, http }), `${name} ${host}`).toBe(421);
        }
        await expect(ask(target(openMixed, "locked.x.test"), { host: "locked.x.test", http })).rejects.toMatchObject(
          alert,
        );
        const locked = target(openMixed, "locked.x.test", world.certificates.client);
        expect(await siteOf(locked, { host: "locked.x.test", http })).toBe("locked");
        expect(await siteOf(locked, { host: "whatever.test", http })).toBe(421);
      }
    });

    it("keeps its own demand for certificates", async () => {
      for (const http of ["1.1", "2"] as const) {
        const { client } = world.certificates;
        await expect(ask(target(lockedMixed), { host: "whatever.test", http })).rejects.toMatchObject(alert);
        await expect(ask(target(lockedMixed, "w.test"), { host: "w.test", http })).rejects.toMatchObject(alert);
        expect(await siteOf(target(lockedMixed, "w.test", client), { host: "w.test", http })).toBe("locked-open");
        expect(await siteOf(target(lockedMixed, "beside.x.test"), { host: "beside.x.test", http })).toBe("beside");
        expect(await siteOf(target(lockedMixed, "beside.x.test"), { host: "w.test", http })).toBe(421);
      }
    });
  });

  it("an exact name goes before a wildcard of another site, whichever comes first", async () => {
    const expected = {
      "a.y.test": "cross-1",
      "b.x.test": "cross-2",
      "c.x.test": "cross-1",
      "c.y.test": "cross-2",
    };
    for (const [name, site] of Object.entries(expected)) {
      expect(await siteOf(target(main, name), { host: name })).toBe(site);
      expect(await siteOf(target(main, name.toUpperCase()), { host: name })).toBe(site);
    }
    await expect(ask(target(main, "d.c.x.test"), { host: "d.c.x.test" })).rejects.toMatchObject(alert);
  });

  it("each of hundreds of sites on one port is found, and no other", async () => {
    const names = Array.from({ length: 250 }, (_, index) => `s${index}.many.test`);
    for (const [index, name] of names.entries()) {
      if (index % 7 === 0) expect(await siteOf(target(main, name), { host: name })).toBe(`many-${index}`);
    }
    expect(await siteOf(target(main, "s250.many.test"), { host: "s250.many.test" })).toBe("many-others");
  });

  it("changes of one header are made in their order", async () => {
    const asked = (headers: readonly (readonly [string, string])[]): GatewayAsk => ({
      host: "changes.z.test:8443",
      headers,
      answer: { headers },
    });
    const seen = async (sent: readonly (readonly [string, string])[]) => {
      const answer = await ask(target(main, "changes.z.test"), asked(sent));
      const request = (name: string) => answer.echo().headers.flatMap(([one, value]) => (one === name ? [value] : []));
      const list = (values: readonly string[]) => values.flatMap((value) => value.split(/, ?/));
      return (name: string) => [list(request(name)), list(answer.all(name))];
    };
    const absent = await seen([]);
    expect(absent("x-1")).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    expect(absent("x-2")).toEqual([["c"], ["c"]]);
    expect(absent("x-3")).toEqual([[], []]);
    expect(absent("x-4")).toEqual([["d"], ["d"]]);
    const present = await seen([
      ["x-1", "was"],
      ["x-2", "was"],
      ["x-3", "was"],
      ["x-4", "was"],
    ]);
    expect(present("x-1")).toEqual([
      ["was", "b"],
      ["was", "b"],
    ]);
    expect(present("x-2")).toEqual([["c"], ["c"]]);
    expect(present("x-3")).toEqual([["r"], ["r"]]);
    expect(present("x-4")).toEqual([["d"], ["d"]]);
  });

  it("changes of what Caddy sets itself are made behind it", async () => {
    const { headers } = (await ask(target(main, "named.z.test"), { host: "named.z.test:8443" })).echo();
    const found = (name: string) => headers.flatMap(([one, value]) => (one === name ? [value] : []));
    expect(found("host")).toEqual(["app.internal"]);
    expect(found("x-forwarded-host")).toEqual(["named.z.test:8443"]);
    expect(found("x-forwarded-for")).toEqual([]);
    expect(found("x-forwarded-proto").join(", ")).toBe("https, more");
  });

  it("no answer names Caddy", async () => {
    const none = (answer: Awaited<ReturnType<typeof ask>>) => [...answer.all("server"), ...answer.all("via")];
    const host = "named.z.test";
    expect(none(await ask(target(main, host), { host }))).toEqual([]);
    expect(none(await ask(target(main, host), { host: "other.z.test" }))).toEqual([]);
    expect(none(await ask(target(main, "down.z.test"), { host: "down.z.test" }))).toEqual([]);
    expect(none(await ask({ port: world.plainPort }, { host: "none.test" }))).toEqual([]);
    const answer = { headers: [["Server", "app/1"]] as const };
    expect(none(await ask(target(main, host), { host, answer }))).toEqual(["app/1"]);
  });

  it("a certificate of Caddy's own authority is served, verified by its root", async () => {
    const root = readFileSync(join(world.folder, "data/caddy/pki/authorities/local/root.crt"), "utf8");
    for (const [name, host] of [
      ["made.test", "made.test"],
      ["sub.made.test", "sub.made.test"],
    ] as const) {
      const to = target(own, name, { ca: root });
      const end = Date.now() + 60_000;
      let site: string | number | undefined;
      while (site === undefined && Date.now() < end) site = await siteOf(to, { host }).catch(() => undefined);
      expect(site).toBe("made");
      expect((await shakeHands(to)).version).toBe("TLSv1.3");
    }
  });

  it("gRPC passes without TLS, as HTTP/2 from the first octet", async () => {
    const socket = await openSocket({ port: world.plainPort });
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    const [first] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    // a frame of settings (RFC 9113 section 6.5)
    expect(first[3]).toBe(4);
  });

  it("a target in absolute form, or of the server itself, is no way around the rules", async () => {
    const before = world.upstream.seen();
    for (const path of ["http://routed.z.test/private", "http://routed.z.test/public/../private", "*"]) {
      const method = path === "*" ? "OPTIONS" : "GET";
      await ask(target(main, "routed.z.test"), { host: "routed.z.test", path, method });
    }
    expect(world.upstream.seen()).toBe(before);
    expect(await siteOf(target(main, "routed.z.test"), { host: "routed.z.test", path: "/public/x?..//" })).toBe(
      "routed",
    );
  });
}

function siteInputs(tlsPort: number, plainPort: number, upstreamPort: number): readonly object[] {
  const site = (name: string, address: string | undefined, more: object) => ({
    name,
    binds: [`${address}:${tlsPort}`],
    tls: { certificate: { name: "all" } },
    upstream: { url: `http://127.0.0.1:${upstreamPort}` },
    ...more,
    headers: [
      { on: "response", action: "set", name: "X-Site", value: name },
      ...((more as { headers?: object[] }).headers ?? []),
    ],
  });
  const change = (action: string, name: string, value?: string) =>
    ["request", "response"].map((on) => ({ on, action, name, value }));
  const request = (action: string, name: string, value?: string) => ({ on: "request", action, name, value });
  return [
    site("open", openMixed, {}),
    site("free", openMixed, { hostnames: ["free.x.test"] }),
    site("locked", openMixed, { hostnames: ["locked.x.test"], clientAuth: { ca: true } }),
    site("locked-open", lockedMixed, { clientAuth: { ca: true } }),
    site("beside", lockedMixed, { hostnames: ["beside.x.test"] }),
    site("cross-1", main, { hostnames: ["*.x.test", "a.y.test"] }),
    site("cross-2", main, { hostnames: ["*.y.test", "b.x.test"] }),
    ...Array.from({ length: 250 }, (_, index) => site(`many-${index}`, main, { hostnames: [`s${index}.many.test`] })),
    site("many-others", main, { hostnames: ["*.many.test"] }),
    site("changes", main, {
      hostnames: ["changes.z.test"],
      headers: [
        ...change("addIfAbsent", "X-1", "a"),
        ...change("append", "x-1", "b"),
        ...change("append", "X-2", "b"),
        ...change("set", "X-2", "c"),
        ...change("replace", "X-3", "r"),
        ...change("set", "X-4", "b"),
        ...change("remove", "X-4"),
        ...change("replace", "X-4", "never"),
        ...change("addIfAbsent", "X-4", "d"),
      ],
    }),
    site("named", main, {
      hostnames: ["named.z.test"],
      headers: [
        request("set", "Host", "app.internal"),
        request("remove", "X-Forwarded-For"),
        request("addIfAbsent", "X-Forwarded-Proto", "never"),
        request("append", "X-Forwarded-Proto", "more"),
      ],
    }),
    site("down", main, { hostnames: ["down.z.test"], upstream: { url: "http://127.0.0.1:1" } }),
    site("routed", main, { hostnames: ["routed.z.test"], routing: [{ route: "/public", effect: "allow" }] }),
    site("made", own, { hostnames: ["made.test", "*.made.test"], tls: { selfSigned: {} } }),
    {
      ...site("plain", main, { tls: "disabled", hostnames: ["plain.test"] }),
      binds: [`${main}:${plainPort}`],
      upstream: { url: `http://127.0.0.1:${upstreamPort}`, grpc: true },
    },
  ];
}
