import type { SiteProblem } from "../model/problem";
import type { SiteData } from "../model/site";
import { checkHeaders, checkProxySites, connectionHeaders, hostOfRequest } from "../proxy/checks";
import { listenersOf, renderAddress } from "../proxy/listeners";
import type { EnvoyOptions } from "./options";
import { exceptionGroups, sitesInMaintenance } from "./routes";

const judges = [connectionHeaders("Envoy"), hostOfRequest("append", "addIfAbsent", "remove")];

/** Each group of clients on a plain listener has all its sites once more. */
const MOST_GROUPS = 16;

/** Finds everything in these sites that Envoy can't serve. */
export function checkEnvoySites(sites: readonly SiteData[], options: EnvoyOptions): readonly SiteProblem[] {
  return [
    ...checkProxySites(sites, options),
    ...sites.flatMap((site) => [...checkHeaders(site, judges), ...checkBodies(site, options)]),
    ...checkExceptions(sites, options),
  ];
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
    if (first === undefined || (lists.size <= MOST_GROUPS && exceptionGroups(affected).length <= MOST_GROUPS + 1)) {
      return [];
    }
    const reason = `${renderAddress(listener)} has no TLS, and its sites have more than ${MOST_GROUPS} different lists of addresses that still get in: Envoy needs all sites once more for each. Give the sites the same list, or other ports`;
    return [{ site: first.name, property: "maintenance.except", reason }];
  });
}
