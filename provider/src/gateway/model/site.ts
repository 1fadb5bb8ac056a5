import { ipOctets } from "../../x509/names/ip-address";
import { isAllAddresses, readBind } from "./bind";

/** A reference to a certificate by the Pulumi name of its resource. */
interface CertificateReference {
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
  /** Which message is changed. */
  readonly on: "request" | "response";
  /** append: add a line. addIfAbsent. set: overwrite or add. replace: overwrite what is there. remove. */
  readonly action: (typeof headerActions)[number];
  /** The name of the header, in any case. */
  readonly name: string;
  /** Absent for "remove" only. */
  readonly value?: string;
}

/**
 * Allows or denies one route of the application; "*" is every route. Cells knows routes by their ids ("public"); a proxy
 * takes a path ("/public"), which stands for itself and all below it. One rule makes all that no rule allows be denied.
 */
export interface RoutingRule {
  /** A route's id for Cells, a path for a proxy, or `*`. */
  readonly route: string;
  /** Whether requests for the route are served. */
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
  /** Seconds after which clients may ask again (Retry-After, RFC 9110 section 10.2.3); proxies say 300 without it. */
  readonly retryAfterSeconds?: number;
}

/** The server behind a proxy. */
export interface SiteUpstream {
  /** `http://host:port`, `https://host:port` or, for HTTP/2 without TLS, `h2c://host:port`; the port always stands there. */
  readonly url: string;
  /** Pydio Cells: brings all that it needs of a proxy (`upstreamNeeds`). */
  readonly kind?: "cells";
  /** The root that an https upstream is verified by is placed with the configuration. */
  readonly rootCa?: true;
  /** Path, on the server, of that root. With neither the roots of the server's system are asked. */
  readonly rootCaFile?: string;
  /** The name that an https upstream is asked for and verified by; default the host of `url`. */
  readonly serverName?: string;
  /** Requests of gRPC, told by their content type, go to the upstream as HTTP/2; with `http://` as h2c. */
  readonly grpc?: true;
}

/** Clients must have a certificate (mTLS). */
export interface ClientAuth {
  /** The authorities of the clients are placed with the configuration. */
  readonly ca?: true;
  /** Path, on the server, of their certificates. Exactly one of the two is there. */
  readonly caFile?: string;
}

/** Strict-Transport-Security, RFC 6797 section 6.1. */
export interface Hsts {
  /** How long browsers use HTTPS alone, in seconds. */
  readonly maxAgeSeconds: number;
  /** Whether names below the site's are meant too. */
  readonly includeSubDomains?: true;
  /** Whether browsers may put the site on their built-in lists. */
  readonly preload?: true;
}

/** How long a proxy waits, in seconds. */
export interface SiteTimeouts {
  /** For the connection to the upstream; default 10. */
  readonly connectSeconds?: number;
  /** Between two reads of the upstream's answer; default 60. */
  readonly responseSeconds?: number;
  /** In a WebSocket, or another tunnel, without a word; default 3600. */
  readonly tunnelSeconds?: number;
}

/** Which versions, cipher suites and groups are offered: Mozilla's Server Side TLS, guideline 6.0. */
export const tlsProfiles = ["intermediate", "modern"] as const;

/** One of {@link tlsProfiles}. */
export type TlsProfile = (typeof tlsProfiles)[number];

/** Every connection begins with a header of the PROXY protocol, versions 1 and 2. */
export interface ProxyProtocol {
  /** Addresses and ranges of the load balancers whose word about the client's address counts. */
  readonly trusted: readonly string[];
}

/**
 * One site of a gateway. In canonical form hosts and addresses are as their parsers render them, `binds`, `hostnames` and
 * `maintenance.except` are sorted, and what is false or empty is left away.
 */
export interface SiteData {
  /** The name within its gateway: the Pulumi name. */
  readonly name: string;
  /** The addresses that it listens on, each `host:port`. */
  readonly binds: readonly string[];
  /** Names by which clients reach the site, beyond the named hosts of its binds. */
  readonly hostnames?: readonly string[];
  /** The URL by which users reach the site, where it differs from its first bind. */
  readonly externalUrl?: string;
  /** The way of TLS, with certificates and CAs by the names of their resources. */
  readonly tls: SiteTls;
  /** Whether plain HTTP is answered with a redirect to HTTPS. */
  readonly redirectToHttps?: true;
  /** Changes of headers, in their order. */
  readonly headers?: readonly HeaderChange[];
  /** Which routes are served. */
  readonly routing?: readonly RoutingRule[];
  /** Present while the site answers with the maintenance page. */
  readonly maintenance?: Maintenance;
  /** Port of a gateway's separate clear gRPC service. */
  readonly grpcPort?: number;
  /** Where a proxy sends the requests; a server that is its own application, as Cells, has none. */
  readonly upstream?: SiteUpstream;
  /** Present where clients must have a certificate. */
  readonly clientAuth?: ClientAuth;
  /** The Strict-Transport-Security header; absent where none is sent. */
  readonly hsts?: Hsts;
  /** Default "intermediate"; the same for all sites of a listener, as is `proxyProtocol`. */
  readonly tlsProfile?: TlsProfile;
  /** Present where connections begin with a header of the PROXY protocol. */
  readonly proxyProtocol?: ProxyProtocol;
  /** Octets of the largest body of a request, which is answered 413 beyond; without it there is no limit. */
  readonly maxBodyBytes?: number;
  /** How long a proxy waits for the upstream and for tunnels. */
  readonly timeouts?: SiteTimeouts;
}

/** Those of its properties that proxies alone serve. */
export const proxyProperties = [
  "upstream",
  "clientAuth",
  "hsts",
  "tlsProfile",
  "proxyProtocol",
  "maxBodyBytes",
  "timeouts",
] as const satisfies readonly (keyof SiteData)[];

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
  ...proxyProperties,
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

/**
 * The names that clients ask the site for: {@link siteNames}, but not the addresses on which a proxy listens: behind them
 * its sites are told apart by name. Sorted.
 */
export function answeredNames(site: SiteData): readonly string[] {
  if (site.upstream === undefined) return siteNames(site);
  const names = bindHosts(site).filter((host) => ipOctets(host) === undefined);
  return sortedSet([...(site.hostnames ?? []), ...names]);
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

/** In the order of their names, so that the order in which a program gives sites never shows. */
export function sortedByName(sites: readonly SiteData[]): readonly SiteData[] {
  return [...sites].sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}

/** Each text once, in code unit order: the same on every machine, whatever its language. */
export function sortedSet(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}

/** The value of Strict-Transport-Security: RFC 6797 section 6.1. */
export function renderHsts({ maxAgeSeconds, includeSubDomains, preload }: Hsts): string {
  return [
    `max-age=${maxAgeSeconds}`,
    ...(includeSubDomains === true ? ["includeSubDomains"] : []),
    ...(preload === true ? ["preload"] : []),
  ].join("; ");
}

/** Five minutes, where a site says nothing. */
const DEFAULT_RETRY_AFTER_SECONDS = 300;

/** The value of Retry-After in maintenance, in seconds (RFC 9110 section 10.2.3). */
export function renderRetryAfter({ retryAfterSeconds = DEFAULT_RETRY_AFTER_SECONDS }: Maintenance): string {
  return String(retryAfterSeconds);
}
