import {
  type HeaderChange,
  type Maintenance,
  type RoutingRule,
  renderHsts,
  renderRetryAfter,
  type SiteData,
} from "../model/site";
import { type EffectiveUpstream, effectiveUpstream } from "../model/upstream";
import { upstreamRootFile } from "../proxy/files";
import { block, type Directive, directive, quoted, raw, type Word } from "../syntax/directives";
import { comment, isQuotable, placeholder } from "./caddyfile-dialect";
import { isOwnHeader, ownHeaderOperations } from "./headers";
import type { CaddyOptions } from "./options";
import { PLAIN_TARGET, rulePattern, sortedRules } from "./site";

/** Named matchers, and the directives of a site, in one `route` so that they stay in their order. */
export function caddyfileSite(site: SiteData, options: CaddyOptions): readonly Directive[] {
  const matchers: Directive[] = [];
  const named = (name: string, ...words: readonly Word[]): string => {
    matchers.push(directive(`@${name}`, ...words));
    return `@${name}`;
  };
  const { headers = [], hsts, maintenance, routing = [], maxBodyBytes } = site;
  const lines: Directive[] = [
    directive("header", "-Server"),
    ...(hsts === undefined ? [] : [directive("header", "Strict-Transport-Security", quoted(renderHsts(hsts)))]),
    ...headers
      .filter(({ on }) => on === "response")
      .reverse()
      .flatMap(responseChange),
    ...ambiguousPaths(routing, named),
    ...(maintenance === undefined ? [] : maintenanceLines(maintenance, named)),
    ...routingLines(routing, named),
    ...(maxBodyBytes === undefined ? [] : [block(["request_body"], [directive("max_size", String(maxBodyBytes))])]),
    ...headers
      .filter(({ on, name }) => on === "request" && !isOwnHeader(name))
      .flatMap((change, index) => requestChange(change, index, named)),
    ...upstreamLines(site, options, named),
  ];
  return [...matchers, block(["route"], lines)];
}

type Named = (name: string, ...words: readonly Word[]) => string;

/** `+`: add; `?`: only when absent; `-`: remove. */
function responseChange({ action, name, value = "" }: HeaderChange): readonly Directive[] {
  const sign = { append: "+", addIfAbsent: "?", set: "", replace: "", remove: "-" }[action];
  const doubt = action === "replace" ? [directive(comment(`only where the response has ${name} already`))] : [];
  if (!isQuotable(value)) return [directive(comment(`${sign}${name} has a value that a Caddyfile can't quote`))];
  const words = action === "remove" ? [`${sign}${name}`] : [`${sign}${name}`, quoted(value)];
  // Caddy 2.6 does not survive it with "defer", which it means by itself
  if (action === "addIfAbsent") return [directive("header", ...words)];
  return [...doubt, block(["header"], [directive(...words), directive("defer")])];
}

function requestChange({ action, name, value = "" }: HeaderChange, index: number, named: Named): readonly Directive[] {
  if (!isQuotable(value)) return [directive(comment(`${name} has a value that a Caddyfile can't quote`))];
  const sign = { append: "+", addIfAbsent: "", set: "", replace: "", remove: "-" }[action];
  const matcher =
    action === "addIfAbsent"
      ? [named(`absent${index}`, "header", `!${name}`)]
      : action === "replace"
        ? [named(`present${index}`, "header", name, "*")]
        : [];
  return [directive("request_header", ...matcher, `${sign}${name}`, ...(action === "remove" ? [] : [quoted(value)]))];
}

function maintenanceLines(maintenance: Maintenance, named: Named): readonly Directive[] {
  const { except = [] } = maintenance;
  const matcher = except.length === 0 ? [] : [named("maintenance", "not", "remote_ip", ...except)];
  return [
    directive("header", ...matcher, "Retry-After", renderRetryAfter(maintenance)),
    directive("respond", ...matcher, quoted("Down for maintenance."), "503"),
  ];
}

