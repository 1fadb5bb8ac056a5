import { headerActions, type SiteData, type SiteTls, selfSignedHostnames } from "../model/site";
import type { CellsOptions } from "./options";

/** `ProxyConfig` of Cells as its JSON reader takes it: Go's field names, numbers for enumerations, no zero values. */
export interface CellsSite {
  readonly Binds: readonly string[];
  readonly SSLRedirect?: true;
  readonly ReverseProxyURL?: string;
  readonly TLSConfig?: CellsTls;
  readonly Maintenance?: true;
  readonly MaintenanceConditions?: readonly string[];
  readonly Routing?: readonly { Matcher: string; Effect?: 1; Action?: "Rewrite"; Value?: string }[];
  readonly HeaderMods?: readonly { ApplyTo?: 1; Action?: number; Key: string; Value?: string }[];
}

type CellsTls =
  | { readonly Certificate: { readonly CertFile: string; readonly KeyFile: string } }
  | { readonly LetsEncrypt: { readonly Email: string; readonly AcceptEULA: true; readonly StagingCA?: true } }
  | { readonly SelfSigned: { readonly Hostnames?: readonly string[] } };

/** Translates sites, in the order given, into Cells' own model. What is absent there is the zero value of Go. */
export function cellsSites(sites: readonly SiteData[], options: CellsOptions): readonly CellsSite[] {
  return sites.map((site) => ({
    Binds: site.binds,
    ...(site.redirectToHttps === true && { SSLRedirect: true }),
    ...(site.externalUrl !== undefined && { ReverseProxyURL: site.externalUrl }),
    ...(site.tls !== "disabled" && { TLSConfig: cellsTls(site, site.tls, options) }),
    ...cellsMaintenance(site),
    ...(site.routing !== undefined && { Routing: cellsRouting(site.routing) }),
    ...(site.headers !== undefined && { HeaderMods: cellsHeaders(site.headers) }),
  }));
}

/** Renders the part of `pydio.json` that holds the sites: `{"defaults":{"sites":[…]}}`, indented by two spaces. */
export function renderCellsJson(sites: readonly CellsSite[]): string {
  return `${JSON.stringify({ defaults: { sites } }, undefined, 2)}\n`;
}

/**
 * Renders the part of an install file that holds the sites: `proxyconfigs`, with the lower-case keys that Cells looks for
 * in YAML. Texts stand in double quotes, so that no reader of YAML 1.1 takes one for a number or a truth value.
 */
export function renderCellsInstallYaml(sites: readonly CellsSite[]): string {
  // a quarter of the time that the provider process takes to load, for a file that few programs ask for
  const { stringify } = require("yaml") as typeof import("yaml");
  return stringify(
    { proxyconfigs: lowerCaseKeys(sites) },
    { defaultKeyType: "PLAIN", defaultStringType: "QUOTE_DOUBLE", lineWidth: 0, aliasDuplicateObjects: false },
  );
}

/** Paths, on the server, of the files of a certificate that the program holds. */
export function certificatePaths(
  name: string,
  options: CellsOptions,
): { certFile: string; keyFile: string; rootFile: string } {
  const stem = `${options.certificateDirectory}/${name}`;
  return { certFile: `${stem}.pem`, keyFile: `${stem}-key.pem`, rootFile: `${stem}-rootCA.pem` };
}

function cellsTls(site: SiteData, tls: Exclude<SiteTls, "disabled">, options: CellsOptions): CellsTls {
  if ("letsEncrypt" in tls) {
    const { email, staging } = tls.letsEncrypt;
    return { LetsEncrypt: { Email: email, AcceptEULA: true, ...(staging === true && { StagingCA: true }) } };
  }
  if ("selfSigned" in tls) {
    // with a CA of ours the list is always said: the name of the leaf's file is computed from it
    const isNamed =
      tls.selfSigned.ca !== undefined || tls.selfSigned.hostnames !== undefined || site.hostnames !== undefined;
    return { SelfSigned: isNamed ? { Hostnames: selfSignedHostnames(site) } : {} };
  }
  const { certificate } = tls;
  const { certFile, keyFile } = "name" in certificate ? certificatePaths(certificate.name, options) : certificate;
  return { Certificate: { CertFile: certFile, KeyFile: keyFile } };
}

function cellsMaintenance({ maintenance }: SiteData): Partial<CellsSite> {
  if (maintenance === undefined) return {};
  const exceptions = maintenance.except === undefined ? [] : [`not remote_ip ${maintenance.except.join(" ")}`];
  const conditions = [...exceptions, ...(maintenance.conditions ?? [])];
  return { Maintenance: true, ...(conditions.length > 0 && { MaintenanceConditions: conditions }) };
}

/** RuleEffect: DENY 0, ACCEPT 1. */
function cellsRouting(rules: NonNullable<SiteData["routing"]>): NonNullable<CellsSite["Routing"]> {
  return rules.map(({ route, effect, rewrite }) => ({
    Matcher: route,
    ...(effect === "allow" && { Effect: 1 as const }),
    ...(rewrite !== undefined && { Action: "Rewrite" as const, Value: rewrite }),
  }));
}

/** HeaderModApplyTo: REQUEST 0, RESPONSE 1. HeaderModAction counts in the order of {@link headerActions}. */
function cellsHeaders(changes: NonNullable<SiteData["headers"]>): NonNullable<CellsSite["HeaderMods"]> {
  return changes.map(({ on, action, name, value }) => {
    const number = headerActions.indexOf(action);
    return {
      ...(on === "response" && { ApplyTo: 1 as const }),
      ...(number > 0 && { Action: number }),
      Key: name,
      ...(value !== undefined && { Value: value }),
    };
  });
}

function lowerCaseKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(lowerCaseKeys);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key.toLowerCase(), lowerCaseKeys(part)]));
}
