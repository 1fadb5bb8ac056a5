import { routingHandlers } from "../caddy-paths";
import { upstreamHandler } from "../caddy-upstream";
import { renderHsts } from "../hsts";
import type { Hsts, Maintenance, SiteData } from "../model/site";
import { renderRetryAfter } from "../retry-after";
import { requestHeaderHandlers, responseHeaderHandlers } from "./headers";
import { answer, type JsonObject, subroute } from "./json";
import type { CaddyOptions } from "./options";

/** Handlers of a site, in order: the one before sees the request first, and the response last. */
export function siteHandlers(site: SiteData, options: CaddyOptions): readonly JsonObject[] {
  const routing = routingHandlers(site.routing ?? []);
  // what could be read in two ways is refused even in maintenance, what is denied only where there is something to deny
  const [ambiguous, denied] = routing.length === 2 ? [routing.slice(0, 1), routing.slice(1)] : [[], routing];
  return [
    ...(site.hsts === undefined ? [] : [hstsHandler(site.hsts)]),
    ...responseHeaderHandlers(site),
    ...ambiguous,
    ...(site.maintenance === undefined ? [] : [maintenanceHandler(site.maintenance)]),
    ...denied,
    ...bodyHandlers(site, options),
    ...requestHeaderHandlers(site),
    // Caddy names itself on answers of upstreams, and there is no other way to leave that away
    ...(options.version === "2.6" ? [] : [{ handler: "headers", response: { delete: ["Via"], deferred: true } }]),
    upstreamHandler(site, options),
  ];
}

/** Set at once, so that answers of Caddy's own have it too. */
function hstsHandler(hsts: Hsts): JsonObject {
  return { handler: "headers", response: { set: { "Strict-Transport-Security": [renderHsts(hsts)] } } };
}

function maintenanceHandler(maintenance: Maintenance): JsonObject {
  const { except = [] } = maintenance;
  const headers = { "Retry-After": renderRetryAfter(maintenance), "Content-Type": "text/plain; charset=utf-8" };
  const handle = [answer(503, headers, "Down for maintenance.\n")];
  // the address of the connection, which is the client's also where the PROXY protocol tells it
  const match = except.length === 0 ? {} : { match: [{ not: [{ remote_ip: { ranges: except } }] }] };
  return subroute([{ ...match, handle, terminal: true }]);
}

/** Bodies in chunks are counted as they come, others judged by what they say; Caddy 2.6 does not by itself. */
function bodyHandlers({ maxBodyBytes }: SiteData, { version }: CaddyOptions): readonly JsonObject[] {
  if (maxBodyBytes === undefined) return [];
  const length = "{http.request.header.Content-Length}";
  const match = [{ expression: `${length} != "" && int(${length}) > ${maxBodyBytes}` }];
  const limit = { handler: "request_body", max_size: maxBodyBytes };
  return version === "2.6" ? [subroute([{ match, handle: [answer(413)], terminal: true }]), limit] : [limit];
}
