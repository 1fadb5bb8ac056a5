import { renderList } from "../../text/list";
import { renderQuoted } from "../../text/quoted";
import { ipOctets } from "../../x509/names/ip-address";
import { featuresBut } from "../model/features";
import type { GatewayKind, GatewayRendering } from "../model/kind";
import { type SiteData, sortedByName } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import { clientCaFile, proxyFiles } from "../proxy/files";
import { proxyFirewallPorts } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { block, directive, renderDirectives } from "../syntax/directives";
import { haproxyBackend, isBodyRead } from "./backends";
import { checkHaproxySites } from "./checks";
import { haproxyDialect } from "./dialect";
import { haproxyFrontend, haproxyFrontends } from "./frontends";
import { haproxyCommands, haproxyInstall } from "./install";
import { type HaproxyOptions, parseHaproxyOptions } from "./options";
import { haproxyTexts } from "./texts";

/** HAProxy, versions 2.6 to 3.2: a whole configuration, with a map of hosts and a list of certificates for each port. */
export const haproxy: GatewayKind<HaproxyOptions> = {
  kind: "haproxy",
  features: featuresBut({
    letsEncrypt: "gets no certificates by itself: use an AcmeCertificate",
    ownSelfSigned: "makes no certificates by itself: give tls.selfSigned a ca",
    conditions: "does not know Caddy's matchers: use maintenance.except",
    routingIds: "knows paths, not the ids of Cells' routes: write /public for public",
    grpcPort: "takes gRPC on the site's own port",
  }),
  parseOptions: parseHaproxyOptions,
  checkSites: checkHaproxySites,
  render: renderHaproxy,
  notes: (sites, options) => haproxyNotes(sortedByName(sites), options),
  files: (sites, options) => proxyFiles(sites, options, "single"),
  firewallPorts: (sites, options) => proxyFirewallPorts(listenersOf(sites, options)),
  commands: haproxyCommands,
  install: haproxyInstall,
};

/** For listeners, logs and the like. */
const OWN_DESCRIPTORS = 200;

/** Sites stand in the order of their names: the order of a program's list never shows as a difference. */
function renderHaproxy(given: readonly SiteData[], options: HaproxyOptions): GatewayRendering {
  const sites = sortedByName(given);
  const listeners = listenersOf(sites, options);
  const sections = [
    block(["global"], globalLines(sites, options)),
    block(["defaults"], defaultLines),
    ...haproxyFrontends(listeners).map((frontend) => haproxyFrontend(frontend, options)),
    ...sites.flatMap((site) => haproxyBackend(site, options)),
  ];
  return {
    configuration: renderDirectives(sections, haproxyDialect).replace(/\n(?=[a-z])/g, "\n\n"),
    texts: haproxyTexts(listeners, options),
    environment: {},
  };
}

/** Of the whole process. */
export function globalLines(sites: readonly SiteData[], options: HaproxyOptions) {
  const { chroot, processUser, processGroup, maxConnections, statsSocket } = options;
  return [
    directive("log", "/dev/log", "local0"),
    ...(chroot === false ? [] : [directive("chroot", chroot)]),
    directive("user", processUser),
    directive("group", processGroup),
    // a bound, not a number: "maxconn" keeps it from starting where the system has fewer; a connection takes two
    directive("fd-hard-limit", String(2 * maxConnections + OWN_DESCRIPTORS)),
    ...(statsSocket === undefined ? [] : [directive("stats", "socket", statsSocket, "mode", "660", "level", "admin")]),
    // all sites share one store of sessions, which does not ask whose client a session was
    ...(hasSeveralClientRoots(sites, options) ? [directive("tune.ssl.cachesize", "0")] : []),
  ];
}

/** Of all proxies. */
export const defaultLines = [
  directive("mode", "http"),
  directive("log", "global"),
  directive("option", "httplog"),
  directive("option", "dontlognull"),
  // upstreams may take X_Forwarded_For for X-Forwarded-For
  directive("option", "http-restrict-req-hdr-names", "delete"),
  directive("retries", "1"),
  // a slow request's head, and a connection between two requests
  directive("timeout", "http-request", "60s"),
  directive("timeout", "http-keep-alive", "60s"),
];

/** Whether a session of one site could get a client into another one whose clients have other authorities. */
function hasSeveralClientRoots(sites: readonly SiteData[], options: HaproxyOptions): boolean {
  return new Set(sites.flatMap((site) => clientCaFile(site, options) ?? [])).size > 1;
}

/** What HAProxy does with these sites that may surprise; `sites` sorted. */
function haproxyNotes(sites: readonly SiteData[], options: HaproxyOptions): readonly string[] {
  const named = sites.filter((site) => {
    const host = effectiveUpstream(site)?.host;
    return host !== undefined && ipOctets(host) === undefined;
  });
  const unread = sites.filter(({ maxBodyBytes }) => maxBodyBytes !== undefined && !isBodyRead(maxBodyBytes));
  const uncounted = sites.filter((site) => site.maxBodyBytes !== undefined && effectiveUpstream(site)?.grpc === true);
  return [
    ...note(
      named,
      "HAProxy resolves the name of the upstream when it starts or reloads: reload it when the address changes. A name that it can't resolve is answered 503 until then.",
    ),
    ...note(
      unread,
      "maxBodyBytes is judged by Content-Length alone: HAProxy can't end a body without one (chunked, or HTTP/2) that is longer than its buffer, so the upstream has to limit those.",
    ),
    ...note(uncounted, "maxBodyBytes does not count for gRPC, whose messages have no end in sight."),
    ...(hasSeveralClientRoots(sites, options)
      ? note(
          sites.filter(({ clientAuth }) => clientAuth !== undefined),
          "clients have different authorities, and HAProxy would resume a session of one site in another: sessions of TLS are not resumed, on any site.",
        )
      : []),
  ];
}

/** One sentence for all sites that it is true of. */
function note(sites: readonly SiteData[], sentence: string): readonly string[] {
  if (sites.length === 0) return [];
  return [`Site ${renderList(sites, 1, ({ name }) => renderQuoted(name))}: ${sentence}`];
}
