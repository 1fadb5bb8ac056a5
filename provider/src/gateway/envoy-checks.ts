import { exceptionGroups, sitesInMaintenance } from "./envoy-exceptions";
import { isHost } from "./envoy-headers";
import type { EnvoyOptions } from "./envoy-options";
import type { SiteProblem } from "./kind";
import { listenersOf, renderAddress } from "./listeners";
import { checkProxySites } from "./proxy-checks";
import type { SiteData } from "./site";

/** Headers of the connection and of the message's form (RFC 9110 section 7.6.1, RFC 9112 section 6): Envoy's own business. */
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

/** Each group of clients on a plain listener has all its sites once more. */
const mostGroups = 16;

/** Finds everything in these sites that Envoy can't serve. */
export function checkEnvoySites(sites: readonly SiteData[], options: EnvoyOptions): readonly SiteProblem[] {
  return [
    ...checkProxySites(sites, options),
    ...sites.flatMap((site) => [...checkHeaders(site), ...checkBodies(site, options)]),
    ...checkExceptions(sites, options),
  ];
}

function checkHeaders(site: SiteData): readonly SiteProblem[] {
  return (site.headers ?? []).flatMap((change, index) => {
    const property = `headers[${index}]`;
    if (ownHeaders.has(change.name.toLowerCase())) {
      const reason = `found ${change.name}, which Envoy sets by itself for each connection: leave this change away`;
      return [{ site: site.name, property, reason }];
    }
    if (!isHost(change) || change.action === "set" || change.action === "replace") return [];
    const reason = `found "${change.action}" for the header Host, of which each request has exactly one: use "set", or leave the change away`;
    return [{ site: site.name, property, reason }];
  });
}

function checkBodies(site: SiteData, { version }: EnvoyOptions): readonly SiteProblem[] {
  if (site.maxBodyBytes === undefined || version === "1.40") return [];
  const reason = `Envoy before 1.40 can limit a body only by holding all of it in memory: use Envoy 1.40 (options.version), or leave maxBodyBytes away`;
  return [{ site: site.name, property: "maxBodyBytes", reason }];
}

function checkExceptions(sites: readonly SiteData[], options: EnvoyOptions): readonly SiteProblem[] {
  return listenersOf(sites, options).flatMap((listener) => {
    const affected = listener.isTls ? [] : sitesInMaintenance(listener.sites);
    const [first] = affected;
    const lists = new Set(affected.map(({ maintenance }) => maintenance?.except?.join(" ")));
    if (first === undefined || (lists.size <= mostGroups && exceptionGroups(affected).length <= mostGroups + 1)) {
      return [];
    }
    const reason = `${renderAddress(listener)} has no TLS, and its sites have more than ${mostGroups} different lists of addresses that still get in: Envoy needs all sites once more for each. Give the sites the same list, or other ports`;
    return [{ site: first.name, property: "maintenance.except", reason }];
  });
}
