import { isCovered } from "../../x509/names/identifier";
import { ALL_ADDRESSES, type Bind, readBind, renderBind } from "../model/bind";
import type { GatewayFile } from "../model/kind";
import type { SiteProblem } from "../model/problem";
import { bindHosts, isTlsSite, type SiteData, sortedByName } from "../model/site";
import { checkCellsAddresses } from "./addresses";
import { siteFiles } from "./files";
import { type CellsOptions, grpcPortOf } from "./options";

/**
 * Finds everything in these sites that Cells, or the Caddy inside it, would stumble over: Cells itself checks next to
 * nothing, and one bad site keeps all of them from starting. Linear in the number of sites. Each rule was proved on Caddy
 * 2.11.9 (test/peers/gateway/caddy-cells.test.ts) or read in Cells.
 */
export function checkCellsSites(sites: readonly SiteData[], options: CellsOptions): readonly SiteProblem[] {
  const sorted = sortedByName(sites);
  return [
    ...checkNames(sorted),
    ...sorted.flatMap((site) => checkCellsSite(site, options)),
    ...checkCellsAddresses(sorted),
    ...checkCellsFiles(sorted, options),
    ...checkGrpcPort(sorted, options),
  ];
}

function checkNames(sites: readonly SiteData[]): readonly SiteProblem[] {
  return sites.flatMap((site, index) => {
    if (index === 0 || sites[index - 1]?.name !== site.name) return [];
    const reason = `two sites are called "${site.name}": give each a name of its own`;
    return [{ site: site.name, otherSite: site.name, property: "name", reason }];
  });
}

/** What one site can't have in Cells, whatever the others are. */
function checkCellsSite(site: SiteData, options: CellsOptions): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const add = (property: string, reason: string): void => {
    problems.push({ site: site.name, property, reason });
  };
  for (const bind of site.binds.map(readBind)) {
    const reason = bindProblem(site, bind);
    if (reason !== undefined) add("binds", `${renderBind(bind)}: ${reason}`);
  }
  const hosts = bindHosts(site);
  const unanswered = (site.hostnames ?? []).filter((name) => !hosts.includes(name) && !isCovered(name, hosts));
  const isOpen = site.binds.some((bind) => readBind(bind).host === ALL_ADDRESSES);
  if (!isOpen && unanswered.length > 0) {
    const names = unanswered.slice(0, 8).join(", ");
    add(
      "hostnames",
      `${names}: Cells answers only the hosts of the binds (${hosts.join(", ")}) here: add a bind for each, or bind to 0.0.0.0`,
    );
  }
  if (site.headers !== undefined && options.version === "4") {
    add(
      "headers",
      'Cells 4 has no changes of headers and would ignore them silently: set the option version: "5", or leave headers away',
    );
  }
  if (site.maintenance?.retryAfterSeconds !== undefined) {
    const reason =
      "Cells redirects to its maintenance page and names no time to come back: leave retryAfterSeconds away";
    add("maintenance.retryAfterSeconds", reason);
  }
  for (const [index, { value = "" }] of (site.headers ?? []).entries()) {
    // how Cells 5 quotes a value in its Caddyfile is not known
    if (/["`\\]/.test(value)) {
      add(
        `headers[${index}].value`,
        "Cells can't be trusted with a double quote, a backtick or a backslash in a header: write it without",
      );
    }
  }
  const ca = site.tls !== "disabled" && "selfSigned" in site.tls ? site.tls.selfSigned.ca : undefined;
  if (ca !== undefined && hosts.length === 0 && site.hostnames === undefined && !hasOwnNames(site)) {
    add(
      "hostnames",
      `a certificate of CA "${ca}" needs names, and the bind to all addresses has none: list the names and addresses in hostnames`,
    );
  }
  return problems;
}

function hasOwnNames(site: SiteData): boolean {
  return site.tls !== "disabled" && "selfSigned" in site.tls && site.tls.selfSigned.hostnames !== undefined;
}

function bindProblem(site: SiteData, bind: Bind): string | undefined {
  const isTls = isTlsSite(site);
  if (bind.host.includes(":")) {
    return "Cells splits binds at the colon and can't take an IPv6 address: bind to 0.0.0.0 or to a host name";
  }
  if (bind.host !== ALL_ADDRESSES && bind.host.includes(ALL_ADDRESSES)) {
    return 'Cells cuts "0.0.0.0" out of the host wherever it stands: bind to another address or to a host name';
  }
  if (isTls && bind.port === 80) return "Caddy never speaks TLS on port 80: take another port, such as 443";
  if (!isTls && bind.port === 443)
    return "Caddy never speaks plain HTTP on port 443: take another port, or turn TLS on";
  if (site.redirectToHttps === true && bind.host.startsWith("*.")) {
    return "Cells would redirect to the wildcard itself, which is no address: name the hosts, or leave redirectToHttps away";
  }
  if (bind.host === ALL_ADDRESSES && site.tls !== "disabled" && "letsEncrypt" in site.tls) {
    return "Let's Encrypt needs a host name, and Cells takes it from the bind: no certificate would ever be asked for. Bind to the public host name";
  }
  return undefined;
}

function checkGrpcPort(sites: readonly SiteData[], options: CellsOptions): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const first = sites.find((site) => site.grpcPort !== undefined);
  for (const site of sites) {
    if (first === undefined || site.grpcPort === undefined || site.grpcPort === first.grpcPort) continue;
    const reason = `${site.grpcPort} here and ${first.grpcPort} in site "${first.name}": Cells has one gRPC port: give both sites the same`;
    problems.push({ site: site.name, otherSite: first.name, property: "grpcPort", reason });
  }
  const grpcPort = grpcPortOf(sites, options);
  if (grpcPort === undefined) return problems;
  const plain = first ?? sites.find((site) => !isTlsSite(site));
  for (const site of sites) {
    const bind = site.binds.find((text) => readBind(text).port === grpcPort);
    if (bind === undefined) continue;
    const reason = `${bind} has the port of the separate gRPC service (${grpcPort}), which site "${plain?.name}" needs: change grpcPort or the bind`;
    problems.push({
      site: site.name,
      ...(plain !== undefined && plain !== site && { otherSite: plain.name }),
      property: "binds",
      reason,
    });
  }
  return problems;
}

/** Characters of a certificate's name that can stand in a file name on every system, in shells and in a Caddyfile. */
const fileName = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;

/** Files that Cells writes by itself in its certificate store. */
const ownFiles: readonly string[] = ["rootCA.pem", "rootCA-key.pem"];

/** Finds file names that two sources claim, and self-signed sites that Cells can't serve together. */
function checkCellsFiles(sites: readonly SiteData[], options: CellsOptions): readonly SiteProblem[] {
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
