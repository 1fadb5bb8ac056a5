import { type Maintenance, type ProxyProtocol, type RoutingRule, renderRetryAfter } from "../model/site";
import { refusedMethods } from "../proxy/untrusted";
import { block, type Directive, directive, quoted, raw } from "../syntax/directives";
import { escapePattern, pattern } from "./dialect";

/**
 * The target of the request line: method, then a path with its query, which may follow a scheme and a host (RFC 9112
 * section 3.2.2). Apache decodes and normalises what it has in REQUEST_URI.
 */
const BEFORE_PATH = "^[^ ]+ (?:[A-Za-z][A-Za-z0-9+.-]*://[^/?# ]*)?";

/** Takes `%1`: the path as it was sent, without its query. */
export function rawPathCondition(): Directive {
  return directive("RewriteCond", raw("%{THE_REQUEST}"), pattern(`${BEFORE_PATH}(/[^? ]*)`));
}

/** What no site of the listener answers. */
export function refuseAll(): readonly Directive[] {
  return [directive("RewriteRule", "^", "-", raw("[R=421,L]"))];
}

/** Wildcards of Apache take an empty label too. */
export function wildcardRules(): readonly Directive[] {
  return [directive("RewriteCond", raw("%{SERVER_NAME}"), pattern("^\\.")), ...refuseAll()];
}

/**
 * Sends the client on, with path and query octet for octet: the path as it was sent stands in the target, and Apache adds
 * the query, which it does not touch (flag NE).
 *
 * @param port of https
 */
export function redirectRules(port: number): readonly Directive[] {
  const target = `https://%{SERVER_NAME}${port === 443 ? "" : `:${port}`}%1`;
  return [
    directive("RewriteCond", raw("%{THE_REQUEST}"), pattern(`${BEFORE_PATH}((?:/[^? ]*)?)`)),
    directive("RewriteRule", "^", raw(`"${target}"`), raw("[R=308,NE,L]")),
  ];
}

/** Apache takes no range of all addresses (`apr_ipsubnet_create`): these are two halves to it. */
const halves: Readonly<Record<string, readonly string[]>> = {
  "0.0.0.0/0": ["0.0.0.0/1", "128.0.0.0/1"],
  "::/0": ["::/1", "8000::/1"],
};

/** Conditions that hold for addresses in none of the ranges. */
function inNone(variable: "REMOTE_ADDR" | "CONN_REMOTE_ADDR", ranges: readonly string[]): readonly Directive[] {
  return ranges
    .flatMap((range) => halves[range] ?? [range])
    .map((range) => directive("RewriteCond", "expr", pattern(`! ( %{${variable}} -ipmatch '${range}' )`)));
}

/** Refuses connections whose PROXY header comes from somebody else than a load balancer that is known. */
export function trustRules({ trusted }: ProxyProtocol): readonly Directive[] {
  return [...inNone("CONN_REMOTE_ADDR", trusted), directive("RewriteRule", "^", "-", raw("[F,L]"))];
}

/** Answers 503 to all but the excepted addresses. */
export function maintenanceRules(maintenance: Maintenance): readonly Directive[] {
  const isMaintenance = "env=tls_gateway_maintenance";
  return [
    ...inNone("REMOTE_ADDR", maintenance.except ?? []),
    directive("RewriteRule", "^", "-", raw("[E=tls_gateway_maintenance:1,R=503,L]")),
    directive("Header", "always", "set", "Retry-After", renderRetryAfter(maintenance), isMaintenance),
    directive("Header", "always", "set", "Content-Type", quoted("text/plain; charset=utf-8"), isMaintenance),
    directive("ErrorDocument", "503", quoted("This site is being maintained. Please come again later.")),
  ];
}

/**
 * Answers 413 to what says that it is larger. `LimitRequestBody` would count, but not what is passed on to an upstream
 * (modules/http/http_filters.c, ap_http_filter).
 */
export function bodyRules(octets: number | undefined): readonly Directive[] {
  if (octets === undefined) return [];
  return [
    directive("RewriteCond", "expr", pattern(`%{req:Content-Length} -gt ${octets}`), raw("[NV]")),
    directive("RewriteRule", "^", "-", raw("[R=413,L]")),
  ];
}

/** What two servers could read differently: refused before any rule on paths is asked. `;` begins parameters in some. */
const AMBIGUOUS = "(?://|/\\.\\.?(?:[/? ]|$)|\\\\|;|%(?:2[ef]|5c|00|3b))";

/**
 * Rules on paths, the longest first. They look at the decoded path, so that no percent-encoding gets past them; the
 * request line must hold a plain path that means the same in every server.
 */
export function routingRules(routing: readonly RoutingRule[] = []): readonly Directive[] {
  if (routing.length === 0) return [];
  const all = routing.find(({ route }) => route === "*");
  const rules = routing
    .filter(({ route }) => route !== "*")
    .sort((one, other) => other.route.length - one.route.length || (one.route < other.route ? -1 : 1));
  const isOpen = all?.effect === "allow";
  if (rules.length === 0) return isOpen ? [] : [directive("RewriteRule", "^", "-", raw("[F,L]"))];
  return [
    directive("RewriteCond", raw("%{THE_REQUEST}"), pattern("!^[^ ]+ /"), raw("[OR]")),
    directive("RewriteCond", raw("%{THE_REQUEST}"), pattern(`^[^ ]+ [^? ]*${AMBIGUOUS}`), raw("[NC]")),
    directive("RewriteRule", "^", "-", raw("[R=400,L]")),
    ...rules.map(({ route, effect }, index) => {
      const below = pattern(`^${escapePattern(route)}(?:/|\\z)`);
      // over the rest of the rules and, unless all is open, over the last one that denies
      const skipped = rules.length - index - 1 + (isOpen ? 0 : 1);
      return directive("RewriteRule", below, "-", raw(effect === "deny" ? "[F,L]" : `[S=${skipped}]`));
    }),
    ...(isOpen ? [] : [directive("RewriteRule", "^", "-", raw("[F,L]"))]),
  ];
}

/** What a virtual host's rules begin with: names and paths are taken as the client sent them. */
export function hostSettings(): readonly Directive[] {
  return [
    directive("UseCanonicalName", "Off"),
    directive("ServerSignature", "Off"),
    directive("TraceEnable", "Off"),
    directive("AllowEncodedSlashes", "NoDecode"),
    directive("MergeSlashes", "Off"),
    directive("RewriteEngine", "On"),
    directive("RewriteCond", raw("%{REQUEST_METHOD}"), pattern(`^(?:${refusedMethods.join("|")})\\z`)),
    directive("RewriteRule", "^", "-", raw("[R=405,L]")),
    block(["Location", quoted("/")], [directive("Require", "all", "granted")]),
  ];
}
