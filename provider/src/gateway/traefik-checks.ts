import type { SiteProblem } from "./kind";
import { type Listener, listenersOf, renderAddress } from "./listeners";
import { checkProxySites } from "./proxy-checks";
import { certificateFiles } from "./proxy-files";
import type { SiteData } from "./site";
import { entryPointsOf, isAllAddresses } from "./traefik-names";
import type { TraefikOptions } from "./traefik-options";
import { namelessSites } from "./traefik-tls";
import { effectiveUpstream } from "./upstream";

/** Headers of the connection and of the message's form (RFC 9110 section 7.6.1, RFC 9112 section 6). */
const ownHeaders = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Finds everything in these sites that Traefik can't serve. */
export function checkTraefikSites(sites: readonly SiteData[], options: TraefikOptions): readonly SiteProblem[] {
  const listeners = listenersOf(sites, options);
  return [
    ...checkProxySites(sites, options),
    ...sites.flatMap((site) => [...checkHeaders(site), ...checkBodies(site), ...checkPaths(site)]),
    ...checkFamilies(listeners),
    ...checkNameless(listeners, options),
  ];
}

function checkHeaders(site: SiteData): readonly SiteProblem[] {
  return (site.headers ?? []).flatMap(({ on, action, name }, index) => {
    const property = `headers[${index}]`;
    if (ownHeaders.has(name.toLowerCase())) {
      const reason = `found ${name}, which Traefik sets by itself for each connection: leave this change away`;
      return [{ site: site.name, property, reason }];
    }
    if (action === "remove" && on === "request" && name.toLowerCase() === "host") {
      const reason = `found "remove" for the header Host, of which each request has exactly one: use "set", or leave the change away`;
      return [{ site: site.name, property, reason }];
    }
    if (action === "set" || action === "remove") return [];
    const reason = `found "${action}" for ${name}: Traefik can set a header or remove it, whatever it was before. Use "set" or "remove", or let the upstream do it`;
    return [{ site: site.name, property, reason }];
  });
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
      const site = (listener.sites[0] ?? listener.redirects[0])?.site;
      const otherSite = (other.sites[0] ?? other.redirects[0])?.site;
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
