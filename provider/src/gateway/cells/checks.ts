import { isCovered } from "../../x509/names/identifier";
import { checkCellsFiles } from "../cells-file-checks";
import { allAddresses, type Bind, readBind, renderBind } from "../model/bind";
import type { SiteProblem } from "../model/problem";
import { bindHosts, isTlsSite, type SiteData, sortedByName } from "../model/site";
import { checkCellsAddresses } from "./addresses";
import { type CellsOptions, grpcPortOf } from "./options";

/**
 * Finds everything in these sites that Cells, or the Caddy inside it, would stumble over: Cells itself checks next to
 * nothing, and one bad site keeps all of them from starting. Linear in the number of sites. Each rule was proved on Caddy
 * 2.11.9 (test/peers/caddy-cells.test.ts) or read in Cells.
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
  const isOpen = site.binds.some((bind) => readBind(bind).host === allAddresses);
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
  if (bind.host !== allAddresses && bind.host.includes(allAddresses)) {
    return 'Cells cuts "0.0.0.0" out of the host wherever it stands: bind to another address or to a host name';
  }
  if (isTls && bind.port === 80) return "Caddy never speaks TLS on port 80: take another port, such as 443";
  if (!isTls && bind.port === 443)
    return "Caddy never speaks plain HTTP on port 443: take another port, or turn TLS on";
  if (site.redirectToHttps === true && bind.host.startsWith("*.")) {
    return "Cells would redirect to the wildcard itself, which is no address: name the hosts, or leave redirectToHttps away";
  }
  if (bind.host === allAddresses && site.tls !== "disabled" && "letsEncrypt" in site.tls) {
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
