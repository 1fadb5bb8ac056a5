import { ipOctets } from "../../x509/names/ip-address";
import type { SiteProblem } from "../model/problem";
import { answeredNames, type HeaderChange, isTlsSite, type SiteData, sortedByName } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import {
  firstSite,
  type Listener,
  type ListenerOptions,
  type ListenerSite,
  listenersOf,
  renderAddress,
} from "./listeners";

/**
 * Finds everything in these sites that no proxy can serve together, or at all; what a kind can't do is the business of
 * `checkFeatures` and of the kind. Linear in the number of sites.
 */
export function checkProxySites(sites: readonly SiteData[], options: ListenerOptions): readonly SiteProblem[] {
  const sorted = sortedByName(sites);
  const listeners = listenersOf(sorted, options);
  return [
    ...checkNames(sorted),
    ...sorted.flatMap(checkProxySite),
    ...withoutTwins(listeners).flatMap(checkListener),
    ...checkOverlap(listeners),
    ...checkAnswers(listeners, options),
  ];
}

/** Without those of IPv6 whose sites are those of IPv4: all of it would be told twice. */
function withoutTwins(listeners: readonly Listener[]): readonly Listener[] {
  const names = ({ sites, redirects }: Listener) => [...sites, ...redirects].map(({ site }) => site.name).join("\n");
  const four = new Map(listeners.flatMap((one) => (one.address === "0.0.0.0" ? [[one.port, names(one)]] : [])));
  return listeners.filter((listener) => listener.address !== "::" || four.get(listener.port) !== names(listener));
}

function checkNames(sites: readonly SiteData[]): readonly SiteProblem[] {
  return sites.flatMap((site, index) => {
    if (index === 0 || sites[index - 1]?.name !== site.name) return [];
    const reason = `two sites are called "${site.name}": give each a name of its own`;
    return [{ site: site.name, otherSite: site.name, property: "name", reason }];
  });
}

function checkProxySite(site: SiteData): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  if (site.upstream === undefined) {
    const reason = 'is missing: a proxy must know where requests go: give { url: "http://10.0.0.5:8080" }';
    problems.push({ site: site.name, property: "upstream", reason });
  }
  const addresses = isTlsSite(site) ? answeredNames(site).filter((name) => ipOctets(name) !== undefined) : [];
  if (addresses.length > 0) {
    const reason = `${addresses.join(", ")}: clients send no name for an address in the handshake (RFC 6066 section 3), so sites can't be told apart by it: bind a site without hostnames to the address, on a port that no other site has`;
    problems.push({ site: site.name, property: "hostnames", reason });
  }
  return problems;
}

/** What the sites of one listener must agree on, and what only one of them can have. */
function checkListener(listener: Listener): readonly SiteProblem[] {
  const { sites, redirects } = listener;
  const [first] = sites;
  const where = renderAddress(listener);
  const problems: SiteProblem[] = [];
  const add = (site: SiteData, other: SiteData, property: string, reason: string): void => {
    problems.push({ site: site.name, otherSite: other.name, property, reason });
  };
  if (first !== undefined) {
    for (const { site } of [...sites, ...redirects]) {
      if (isTlsSite(site) !== isTlsSite(first.site) && !redirects.some((one) => one.site === site)) {
        add(
          site,
          first.site,
          "binds",
          `${where} would speak both TLS and plain HTTP: give one of the sites another port`,
        );
      }
    }
    if (isTlsSite(first.site) && redirects[0] !== undefined) {
      const reason = `${where} has TLS, and the redirect to https listens there without: change the bind, or options.httpPort`;
      add(first.site, redirects[0].site, "binds", reason);
    }
  }
  const [leader] = [...sites, ...redirects];
  for (const { site } of [...sites, ...redirects]) {
    if (leader === undefined) break;
    if (JSON.stringify(site.proxyProtocol) !== JSON.stringify(leader.site.proxyProtocol)) {
      const reason = `${where} has one PROXY protocol for all its sites, and they differ: give both the same, or another port`;
      add(site, leader.site, "proxyProtocol", reason);
    }
  }
  for (const { site } of sites) {
    if (first === undefined || (site.tlsProfile ?? "intermediate") === (first.site.tlsProfile ?? "intermediate"))
      continue;
    const reason = `${where} has one TLS profile for all its sites, found "${site.tlsProfile ?? "intermediate"}" and "${first.site.tlsProfile ?? "intermediate"}": give both the same, or another port or address`;
    add(site, first.site, "tlsProfile", reason);
  }
  return [...problems, ...checkListenerNames(where, [...sites, ...redirects])];
}

