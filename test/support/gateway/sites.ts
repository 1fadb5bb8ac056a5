// The sites that every kind of gateway is tried with: one process, a site for each thing that a site can ask for.
import { type FeatureTable, gatewayFeatures } from "../../../provider/src/gateway/model/features";
import type { SiteData } from "../../../provider/src/gateway/model/site";
import { acceptedSites } from "./cells-sites";
import { edgeSites } from "./sites-edge";

/** Ports of the upstreams, by what they are. */
interface UpstreamPorts {
  readonly plain: number;
  readonly secure: number;
  /** HTTP/2 without TLS only. */
  readonly h2c: number;
  /** Nobody listens. */
  readonly down: number;
  /** Another one without TLS. */
  readonly second: number;
  /** Another one with TLS, which no site but its own asks. */
  readonly first: number;
  /** One whose certificate is for another address than it has. */
  readonly elsewhere: number;
  /** Nobody listens before a test does. */
  readonly later: number;
  /** Connections to it come to nothing, and are not refused. */
  readonly silent: number;
}

/** What the sites stand on. */
export interface SiteGround {
  readonly tlsPort: number;
  readonly plainPort: number;
  /** Where the names of a site with client certificates have none. */
  readonly openPort: number;
  /** Where they have those of another authority. */
  readonly otherPort: number;
  readonly upstreams: UpstreamPorts;
  /** Paths, on the server, of what a site says that it finds there. */
  readonly placed: {
    readonly certFile: string;
    readonly keyFile: string;
    readonly clientRootFile: string;
    readonly upstreamRootFile: string;
  };
}

/** Loopback addresses with listeners of their own. */
export const addresses = {
  main: "127.0.0.1",
  proxied: "127.0.0.2",
  nameless: "127.0.0.3",
  modern: "127.0.0.4",
  mistrusted: "127.0.0.5",
} as const;

/** The address of a client that maintenance lets in, and of one that comes by a trusted load balancer. */
export const clients = { excepted: "127.0.0.9", behind: "203.0.113.7", other: "203.0.113.8" } as const;

/** Every sign that means something in some server's configuration; header values take no braces. */
export const oddValue = String.raw`a "b" 'c' $host %d %[src] %%e ; # \f \n ${"`"}g${"`"} <h> | & * ~ ^ !i @j =k`;

const hstsYears = { maxAgeSeconds: 63_072_000, includeSubDomains: true };

/** The names of the certificates' resources, and what each covers. */
export const certificateNames: Readonly<Record<string, readonly string[]>> = {
  exact: ["a.gw.test"],
  wild: ["*.gw.test"],
  modern: ["modern.test"],
  proxied: ["proxied.test", "busy.test"],
  nameless: ["any.test"],
  placed: ["placed.gw.test"],
  "beside-any": ["any.test"],
};

/** All sites that a kind with these features can serve. */
export function trialSites(ground: SiteGround, features: FeatureTable): readonly SiteData[] {
  const used = Object.entries(gatewayFeatures).filter(([name]) => features[name as keyof FeatureTable] !== true);
  return acceptedSites(...mainSites(ground), ...otherSites(ground), ...edgeSites(ground)).filter(
    (site) => !used.some(([, feature]) => feature.isUsed(site)),
  );
}

