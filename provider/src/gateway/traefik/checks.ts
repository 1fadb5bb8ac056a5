import type { SiteProblem } from "../model/problem";
import type { SiteData } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import { checkHeaders, checkProxySites, connectionHeaders, type HeaderJudge, hostOfRequest } from "../proxy/checks";
import { certificateFiles } from "../proxy/files";
import { firstSite, type Listener, listenersOf, renderAddress } from "../proxy/listeners";
import { entryPointsOf, isAllAddresses } from "./names";
import type { TraefikOptions } from "./options";
import { namelessSites } from "./tls";

/** Whatever a header was before: Traefik does not look. */
const blindActions: HeaderJudge = ({ action, name }) => {
  if (action === "set" || action === "remove") return undefined;
  const reason = `found "${action}" for ${name}: Traefik can set a header or remove it, whatever it was before. Use "set" or "remove", or let the upstream do it`;
  return { property: "action", reason };
};

const judges = [connectionHeaders("Traefik"), hostOfRequest("remove"), blindActions];

/** Finds everything in these sites that Traefik can't serve. */
export function checkTraefikSites(sites: readonly SiteData[], options: TraefikOptions): readonly SiteProblem[] {
  const listeners = listenersOf(sites, options);
  return [
    ...checkProxySites(sites, options),
    ...sites.flatMap((site) => [...checkHeaders(site, judges), ...checkBodies(site), ...checkPaths(site)]),
    ...checkFamilies(listeners),
    ...checkNameless(listeners, options),
  ];
}

function checkBodies(site: SiteData): readonly SiteProblem[] {
  if (site.maxBodyBytes === undefined || effectiveUpstream(site)?.grpc !== true) return [];
  const reason = `found it beside gRPC${site.upstream?.kind === "cells" ? " (which Cells needs)" : ""}: Traefik measures a body by taking all of it in before, and a stream would never begin. Leave maxBodyBytes away, or limit at the upstream`;
  return [{ site: site.name, property: "maxBodyBytes", reason }];
}

/** Traefik takes spaces off the paths of authorities, and what it does not find it reads as a certificate. */
function checkPaths({ name, upstream, clientAuth }: SiteData): readonly SiteProblem[] {
  const paths = { "upstream.rootCaFile": upstream?.rootCaFile, "clientAuth.caFile": clientAuth?.caFile };
  return Object.entries(paths).flatMap(([property, path]) => {
    if (path === undefined || path.trim() === path) return [];
    const reason = "found a path with a space at its end, which Traefik takes off: rename the file";
    return [{ site: name, property, reason }];
  });
}

/** Go binds `0.0.0.0` and `::` to both families: there is one listener on a port, or several on addresses. */
function checkFamilies(listeners: readonly Listener[]): readonly SiteProblem[] {
  const wildcards = new Map<number, Listener>();
  return [...listeners]
    .sort((one, other) => Number(isAllAddresses(other)) - Number(isAllAddresses(one)))
    .flatMap((listener) => {
      const other = wildcards.get(listener.port);
      if (other === undefined) {
        if (isAllAddresses(listener)) wildcards.set(listener.port, listener);
        return [];
      }
      if (isAllAddresses(listener) && hasSameSites(listener, other)) return [];
      // the same family is the business of all proxies
      if (listener.address.includes(":") === other.address.includes(":")) return [];
      const site = firstSite(listener);
      const otherSite = firstSite(other);
      if (site === undefined || otherSite === undefined) return [];
      const reason = `${renderAddress(listener)} and ${renderAddress(other)} are one for Traefik, which listens on all addresses of IPv4 and IPv6 together: bind the same sites to both, or bind all to addresses`;
      return [{ site: site.name, otherSite: otherSite.name, property: "binds", reason }];
    });
}

function hasSameSites(one: Listener, other: Listener): boolean {
  const namesOf = ({ sites, redirects }: Listener) =>
    JSON.stringify([sites.map(({ site }) => site.name), redirects.map(({ site, port }) => [site.name, port])]);
  return namesOf(one) === namesOf(other);
}

function checkNameless(listeners: readonly Listener[], options: TraefikOptions): readonly SiteProblem[] {
  const [first, ...others] = namelessSites(entryPointsOf(listeners));
  if (first === undefined) return [];
  const certFile = certificateFiles(first, options, "pair")?.certFile;
  return others.flatMap((site) => {
    if (site === first || certificateFiles(site, options, "pair")?.certFile === certFile) return [];
    const reason =
      "answers every name, as does the other, and Traefik has one certificate for unknown names: give one of them hostnames, or both the same certificate";
    return [{ site: site.name, otherSite: first.name, property: "hostnames", reason }];
  });
}
