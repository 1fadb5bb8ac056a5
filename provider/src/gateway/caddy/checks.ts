import { readBind } from "../model/bind";
import type { SiteProblem } from "../model/problem";
import { answeredNames, isTlsSite, type SiteData, sortedByName } from "../model/site";
import { checkHeaders, checkProxySites, hostOfRequest } from "../proxy/checks";
import type { CaddyOptions } from "./options";
import { automationOf } from "./tls";

/** Finds everything in these sites that no proxy, or Caddy, can serve. Linear in the number of sites. */
export function checkCaddySites(sites: readonly SiteData[], options: CaddyOptions): readonly SiteProblem[] {
  const sorted = sortedByName(sites);
  return [
    ...checkProxySites(sorted, options),
    ...sorted.flatMap((site) => checkCaddySite(site, options)),
    ...checkMasters(sorted),
  ];
}

function checkCaddySite(site: SiteData, options: CaddyOptions): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const add = (property: string, reason: string): void => {
    problems.push({ site: site.name, property, reason });
  };
  if (site.proxyProtocol !== undefined && options.version === "2.6") {
    add(
      "proxyProtocol",
      'Caddy 2.6 can\'t read the PROXY protocol, which came with 2.7: set the option version: "2.11" when the server has it, or leave proxyProtocol away',
    );
  }
  for (const bind of isTlsSite(site) ? site.binds : []) {
    if (readBind(bind).port !== options.httpPort) continue;
    const reason = `${bind} has TLS on port ${options.httpPort}, which Caddy takes for plain HTTP: change the bind, or options.httpPort`;
    add("binds", reason);
  }
  problems.push(...checkHeaders(site, [hostOfRequest("append", "remove")]));
  const automation = automationOf(site);
  if (automation === undefined) return problems;
  if (automation.names.length === 0) {
    const reason =
      "the site answers every name, and Caddy must know for which to get a certificate: list the names in hostnames";
    add("hostnames", reason);
  }
  if (automation.issuer.module === "acme" && !isReachable(site, options)) {
    const reason = `Let's Encrypt asks on port 443, or on 80 without TLS, and the site listens on ${site.binds.join(", ")}: bind it to port 443, or use an AcmeCertificate`;
    add("tls.letsEncrypt", reason);
  }
  return problems;
}

/** Where the challenges arrive: RFC 8737 section 3 on port 443, RFC 8555 section 8.3 on port 80. */
function isReachable(site: SiteData, { httpPort }: CaddyOptions): boolean {
  if (site.redirectToHttps === true && httpPort === 80) return true;
  return site.binds.some((bind) => readBind(bind).port === 443);
}

/** Caddy: "hostname appears in more than one automation policy"; and of a file and its own, it would serve either. */
function checkMasters(sites: readonly SiteData[]): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const asking = sites.filter((site) => automationOf(site) !== undefined);
  const managed = new Set(asking.flatMap((site) => automationOf(site)?.names ?? []));
  const masters = new Map<string, { site: SiteData; master: string }>();
  for (const site of managed.size === 0 ? [] : sites.filter(isTlsSite)) {
    const automation = automationOf(site);
    const master = automation === undefined ? "a file" : masterName(automation.issuer);
    for (const name of (automation?.names ?? answeredNames(site)).filter((one) => managed.has(one))) {
      const first = masters.get(name);
      if (first === undefined) masters.set(name, { site, master });
      if (first === undefined || first.master === master) continue;
      const reason = `${name} gets its certificate from ${master} here and from ${first.master} in site "${first.site.name}", and Caddy has one for each name: secure it the same way in both`;
      problems.push({ site: site.name, otherSite: first.site.name, property: "tls", reason });
    }
  }
  return problems;
}

function masterName(issuer: Readonly<Record<string, unknown>>): string {
  if (issuer.module === "internal") return "Caddy's own authority";
  return `Let's Encrypt${String(issuer.ca).includes("staging") ? " staging" : ""} as ${String(issuer.email)}`;
}
