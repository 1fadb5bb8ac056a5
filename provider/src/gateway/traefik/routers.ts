import { ipOctets } from "../../x509/names/ip-address";
import type { SiteData } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import type { ListenerRedirect, ListenerSite } from "../proxy/listeners";
import { HOST_FORM, OTHER_UPGRADE, refusedMethods } from "../proxy/untrusted";
import { middlewareName, redirectName, type refusals, UNTRUSTED_NAME, UPGRADE_NAME } from "./middlewares";
import { type EntryPoint, type TraefikValue, traefikName } from "./names";
import { hasGrpcService, serviceName } from "./services";
import { tlsOptionsName } from "./tls";

/**
 * A path that could be read in two ways: `//`, a step `.` or `..`, a backslash, a parameter (`;`), or one of `/`, `\` and
 * NUL in hex. Traefik has put all other hex into plain signs by then. Go's syntax.
 */
const AMBIGUOUS_PATH = String.raw`//|/\.\.?(/|$)|[;\\\x00]|%(2[fF]|5[cC]|00)`;

/** Traefik takes the router of the highest priority that matches: a whole name before a wildcard, before every name. */
const priorities = { whole: 3_000_000, wildcard: 2_000_000, any: 1_000_000, nothing: 1 } as const;
/** Within the routers of a name: refusals first, then the longest path. A path has up to 4,128 signs. */
const steps = {
  untrusted: 950_000,
  ambiguous: 900_000,
  maintenance: 800_000,
  path: 100_000,
  letter: 10,
  upgrade: 2,
  grpc: 1,
} as const;

/**
 * TRACE, CONNECT, and a Host of another form than a name with a port. Traefik's rules see of Host what its own parser
 * makes of it; `X-Forwarded-Host` is what came, since Traefik has overwritten what the client said there.
 */
