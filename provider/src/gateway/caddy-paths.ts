import { answer, type JsonObject, type Route, subroute } from "./caddy/json";
import type { RoutingRule } from "./model/site";

/** A sign of a path that is neither a dot nor has a meaning of its own; no `%00`, `%2e`, `%2f`, `%5c`. */
const plainSign = String.raw`[^/?#;\\%.\x00-\x20\x7f]|%(?:0[1-9a-f]|2[0-9a-d]|5[0-9abd-f]|[1346789a-f][0-9a-f])`;
/** A step that is neither empty nor `.` nor `..`. */
const step = String.raw`(?:\.{0,2}(?:${plainSign})|\.{3})(?:${plainSign}|\.)*`;
/** A target of a request whose path every server reads alike (RFC 9112 section 3.2.1). */
export const plainTarget = String.raw`(?i)^(?:/(?:${step}))*/?(?:\?.*)?$`;

/**
 * Handlers that let through what the rules allow: none, one, or what could be read in two ways before what is denied. The
 * target is judged as it was sent: Caddy's own matcher of paths takes `//`, dots and capitals for something else than an
 * upstream may. Then the decoded path is compared, the longest rule first.
 */
export function routingHandlers(rules: readonly RoutingRule[]): readonly JsonObject[] {
  const { paths, rest } = sortedRules(rules);
  if (paths.length === 0) return rest === "allow" ? [] : [subroute([denial()])];
  const clean = { vars_regexp: { "{http.request.orig_uri}": { pattern: plainTarget } } };
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
