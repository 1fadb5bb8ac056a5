import { isTlsSite, renderHsts, renderRetryAfter, type SiteData } from "../model/site";
import { identityHeaders, underscoredHeaders } from "../proxy/untrusted";
import { type TraefikValue, traefikName } from "./names";

/** An address that no client has: RFC 919 section 7. */
const NOBODY = "255.255.255.255";

/** Traefik has no answer of its own to give; but it refuses, with any status, who is not in a list of addresses. */
export const refusals = {
  "refuse-400": 400,
  "refuse-403": 403,
  "refuse-421": 421,
  "refuse-503": 503,
} as const;

/** Takes away what a client says of itself; before a site's own changes. */
export const UNTRUSTED_NAME = "untrusted";

/** Takes an upgrade away, so that the request is served without. */
export const UPGRADE_NAME = "no-upgrade";

/** Traefik writes these anew by what it knows itself, before a middleware sees the request. */
const ownHeaders = new Set(["X-Real-IP", "X-Forwarded-Port", "X-Forwarded-Server"]);

/** The name of a site's middleware. */
export function middlewareName({ name }: SiteData, what: "headers" | "body" | "retry"): string {
  return `${what}-${traefikName(name)}`;
}

/** The middleware that sends plain HTTP on to this port of https. */
export function redirectName(port: number): string {
  return `https-${port}`;
}

/** `middlewares` of all sites and redirects. */
export function traefikMiddlewares(sites: readonly SiteData[], redirectPorts: readonly number[]): TraefikValue {
  const found: Record<string, TraefikValue> = {};
  for (const [name, status] of Object.entries(refusals)) {
    found[name] = { ipAllowList: { sourceRange: [NOBODY], rejectStatusCode: status } };
  }
  const untrusted = [...identityHeaders.filter((name) => !ownHeaders.has(name)), ...underscoredHeaders()];
  found[UNTRUSTED_NAME] = { headers: removing(untrusted) };
  found[UPGRADE_NAME] = { headers: removing(["Upgrade"]) };
  for (const port of redirectPorts) {
    found[redirectName(port)] = { redirectScheme: { scheme: "https", port: String(port), permanent: true } };
  }
  for (const site of sites) {
    found[middlewareName(site, "headers")] = { headers: siteHeaders(site) };
    if (site.maxBodyBytes !== undefined) {
      found[middlewareName(site, "body")] = { buffering: { maxRequestBodyBytes: site.maxBodyBytes } };
    }
    if (site.maintenance !== undefined) {
      const seconds = renderRetryAfter(site.maintenance);
      const customResponseHeaders = { "Content-Type": "text/plain; charset=utf-8", "Retry-After": seconds };
      found[middlewareName(site, "retry")] = { headers: { customResponseHeaders } };
    }
  }
  return found;
}

function removing(names: readonly string[]): TraefikValue {
  return { customRequestHeaders: Object.fromEntries(names.map((name) => [name, ""])) };
}

/** An empty value takes a header away. The last change of a header wins, as it would if all were done one by one. */
function siteHeaders(site: SiteData): TraefikValue {
  // of a WebSocket Traefik would say wss
  const request = new Map([["x-forwarded-proto", ["X-Forwarded-Proto", isTlsSite(site) ? "https" : "http"] as const]]);
  const response = new Map<string, readonly [string, string]>();
  if (site.hsts !== undefined) {
    response.set("strict-transport-security", ["Strict-Transport-Security", renderHsts(site.hsts)]);
  }
  for (const { on, name, value = "" } of site.headers ?? []) {
    (on === "request" ? request : response).set(name.toLowerCase(), [name, value]);
  }
  return {
    customRequestHeaders: Object.fromEntries(request.values()),
    ...(response.size > 0 && { customResponseHeaders: Object.fromEntries(response.values()) }),
  };
}
