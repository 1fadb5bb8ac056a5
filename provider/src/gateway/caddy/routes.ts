import type { Listener } from "../proxy/listeners";
import { HOST_FORM, identityHeaders, OTHER_UPGRADE, refusedMethods } from "../proxy/untrusted";
import { challengeRoutes } from "./acme";
import { answer, type JsonObject, type MatcherSet, type Route, subroute, terminalRoute } from "./json";
import type { CaddyOptions } from "./options";
import { siteHandlers } from "./site";

/** What some names of a listener lead to. */
interface Target {
  /** None: every name that no other target has. */
  readonly names: readonly string[];
  readonly handle: readonly JsonObject[];
}

/** Sites beyond this many are looked for in two steps: Caddy goes through routes one by one. */
const LONG_LIST = 100;

/** Before all answers of Caddy's own: it says its name otherwise. */
export const withoutServer: JsonObject = { handle: [{ handler: "headers", response: { delete: ["Server"] } }] };

/** Headers that a client may not write: those by which upstreams know it, and every name with an underscore. */
export const removedHeaders = [...identityHeaders, "*_*"];

/** The only form of Host that is served. */
export const HOST_PATTERN = `^${HOST_FORM}$`;

/** What no request may do, whatever the site: Caddy itself passes all of it on. */
const guards: readonly JsonObject[] = [
  terminalRoute([{ method: refusedMethods }], [answer(405)]),
  terminalRoute([{ not: [{ header_regexp: { Host: { pattern: HOST_PATTERN } } }] }], [answer(400)]),
  {
    match: [{ header_regexp: { Upgrade: { pattern: OTHER_UPGRADE } } }],
    handle: [{ handler: "headers", request: { delete: ["Upgrade"] } }],
  },
  { handle: [{ handler: "headers", request: { delete: removedHeaders } }] },
];

/** All routes of a listener: sites and redirects by their names, and 421 (RFC 9110 section 15.5.20) for all others. */
export function listenerRoutes(listener: Listener, options: CaddyOptions): readonly JsonObject[] {
  const targets = [
    ...listener.sites.map(({ site, names }) => ({ names, handle: siteHandlers(site, options) })),
    ...redirectTargets(listener),
  ];
  const named = targets.filter(({ names }) => names.length > 0);
  const open = targets.find(({ names }) => names.length === 0);
  const others = exactNamesBelow(named);
  const { acmeThumbprint } = listener;
  const routes = named.map((target): Route => terminalRoute(hostMatchers(target, others), target.handle));
  return [
    withoutServer,
    ...guards,
    ...(acmeThumbprint === undefined ? [] : challengeRoutes([{ thumbprint: acmeThumbprint, hostnames: [] }])),
    ...(listener.isTls && open !== undefined && named.length > 0 ? mixedNameRoutes(named) : []),
    ...inSteps(
      routes,
      named.map(({ names }) => names),
    ),
    open === undefined ? { handle: [answer(421)] } : { handle: open.handle },
  ];
}

/** Whether every site of a TLS listener has names: then Caddy itself refuses a Host that is not the name in the handshake. */
export function isStrict({ isTls, sites }: Listener): boolean {
  return isTls && sites.every(({ names }) => names.length > 0);
}

/**
 * Where one site answers every name beside sites that have some: a request must not reach one by the handshake of the
 * other, which may ask for less (no certificate of the client's).
 */
function mixedNameRoutes(named: readonly Target[]): readonly JsonObject[] {
  const [sent, asked] = ["{http.request.tls.server_name}", "{http.request.host}"];
  const differs = `${sent} != "" && ${sent}.lowerAscii() != ${asked}.lowerAscii()`;
  const host = named.flatMap(({ names }) => names);
  return [terminalRoute([{ expression: differs }, { expression: `${sent} == ""`, host }], [answer(421)])];
}

/** One target for each port of https; a site without names redirects every name. */
function redirectTargets({ redirects }: Listener): readonly Target[] {
  const named = new Map<number, string[]>();
  const targets: Target[] = [];
  for (const { names, port } of redirects) {
    if (names.length === 0) {
      targets.push({ names, handle: [openRedirect(port)] });
      continue;
    }
    const all = named.get(port) ?? [];
    if (!named.has(port)) named.set(port, all);
    for (const name of names) all.push(name);
  }
  for (const [port, names] of named) targets.push({ names, handle: [redirect("{http.request.host}", port)] });
  return targets;
}

function redirect(host: string, port: number): JsonObject {
  // 308 keeps the method (RFC 9110 section 15.4.9)
  return answer(308, { Location: `https://${host}${port === 443 ? "" : `:${port}`}{http.request.uri}` });
}

/** Any host, an address of IPv6 too, whose brackets the placeholder for the host lacks. */
export function openRedirect(port: number): JsonObject {
  const pattern = String.raw`^(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::\d+)?$`;
  const match = [{ header_regexp: { Host: { name: "asked", pattern } } }];
  return subroute([
    { match, handle: [redirect("{http.regexp.asked.1}", port)], terminal: true },
    { handle: [answer(421)], terminal: true },
  ]);
}

/** Wildcard -> the exact names below it, each with who has it. */
function exactNamesBelow(targets: readonly Target[]): ReadonlyMap<string, readonly [string, Target][]> {
  const below = new Map<string, [string, Target][]>();
  for (const target of targets) {
    for (const name of target.names.filter((one) => !one.startsWith("*."))) {
      const wildcard = `*.${name.slice(name.indexOf(".") + 1)}`;
      const list = below.get(wildcard) ?? [];
      if (!below.has(wildcard)) below.set(wildcard, list);
      list.push([name, target]);
    }
  }
  return below;
}

/** The names of a target; a wildcard is without the exact names of other targets, so that the order of routes means nothing. */
function hostMatchers(target: Target, below: ReadonlyMap<string, readonly [string, Target][]>): readonly MatcherSet[] {
  const plain: string[] = [];
  const sets: MatcherSet[] = [];
  for (const name of target.names) {
    const others = (below.get(name) ?? []).filter(([, owner]) => owner !== target).map(([other]) => other);
    if (others.length === 0) plain.push(name);
    else sets.push({ host: [name], not: [{ host: others.sort() }] });
  }
  return [...(plain.length > 0 ? [{ host: plain }] : []), ...sets];
}

/** Long lists in parts, each behind a matcher of all its names, which Caddy searches in a sorted list. */
function inSteps(routes: readonly Route[], names: readonly (readonly string[])[]): readonly JsonObject[] {
  if (routes.length <= LONG_LIST) return routes;
  const parts: JsonObject[] = [];
  for (let first = 0; first < routes.length; first += LONG_LIST) {
    const host = names.slice(first, first + LONG_LIST).flat();
    parts.push({ match: [{ host }], handle: [subroute(routes.slice(first, first + LONG_LIST))] });
  }
  return parts;
}
