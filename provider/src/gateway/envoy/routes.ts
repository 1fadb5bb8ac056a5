import { ipOctets } from "../../x509/names/ip-address";
import { type RoutingRule, renderRetryAfter, type SiteData } from "../model/site";
import { type EffectiveUpstream, effectiveUpstream } from "../model/upstream";
import type { ListenerRedirect, ListenerSite } from "../proxy/listeners";
import { HOST_FORM } from "../proxy/untrusted";
import { clusterName } from "./clusters";
import { HEADER_FILTER, headerMutations, hostRewrite } from "./headers";
import { type EnvoyMessage, seconds, typed } from "./message";

/** The filter that runs filters of a site's own: the limit of its bodies. */
export const BODY_FILTER = "envoy.filters.http.filter_chain";

/**
 * Paths that could be read in two ways. Envoy compares a path as it came, without decoding it, and its own normalization
 * (`normalize_path`) would change what the upstream gets. RE2, for the whole path without its query; `\C` is any octet,
 * because a dot matches none that is no UTF-8. Each pattern is small: Envoy takes programs of up to 100 instructions.
 */
const ambiguousPaths = [
  // an empty step, a step `.` or `..`, a backslash, a parameter, a fragment
  String.raw`\C*(//|/\.\.?/|[\\;#])\C*|\C*/\.\.?`,
  // in hex: NUL, a slash, a backslash, and what needs no hex (RFC 3986 section 2.3): letters, digits and `-._~`
  String.raw`\C*%(00|2[d-fD-F]|3[0-9]|[46][1-9a-fA-F]|5[0-9aAcCfF]|7[0-9aAeE])\C*`,
  // a per cent sign without two digits
  String.raw`\C*%([0-9a-fA-F]?|[0-9a-fA-F]?[\x00-/:-@G-\x60g-\x7f]\C*)`,
];

/** What a chain knows of its client: whether an exception of the site's maintenance holds. */
export interface SiteTurn {
  readonly site: SiteData;
  readonly isExcepted: boolean;
}

/** Answers 421 to what no other virtual host has. */
export const misdirected: EnvoyMessage = virtualHost("misdirected", ["*"], [directAnswer(421, "Misdirected Request")]);

/** The virtual host of one name of a site; without a name, of every name. */
export function siteHost({ site, isExcepted }: SiteTurn, name: string | undefined): EnvoyMessage {
  const upstream = effectiveUpstream(site);
  const maintenance = isExcepted ? undefined : site.maintenance;
  const routes = [...nameGuard(name), ...requestGuard];
  if (maintenance !== undefined) {
    const retryAfter = renderRetryAfter(maintenance);
    routes.push(...pathGuard(site), {
      ...directAnswer(503, "Down for maintenance: try again later."),
      response_headers_to_add: [
        {
          header: { key: "retry-after", value: retryAfter },
          append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
        },
      ],
    });
  } else if (upstream !== undefined) {
    routes.push(...pathGuard(site), ...siteRoutes(site, upstream));
  }
  return {
    ...virtualHost(`site ${site.name} ${name ?? "*"}`, [domainOf(name)], routes),
    typed_per_filter_config: {
      [HEADER_FILTER]: headerMutations(site),
      ...(site.maxBodyBytes !== undefined && { [BODY_FILTER]: bodyLimit(site.maxBodyBytes) }),
    },
  };
}

/** Sends any host on to https; its port can only be replaced, which is needed unless it is that of http. */
export function openRedirect(port: number, httpPort: number): EnvoyMessage {
  const place = port === 443 && httpPort === 80 ? {} : { port_redirect: port };
  return { match: { prefix: "/" }, redirect: { https_redirect: true, ...place, response_code: "PERMANENT_REDIRECT" } };
}

/**
 * The virtual host that sends one name on to https. A whole name is written out, so that a port in the request falls away;
 * of a wildcard the port can only be replaced, which is needed unless it is that of http.
 */
export function redirectHost({ site, port }: ListenerRedirect, name: string | undefined, httpPort: number) {
  const isWhole = name !== undefined && !name.startsWith("*.");
  const redirect = {
    https_redirect: true,
    ...(isWhole && { host_redirect: domainOf(name) }),
    ...((port !== 443 || (!isWhole && httpPort !== 80)) && { port_redirect: port }),
    response_code: "PERMANENT_REDIRECT",
  };
  const route = { match: { prefix: "/" }, redirect };
  return virtualHost(
    `redirect ${site.name} ${name ?? "*"}`,
    [domainOf(name)],
    [...nameGuard(name), ...requestGuard, route],
  );
}

/** Routes for some domains. */
export function virtualHost(name: string, domains: readonly string[], routes: readonly EnvoyMessage[]): EnvoyMessage {
  return { name, domains, routes };
}

/** A domain as Envoy compares it with the Host of a request, which has its port taken away before. */
function domainOf(name: string | undefined): string {
  return name === undefined ? "*" : ipOctets(name)?.length === 16 ? `[${name}]` : name;
}

function directAnswer(status: number, text: string, match: EnvoyMessage = { prefix: "/" }): EnvoyMessage {
  return { match, direct_response: { status, body: { inline_string: `${text}\n` } } };
}

/** `*.x` is one label of a certificate; for Envoy it is any number. */
function nameGuard(name: string | undefined): readonly EnvoyMessage[] {
  if (name === undefined || !name.startsWith("*.")) return [];
  const regex = `(?i)[^.:]+${name.slice(1).replaceAll(".", String.raw`\.`)}(:[0-9]+)?`;
  const header = { name: ":authority", string_match: { safe_regex: { regex } }, invert_match: true };
  return [directAnswer(421, "Misdirected Request", { prefix: "/", headers: [header] })];
}