const UNTRUSTED_REQUEST = `(${[
  ...refusedMethods.map((method) => `Method(\`${method}\`)`),
  `!HeaderRegexp(\`X-Forwarded-Host\`, \`^${HOST_FORM}$\`)`,
].join(" || ")})`;

/** An upgrade to another protocol than WebSocket. */
const FOREIGN_UPGRADE = `HeaderRegexp(\`Upgrade\`, \`${OTHER_UPGRADE}\`)`;

/** What does nothing: a service for routers that answer by a middleware. */
const NOTHING = "noop@internal";

type Refusal = keyof typeof refusals;

/** Names of a site that share their routers. */
interface NameGroup {
  readonly key: string;
  readonly rule: string;
  readonly priority: number;
  readonly tls?: TraefikValue;
}

/** `routers` of all entry points. */
export function traefikRouters(points: readonly EntryPoint[]): TraefikValue {
  const routers: Record<string, TraefikValue> = {};
  for (const point of points) {
    const { sites, redirects, isTls } = point.listener;
    for (const entry of sites) addSite(routers, point, entry);
    for (const redirect of redirects) addRedirect(routers, point, redirect);
    if ([...sites, ...redirects].some(({ names }) => names.length === 0)) continue;
    const rest = { rule: "PathPrefix(`/`)", priority: priorities.nothing, ...(isTls && { tls: {} }) };
    routers[`rest-${point.name}`] = { ...refusing(point, rest, "refuse-421") };
  }
  return routers;
}

function addSite(routers: Record<string, TraefikValue>, point: EntryPoint, { site, names }: ListenerSite): void {
  const upstream = effectiveUpstream(site);
  if (upstream === undefined) return;
  for (const group of nameGroups(point, site, names)) {
    const { key, rule, priority, tls } = group;
    const add = (what: string, more: string, step: number, answer: (base: TraefikValue) => TraefikValue): void => {
      const own = { rule: more === "" ? rule : `${rule} && ${more}`, priority: priority + step };
      routers[`${key}-${what}`] = answer({ ...own, ...(tls && { tls }) });
    };
    const refuse = (refusal: Refusal) => (base: TraefikValue) => refusing(point, base, refusal, site);
    const forward = (what: string, more: string, step: number): void => {
      const and = (rule: string) => (more === "" ? rule : `${more} && ${rule}`);
      add(what, more, step, (base) => forwarding(point, base, site, "http"));
      add(`${what}-upgrade`, and(FOREIGN_UPGRADE), step + steps.upgrade, (base) =>
        forwarding(point, base, site, "http", [UPGRADE_NAME]),
      );
      if (!hasGrpcService(upstream)) return;
      const grpc = "HeaderRegexp(`Content-Type`, `(?i)^application/grpc`)";
      add(`${what}-grpc`, and(grpc), step + steps.grpc, (base) => forwarding(point, base, site, "grpc"));
    };
    add("untrusted", UNTRUSTED_REQUEST, steps.untrusted, refuse("refuse-400"));
    const rules = site.routing ?? [];
    const paths = rules.filter(({ route }) => route.startsWith("/"));
    if (paths.length > 0) {
      add("ambiguous", `PathRegexp(\`${AMBIGUOUS_PATH}\`)`, steps.ambiguous, refuse("refuse-400"));
    }
    if (site.maintenance !== undefined) {
      const others = (site.maintenance.except ?? []).map((range) => `!ClientIP(\`${range}\`)`).join(" && ");
      add("maintenance", others, steps.maintenance, refuse("refuse-503"));
      if (others === "") continue;
    }
    for (const { route, effect } of paths) {
      const below = `PathRegexp(\`^${route.replaceAll(".", String.raw`\.`)}(/|$)\`)`;
      const step = steps.path + steps.letter * route.length;
      const what = `path-${traefikName(route)}`;
      if (effect === "deny") add(what, below, step, refuse("refuse-403"));
      else forward(what, below, step);
    }
    const rest = rules.find(({ route }) => route === "*");
    const isRestAllowed = rest === undefined ? rules.length === 0 : rest.effect === "allow";
    if (isRestAllowed) forward("all", "", 0);
    else add("all", "", 0, refuse("refuse-403"));
  }
}

function addRedirect(
  routers: Record<string, TraefikValue>,
  point: EntryPoint,
  { site, names, port }: ListenerRedirect,
): void {
  for (const { key, rule, priority } of nameGroups(point, site, names)) {
    const guard = { rule: `${rule} && ${UNTRUSTED_REQUEST}`, priority: priority + steps.untrusted };
    routers[`${key}-redirect-untrusted`] = refusing(point, guard, "refuse-400");
    const middlewares = [redirectName(port)];
    routers[`${key}-redirect`] = { entryPoints: [point.name], rule, priority, middlewares, service: NOTHING };
  }
}

/** With TLS each name by itself: Traefik compares handshake and request by their TLS options. */
function nameGroups(point: EntryPoint, site: SiteData, names: readonly string[]): readonly NameGroup[] {
  const key = `${point.name}-${traefikName(site.name)}`;
  const isTls = point.listener.isTls;
  const tlsOf = (name: string | undefined) => (isTls ? { tls: { options: tlsOptionsName(point, name) } } : {});
  if (names.length === 0) return [{ key, rule: "Host(`*`)", priority: priorities.any, ...tlsOf(undefined) }];
  return names.map((name) => ({
    key: `${key}-${traefikName(name)}`,
    rule: hostRule(name, isTls),
    priority: name.startsWith("*.") ? priorities.wildcard : priorities.whole,
    ...tlsOf(name),
  }));
}

/**
 * A name in canonical form has no sign that ends the quotes. The dot at the end changes nothing in what matches; but which
 * TLS options a handshake gets is the longest rule's business, and `a.x` would be no longer than `*.x`.
 */
function hostRule(name: string, isTls: boolean): string {
  if (ipOctets(name)?.length === 16) return `(Host(\`${name}\`) || Host(\`[${name}]\`))`;
  return `Host(\`${name}${isTls && !name.startsWith("*.") ? "." : ""}\`)`;
}

function refusing(point: EntryPoint, base: TraefikValue, refusal: Refusal, site?: SiteData): TraefikValue {
  const own = site === undefined ? [] : [middlewareName(site, "headers")];
  const retry = site !== undefined && refusal === "refuse-503" ? [middlewareName(site, "retry")] : [];
  return { entryPoints: [point.name], ...base, middlewares: [...own, ...retry, refusal], service: NOTHING };
}

/** @param more middlewares before those of the site */
function forwarding(
  point: EntryPoint,
  base: TraefikValue,
  site: SiteData,
  use: "http" | "grpc",
  more: readonly string[] = [],
): TraefikValue {
  const body = site.maxBodyBytes === undefined ? [] : [middlewareName(site, "body")];
  const middlewares = [UNTRUSTED_NAME, ...more, middlewareName(site, "headers"), ...body];
  return { entryPoints: [point.name], ...base, middlewares, service: serviceName(site, use) };
}