function ambiguousPaths(rules: readonly RoutingRule[], named: Named): readonly Directive[] {
  if (!rules.some(({ route }) => route.startsWith("/"))) return [];
  const target = raw(placeholder("http.request.orig_uri"));
  const pattern = raw(`\`${PLAIN_TARGET}\``);
  return [directive("respond", named("ambiguous", "not", "vars_regexp", target, pattern), "400")];
}

function routingLines(rules: readonly RoutingRule[], named: Named): readonly Directive[] {
  const { paths, rest } = sortedRules(rules);
  const path = raw(placeholder("http.request.orig_uri.path"));
  const denial = [directive("respond", "403")];
  return [
    ...paths.map(({ route, effect }, index) => {
      const matcher = named(`rule${index}`, "vars_regexp", path, raw(`\`${rulePattern(route)}\``));
      return block(["handle", matcher], effect === "deny" ? denial : []);
    }),
    ...(rest === "deny" ? [block(["handle"], denial)] : []),
  ];
}

function upstreamLines(site: SiteData, options: CaddyOptions, named: Named): readonly Directive[] {
  const upstream = effectiveUpstream(site);
  if (upstream === undefined) return [];
  if (upstream.scheme === "h2c") return [proxy(site, upstream, "h2c", [], options)];
  const http2 = upstream.scheme === "https" ? "2" : "h2c";
  return [
    ...(upstream.grpc
      ? [proxy(site, upstream, http2, [named("grpc", "header", "Content-Type", "application/grpc*")], options)]
      : []),
    proxy(site, upstream, "1.1", [], options),
  ];
}

function proxy(
  site: SiteData,
  upstream: EffectiveUpstream,
  version: string,
  matcher: readonly Word[],
  options: CaddyOptions,
): Directive {
  const isTls = upstream.scheme === "https";
  const root = upstreamRootFile(site, options);
  const pool = options.version === "2.6" ? ["tls_trusted_ca_certs"] : ["tls_trust_pool", "file"];
  const transport = [
    directive("versions", version),
    directive("compression", "off"),
    directive("dial_timeout", `${upstream.connectSeconds}s`),
    ...(version === "1.1" ? [directive("response_header_timeout", `${upstream.responseSeconds}s`)] : []),
    ...(isTls ? [directive("tls"), directive("tls_server_name", upstream.serverName)] : []),
    ...(isTls && root !== undefined ? [directive(...pool, quoted(root))] : []),
  ];
  return block(
    ["reverse_proxy", ...matcher, upstream.authority],
    [
      ...ownHeaderLines(site),
      ...(site.hsts === undefined ? [] : [directive("header_down", "-Strict-Transport-Security")]),
      ...(upstream.isStreamed && version === "1.1" ? [directive("flush_interval", "-1")] : []),
      block(["transport", "http"], transport),
    ],
  );
}

function ownHeaderLines(site: SiteData): readonly Directive[] {
  const {
    add = {},
    set = {},
    delete: removed = [],
  } = ownHeaderOperations(site) as {
    readonly add?: Readonly<Record<string, readonly string[]>>;
    readonly set?: Readonly<Record<string, readonly string[]>>;
    readonly delete?: readonly string[];
  };
  const lines = (sign: string, headers: Readonly<Record<string, readonly string[]>>): readonly Directive[] =>
    Object.entries(headers).flatMap(([name, values]) =>
      values.flatMap((value) => {
        if (value === placeholder("http.request.hostport")) {
          // later ones give an https upstream its own name by themselves
          const isNeeded = site.upstream?.url.startsWith("https:") === true;
          return isNeeded ? [directive("header_up", name, raw(value))] : [];
        }
        if (!isQuotable(value)) return directive(comment(`${name} has a value that a Caddyfile can't quote`));
        return directive("header_up", `${sign}${name}`, quoted(value));
      }),
    );
  return [...lines("+", add), ...lines("", set), ...removed.map((name) => directive("header_up", `-${name}`))];
}
