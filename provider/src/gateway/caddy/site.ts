import {
  type Hsts,
  type Maintenance,
  type RoutingRule,
  renderHsts,
  renderRetryAfter,
  type SiteData,
} from "../model/site";
import { type EffectiveUpstream, effectiveUpstream } from "../model/upstream";
import { upstreamRootFile } from "../proxy/files";
import { ownHeaderOperations, requestHeaderHandlers, responseHeaderHandlers } from "./headers";
import { answer, type JsonObject, type Route, seconds, subroute } from "./json";
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

/** A sign of a path that is neither a dot nor has a meaning of its own; no `%00`, `%2e`, `%2f`, `%5c`. */
const PLAIN_SIGN = String.raw`[^/?#;\\%.\x00-\x20\x7f]|%(?:0[1-9a-f]|2[0-9a-d]|5[0-9abd-f]|[1346789a-f][0-9a-f])`;
/** A step that is neither empty nor `.` nor `..`. */
const STEP = String.raw`(?:\.{0,2}(?:${PLAIN_SIGN})|\.{3})(?:${PLAIN_SIGN}|\.)*`;
/** A target of a request whose path every server reads alike (RFC 9112 section 3.2.1). */
export const PLAIN_TARGET = String.raw`(?i)^(?:/(?:${STEP}))*/?(?:\?.*)?$`;

/**
 * Handlers that let through what the rules allow: none, one, or what could be read in two ways before what is denied. The
 * target is judged as it was sent: Caddy's own matcher of paths takes `//`, dots and capitals for something else than an
 * upstream may. Then the decoded path is compared, the longest rule first.
 */
function routingHandlers(rules: readonly RoutingRule[]): readonly JsonObject[] {
  const { paths, rest } = sortedRules(rules);
  if (paths.length === 0) return rest === "allow" ? [] : [subroute([denial()])];
  const clean = { vars_regexp: { "{http.request.orig_uri}": { pattern: PLAIN_TARGET } } };
  const routes = paths.map(({ route, effect }): JsonObject => {
    const match = [{ vars_regexp: { "{http.request.orig_uri.path}": { pattern: rulePattern(route) } } }];
    // of a group only the first that matches is taken
    return { group: "routing", match, ...(effect === "deny" ? denial() : { handle: [subroute([])] }) };
  });
  return [
    subroute([{ match: [{ not: [clean] }], handle: [answer(400)], terminal: true }]),
    subroute([...routes, ...(rest === "deny" ? [{ group: "routing", ...denial() }] : [])]),
  ];
}

/** The rules of paths, the longest first, and what holds where none of them does. */
export function sortedRules(rules: readonly RoutingRule[]): {
  readonly paths: readonly RoutingRule[];
  readonly rest: RoutingRule["effect"];
} {
  const paths = rules.filter(({ route }) => route.startsWith("/"));
  const rest = rules.find(({ route }) => route === "*")?.effect ?? (rules.length > 0 ? "deny" : "allow");
  paths.sort((one, other) => other.route.length - one.route.length || (one.route < other.route ? -1 : 1));
  return { paths, rest };
}

/** The path itself, and all below it. */
export function rulePattern(route: string): string {
  return `^${route.replaceAll(".", "\\.")}(?:/|$)`;
}

function denial(): Route {
  return { handle: [answer(403)], terminal: true };
}

/** What the connection to the upstream is for. */
type Purpose = "requests" | "tunnels" | "grpc";

/** The handler that sends a site's requests on: HTTP/1.1, apart for WebSockets, and HTTP/2 for gRPC. */
function upstreamHandler(site: SiteData, options: CaddyOptions): JsonObject {
  const upstream = effectiveUpstream(site);
  if (upstream === undefined) throw new TypeError(`site "${site.name}" has no upstream`);
  const proxy = (purpose: Purpose): readonly JsonObject[] => [reverseProxy(site, upstream, purpose, options)];
  if (upstream.scheme === "h2c") return reverseProxy(site, upstream, "grpc", options);
  const routes: Route[] = [{ match: [{ header: { Upgrade: [] } }], handle: proxy("tunnels"), terminal: true }];
  if (upstream.grpc) {
    routes.unshift({
      match: [{ header: { "Content-Type": ["application/grpc*"] } }],
      handle: proxy("grpc"),
      terminal: true,
    });
  }
  return subroute([...routes, { handle: proxy("requests") }]);
}

function reverseProxy(
  site: SiteData,
  upstream: EffectiveUpstream,
  purpose: Purpose,
  options: CaddyOptions,
): JsonObject {
  return {
    handler: "reverse_proxy",
    upstreams: [{ dial: upstream.authority }],
    headers: {
      request: ownHeaderOperations(site),
      // ours stands there already, and Caddy would add the upstream's to it
      ...(site.hsts !== undefined && { response: { delete: ["Strict-Transport-Security"] } }),
    },
    // not for gRPC: its streams are told by themselves, and an error without a body would come apart in two frames
    ...(upstream.isStreamed && purpose !== "grpc" && { flush_interval: -1 }),
    // a reload cuts WebSockets off at once otherwise
    ...(purpose === "tunnels" && options.version !== "2.6" && { stream_close_delay: seconds(upstream.tunnelSeconds) }),
    transport: transport(site, upstream, purpose, options),
  };
}

function transport(site: SiteData, upstream: EffectiveUpstream, purpose: Purpose, options: CaddyOptions): JsonObject {
  const isTls = upstream.scheme === "https";
  return {
    protocol: "http",
    versions: [purpose !== "grpc" ? "1.1" : isTls ? "2" : "h2c"],
    ...(isTls && { tls: upstreamTls(site, upstream, options) }),
    // the client's Accept-Encoding as it is, and no unpacking on the way
    compression: false,
    dial_timeout: seconds(upstream.connectSeconds),
    // streams of gRPC may begin to answer when they like
    ...(purpose !== "grpc" && { response_header_timeout: seconds(upstream.responseSeconds) }),
    // not for requests: it would count while a body is on its way
    ...(purpose === "tunnels" && { read_timeout: seconds(upstream.tunnelSeconds) }),
    // HTTP_PROXY in Caddy's environment is not meant for upstreams
    ...(options.version !== "2.6" && { network_proxy: { from: "none" } }),
  };
}

/** Without a root of its own an upstream is verified by those of the server's system. */
function upstreamTls(site: SiteData, upstream: EffectiveUpstream, options: CaddyOptions): JsonObject {
  const root = upstreamRootFile(site, options);
  const pool =
    options.version === "2.6"
      ? { root_ca_pem_files: [root ?? ""] }
      : { ca: { provider: "file", pem_files: [root ?? ""] } };
  return {
    ...(root !== undefined && pool),
    server_name: upstream.serverName,
    handshake_timeout: seconds(upstream.connectSeconds),
  };
}
