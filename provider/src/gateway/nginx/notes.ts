import { ipOctets } from "../../x509/names/ip-address";
import { type SiteData, sortedByName } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import { type Listener, listenersOf } from "../proxy/listeners";
import { findHashSizes } from "./configuration";
import type { NginxOptions } from "./options";

/** Sites verified by the system's roots from which on their number is told; measured with nginx 1.22: 1.7 MB each. */
const MANY_ROOTS = 100;

/** What is right but may surprise: of the whole, then sorted by site. */
export function nginxNotes(sites: readonly SiteData[], options: NginxOptions): readonly string[] {
  const sorted = sortedByName(sites);
  const listeners = listenersOf(sorted, options);
  return [
    ...listenerNotes(listeners),
    ...hashNotes(findHashSizes(sorted, listeners, options)),
    ...rootNotes(sorted, options),
    ...sorted.flatMap((site) => siteNotes(site, options)),
  ];
}

function hashNotes(sizes: readonly string[]): readonly string[] {
  return sizes.length === 0
    ? []
    : [
        `These sites need more room in nginx's hash tables, so ${sizes.join(", ")} stands in the configuration. nginx takes each once: set options.hashSizes to false if its own configuration has it, with a value as large.`,
      ];
}

/** Since 1.27.2 certificates that are read twice are held once. */
function rootNotes(sites: readonly SiteData[], { version }: NginxOptions): readonly string[] {
  const number = sites.filter(
    ({ upstream }) => upstream?.url.startsWith("https:") && !upstream.rootCa && upstream.rootCaFile === undefined,
  ).length;
  return version === "1.28" || version === "1.30" || number < MANY_ROOTS
    ? []
    : [
        `${number} sites have an https upstream that is verified by the roots of the system, which nginx ${version} holds once for each of them, 1 to 2 MB: give them the root of their upstream.`,
      ];
}

function listenerNotes(listeners: readonly Listener[]): readonly string[] {
  const isClaimed = listeners.some(({ address, port }) => port === 80 && (address === "0.0.0.0" || address === "::"));
  return isClaimed
    ? [
        "Port 80 has one default site in nginx, and Debian's own is in the way: remove /etc/nginx/sites-enabled/default.",
      ]
    : [];
}

function siteNotes(site: SiteData, options: NginxOptions): readonly string[] {
  const upstream = effectiveUpstream(site);
  const notes: string[] = [];
  if (upstream !== undefined && ipOctets(upstream.host) === undefined) {
    notes.push(
      `Site "${site.name}": nginx asks for the addresses of ${upstream.host} when it starts or reloads, and does not start while there are none.`,
    );
  }
  const first = (site.headers ?? []).find(
    ({ on, action }) => on === "request" && (action === "append" || action === "addIfAbsent"),
  );
  if (first !== undefined && options.version === "1.22") {
    notes.push(
      `Site "${site.name}": nginx 1.22 sees only the first line of a request's ${first.name} and passes no other on; later versions join them.`,
    );
  }
  return notes;
}
