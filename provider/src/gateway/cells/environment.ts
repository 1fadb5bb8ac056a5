import { bindHosts, type SiteData, selfSignedHostnames } from "../model/site";
import { type CellsSite, cellsSites } from "./document";
import { type CellsOptions, grpcPortOf } from "./options";

/** Variables that Cells needs whatever its sites are; CELLS_GRPC_EXTERNAL only where a clear gRPC service is started. */
export function cellsEnvironment(sites: readonly SiteData[], options: CellsOptions): Readonly<Record<string, string>> {
  const grpcPort = grpcPortOf(sites, options);
  return {
    ...(grpcPort !== undefined && { CELLS_GRPC_EXTERNAL: String(grpcPort) }),
    CELLS_WORKING_DIR: options.workingDirectory,
  };
}

/**
 * The one site as CELLS_SITE_* variables (beside {@link cellsEnvironment}), or the reason why they can't say it. At start they replace every site of the
 * configuration by this one.
 */
export function cellsSiteEnvironment(
  sites: readonly SiteData[],
  options: CellsOptions,
): { readonly variables: Readonly<Record<string, string>> } | { readonly reason: string } {
  const [site, ...others] = sites;
  if (site === undefined) return { reason: "there is no site" };
  if (others.length > 0) return { reason: `the variables describe one site, and there are ${sites.length}` };
  const unsaid = inexpressible(site);
  if (unsaid !== undefined) return { reason: `the variables can't say ${unsaid} of site "${site.name}"` };
  const [document] = cellsSites(sites, options);
  return { variables: siteVariables(document as CellsSite) };
}

function inexpressible(site: SiteData): string | undefined {
  if (site.binds.length > 1) return "more than one of the binds";
  if (site.redirectToHttps === true) return "redirectToHttps";
  if (site.maintenance !== undefined) return "maintenance";
  if (site.routing !== undefined) return "routing";
  if (site.headers !== undefined) return "headers";
  if (site.tls === "disabled" || !("selfSigned" in site.tls)) return undefined;
  // Cells then takes the hosts of the binds, and for 0.0.0.0 whatever addresses the machine has at that moment
  const isSame = selfSignedHostnames(site).join() === bindHosts(site).join();
  const isNamed = site.tls.selfSigned.ca !== undefined || site.tls.selfSigned.hostnames !== undefined;
  return isSame && (bindHosts(site).length > 0 || !isNamed)
    ? undefined
    : "the host names of the self-signed certificate";
}

function siteVariables({ Binds, ReverseProxyURL, TLSConfig }: CellsSite): Record<string, string> {
  const [bind = ""] = Binds;
  return {
    CELLS_SITE_BIND: bind,
    ...(ReverseProxyURL !== undefined && { CELLS_SITE_EXTERNAL: ReverseProxyURL }),
    ...(TLSConfig === undefined && { CELLS_SITE_NO_TLS: "1" }),
    ...(TLSConfig !== undefined &&
      "Certificate" in TLSConfig && {
        CELLS_SITE_TLS_CERT_FILE: TLSConfig.Certificate.CertFile,
        CELLS_SITE_TLS_KEY_FILE: TLSConfig.Certificate.KeyFile,
      }),
    ...(TLSConfig !== undefined &&
      "LetsEncrypt" in TLSConfig && {
        CELLS_SITE_LE_EMAIL: TLSConfig.LetsEncrypt.Email,
        CELLS_SITE_LE_AGREE: "1",
        ...(TLSConfig.LetsEncrypt.StagingCA === true && { CELLS_SITE_LE_STAGING: "1" }),
      }),
  };
}