/** Sites of the main listener, each `<name>.gw.test`. */
function mainSites({ tlsPort, upstreams, placed }: SiteGround): readonly object[] {
  const [plain, secure] = [`http://127.0.0.1:${upstreams.plain}`, `https://127.0.0.1:${upstreams.secure}`];
  const named = { rootCa: true, serverName: "app.internal" };
  const site = (name: string, more: object = {}) => ({
    name,
    binds: [`127.0.0.1:${tlsPort}`, `[::1]:${tlsPort}`],
    hostnames: [`${name}.gw.test`],
    tls: { certificate: { name: "wild" } },
    upstream: { url: plain },
    ...more,
  });
  const exact = { tls: { certificate: { name: "exact" } }, hostnames: ["a.gw.test"] };
  const change = (on: string) => (action: string, name: string, value?: string) => ({ on, action, name, value });
  return [
    site("a", { ...exact, redirectToHttps: true, hsts: hstsYears }),
    site("wild", { hostnames: ["*.gw.test"], redirectToHttps: true }),
    ...["request", "response"].map((on) =>
      site(`${on}-headers`, { headers: headerChanges(change(on), on === "request") }),
    ),
    site("identified", { headers: [change("request")("set", "X-Real-IP", "the-gateway")] }),
    site("mtls", { clientAuth: { ca: true } }),
    site("other-mtls", { clientAuth: { ca: true } }),
    site("placed", {
      tls: { certificate: { certFile: placed.certFile, keyFile: placed.keyFile } },
      clientAuth: { caFile: placed.clientRootFile },
      upstream: { url: secure, rootCaFile: placed.upstreamRootFile, serverName: "app.internal" },
    }),
    site("secure", { upstream: { url: secure, ...named } }),
    site("wrong-root", { upstream: { url: secure, ...named }, hsts: hstsYears }),
    site("wrong-name", { upstream: { url: secure, rootCa: true, serverName: "other.internal" } }),
    site("system-roots", { upstream: { url: secure, serverName: "app.internal" } }),
    site("h2c", { upstream: { url: `h2c://127.0.0.1:${upstreams.h2c}` } }),
    site("grpc", { upstream: { url: plain, grpc: true } }),
    site("grpc-wrong-root", { upstream: { url: secure, grpc: true, ...named } }),
    site("grpc-wrong-name", { upstream: { url: secure, grpc: true, rootCa: true, serverName: "other.internal" } }),
    site("grpcs", { upstream: { url: secure, grpc: true, ...named } }),
    site("body", { maxBodyBytes: 1000 }),
    site("large-body", { maxBodyBytes: 1024 * 1024 }),
    site("impatient", { timeouts: { responseSeconds: 1, tunnelSeconds: 6 } }),
    site("down", { upstream: { url: `http://127.0.0.1:${upstreams.down}` }, hsts: hstsYears }),
    site("maintained", { maintenance: { retryAfterSeconds: 120 }, hsts: hstsYears }),
    site("open", { maintenance: { except: [clients.excepted, "::1"] } }),
    site("allow-list", { routing: allowList, hsts: hstsYears }),
    site("deny-list", { routing: denyList }),
    site("cells", { upstream: { url: secure, kind: "cells", ...named } }),
  ];
}

const allowList = [
  { route: "/public", effect: "allow" },
  { route: "/public/secret", effect: "deny" },
  { route: "/public/secret/open", effect: "allow" },
];
const denyList = [
  { route: "*", effect: "allow" },
  { route: "/admin", effect: "deny" },
];

type Change = (action: string, name: string, value?: string) => object;

/** Each header is changed once: what several changes of one mean is the business of each kind. */
function headerChanges(change: Change, isRequest: boolean): readonly object[] {
  return [
    change("set", "X-Set", "by the gateway"),
    change("append", "X-Append", "appended"),
    change("addIfAbsent", "X-If-Absent", "added"),
    change("replace", "X-Replace", "replaced"),
    change("remove", "X-Remove"),
    change("set", "X-Odd", oddValue),
    ...(isRequest ? [change("set", "X-Forwarded-Proto", "gopher")] : []),
  ];
}

/** Sites with listeners of their own. */
function otherSites({ tlsPort, plainPort, upstreams }: SiteGround): readonly object[] {
  const upstream = { url: `http://127.0.0.1:${upstreams.plain}` };
  const proxied = { tls: { certificate: { name: "proxied" } }, upstream, proxyProtocol: { trusted: ["127.0.0.0/24"] } };
  const proxiedBinds = [`${addresses.proxied}:${tlsPort}`];
  return [
    {
      name: "plain",
      binds: [`127.0.0.1:${plainPort}`, `[::1]:${plainPort}`],
      hostnames: ["plain.test", "*.plain.test", "localhost"],
      tls: "disabled",
      upstream,
    },
    { name: "proxied", binds: proxiedBinds, hostnames: ["proxied.test"], ...proxied, redirectToHttps: true },
    {
      name: "busy",
      binds: proxiedBinds,
      hostnames: ["busy.test"],
      ...proxied,
      maintenance: { except: [`${clients.behind}/32`, "2001:db8::/64"] },
    },
    {
      name: "proxied-plain",
      binds: [`${addresses.proxied}:${plainPort}`],
      hostnames: ["proxied.test"],
      tls: "disabled",
      upstream,
      proxyProtocol: proxied.proxyProtocol,
    },
    {
      name: "mistrusted",
      binds: [`${addresses.mistrusted}:${tlsPort}`],
      hostnames: ["busy.test"],
      ...proxied,
      proxyProtocol: { trusted: ["192.0.2.1"] },
      maintenance: { except: [`${clients.behind}/32`] },
    },
    {
      name: "nameless",
      binds: [`${addresses.nameless}:${tlsPort}`],
      tls: { selfSigned: { ca: "local", hostnames: ["any.test"] } },
      redirectToHttps: true,
      upstream,
    },
    {
      name: "modern",
      binds: [`${addresses.modern}:${tlsPort}`],
      hostnames: ["modern.test"],
      tls: { certificate: { name: "modern" } },
      tlsProfile: "modern",
      upstream,
    },
  ];
}
