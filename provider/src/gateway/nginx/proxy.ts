import { type RoutingRule, renderRetryAfter, type SiteData } from "../model/site";
import { type EffectiveUpstream, effectiveUpstream } from "../model/upstream";
import { upstreamRootFile } from "../proxy/files";
import { identityHeaders } from "../proxy/untrusted";
import { block, type Directive, directive, quoted, raw, type Word } from "../syntax/directives";
import { expression, pattern, returnIf } from "./dialect";
import { requestHeaders } from "./headers";
import { keepsBufferedAnswers, type NginxOptions } from "./options";
import { common, type NginxVariables } from "./variables";

/** The roots of the server's system, as Debian places them. */
const SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt";

/** Intermediates between an upstream and its root; nginx's own 1 allows no more than one. */
const VERIFY_DEPTH = "9";

/** Heads of answers may be as large as in other proxies: applications with long tokens go beyond nginx's 4 or 8 KiB. */
const BUFFER = "16k";

/** nginx waits a minute between two parts of a request's body. */
const CLIENT_BODY_SECONDS = 60;

const TUNNEL = "@tls_gateway_tunnel";
const GRPC = "@tls_gateway_grpc";

type Module = "proxy" | "grpc";

/** What sends the requests of a site to its upstream: what all ways there share, then the locations. */
export function upstreamDirectives(
  site: SiteData,
  options: NginxOptions,
  variables: NginxVariables,
): readonly Directive[] {
  const upstream = effectiveUpstream(site);
  if (upstream === undefined) return [];
  const modules: readonly Module[] =
    upstream.scheme === "h2c" ? ["grpc"] : upstream.grpc ? ["proxy", "grpc"] : ["proxy"];
  const target =
    upstream.scheme === "https"
      ? variables.upstream(upstream.authority, [rootFile(site, options), upstream.serverName])
      : upstream.authority;
  return [
    directive("client_max_body_size", String(site.maxBodyBytes ?? 0)),
    ...requestHeaders(site, gatewayHeaders, modules, variables),
    ...modules.flatMap((module) => moduleDirectives(module, site, upstream, options)),
    ...(upstream.scheme === "h2c" ? [location("/", grpcPass(upstream, target))] : locations(upstream, target)),
  ];
}

/** What the client says of itself in other headers is taken away. */
const gatewayHeaders: readonly (readonly [name: string, value: string | undefined])[] = [
  ["Host", common.host],
  ["X-Forwarded-For", "$remote_addr"],
  ["X-Forwarded-Proto", "$scheme"],
  ["X-Forwarded-Host", common.host],
  ...identityHeaders.map((name) => [name, undefined] as const),
];

function moduleDirectives(
  module: Module,
  site: SiteData,
  upstream: EffectiveUpstream,
  options: NginxOptions,
): readonly Directive[] {
  const set = (name: string, ...words: readonly Word[]): Directive => directive(`${module}_${name}`, ...words);
  const isTls = upstream.scheme === "https";
  return [
    set("connect_timeout", `${upstream.connectSeconds}s`),
    set("read_timeout", `${upstream.responseSeconds}s`),
    set("send_timeout", `${upstream.responseSeconds}s`),
    // an upstream could have nginx answer with another location of the site
    set("ignore_headers", "X-Accel-Redirect"),
    set("intercept_errors", "off"),
    set("buffer_size", BUFFER),
    ...(module === "grpc" ? [] : proxyDirectives(upstream, options)),
    ...(isTls
      ? [
          set("ssl_verify", "on"),
          set("ssl_verify_depth", VERIFY_DEPTH),
          set("ssl_trusted_certificate", quoted(rootFile(site, options))),
          set("ssl_server_name", "on"),
          set("ssl_name", upstream.serverName),
          set("ssl_protocols", "TLSv1.2", "TLSv1.3"),
        ]
      : []),
  ];
}

function proxyDirectives({ isStreamed }: EffectiveUpstream, options: NginxOptions): readonly Directive[] {
  return [
    directive("proxy_buffers", "8", BUFFER),
    directive("proxy_busy_buffers_size", "32k"),
    directive("proxy_http_version", "1.1"),
    directive("proxy_set_header", "Upgrade", raw(common.upgrade)),
    directive("proxy_set_header", "Connection", raw(common.connection)),
    directive("proxy_redirect", "off"),
    ...(isStreamed ? [directive("proxy_request_buffering", "off")] : []),
    ...(isStreamed || !keepsBufferedAnswers(options) ? [directive("proxy_buffering", "off")] : []),
  ];
}

