import { checkCellsSites } from "./cells-checks";
import { cellsSites, renderCellsInstallYaml, renderCellsJson } from "./cells-document";
import { cellsEnvironment, cellsSiteEnvironment } from "./cells-environment";
import { cellsFiles } from "./cells-files";
import { type CellsOptions, parseCellsOptions } from "./cells-options";
import { cellsCommands, cellsFirewallPorts, cellsNotes } from "./cells-ports";
import type { GatewayKind, GatewayRendering } from "./kind";
import type { SiteData } from "./site";

/** The gateway inside Pydio Cells (an embedded Caddy), versions 4 and 5: `cells configure sites` as data. */
export const cells: GatewayKind<CellsOptions> = {
  kind: "cells",
  parseOptions: parseCellsOptions,
  checkSites: checkCellsSites,
  render: renderCells,
  renderInstall: (sites, options) => renderCellsInstallYaml(cellsSites(byName(sites), options)),
  files: (sites, options) => cellsFiles(byName(sites), options),
  firewallPorts: (sites, options) => cellsFirewallPorts(byName(sites), options),
  commands: cellsCommands,
};

/** Sites stand in the order of their names: the order of a program's list never shows as a difference. */
function renderCells(given: readonly SiteData[], options: CellsOptions): GatewayRendering {
  const sites = byName(given);
  const environment = cellsSiteEnvironment(sites, options);
  return {
    configuration: renderCellsJson(cellsSites(sites, options)),
    environment: cellsEnvironment(sites, options),
    ...("variables" in environment
      ? { siteEnvironment: environment.variables }
      : { siteEnvironmentReason: environment.reason }),
    notes: cellsNotes(sites, options),
  };
}

function byName(sites: readonly SiteData[]): readonly SiteData[] {
  return [...sites].sort((one, other) => (one.name < other.name ? -1 : 1));
}
