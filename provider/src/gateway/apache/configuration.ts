import type { HeaderChange, SiteData } from "../model/site";
import { fileName } from "../proxy/files";
import {
  type Listener,
  type ListenerOptions,
  type ListenerRedirect,
  type ListenerSite,
  listenersOf,
} from "../proxy/listeners";
import { identityHeaders, underscoredHeaders } from "../proxy/untrusted";
import { block, type Directive, directive, quoted, raw, renderDirectives, type Word } from "../syntax/directives";
import { answeredPort, challengeRules } from "./acme";
import { apacheDialect, expression, headerValue } from "./dialect";
import { type ApacheOptions, apacheModules } from "./options";
import {
  bodyRules,
  hostSettings,
  maintenanceRules,
  redirectRules,
  refuseAll,
  routingRules,
  trustRules,
  wildcardRules,
} from "./rules";
import { clientRules, handshakeRules, hstsHeaders, refusingTls, siteTls } from "./tls";
import { type InnerHost, innerHosts, renderInnerHost, siteUpstream } from "./upstream";

/** A name that nobody can have (RFC 6761 section 6.4), for virtual hosts that have no other. */
export const NOBODY = "tls-gateway.invalid";

/** The configuration, to be included in the server's own outside of any section. */
export function renderApacheConfiguration(sites: readonly SiteData[], options: ApacheOptions): string {
  const inner = innerHosts(sites, options);
  const listeners = apacheListeners(sites, options);
  const lines = [
    ...apacheModules(sites, options),
    directive("ServerTokens", "Prod"),
    ...untrustedHeaders(),
    ...(options.listen ? listeners.map(({ place }) => directive("Listen", place.replace(/^\*:/, ""))) : []),
    ...listeners
      .filter(({ listener }) => listener.acmeThumbprint !== undefined)
      .map(({ listener }) => directive("Define", answeredPort(listener.port))),
  ];
  for (const one of listeners) {
    for (const host of apacheHosts(one.listener)) lines.push(renderHost(host, one, inner, options));
  }
  for (const host of inner.values()) for (const line of renderInnerHost(host, options)) lines.push(line);
  return renderDirectives(lines, apacheDialect);
}

/** A listener with its place in Apache's spelling: `10.0.0.5:443`, `[::1]:443`, or `*:443` for all addresses. */
export interface ApacheListener {
  readonly place: string;
  readonly listener: Listener;
}

/**
 * The listeners as Apache knows them: all addresses of IPv4 and of IPv6 are one for it. `checkApacheSites` refuses sites
 * that differ there.
 */
export function apacheListeners(sites: readonly SiteData[], options: ListenerOptions): readonly ApacheListener[] {
  const found = new Map<string, ApacheListener>();
  for (const listener of listenersOf(sites, options)) {
    const { address, port } = listener;
    const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    const isPair = address === "::" && found.has(`0.0.0.0:${port}`);
    if (isPair) found.delete(`0.0.0.0:${port}`);
    found.set(place, { place: isPair ? `*:${port}` : place, listener });
  }
  return [...found.values()];
}

function renderHost(
  host: ApacheHost,
  { place, listener }: ApacheListener,
  inner: ReadonlyMap<string, InnerHost>,
  options: ApacheOptions,
): Directive {
  const { hosted, names, isWildcard } = host;
  const [first = NOBODY, ...more] = names.some((name) => name.startsWith("*.")) ? [NOBODY, ...names] : names;
  const title = hosted === undefined ? [] : [directive(raw("#"), "site", fileName(hosted.site.name))];
  return block(
    ["VirtualHost", place.replace(/^(0\.0\.0\.0|\[::\]):/, "*:")],
    [
      ...title,
      directive("ServerName", first),
      ...more.map((name) => directive("ServerAlias", name)),
      ...hostSettings(),
      ...(listener.proxyProtocol === undefined ? [] : [directive("RemoteIPProxyProtocol", "On")]),
      ...(listener.proxyProtocol === undefined ? [] : trustRules(listener.proxyProtocol)),
      ...(listener.acmeThumbprint === undefined
        ? []
        : challengeRules([{ thumbprint: listener.acmeThumbprint, hostnames: [] }])),
      ...(isWildcard ? wildcardRules() : []),
      ...(hosted === undefined
        ? [...refusing(listener, options), ...refuseAll()]
        : "port" in hosted
          ? redirectRules(hosted.port)
          : siteLines(hosted.site, hosted.names.length > 0, listener, inner, options)),
    ],
  );
}

function refusing({ isTls, sites, tlsProfile }: Listener, options: ApacheOptions): readonly Directive[] {
  return isTls && sites[0] !== undefined ? refusingTls(sites[0].site, tlsProfile, options) : [];
}

function siteLines(
  site: SiteData,
  isNamed: boolean,
  { isTls, tlsProfile }: Listener,
  inner: ReadonlyMap<string, InnerHost>,
  options: ApacheOptions,
): readonly Directive[] {
  return [
    ...(isTls ? siteTls(site, tlsProfile, options) : []),
    ...(isTls && isNamed ? handshakeRules() : []),
    ...(isTls && site.clientAuth !== undefined ? clientRules() : []),
    markSite(),
    directive("LimitRequestBody", String(site.maxBodyBytes ?? 0)),
    ...(site.maintenance === undefined ? [] : maintenanceRules(site.maintenance)),
    ...routingRules(site.routing),
    ...bodyRules(site.maxBodyBytes),
    ...requestHeaders(site, isTls ? "https" : "http"),
    ...responseHeaders(site),
    ...(site.hsts === undefined ? [] : hstsHeaders(site.hsts)),
    ...siteUpstream(site, inner, options),
  ];
}

