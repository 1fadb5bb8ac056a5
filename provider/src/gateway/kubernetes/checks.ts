import { ipOctets } from "../../x509/names/ip-address";
import { readBind } from "../model/bind";
import { readUpstreamUrl } from "../model/fields";
import type { SiteProblem } from "../model/problem";
import { answeredNames, type SiteData, sortedByName } from "../model/site";
import { checkProxySites } from "../proxy/checks";
import { backendOf } from "./backends";
import { checkGatewaySites } from "./gateway-api/checks";
import { checkIngressSites } from "./ingress/checks";
import { type KubernetesOptions, listening } from "./options";
import { servedPaths } from "./paths";

/** Finds what the objects of a cluster can't say of these sites, together or at all. Linear in the number of sites. */
export function checkKubernetesSites(given: readonly SiteData[], options: KubernetesOptions): readonly SiteProblem[] {
  const sites = sortedByName(given);
  const own = options.api === "gateway" ? checkGatewaySites(sites, options) : checkIngressSites(sites, options);
  const problems = [
    ...checkProxySites(sites, listening(options)),
    ...sites.flatMap((site) => checkSite(site, options)),
    ...own,
  ];
  // a site on 0.0.0.0 and [::] would tell everything twice
  return [...new Map(problems.map((problem) => [JSON.stringify(Object.values(problem)), problem])).values()];
}

/** What one site can't have with either API. */
function checkSite(site: SiteData, options: KubernetesOptions): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const add = (property: string, reason: string): void => {
    problems.push({ site: site.name, property, reason });
  };
  for (const bind of site.binds) {
    const { host, port } = readBind(bind);
    const isOwn = ipOctets(host) !== undefined && host !== "0.0.0.0";
    // all of IPv6 beside all of IPv4 is all
    if (isOwn && !(host === "::" && site.binds.includes(`0.0.0.0:${port}`))) {
      add(
        "binds",
        `${bind}: a cluster gives its gateway an address, not the site: bind to 0.0.0.0:${port} or to a name`,
      );
    }
  }
  const addresses = answeredNames(site).filter((name) => ipOctets(name) !== undefined);
  if (addresses.length > 0) {
    add(
      "hostnames",
      `${addresses.join(", ")}: objects of Kubernetes take names, no addresses, as hosts: leave it away`,
    );
  }
  const backend = backendOf(site, options);
  if (typeof backend === "string" && site.upstream !== undefined) {
    add("upstream.url", `${readUpstreamUrl(site.upstream.url).host} ${backend}`);
  }
  if (site.upstream?.rootCaFile !== undefined) {
    add("upstream.rootCaFile", "a cluster's gateway reads no file of a server: give its content as rootCaPem");
  }
  if (site.clientAuth?.caFile !== undefined) {
    add("clientAuth.caFile", "a cluster's gateway reads no file of a server: give its content as caPem");
  }
  const { denied } = servedPaths(site);
  if (denied.length > 0) {
    const reason = `${denied.join(", ")} is denied below a path that is allowed, and no rule of Kubernetes refuses a request: allow only the paths that are served`;
    add("routing", reason);
  }
  return problems;
}
