import { featuresBut } from "../model/features";
import type { GatewayKind } from "../model/kind";
import { sortedByName } from "../model/site";
import { proxyFiles } from "../proxy/files";
import { proxyFirewallPorts } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { renderCaddyfile } from "./caddyfile";
import { checkCaddySites } from "./checks";
import { renderCaddyJson } from "./document";
import { caddyCommands, caddyInstall, caddyNotes, caddyTexts } from "./install";
import { type CaddyOptions, parseCaddyOptions } from "./options";

/** Caddy 2.6 and later, by its JSON: texts stand there as they are, and nothing is added that was not asked for. */
export const caddy: GatewayKind<CaddyOptions> = {
  kind: "caddy",
  features: featuresBut({
    conditions: "takes JSON here, where a line of a Caddyfile means nothing: use maintenance.except",
    routingIds: "knows neither the ids of Cells nor rewrites: give the paths, such as /public",
    grpcPort: "serves gRPC on the site's own port, told by its content type: use upstream.grpc",
  }),
  parseOptions: parseCaddyOptions,
  checkSites: checkCaddySites,
  render: (given, options) => {
    const sites = sortedByName(given);
    return {
      configuration: renderCaddyJson(sites, options),
      texts: caddyTexts(options),
      environment: {},
    };
  },
  notes: (sites, options) => caddyNotes(sortedByName(sites), options),
  renderReadable: renderCaddyfile,
  files: (sites, options) => proxyFiles(sortedByName(sites), options, "pair"),
  firewallPorts: (sites, options) => proxyFirewallPorts(listenersOf(sites, options)),
  commands: caddyCommands,
  install: (sites, options) => caddyInstall(sortedByName(sites), options),
};
