import { answeredNames, type SiteData } from "../model/site";
import { type Listener, type ListenerRedirect, listenersOf } from "../proxy/listeners";
import { type Directive, directive, quoted, raw, renderDirectives } from "../syntax/directives";
import { comment, nginxDialect } from "./dialect";
import type { NginxOptions } from "./options";
import { redirectServer, siteServer, unknownNameServer } from "./server";
import { commonVariables, type NginxVariables, nginxVariables } from "./variables";

/**
 * What stands in the `http` block of nginx: variables, a server for the unknown names of each listener, and the servers of
 * the sites. All that a server's own configuration may have said for all of `http` (TLS, banner, limits) is said in the
 * servers: twice in `http` would keep nginx from starting.
 */
export function renderNginxConfiguration(sites: readonly SiteData[], options: NginxOptions): string {
  const listeners = listenersOf(sites, options);
  const variables = nginxVariables();
  const servers = [...siteServers(listeners, options, variables)];
  const others = [...otherServers(listeners, options, variables)];
  const defined = variables.directives();
  const sizes = options.hashSizes ? hashSizes(sites, listeners.length, defined.length) : [];
  const directives = [
    directive(comment, raw("Made by pulumi-tls-gateway: changes by hand are lost.")),
    ...sizes.map(({ name, size }) => directive(name, String(size))),
    ...commonVariables,
    ...defined,
    ...others,
    ...servers,
  ];
  return renderDirectives(directives, nginxDialect);
}

/**
 * The names of the sizes of hash tables that stand in the configuration, found without rendering it.
 *
 * Only the directives of variables need the servers, which are built no further than to the first variable too many.
 */
export function findHashSizes(
  sites: readonly SiteData[],
  listeners: readonly Listener[],
  options: NginxOptions,
): readonly string[] {
  if (!options.hashSizes) return [];
  const variables = nginxVariables();
  const servers = [siteServers(listeners, options, variables), otherServers(listeners, options, variables)];
  for (const each of servers) {
    for (const _ of each) if (variables.count() > MANY_VARIABLES) break;
  }
  return hashSizes(sites, listeners.length, variables.count()).map(({ name }) => name);
}

/** For the names that no site has. */
function* otherServers(
  listeners: readonly Listener[],
  options: NginxOptions,
  variables: NginxVariables,
): Iterable<Directive> {
  for (const listener of listeners.filter(hasNoDefault)) yield unknownNameServer(listener, options, variables);
}

/** One server for a site, and one for each port that its plain HTTP is sent on to. */
function* siteServers(
  listeners: readonly Listener[],
  options: NginxOptions,
  variables: NginxVariables,
): Iterable<Directive> {
  const places = new Map<SiteData, Listener[]>();
  const redirects = new Map<SiteData, Map<number, { redirect: ListenerRedirect; from: Listener[] }>>();
  for (const listener of listeners) {
    for (const { site } of listener.sites) {
      const found = places.get(site) ?? [];
      places.set(site, found);
      found.push(listener);
    }
    for (const redirect of listener.redirects) {
      const ports = redirects.get(redirect.site) ?? new Map<number, { redirect: ListenerRedirect; from: Listener[] }>();
      redirects.set(redirect.site, ports);
      const found = ports.get(redirect.port) ?? { redirect, from: [] };
      ports.set(redirect.port, found);
      found.from.push(listener);
    }
  }
  const sites = [...places].sort(([one], [other]) => (one.name < other.name ? -1 : 1));
  for (const [site, found] of sites) {
    yield directive(comment, "site", quoted(site.name));
    for (const { redirect, from } of redirects.get(site)?.values() ?? []) {
      yield redirectServer(redirect, from, options, variables);
    }
    yield siteServer({ site, names: answeredNames(site) }, found, options, variables);
  }
}

function hasNoDefault({ sites, redirects }: Listener): boolean {
  return [...sites, ...redirects].every(({ names }) => names.length > 0);
}

/** nginx's defaults: 512 names, each of up to 46 characters where a line of the processor's cache has 64 octets. */
const MANY_NAMES = 500;
const LONG_NAME = 40;
const MANY_VARIABLES = 400;

interface HashSize {
  readonly name: string;
  readonly size: number;
}

/**
 * Sizes for more names than nginx's tables hold by default. A name too long keeps it from starting, too many only make it
 * warn and slow.
 */
function hashSizes(sites: readonly SiteData[], listeners: number, variables: number): readonly HashSize[] {
  const names = sites.flatMap(answeredNames);
  const longest = names.reduce((most, name) => Math.max(most, name.length), 0);
  const sizes: HashSize[] = [];
  if (longest > LONG_NAME) {
    const octets = powerOfTwo(longest + 2 + 8 + 16);
    sizes.push({ name: "server_names_hash_bucket_size", size: Math.max(128, octets) });
  }
  if (names.length > MANY_NAMES && listeners > 0) {
    sizes.push({ name: "server_names_hash_max_size", size: powerOfTwo(2 * names.length) });
  }
  if (variables > MANY_VARIABLES) {
    sizes.push({ name: "variables_hash_max_size", size: powerOfTwo(2 * variables) });
    sizes.push({ name: "variables_hash_bucket_size", size: 128 });
  }
  return sizes;
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}