/** Time-outs and modules belong to locations, and 418 and 419 are sent to nobody: they choose between these. */
function locations(upstream: EffectiveUpstream, target: string): readonly Directive[] {
  const pass = directive("proxy_pass", `${upstream.scheme}://${target}`);
  return [
    location(
      "/",
      ...(upstream.grpc ? choose(common.grpc, "418", GRPC) : []),
      ...choose(common.upgrade, "419", TUNNEL),
      pass,
    ),
    location(
      TUNNEL,
      directive("proxy_read_timeout", `${upstream.tunnelSeconds}s`),
      directive("proxy_send_timeout", `${upstream.tunnelSeconds}s`),
      pass,
    ),
    ...(upstream.grpc ? [location(GRPC, ...grpcStream(upstream), grpcPass(upstream, target))] : []),
  ];
}

function choose(variable: string, status: string, name: string): readonly Directive[] {
  return [directive("error_page", status, "=", name), returnIf(variable, status)];
}

/** A client of a stream may be as quiet as the upstream. */
function grpcStream({ responseSeconds }: EffectiveUpstream): readonly Directive[] {
  return responseSeconds > CLIENT_BODY_SECONDS ? [directive("client_body_timeout", `${responseSeconds}s`)] : [];
}

function grpcPass({ scheme }: EffectiveUpstream, target: string): Directive {
  return directive("grpc_pass", `${scheme === "https" ? "grpcs" : "grpc"}://${target}`);
}

function rootFile(site: SiteData, options: NginxOptions): string {
  return upstreamRootFile(site, options) ?? SYSTEM_ROOTS;
}

function location(path: string, ...lines: readonly Directive[]): Directive {
  return block(["location", path], lines);
}

const maintenanceText = raw('"This site is down for maintenance. Please try again later.\\n"');

/**
 * What is judged before a request goes to the upstream, in this order: a path that can be read in two ways, maintenance,
 * routing. They stand in the server, not in a location: nginx runs them in the order of the text, first of all.
 */
export function judgementDirectives(site: SiteData, variables: NginxVariables): readonly Directive[] {
  return [
    ...(hasPathRules(site) ? [returnIf(common.ambiguous, "400")] : []),
    ...maintenanceDirectives(site, variables),
    ...routingDirectives(site, variables),
  ];
}

function maintenanceDirectives({ maintenance }: SiteData, variables: NginxVariables): readonly Directive[] {
  if (maintenance === undefined) return [];
  const retryAfter = renderRetryAfter(maintenance);
  const shared = directive("default_type", "text/plain");
  if (maintenance.except === undefined) {
    const answer = directive("return", "503", maintenanceText);
    return [shared, directive("add_header", "Retry-After", retryAfter, "always"), answer];
  }
  const closed = variables.geo([
    ["default", retryAfter],
    ...maintenance.except.map((range): readonly [Word, Word] => [range, expression("")]),
  ]);
  return [
    shared,
    directive("add_header", "Retry-After", raw(closed), "always"),
    returnIf(closed, "503", maintenanceText),
  ];
}

/**
 * Routing sees `$uri`, which is decoded once and in normal form, as upstreams read it; what they might read otherwise was
 * refused before.
 */
function routingDirectives({ routing = [] }: SiteData, variables: NginxVariables): readonly Directive[] {
  const rest = routing.find(({ route }) => route === "*");
  const isOpen = routing.length === 0 || rest?.effect === "allow";
  const rules = pathRules(routing);
  if (rules.length === 0) return isOpen ? [] : [directive("return", "403")];
  const denied = variables.map("$uri", [
    ...rules.map(({ route, effect }): readonly [Word, Word] => [
      pattern(`^${route.replaceAll(".", "[.]")}(?:/|$)`),
      effect === "deny" ? "1" : "0",
    ]),
    ["default", isOpen ? "0" : "1"],
  ]);
  return [returnIf(denied, "403")];
}

/** Rules of paths, the longest first: the first pattern wins. */
function pathRules(routing: readonly RoutingRule[]): readonly RoutingRule[] {
  return routing
    .filter(({ route }) => route.startsWith("/"))
    .sort((one, other) => other.route.length - one.route.length || (one.route < other.route ? -1 : 1));
}

function hasPathRules({ routing = [] }: SiteData): boolean {
  return routing.some(({ route }) => route.startsWith("/"));
}
