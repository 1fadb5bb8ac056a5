import type { SiteProblem } from "../model/problem";
import type { SiteData } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import {
  checkHeaders,
  checkProxySites,
  checkVerifiedName,
  connectionHeaders,
  type HeaderJudge,
  hostOfRequest,
} from "../proxy/checks";
import { clientCaFile } from "../proxy/files";
import { firstSite, type Listener, listenersOf, renderAddress } from "../proxy/listeners";
import type { ApacheOptions } from "./options";

/** What Apache writes into every answer, or keeps beside the headers. */
const ownHeaders: HeaderJudge = ({ on, action, name }) => {
  const key = name.toLowerCase();
  if (on === "response" && (key === "date" || (key === "server" && action === "remove"))) {
    const reason = `Apache writes ${name} into every answer${key === "server" ? ', as "Apache" without its version; "set" can change it' : ""}: leave the change away`;
    return { property: "name", reason };
  }
  if (on === "response" && key === "content-type" && action !== "set" && action !== "replace") {
    const reason = `Apache keeps one Content-Type beside the headers, and "${action}" does not reach it: use "set" or "replace"`;
    return { property: "name", reason };
  }
  return undefined;
};

const judges = [connectionHeaders("Apache", ["expect"]), hostOfRequest("append", "remove"), ownHeaders];

/** Finds what Apache can't serve of these sites, beside what no proxy can. Linear in the number of sites. */
export function checkApacheSites(sites: readonly SiteData[], options: ApacheOptions): readonly SiteProblem[] {
  const listeners = listenersOf(sites, options);
  return [
    ...checkProxySites(sites, options),
    ...checkFamilies(listeners),
    ...checkInnerPort(listeners, options),
    ...checkClients(listeners, options),
    ...sites.flatMap((site) => [...checkHeaders(site, judges), ...checkVerifiedName(site, "Apache")]),
  ];
}

/** Apache takes all addresses of IPv4 and of IPv6 for one, and a socket for `[::]` takes connections of both. */
function checkFamilies(listeners: readonly Listener[]): readonly SiteProblem[] {
  const at = new Map(listeners.map((listener) => [renderAddress(listener), listener]));
  return listeners.flatMap((listener): readonly SiteProblem[] => {
    if (listener.address === "0.0.0.0") return checkPair(listener, at.get(`[::]:${listener.port}`));
    const all = listener.address.includes(":") ? undefined : at.get(`[::]:${listener.port}`);
    const [site, other] = [firstSite(listener), all === undefined ? undefined : firstSite(all)];
    if (site === undefined || other === undefined) return [];
    const where = `${renderAddress(listener)} and [::]:${listener.port}`;
    const reason = `${where} are one port for Apache, whose [::] listens on IPv4 too: bind both to addresses, or take another port`;
    return [{ site: site.name, otherSite: other.name, property: "binds", reason }];
  });
}

function checkPair(all: Listener, other: Listener | undefined): readonly SiteProblem[] {
  if (other === undefined) return [];
  const [mine, theirs] = [all, other].map(
    ({ sites, redirects }) => new Set([...sites, ...redirects].map(({ site }) => site)),
  );
  const odd =
    [...(theirs ?? [])].find((site) => mine?.has(site) !== true) ??
    [...(mine ?? [])].find((site) => theirs?.has(site) !== true);
  if (odd === undefined) return [];
  const reason = `it is on ${theirs?.has(odd) === true ? "[::]" : "0.0.0.0"}:${all.port} alone, and other sites are on all addresses of that port, which Apache does not tell apart: bind it to 0.0.0.0 as well, which is IPv6 too unless options.ipv6 is false, or to single addresses`;
  return [{ site: odd.name, property: "binds", reason }];
}

/** A site without names takes any host, also that of a client whom another site's authorities know. */
function checkClients(listeners: readonly Listener[], options: ApacheOptions): readonly SiteProblem[] {
  const problems = new Map<string, SiteProblem>();
  for (const { sites, port } of listeners) {
    const nameless = sites.find(({ site, names }) => names.length === 0 && site.clientAuth !== undefined)?.site;
    if (nameless === undefined) continue;
    const file = clientCaFile(nameless, options);
    const other = sites.find(({ site }) => site.clientAuth !== undefined && clientCaFile(site, options) !== file)?.site;
    if (other === undefined) continue;
    const reason = `it answers every name on port ${port}, so that clients of site "${other.name}", with its authorities, could ask for it: give one of them another port or address`;
    problems.set(`${nameless.name} ${port}`, {
      site: nameless.name,
      otherSite: other.name,
      property: "clientAuth",
      reason,
    });
  }
  return [...problems.values()];
}

/** Where Apache reaches https upstreams through itself. */
function checkInnerPort(listeners: readonly Listener[], { innerPort }: ApacheOptions): readonly SiteProblem[] {
  const hosts = listeners.flatMap(({ sites }) => sites).map(({ site }) => site);
  const user = hosts.find((site) => effectiveUpstream(site)?.scheme === "https");
  if (user === undefined) return [];
  return listeners
    .filter(({ port, address }) => port === innerPort && (!address.includes(":") || address === "::"))
    .flatMap((listener) => {
      const site = firstSite(listener);
      if (site === undefined) return [];
      const reason = `${renderAddress(listener)} has the port over which Apache reaches https upstreams, as that of site "${user.name}", through itself: change the bind, or options.innerPort`;
      return [{ site: site.name, otherSite: user.name, property: "binds", reason }];
    });
}