function checkListenerNames(where: string, entries: readonly ListenerSite[]): readonly SiteProblem[] {
  const owners = new Map<string, SiteData>();
  return entries.flatMap(({ site, names }) =>
    (names.length === 0 ? [""] : names).flatMap((name) => {
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, site);
      if (owner === undefined || owner === site) return [];
      const reason =
        name === ""
          ? `both answer every name on ${where}: give one of them hostnames, or another port or address`
          : `both answer ${name} on ${where}: leave the name away from one of them, or give it another port or address`;
      return [{ site: site.name, otherSite: owner.name, property: name === "" ? "binds" : "hostnames", reason }];
    }),
  );
}

/** Challenges are asked without TLS. */
function checkAnswers(listeners: readonly Listener[], { acmeThumbprint, httpPort }: ListenerOptions) {
  const secured = listeners.find(({ port, isTls }) => port === httpPort && isTls);
  const site = secured === undefined ? undefined : firstSite(secured);
  if (acmeThumbprint === undefined || secured === undefined || site === undefined) return [];
  const reason = `${renderAddress(secured)} has TLS, and options.acmeThumbprint asks for answers of http-01 there, which are without: change the bind, or options.httpPort`;
  return [{ site: site.name, property: "binds", reason }];
}

/** The most specific address takes a connection: names on the other listener would be dead there. */
function checkOverlap(listeners: readonly Listener[]): readonly SiteProblem[] {
  const wildcards = new Map(
    listeners.filter(({ address }) => isWildcard(address)).map((listener) => [familyOf(listener), listener] as const),
  );
  return listeners.flatMap((listener) => {
    if (isWildcard(listener.address)) return [];
    const all = wildcards.get(familyOf(listener));
    const site = firstSite(listener);
    const other = all === undefined ? undefined : firstSite(all);
    if (all === undefined || site === undefined || other === undefined) return [];
    const where = `${renderAddress(listener)} and ${renderAddress(all)}`;
    const reason = `${where} are one port: a connection to the address would never find the sites on all addresses. Bind both to all addresses, or both to addresses`;
    return [{ site: site.name, otherSite: other.name, property: "binds", reason }];
  });
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

function familyOf({ address, port }: Listener): string {
  return `${address.includes(":") ? 6 : 4} ${port}`;
}

/**
 * Refuses https upstreams of a server that compares the names in their certificates alone.
 *
 * @param verifier the server, as it is called in messages
 */
export function checkVerifiedName(site: SiteData, verifier: string): readonly SiteProblem[] {
  const upstream = effectiveUpstream(site);
  if (upstream?.scheme !== "https" || ipOctets(upstream.serverName) === undefined) return [];
  const isGiven = site.upstream?.serverName !== undefined;
  const reason = `found ${isGiven ? "the address " : "none, and the host of url is the address "}${upstream.serverName}: ${verifier} verifies an upstream by names alone, never by an address in its certificate. Give a DNS name that its certificate has`;
  return [{ site: site.name, property: "upstream.serverName", reason }];
}

/** What a server has against a change of a header: of which property, and why; undefined when it can do it. */
export type HeaderJudge = (
  change: HeaderChange,
) => { readonly property: "name" | "action"; readonly reason: string } | undefined;

/** Headers of one connection (RFC 9110 section 7.6.1), and of the framing of one message (RFC 9112 section 6). */
const ofConnections: readonly string[] = [
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** A problem for each change of a header that one of the judges can't do: what the first of them says. */
export function checkHeaders(site: SiteData, judges: readonly HeaderJudge[]): readonly SiteProblem[] {
  return (site.headers ?? []).flatMap((change, index) => {
    for (const judge of judges) {
      const found = judge(change);
      if (found !== undefined) {
        return [{ site: site.name, property: `headers[${index}].${found.property}`, reason: found.reason }];
      }
    }
    return [];
  });
}

/**
 * Refuses changes of what belongs to a single connection.
 *
 * @param server as it is called in messages
 * @param more names, in lower case, that are the server's own too
 */
export function connectionHeaders(server: string, more: readonly string[] = []): HeaderJudge {
  const refused = new Set([...ofConnections, ...more]);
  return ({ name }) => {
    if (!refused.has(name.toLowerCase())) return undefined;
    const reason = `${name} belongs to a single connection, and ${server} writes it by itself: leave the change away`;
    return { property: "name", reason };
  };
}

/** Refuses these actions for the Host of a request, which every request has, and once. */
export function hostOfRequest(...actions: readonly HeaderChange["action"][]): HeaderJudge {
  return ({ on, action, name }) => {
    if (on !== "request" || name.toLowerCase() !== "host" || !actions.includes(action)) return undefined;
    const reason = `found "${action}" of Host, of which a request has exactly one (RFC 9112 section 3.2): use "set", or leave the change away`;
    return { property: "action", reason };
  };
}