/** A site, or the redirect to it, as it stands in one or more virtual hosts. */
type HostedSite = (ListenerSite | ListenerRedirect) & { readonly isRedirect: boolean };

/** One virtual host of a listener: Apache takes the first that has the name, and the first of all for any other. */
interface ApacheHost {
  /** Undefined: nobody is served there. */
  readonly hosted?: HostedSite;
  /** Names and wildcards, sorted; none in the host that is there for all others. */
  readonly names: readonly string[];
  readonly isWildcard: boolean;
}

/**
 * The virtual hosts of listeners that are one for Apache, in their order. Its wildcards match several labels, so before a
 * `*.x` stands what takes names of more labels away, and exact names stand before all wildcards, long ones before short.
 */
function apacheHosts({ sites, redirects }: Pick<Listener, "sites" | "redirects">): readonly ApacheHost[] {
  const all: readonly HostedSite[] = [
    ...sites.map((one) => ({ ...one, isRedirect: false })),
    ...redirects.map((one) => ({ ...one, isRedirect: true })),
  ];
  const hosted = all.find(({ names }) => names.length === 0);
  const fallback = { ...(hosted !== undefined && { hosted }), isWildcard: false };
  const exact: ApacheHost[] = [];
  const byDepth = new Map<number, ApacheHost[]>();
  const wildcards = new Map<number, string[]>();
  for (const one of all) {
    const plain = one.names.filter((name) => !name.startsWith("*."));
    if (plain.length > 0) exact.push({ hosted: one, names: plain, isWildcard: false });
    const depths = new Map<number, string[]>();
    for (const name of one.names) if (name.startsWith("*.")) listOf(depths, depthOf(name)).push(name);
    for (const [depth, names] of depths) {
      listOf(byDepth, depth).push({ hosted: one, names, isWildcard: true });
      for (const name of names) listOf(wildcards, depth + 1).push(`*.${name}`);
    }
  }
  const hosts: ApacheHost[] = [{ ...fallback, names: [] }, ...exact];
  for (const depth of [...new Set([...byDepth.keys(), ...wildcards.keys()])].sort((one, other) => other - one)) {
    for (const host of byDepth.get(depth) ?? []) hosts.push(host);
    const longer = wildcards.get(depth);
    if (longer !== undefined) hosts.push({ ...fallback, names: longer.sort() });
  }
  return hosts;
}

function depthOf(name: string): number {
  return name.split(".").length;
}

function listOf<Item>(lists: Map<number, Item[]>, key: number): Item[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/** Set for every request of a site. */
const SITE_VARIABLE = "tls_gateway_site";

/**
 * Takes away what clients say of themselves, before any change of a site. The lines stand once, outside of all virtual
 * hosts, which inherit them: they count where a site has set the variable, and in no other virtual host of the server.
 */
function untrustedHeaders(): readonly Directive[] {
  return [...identityHeaders, ...underscoredHeaders()].map((name) =>
    directive("RequestHeader", "unset", name, `env=${SITE_VARIABLE}`),
  );
}

function markSite(): Directive {
  return directive("RewriteRule", "^", "-", raw(`[E=${SITE_VARIABLE}:1]`));
}

/** A client could have any header taken away that it names as one of the connection (RFC 9110 section 7.6.1). */
const ofConnection = expression("%{req:Connection} !~ /^(?:close|keep-alive|upgrade|te|http2-settings|[ ,])*$/i");

/**
 * What the upstream is told of the client, whatever the client said itself, and the site's own changes after it.
 *
 * @param scheme of the listener
 */
function requestHeaders({ headers = [] }: SiteData, scheme: "http" | "https"): readonly Directive[] {
  return [
    directive("RequestHeader", "set", "Connection", "close", ofConnection),
    directive("RequestHeader", "set", "X-Forwarded-For", expression("%{REMOTE_ADDR}")),
    directive("RequestHeader", "set", "X-Forwarded-Proto", quoted(scheme)),
    directive("RequestHeader", "set", "X-Forwarded-Host", expression("%{req:Host}")),
    ...headers.filter(({ on }) => on === "request").map((change) => changeHeader(["RequestHeader"], "req", change)),
  ];
}

/**
 * The site's changes of what comes from the upstream, errors of its own included. Apache's own answers are not changed:
 * they stand in another table, whose changes all come first, so that rows of changes would come in another order.
 */
function responseHeaders({ headers = [] }: SiteData): readonly Directive[] {
  return headers
    .filter(({ on }) => on === "response")
    .map((change) => changeHeader(["Header", "onsuccess"], "resp", change));
}

const actions = { append: "add", addIfAbsent: "set", set: "set", replace: "set", remove: "unset" } as const;

/** `setifempty` and `edit` would be shorter, but the first takes an empty header for none, and the second edits by patterns. */
function changeHeader(words: readonly Word[], table: "req" | "resp", change: HeaderChange): Directive {
  const { action, name, value } = change;
  const condition =
    action === "addIfAbsent"
      ? [expression(`-z %{${table}:${name}}`)]
      : action === "replace"
        ? [expression(`-n %{${table}:${name}}`)]
        : [];
  return directive(...words, actions[action], name, ...(value === undefined ? [] : [headerValue(value)]), ...condition);
}
