import { featuresBut } from "../model/features";
import type { GatewayKind, GatewayRendering } from "../model/kind";
import { type SiteData, sortedByName } from "../model/site";
import { currentFolder, proxyFiles } from "../proxy/files";
import { proxyFirewallPorts } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { checkEnvoySites } from "./checks";
import { envoyClusters } from "./clusters";
import { envoyCommands, envoyFiles, envoyInstall } from "./install";
import { envoyListeners } from "./listeners";
import { type EnvoyMessage, fileSource, renderMessage, renderResponse } from "./message";
import { type EnvoyOptions, parseEnvoyOptions } from "./options";
import { secretsOf, secretTexts } from "./secrets";

/** A folder is watched through an instance of inotify, of which Linux gives a user 128 by default. */
const INOTIFY_INSTANCES = 128;

/**
 * Envoy from 1.34 on, by files: the bootstrap names those of listeners (LDS), clusters (CDS) and certificates (SDS), which
 * a running Envoy reads again when the link to the set is swapped. Nothing restarts.
 */
export const envoy: GatewayKind<EnvoyOptions> = {
  kind: "envoy",
  features: featuresBut({
    letsEncrypt: "gets no certificates by itself: use an AcmeCertificate",
    ownSelfSigned: "makes no certificates by itself: name a SelfSignedCA in tls.selfSigned.ca",
    conditions: "has none of Caddy's matchers: use maintenance.except",
    routingIds: "routes by paths, and knows no ids of Cells",
    grpcPort: "serves gRPC on the port of the site: leave grpcPort away",
  }),
  parseOptions: parseEnvoyOptions,
  checkSites: checkEnvoySites,
  render: renderEnvoy,
  notes: (sites, options) => envoyNotes(sortedByName(sites), options),
  files: (sites, options) => proxyFiles(sites, options, "pair"),
  firewallPorts: (sites, options) => proxyFirewallPorts(listenersOf(sites, options)),
  commands: (_sites, options) => envoyCommands(options),
  install: (sites, options) => envoyInstall(listenersOf(sites, options), options),
};

function renderEnvoy(given: readonly SiteData[], options: EnvoyOptions): GatewayRendering {
  const sites = sortedByName(given);
  const current = currentFolder(options);
  const [listeners, clusters] = [`${current}/${envoyFiles.listeners}`, `${current}/${envoyFiles.clusters}`];
  return {
    configuration: renderMessage(bootstrapOf(options)),
    texts: {
      [listeners]: renderResponse(envoyListeners(listenersOf(sites, options), options)),
      [clusters]: renderResponse(envoyClusters(sites, options)),
      ...secretTexts(sites, options),
    },
    environment: {},
  };
}

/** The same for all sites: it names the files that change. */
export function bootstrapOf(options: EnvoyOptions): EnvoyMessage {
  const current = currentFolder(options);
  return {
    node: { id: "tls-gateway", cluster: "tls-gateway" },
    dynamic_resources: {
      cds_config: fileSource(`${current}/${envoyFiles.clusters}`, options.directory),
      lds_config: fileSource(`${current}/${envoyFiles.listeners}`, options.directory),
    },
  };
}

function envoyNotes(sites: readonly SiteData[], options: EnvoyOptions): readonly string[] {
  const notes: string[] = [];
  if (options.user === undefined && options.group === undefined) {
    notes.push("Keys are readable by root alone: if Envoy runs as another user, say so by options.user.");
  }
  // one for the file of a secret, one for what the secret names; two for listeners and clusters
  const instances = 2 * secretsOf(sites, options).size + 2;
  if (instances > INOTIFY_INSTANCES / 2) {
    notes.push(
      `Envoy watches ${instances} folders and needs an instance of inotify for each, of which a user may have ${INOTIFY_INSTANCES} by default, and ends at its start without: raise fs.inotify.max_user_instances.`,
    );
  }
  const foreign = sites.find(({ upstream, clientAuth }) => upstream?.rootCaFile ?? clientAuth?.caFile);
  if (foreign !== undefined) {
    notes.push(
      `Site "${foreign.name}": Envoy reads certificates of authorities that lie on the server when the site changes or Envoy starts, not when the file does.`,
    );
  }
  return notes;
}
