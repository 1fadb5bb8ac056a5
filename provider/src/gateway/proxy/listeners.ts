import { ipOctets } from "../../x509/names/ip-address";
import { readBind } from "../model/bind";
import {
  answeredNames,
  isTlsSite,
  type ProxyProtocol,
  type SiteData,
  sortedByName,
  type TlsProfile,
} from "../model/site";
import type { AcmeAnswerOptions, ProxyOptions } from "./options";

/** A site on one listener. */
export interface ListenerSite {
  readonly site: SiteData;
  /** The names that it answers there, sorted; none: every name. */
  readonly names: readonly string[];
}

/** What plain HTTP of a site is sent on to. */
export interface ListenerRedirect extends ListenerSite {
  /** The port of https. */
  readonly port: number;
}

/** One address and port with all sites on it: what a server binds once. */
export interface Listener {
  /** `0.0.0.0`, `::`, or one address; IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly tlsProfile: TlsProfile;
  readonly proxyProtocol?: ProxyProtocol;
  /** Sorted by the names of the sites. */
  readonly sites: readonly ListenerSite[];
  /** Redirects to https, on a listener without TLS; sorted by the names of the sites. */
  readonly redirects: readonly ListenerRedirect[];
  /** The account whose http-01 challenges are answered here; never on a listener with TLS. */
  readonly acmeThumbprint?: string;
}

/** What of the options says where is listened. */
export type ListenerOptions = Pick<ProxyOptions, "httpPort" | "ipv6"> & AcmeAnswerOptions;

/**
 * Groups sites by where they listen, sorted by port and address. A bind to a name listens on all addresses, as does
 * 0.0.0.0: those are `0.0.0.0` and, unless `ipv6` is false, `::`. `[::]` is all of IPv6 alone. What belongs to a listener
 * as a whole (TLS, profile, PROXY protocol) is that of its first site: `checkProxySites` refuses sites that differ. A
 * gateway that answers http-01 listens on `httpPort` in any case.
 */
export function listenersOf(sites: readonly SiteData[], options: ListenerOptions): readonly Listener[] {
  const drafts = new Map<string, Draft>();
  const at = (address: string, port: number): Draft => {
    const key = `${address} ${port}`;
    const draft = drafts.get(key) ?? { address, port, sites: [], redirects: [] };
    drafts.set(key, draft);
    return draft;
  };
  for (const site of sortedByName(sites)) {
    const names = answeredNames(site);
    const portOf = new Map<string, number>();
    for (const { address, port } of siteAddresses(site, options)) {
      at(address, port).sites.push({ site, names });
      if (port === 443 || !portOf.has(address)) portOf.set(address, port);
    }
    if (site.redirectToHttps !== true) continue;
    for (const [address, port] of portOf) at(address, options.httpPort).redirects.push({ site, names, port });
  }
  const { acmeThumbprint, httpPort } = options;
  if (acmeThumbprint !== undefined && ![...drafts.values()].some(({ port }) => port === httpPort)) {
    for (const address of allAddresses(options)) at(address, httpPort);
  }
  return [...drafts.values()]
    .map(readDraft)
    .map((one) =>
      acmeThumbprint === undefined || one.isTls || one.port !== httpPort ? one : { ...one, acmeThumbprint },
    )
    .sort((one, other) => one.port - other.port || (one.address < other.address ? -1 : 1));
}

/** Where a site listens, each address and port once, in the order of its binds. */
function siteAddresses(
  site: SiteData,
  options: Pick<ProxyOptions, "ipv6">,
): readonly { readonly address: string; readonly port: number }[] {
  const all = allAddresses(options);
  const found = site.binds.map(readBind).flatMap(({ host, port }) => {
    const addresses = host === "0.0.0.0" || ipOctets(host) === undefined ? all : [host];
    return addresses.map((address) => ({ address, port }));
  });
  return [...new Map(found.map((place) => [`${place.address} ${place.port}`, place])).values()];
}

function allAddresses({ ipv6 }: Pick<ProxyOptions, "ipv6">): readonly string[] {
  return ipv6 ? ["0.0.0.0", "::"] : ["0.0.0.0"];
}

/** A site to name in a message about the listener; undefined where it has none. */
export function firstSite({ sites, redirects }: Listener): SiteData | undefined {
  return (sites[0] ?? redirects[0])?.site;
}

/** `10.0.0.5:443`, `[::]:443`. */
export function renderAddress({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

interface Draft {
  readonly address: string;
  readonly port: number;
  readonly sites: ListenerSite[];
  readonly redirects: ListenerRedirect[];
}

function readDraft({ address, port, sites, redirects }: Draft): Listener {
  const [first] = [...sites, ...redirects];
  const proxyProtocol = first?.site.proxyProtocol;
  return {
    address,
    port,
    isTls: sites[0] !== undefined && isTlsSite(sites[0].site),
    tlsProfile: sites[0]?.site.tlsProfile ?? "intermediate",
    ...(proxyProtocol !== undefined && { proxyProtocol }),
    sites,
    redirects,
  };
}
