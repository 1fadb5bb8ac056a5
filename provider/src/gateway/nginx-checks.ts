import { ipOctets } from "../x509/ip-address";
import type { SiteProblem } from "./kind";
import type { NginxOptions } from "./nginx-options";
import { checkProxySites } from "./proxy-checks";
import type { HeaderChange, SiteData } from "./site";
import { effectiveUpstream } from "./upstream";

/** Headers of one connection (RFC 9110 section 7.6.1) and of the framing of one message. */
const ofConnections = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** nginx writes these into every answer and takes no word of anybody about them. */
const ofServer = new Set(["server", "date"]);

/** Finds what nginx can't serve of these sites, beside what no proxy can. Linear in the number of sites. */
export function checkNginxSites(sites: readonly SiteData[], options: NginxOptions): readonly SiteProblem[] {
  return [
    ...checkProxySites(sites, options),
    ...sites.flatMap((site) => [...checkHeaders(site), ...checkUpstream(site)]),
  ];
}

function checkHeaders(site: SiteData): readonly SiteProblem[] {
  return (site.headers ?? []).flatMap((change, index) => {
    const reason = headerProblem(change);
    return reason === undefined ? [] : [{ site: site.name, property: `headers[${index}].name`, reason }];
  });
}

function headerProblem({ on, action, name }: HeaderChange): string | undefined {
  const key = name.toLowerCase();
  if (ofConnections.has(key)) {
    return `${name} belongs to a single connection, and nginx writes it itself: leave the change away`;
  }
  if (on === "response" && ofServer.has(key)) {
    return `nginx writes ${name} itself${key === "server" ? ', as "nginx" without its version,' : ""} and has no way to change it: leave the change away`;
  }
  if (/[_.]/.test(name) && action !== "set" && action !== "remove" && !(on === "response" && action === "append")) {
    return `nginx can't tell whether a header was sent whose name has an underscore or a dot, which "${action}" of ${name} needs: use "set" or "remove", or hyphens in the name`;
  }
  return undefined;
}

function checkUpstream(site: SiteData): readonly SiteProblem[] {
  const upstream = effectiveUpstream(site);
  if (upstream?.scheme !== "https" || ipOctets(upstream.serverName) === undefined) return [];
  const isGiven = site.upstream?.serverName !== undefined;
  const reason = `found ${isGiven ? "the address " : "none, and the host of url is the address "}${upstream.serverName}: nginx verifies an upstream by names alone, never by an address in its certificate. Give a DNS name that its certificate has`;
  return [{ site: site.name, property: "upstream.serverName", reason }];
}
