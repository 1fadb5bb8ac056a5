import { featuresBut } from "../model/features";
import type { GatewayKind, GatewayRendering } from "../model/kind";
import type { SiteData } from "../model/site";
import { proxyFiles } from "../proxy/files";
import { proxyFirewallPorts } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { checkNginxSites } from "./checks";
import { renderNginxConfiguration } from "./configuration";
import { nginxApply, nginxInstall, nginxTexts } from "./install";
import { nginxNotes } from "./notes";
import { type NginxOptions, parseNginxOptions } from "./options";

export type { NginxOptions } from "./options";

/** nginx 1.22 to 1.30 with its own modules: a configuration for its `http` block. */
export const nginx: GatewayKind<NginxOptions> = {
  kind: "nginx",
  features: featuresBut({
    letsEncrypt: "gets no certificates by itself: give the site an AcmeCertificate",
    ownSelfSigned: "makes no certificates by itself: name a SelfSignedCA in tls.selfSigned.ca",
    conditions: "knows no matchers of Caddy: give the addresses that get in as maintenance.except",
    routingIds: "knows no routes of Cells, only paths, and serves each under its own: give paths such as /public",
    grpcPort: "takes gRPC on the port of the site: leave grpcPort away, and say upstream.grpc",
  }),
  parseOptions: parseNginxOptions,
  checkSites: checkNginxSites,
  render: renderNginx,
  notes: nginxNotes,
  files: (sites, options) => proxyFiles(sites, options, "pair"),
  firewallPorts: (sites, options) => proxyFirewallPorts(listenersOf(sites, options)),
  commands: (_, options) => ({
    apply: nginxApply(options),
    install: [options.checkCommand ?? "nginx -t", "systemctl enable --now nginx"],
  }),
  install: nginxInstall,
};

function renderNginx(sites: readonly SiteData[], options: NginxOptions): GatewayRendering {
  return {
    configuration: renderNginxConfiguration(sites, options),
    texts: nginxTexts(options),
    environment: {},
  };
}
