import { deny, expression, not, test, when } from "./haproxy/dialect";
import type { RoutingRule, SiteData } from "./model/site";
import { type Directive, directive } from "./syntax/directives";

/**
 * What servers read in two ways: an empty step, `.` and `..`, a backslash, a parameter after `;`, a fragment, and the same
 * percent-encoded (RFC 3986 sections 3.3 and 6.2.2).
 */
const ambiguousPath = "//|/[.][.]?(/|$)|[\\\\;#]|%(2e|2f|5c|00)";

/** Refuses paths that could be read in two ways, before any rule looks at them. */
export function unambiguousPath(site: SiteData): readonly Directive[] {
  if (pathRules(site).length === 0) return [];
  return [
    deny(400, test("path", "-m", "reg", "-i", expression(ambiguousPath))),
    // fails for a percent sign that encodes nothing: then there is no such variable
    directive("http-request", "set-var(txn.path)", "path,url_dec"),
    deny(400, not("var(txn.path)", "-m", "beg", "/")),
  ];
}

/** Refuses what the rules do not allow: each rule overrules those with shorter paths. */
export function deniedRoutes(site: SiteData): readonly Directive[] {
  const rest = site.routing?.find(({ route }) => route === "*");
  const rules = pathRules(site);
  if (rules.length === 0)
    return rest?.effect === "deny" ? [directive("http-request", "deny", "deny_status", "403")] : [];
  return [
    directive("http-request", "set-var(txn.route)", `str(${rest?.effect ?? "deny"})`),
    ...rules.map(({ route, effect }) =>
      when(
        ["http-request", "set-var(txn.route)", `str(${effect})`],
        [...test("var(txn.path)", "-m", "str", route), "||", ...test("var(txn.path)", "-m", "beg", `${route}/`)],
      ),
    ),
    deny(403, test("var(txn.route)", "-m", "str", "deny")),
  ];
}

/** The rules for paths, the shortest first. */
function pathRules({ routing = [] }: SiteData): readonly RoutingRule[] {
  return routing
    .filter(({ route }) => route.startsWith("/"))
    .sort((one, other) => one.route.length - other.route.length || (one.route < other.route ? -1 : 1));
}
