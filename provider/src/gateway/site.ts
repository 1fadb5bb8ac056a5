import { ipOctets } from "../x509/ip-address";
import { isAllAddresses, readBind } from "./bind";

/** A reference to a certificate by the Pulumi name of its resource. */
export interface CertificateReference {
  readonly name: string;
  /** Names that the certificate covers, where known: for the coverage check only, not part of the canonical text. */
  readonly hostnames?: readonly string[];
  /** The certificate has an issuer's root (`issuerPem`) that belongs beside it on the server. */
  readonly root?: true;
}

/** Paths, on the server, of a certificate and its key that are placed there by somebody else. */
export interface CertificatePaths {
  readonly certFile: string;
  readonly keyFile: string;
}

/** The four ways of TLS. */
export type SiteTls =
  | "disabled"
  | { readonly certificate: CertificateReference | CertificatePaths }
  | { readonly letsEncrypt: { readonly email: string; readonly acceptEula: true; readonly staging?: true } }
  /** `ca`: Pulumi name of the SelfSignedCA that issued a leaf for this site; without it the gateway makes its own. */
  | { readonly selfSigned: { readonly ca?: string; readonly hostnames?: readonly string[] } };

/** What can be done to a header. */
export const headerActions = ["append", "addIfAbsent", "set", "replace", "remove"] as const;

/** One change of a header; the order of changes means something. */
export interface HeaderChange {
  readonly on: "request" | "response";
  /** append: add a line. addIfAbsent. set: overwrite or add. replace: overwrite what is there. remove. */
  readonly action: (typeof headerActions)[number];
  readonly name: string;
  /** Absent for "remove" only. */
  readonly value?: string;
}

/** Allows or denies one route of the application by its id; "*" is every route. */
export interface RoutingRule {
  readonly route: string;
  readonly effect: "allow" | "deny";
  /** Serves the route under this path instead of its own. */
  readonly rewrite?: string;
}

/** The site answers with the maintenance page. */
export interface Maintenance {
  /** Addresses and ranges that still get in. */
  readonly except?: readonly string[];
  /** Further lines of Caddy's request matchers that must all hold for a request to be turned away. */
  readonly conditions?: readonly string[];
}

/**
 * One site of a gateway. In canonical form hosts and addresses are as their parsers render them, `binds`, `hostnames` and
 * `maintenance.except` are sorted, and what is false or empty is left away.
 */
export interface SiteData {
  readonly name: string;
  readonly binds: readonly string[];
  /** Names by which clients reach the site, beyond the named hosts of its binds. */
  readonly hostnames?: readonly string[];
  readonly externalUrl?: string;
  readonly tls: SiteTls;
  readonly redirectToHttps?: true;
  readonly headers?: readonly HeaderChange[];
  readonly routing?: readonly RoutingRule[];
  readonly maintenance?: Maintenance;
  /** Port of a gateway's separate clear gRPC service. */
  readonly grpcPort?: number;
}

/** The properties of a site, in the order in which they are told of. */
export const siteProperties = [
  "name",
  "binds",
  "hostnames",
  "externalUrl",
  "tls",
  "redirectToHttps",
  "headers",
  "routing",
  "maintenance",
  "grpcPort",
] as const satisfies readonly (keyof SiteData)[];

/** Whether clients speak TLS to the site. */
export function isTlsSite(site: SiteData): boolean {
  return site.tls !== "disabled";
}

/** The hosts of the binds that are not "all addresses", each once, sorted. */
export function bindHosts(site: SiteData): readonly string[] {
  const hosts = site.binds.map(readBind).filter((bind) => !isAllAddresses(bind) && bind.host !== "::");
  return sortedSet(hosts.map((bind) => bind.host));
}

/** Every name by which clients reach the site: `hostnames` and the named hosts of its binds, sorted. */
export function siteNames(site: SiteData): readonly string[] {
  return sortedSet([...(site.hostnames ?? []), ...bindHosts(site)]);
}

/** The names of the site's self-signed certificate: those given for it, else {@link siteNames}; may be empty. Sorted. */
export function selfSignedHostnames(site: SiteData): readonly string[] {
  const own = site.tls !== "disabled" && "selfSigned" in site.tls ? site.tls.selfSigned.hostnames : undefined;
  return own === undefined || own.length === 0 ? siteNames(site) : sortedSet(own);
}

/**
 * Where a browser finds the site: the external URL, else scheme, host and port (unless the scheme's default). The host is
 * the first of the site's names, DNS before IP, no wildcard; "localhost" when the site is bound to all addresses and
 * named nowhere.
 */
export function siteUrl(site: SiteData): string {
  if (site.externalUrl !== undefined) return site.externalUrl;
  const scheme = isTlsSite(site) ? "https" : "http";
  const defaultPort = isTlsSite(site) ? 443 : 80;
  const names = siteNames(site).filter((name) => !name.includes("*"));
  const host = names.find((name) => ipOctets(name) === undefined) ?? names[0] ?? "localhost";
  const binds = site.binds.map(readBind);
  const own = binds.filter((bind) => bind.host === host);
  const candidates = own.length > 0 ? own : binds;
  const port = (candidates.find((bind) => bind.port === defaultPort) ?? candidates[0])?.port ?? defaultPort;
  const shown = host.includes(":") ? `[${host}]` : host;
  return `${scheme}://${shown}${port === defaultPort ? "" : `:${port}`}`;
}

/** Each text once, in code unit order: the same on every machine, whatever its language. */
export function sortedSet(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}
