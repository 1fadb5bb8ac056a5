import { featuresBut } from "../model/features";
import type { GatewayKind, GatewayRendering } from "../model/kind";
import { answeredNames, isTlsSite, type SiteData, sortedByName } from "../model/site";
import { currentFolder, proxyFiles } from "../proxy/files";
import { proxyFirewallPorts } from "../proxy/install";
import { type Listener, listenersOf } from "../proxy/listeners";
import { checkTraefikSites } from "./checks";
import { traefikCommands, traefikFiles, traefikInstall } from "./install";
import { traefikMiddlewares } from "./middlewares";
import { entryPointsOf, renderYaml } from "./names";
import { parseTraefikOptions, type TraefikOptions } from "./options";
import { traefikRouters } from "./routers";
import { traefikServices } from "./services";
import { tlsCertificates, tlsOptions, tlsStores } from "./tls";

/** Traefik 3.7 and later, by its file provider: the dynamic configuration is the one rendered, the static one a text. */
export const traefik: GatewayKind<TraefikOptions> = {
  kind: "traefik",
  features: featuresBut({
    letsEncrypt: "would ask by resolvers of its static configuration, which are not rendered: use an AcmeCertificate",
    ownSelfSigned: "makes no certificates for names: name a SelfSignedCA in tls.selfSigned.ca",
    conditions: "has none of Caddy's matchers: use maintenance.except",
    routingIds: "routes by paths, and knows no ids of Cells",
    grpcPort: "serves gRPC on the port of the site: leave grpcPort away",
  }),
  parseOptions: parseTraefikOptions,
  checkSites: checkTraefikSites,
  render: renderTraefik,
  notes: (sites) => traefikNotes(sortedByName(sites)),
  files: (sites, options) => proxyFiles(sites, options, "pair"),
  firewallPorts: (sites, options) => proxyFirewallPorts(listenersOf(sites, options)),
  commands: (_sites, options) => traefikCommands(options),
  install: (sites, options) => traefikInstall(listenersOf(sites, options), options),
};

function renderTraefik(given: readonly SiteData[], options: TraefikOptions): GatewayRendering {
  const sites = sortedByName(given);
  const listeners = listenersOf(sites, options);
  const points = entryPointsOf(listeners);
  const ports = new Set(listeners.flatMap(({ redirects }) => redirects.map(({ port }) => port)));
  return {
    configuration: renderYaml({
      http: {
        routers: traefikRouters(points),
        middlewares: traefikMiddlewares(sites, [...ports].sort()),
        ...traefikServices(sites, options),
      },
      tls: {
        certificates: tlsCertificates(sites, options),
        options: tlsOptions(points, options),
        ...tlsStores(points, options),
      },
    }),
    texts: { [`${currentFolder(options)}/${traefikFiles.static}`]: renderStatic(listeners, options) },
    environment: {},
  };
}

function traefikNotes(sites: readonly SiteData[]): readonly string[] {
  const notes: string[] = [
    "A changed port or address, or PROXY protocol, is in the static configuration, which Traefik reads at its start: it is restarted then. All else is taken over as it runs.",
  ];
  if (sites.some(({ redirectToHttps }) => redirectToHttps === true)) {
    notes.push("Traefik sends on to https with 301 for GET, and with 308 for all other methods.");
  }
  const wildcards = sites.find((site) => isTlsSite(site) && answeredNames(site).some((name) => name.startsWith("*.")));
  if (wildcards !== undefined) {
    notes.push(
      `Site "${wildcards.name}": a request for one name of a wildcard in a handshake for another is answered, not refused with 421: to Traefik both are the wildcard.`,
    );
  }
  const behind = sites.filter(({ proxyProtocol }) => proxyProtocol !== undefined).map(({ name }) => `"${name}"`);
  if (behind.length > 0) {
    notes.push(
      `Traefik serves connections without a PROXY header too, on the ports of ${behind.join(", ")}, by the address that they come from: let none but the load balancer reach them.`,
    );
  }
  for (const site of sites) {
    if (site.maxBodyBytes !== undefined) {
      notes.push(`Site "${site.name}": to measure a body, Traefik takes all of it in before the upstream gets any.`);
    }
    if (site.timeouts?.tunnelSeconds !== undefined) {
      notes.push(`Site "${site.name}": Traefik ends no tunnel by itself, so timeouts.tunnelSeconds is not used.`);
    }
  }
  return notes;
}

/** For a whole request with its body, which Traefik would give up after a minute: an upload takes as long as a line is slow. */
const REQUEST_TIMEOUT = "3600s";

/** The static configuration: where to listen, and where the rest lies. Traefik reads it at its start alone. */
function renderStatic(listeners: readonly Listener[], { dynamicDirectory }: TraefikOptions): string {
  const points = entryPointsOf(listeners).map(({ name, address, listener: { proxyProtocol } }) => [
    name,
    {
      address,
      transport: { respondingTimeouts: { readTimeout: REQUEST_TIMEOUT } },
      ...(proxyProtocol !== undefined && { proxyProtocol: { trustedIPs: proxyProtocol.trusted } }),
      // paths pass as they come; where they are judged, the ambiguous are refused. A semicolon in a query would become `&`
      http: { sanitizePath: false, encodeQuerySemicolons: true },
    },
  ]);
  return renderYaml({
    global: { checkNewVersion: false, sendAnonymousUsage: false },
    entryPoints: Object.fromEntries(points),
    providers: { file: { directory: dynamicDirectory, watch: true } },
  });
}
