import { requestHeaders, responseHeaders } from "../apache-headers";
import { type ApacheHost, apacheHosts } from "../apache-hosts";
import { apacheModules } from "../apache-modules";
import type { SiteData } from "../model/site";
import { fileName } from "../proxy/files";
import { type Listener, type ListenerOptions, listenersOf } from "../proxy/listeners";
import { block, type Directive, directive, raw, renderDirectives } from "../syntax/directives";
import { answeredPort, challengeRules } from "./acme";
import { apacheDialect } from "./dialect";
import type { ApacheOptions } from "./options";
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
export const nobody = "tls-gateway.invalid";

/** The configuration, to be included in the server's own outside of any section. */
export function renderApacheConfiguration(sites: readonly SiteData[], options: ApacheOptions): string {
  const inner = innerHosts(sites, options);
  const listeners = apacheListeners(sites, options);
  const lines = [
    ...apacheModules(sites, options),
    directive("ServerTokens", "Prod"),
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
  const [first = nobody, ...more] = names.some((name) => name.startsWith("*.")) ? [nobody, ...names] : names;
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
