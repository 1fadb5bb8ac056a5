import { siteFiles } from "./cells/files";
import type { CellsOptions } from "./cells/options";
import type { GatewayFile } from "./model/kind";
import type { SiteProblem } from "./model/problem";
import type { SiteData } from "./model/site";

/** Characters of a certificate's name that can stand in a file name on every system, in shells and in a Caddyfile. */
const fileName = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;

/** Files that Cells writes by itself in its certificate store. */
const ownFiles: readonly string[] = ["rootCA.pem", "rootCA-key.pem"];

/** Finds file names that two sources claim, and self-signed sites that Cells can't serve together. */
export function checkCellsFiles(sites: readonly SiteData[], options: CellsOptions): readonly SiteProblem[] {
  return [...checkFileNames(sites), ...checkPaths(sites, options), ...checkCas(sites)];
}

function checkFileNames(sites: readonly SiteData[]): readonly SiteProblem[] {
  return sites.flatMap((site) => {
    if (site.tls === "disabled" || !("certificate" in site.tls) || !("name" in site.tls.certificate)) return [];
    const { name } = site.tls.certificate;
    if (fileName.test(name)) return [];
    const reason = `"${name}" names the files on the server, and can't: use letters, digits and ._@+- in the name of the certificate's resource`;
    return [{ site: site.name, property: "tls.certificate.name", reason }];
  });
}

/** The same file from the same source is shared; leaves of the same names are as good as each other. */
function checkPaths(sites: readonly SiteData[], options: CellsOptions): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const first = new Map<string, { site: SiteData; file: GatewayFile }>();
  for (const site of sites) {
    for (const file of siteFiles(site, options)) {
      const other = first.get(file.path);
      if (other === undefined) first.set(file.path, { site, file });
      const isOwn =
        isCertificate(file) && ownFiles.some((own) => file.path === `${options.workingDirectory}/certs/${own}`);
      if (isOwn) {
        const reason = `the file ${file.path} of ${describe(file)} is one that Cells keeps for its own root: rename the certificate's resource`;
        problems.push({ site: site.name, property: "tls", reason });
      } else if (other !== undefined && sourceOf(other.file) !== sourceOf(file)) {
        const reason = `the file ${file.path} would hold ${describe(file)} and, for site "${other.site.name}", ${describe(other.file)}: rename one of the certificates' resources`;
        problems.push({ site: site.name, otherSite: other.site.name, property: "tls", reason });
      }
    }
  }
  return problems;
}

function isCertificate(file: GatewayFile): boolean {
  return file.source.of === "certificate";
}

function sourceOf({ source }: GatewayFile): string {
  return source.of === "certificate" ? `certificate ${source.part} ${source.name}` : `${source.of} ${source.part}`;
}

function describe({ source }: GatewayFile): string {
  const part = source.part === "privateKeyPem" ? "the key of " : source.part === "issuerPem" ? "the root of " : "";
  if (source.of === "certificate") return `${part}certificate "${source.name}"`;
  return source.of === "ca" ? `CA "${source.name}"` : `${part}the self-signed certificate of site "${source.name}"`;
}

/** Cells has one root: rootCA.pem. Placed by us it has no key there, and Cells can't issue from it for other sites. */
function checkCas(sites: readonly SiteData[]): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  let first: { site: SiteData; ca: string | undefined } | undefined;
  for (const site of sites) {
    if (site.tls === "disabled" || !("selfSigned" in site.tls)) continue;
    const { ca } = site.tls.selfSigned;
    first ??= { site, ca };
    if (first.ca === ca) continue;
    const reason =
      ca !== undefined && first.ca !== undefined
        ? `CA "${ca}" here and CA "${first.ca}" in site "${first.site.name}", but Cells has one root (rootCA.pem): issue both from the same CA`
        : `${ca === undefined ? "no ca" : `CA "${ca}"`} here and ${first.ca === undefined ? "no ca" : `CA "${first.ca}"`} in site "${first.site.name}": with a CA its key is not on the server, so Cells can't issue the other certificate. Give both the same ca, or neither`;
    problems.push({ site: site.name, otherSite: first.site.name, property: "tls.selfSigned.ca", reason });
  }
  return problems;
}
