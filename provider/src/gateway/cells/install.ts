import { readBind } from "../model/bind";
import type { GatewayInstall, HandshakeProbe } from "../model/kind";
import { readersOf } from "../model/readers";
import { isTlsSite, type SiteData, siteNames } from "../model/site";
import { cellsSites } from "./document";
import { cellsFiles } from "./files";
import type { CellsOptions } from "./options";

/**
 * How Cells takes its sites over: it reads `pydio.json` and its certificates at start only, and may write that file while
 * it runs, so it is stopped, `defaults.sites` is merged, and it is started. Not for a configuration in etcd or Vault.
 */
export function cellsInstall(sites: readonly SiteData[], options: CellsOptions): GatewayInstall {
  const { workingDirectory, stopCommand, startCommand } = options;
  const readers = readersOf(options);
  return {
    directory: `${workingDirectory}/tls-gateway`,
    configurationFile: "tls-gateway-sites.json",
    entries: [],
    mergeInto: `${workingDirectory}/pydio.json`,
    serviceFolder: workingDirectory,
    ...(readers !== undefined && { readers }),
    stop: stopCommand ?? "systemctl stop cells",
    reload: startCommand ?? "systemctl start cells",
    probes: sites.flatMap((site) => siteProbes(site, options)),
  };
}

/** One handshake for each name and port of a site whose certificate is placed. */
function siteProbes(site: SiteData, options: CellsOptions): readonly HandshakeProbe[] {
  const certificate = certificateOf(site, options);
  if (certificate === undefined) return [];
  const ports = [...new Set(site.binds.map((bind) => readBind(bind).port))];
  const names = siteNames(site).filter((name) => /[a-z]/i.test(name) && !name.includes(":") && !name.startsWith("*."));
  return ports.flatMap((port) =>
    (names.length === 0 ? [undefined] : names).map((serverName) => ({
      ...{ address: "127.0.0.1", port, certificate },
      ...(serverName !== undefined && { serverName }),
    })),
  );
}

function certificateOf(site: SiteData, options: CellsOptions): string | undefined {
  if (!isTlsSite(site)) return undefined;
  const [rendered] = cellsSites([site], options);
  const { Certificate } = (rendered?.TLSConfig ?? {}) as { readonly Certificate?: { readonly CertFile: string } };
  if (Certificate !== undefined) return Certificate.CertFile;
  return cellsFiles([site], options).find(({ source }) => source.of === "leaf" && source.part === "certPem")?.path;
}
