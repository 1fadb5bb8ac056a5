import { featuresBut } from "../model/features";
import type { GatewayKind, GatewayRendering } from "../model/kind";
import { type SiteData, sortedByName } from "../model/site";
import { checkCellsSites } from "./checks";
import { cellsSites, renderCellsInstallYaml, renderCellsJson } from "./document";
import { cellsEnvironment, cellsSiteEnvironment } from "./environment";
import { cellsFiles } from "./files";
import { cellsInstall } from "./install";
import { type CellsOptions, parseCellsOptions } from "./options";
import { cellsCommands, cellsFirewallPorts, cellsNotes } from "./ports";

/** The gateway inside Pydio Cells (an embedded Caddy), versions 4 and 5: `cells configure sites` as data. */
export const cells: GatewayKind<CellsOptions> = {
  kind: "cells",
  features: featuresBut({
    modernProfile: "leaves the versions of TLS to its embedded Caddy",
    hsts: "has no HSTS of its own; version 5 can set Strict-Transport-Security by headers",
    clientAuth: "asks clients for no certificate",
    upstream: "is the application itself, and passes nothing on",
    upstreamTls: "is the application itself, and passes nothing on",
    upstreamH2c: "is the application itself, and passes nothing on",
    grpc: "has its own gRPC, on every site with TLS",
    maxBodyBytes: "limits uploads in its own settings",
    timeouts: "has no time-outs of sites",
    proxyProtocol: "does not read the PROXY protocol",
    routingPaths: "routes by the ids of its own routes",
  }),
  parseOptions: parseCellsOptions,
  checkSites: checkCellsSites,
  render: renderCells,
  notes: (sites, options) => cellsNotes(sortedByName(sites), options),
  renderInstall: (sites, options) => renderCellsInstallYaml(cellsSites(sortedByName(sites), options)),
  files: (sites, options) => cellsFiles(sortedByName(sites), options),
  firewallPorts: (sites, options) => cellsFirewallPorts(sortedByName(sites), options),
  commands: cellsCommands,
  install: cellsInstall,
};

/** Sites stand in the order of their names: the order of a program's list never shows as a difference. */
function renderCells(given: readonly SiteData[], options: CellsOptions): GatewayRendering {
  const sites = sortedByName(given);
  const environment = cellsSiteEnvironment(sites, options);
  return {
    configuration: renderCellsJson(cellsSites(sites, options)),
    environment: cellsEnvironment(sites, options),
    ...("variables" in environment
      ? { siteEnvironment: environment.variables }
      : { siteEnvironmentReason: environment.reason }),
  };
}
