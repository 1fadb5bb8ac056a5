import { featuresBut } from "../model/features";
import type { GatewayKind, GatewayRendering } from "../model/kind";
import type { SiteData } from "../model/site";
import { proxyFiles } from "../proxy/files";
import { proxyFirewallPorts } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { checkApacheSites } from "./checks";
import { renderApacheConfiguration } from "./configuration";
import { apacheApply, apacheInstall, apacheTexts } from "./install";
import { apacheNotes } from "./notes";
import { type ApacheOptions, parseApacheOptions } from "./options";

export type { ApacheOptions } from "./options";

/** Apache httpd 2.4 with its own modules: a configuration that the server's own includes. */
export const apache: GatewayKind<ApacheOptions> = {
  kind: "apache",
  features: featuresBut({
    letsEncrypt: "gets no certificates by itself here, where mod_md is not used: give the site an AcmeCertificate",
    ownSelfSigned: "makes no certificates by itself: name a SelfSignedCA in tls.selfSigned.ca",
    conditions: "knows no matchers of Caddy: give the addresses that get in as maintenance.except",
    routingIds: "knows no routes of Cells, only paths, and serves each under its own: give paths such as /public",
    grpcPort: "takes gRPC on the port of the site: leave grpcPort away, and say upstream.grpc",
  }),
  parseOptions: parseApacheOptions,
  checkSites: checkApacheSites,
  render: renderApache,
  notes: (sites, options) => apacheNotes(sites, options),
  files: (sites, options) => proxyFiles(sites, options, "pair"),
  firewallPorts: (sites, options) => proxyFirewallPorts(listenersOf(sites, options)),
  commands: (_, options) => ({
    apply: apacheApply(options),
    install: [options.checkCommand ?? "apache2ctl configtest", "systemctl enable --now apache2"],
  }),
  install: apacheInstall,
};

function renderApache(sites: readonly SiteData[], options: ApacheOptions): GatewayRendering {
  return {
    configuration: renderApacheConfiguration(sites, options),
    texts: apacheTexts(options),
    environment: {},
  };
}
