import type { SiteData } from "../model/site";

/** The paths that a site serves, each with all below it. */
export interface ServedPaths {
  /** Longest first is not needed: the longest path wins in both APIs. `/` is everything. */
  readonly paths: readonly string[];
  /** Routes that are denied below a path that is allowed: no rule of either API refuses a request. */
  readonly denied: readonly string[];
}

/** Which paths the site's rules allow: one rule denies all that no rule allows. */
export function servedPaths({ routing = [] }: SiteData): ServedPaths {
  if (routing.length === 0) return { paths: ["/"], denied: [] };
  const isAllAllowed = routing.some(({ route, effect }) => route === "*" && effect === "allow");
  const allowed = routing.filter(({ route, effect }) => effect === "allow" && route.startsWith("/"));
  const paths = [...(isAllAllowed ? ["/"] : []), ...allowed.map(({ route }) => route)];
  const denied = routing.filter(({ route, effect }) => {
    if (effect === "allow" || !route.startsWith("/")) return false;
    return paths.some((path) => path === "/" || route.startsWith(`${path}/`));
  });
  // what lies below another path that is allowed needs no rule of its own
  const needed = paths.filter((path) => !paths.some((other) => isBelow(path, other)));
  return { paths: needed.sort(), denied: denied.map(({ route }) => route) };
}

function isBelow(path: string, other: string): boolean {
  return path !== other && (other === "/" || path.startsWith(`${other}/`));
}
