import { type RoutingRule, renderRetryAfter, type SiteData } from "./model/site";
import { expression, pattern, returnIf } from "./nginx/dialect";
import { common, type NginxVariables } from "./nginx/variables";
import { type Directive, directive, raw, type Word } from "./syntax/directives";

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