/**
 * Refuses an authority of another form than a name with a port, since Envoy takes all after the last colon for a port
 * (`ignore_port_in_host_matching`), and TRACE. A CONNECT has no path, so no route of ours takes it, and Envoy answers 404.
 */
const requestGuard: readonly EnvoyMessage[] = [
  directAnswer(400, "Bad Request", {
    prefix: "/",
    headers: [{ name: ":authority", string_match: { safe_regex: { regex: HOST_FORM } }, invert_match: true }],
  }),
  directAnswer(405, "Method Not Allowed", {
    prefix: "/",
    headers: [{ name: ":method", string_match: { exact: "TRACE" } }],
  }),
];

/** A path that the upstream may read otherwise would pass a rule by. */
function pathGuard(site: SiteData): readonly EnvoyMessage[] {
  if (!(site.routing ?? []).some(({ route }) => route.startsWith("/"))) return [];
  return ambiguousPaths.map((regex) => directAnswer(400, "Bad Request", { safe_regex: { regex } }));
}

/** The longest path first: Envoy takes the first route that matches. */
function siteRoutes(site: SiteData, upstream: EffectiveUpstream): readonly EnvoyMessage[] {
  const rules = site.routing ?? [];
  const paths = rules.filter(({ route }) => route.startsWith("/"));
  const rest = rules.find(({ route }) => route === "*");
  const sorted = [...paths].sort(
    (one, other) => other.route.length - one.route.length || (one.route < other.route ? -1 : 1),
  );
  const isRestAllowed = rest === undefined ? rules.length === 0 : rest.effect === "allow";
  const last: RoutingRule = { route: "*", effect: isRestAllowed ? "allow" : "deny" };
  return [...sorted, last].flatMap(({ route, effect }) => {
    const match = route === "*" ? { prefix: "/" } : { path_separated_prefix: route };
    return effect === "deny" ? [directAnswer(403, "Forbidden", match)] : forward(site, upstream, match);
  });
}

/**
 * Tunnels and gRPC before the rest. Envoy's `timeout` would end an answer as a whole, so what is waited for is the next
 * word: 504 when the upstream says none.
 */
function forward(site: SiteData, upstream: EffectiveUpstream, match: EnvoyMessage): readonly EnvoyMessage[] {
  const http = clusterName(site, "http");
  const route = (cluster: string, idleSeconds: number, header?: EnvoyMessage): EnvoyMessage => ({
    match: header === undefined ? match : { ...match, headers: [header] },
    route: { cluster, timeout: seconds(0), idle_timeout: seconds(idleSeconds), ...hostRewrite(site) },
  });
  const websocket = { name: "upgrade", string_match: { exact: "websocket", ignore_case: true } };
  const grpc = { name: "content-type", string_match: { prefix: "application/grpc", ignore_case: true } };
  return [
    route(http, upstream.tunnelSeconds, websocket),
    ...(upstream.grpc && upstream.scheme !== "h2c"
      ? [route(clusterName(site, "grpc"), upstream.responseSeconds, grpc)]
      : []),
    route(http, upstream.responseSeconds),
  ];
}

function bodyLimit(octets: number): EnvoyMessage {
  const limit = typed("envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit", { max_request_bytes: octets });
  return typed("envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute", {
    filter_chain: { filters: [{ name: "envoy.filters.http.body_size_limit", typed_config: limit }] },
  });
}

/** Clients for whom the maintenance of some sites does not hold. */
export interface ExceptionGroup {
  /** Ranges of the clients, sorted; none: everybody else. */
  readonly ranges: readonly string[];
  readonly isExcepted: (site: SiteData) => boolean;
}

/**
 * The groups of clients that these sites tell apart. Envoy takes the chain with the narrowest range, and looks at no
 * other: so each range counts for every site with a range around it. Linear in the sites for each list of ranges.
 */
export function exceptionGroups(sites: readonly SiteData[]): readonly ExceptionGroup[] {
  const lists = new Map<string, readonly string[]>();
  for (const { maintenance } of sites) {
    if (maintenance?.except !== undefined) lists.set(maintenance.except.join(" "), maintenance.except);
  }
  const groups = new Map<string, string[]>();
  for (const range of new Set([...lists.values()].flat())) {
    const around = [...lists].filter(([, list]) => list.some((other) => isWithin(range, other))).map(([key]) => key);
    const key = around.sort().join("\n");
    groups.set(key, [...(groups.get(key) ?? []), range]);
  }
  const excepted = [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, ranges]) => {
      const around = new Set(key.split("\n"));
      const isExcepted = ({ maintenance }: SiteData) => around.has(maintenance?.except?.join(" ") ?? "none");
      return { ranges: ranges.sort(), isExcepted };
    });
  return [...excepted, { ranges: [], isExcepted: () => false }];
}

/** The sites of a listener that have a maintenance. */
export function sitesInMaintenance(sites: readonly ListenerSite[]): readonly SiteData[] {
  return sites.map(({ site }) => site).filter(({ maintenance }) => maintenance !== undefined);
}

/** Whether a range lies in another, both canonical. */
function isWithin(range: string, other: string): boolean {
  const [one, two] = [readRange(range), readRange(other)];
  if (one.octets.length !== two.octets.length || one.bits < two.bits) return false;
  return one.octets.every((octet, index) => {
    const mask = 0xff & ~(0xff >> Math.min(8, Math.max(0, two.bits - index * 8)));
    return (octet & mask) === (two.octets[index] ?? 0);
  });
}

function readRange(text: string): { readonly octets: Buffer; readonly bits: number } {
  const [address = "", length] = text.split("/");
  const octets = ipOctets(address) ?? Buffer.alloc(0);
  return { octets, bits: Number(length ?? octets.length * 8) };
}
