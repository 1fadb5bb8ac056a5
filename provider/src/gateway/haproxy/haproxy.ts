import { haproxyNotes, hasSeveralClientRoots } from "../haproxy-notes";
import { featuresBut } from "../model/features";
import type { GatewayKind, GatewayRendering } from "../model/kind";
import { type SiteData, sortedByName } from "../model/site";
import { proxyFiles } from "../proxy/files";
import { listenersOf } from "../proxy/listeners";
import { proxyFirewallPorts } from "../proxy-ports";
import { block, directive, renderDirectives } from "../syntax/directives";
import { haproxyBackend } from "./backends";
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
const ownDescriptors = 200;

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
    directive("fd-hard-limit", String(2 * maxConnections + ownDescriptors)),
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
  directive("retries", "1"),
  // a slow request's head, and a connection between two requests
  directive("timeout", "http-request", "60s"),
  directive("timeout", "http-keep-alive", "60s"),
];
