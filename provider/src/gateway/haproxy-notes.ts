import { renderQuoted } from "../text/quoted";
import { ipOctets } from "../x509/names/ip-address";
import { isBodyRead } from "./haproxy/backends";
import type { HaproxyOptions } from "./haproxy/options";
import type { SiteData } from "./model/site";
import { effectiveUpstream } from "./model/upstream";
import { clientCaFile } from "./proxy/files";

/** Whether a session of one site could get a client into another one whose clients have other authorities. */
export function hasSeveralClientRoots(sites: readonly SiteData[], options: HaproxyOptions): boolean {
  return new Set(sites.flatMap((site) => clientCaFile(site, options) ?? [])).size > 1;
}

/** What HAProxy does with these sites that may surprise; `sites` sorted. */
export function haproxyNotes(sites: readonly SiteData[], options: HaproxyOptions): readonly string[] {
  const named = sites.filter((site) => {
    const host = effectiveUpstream(site)?.host;
    return host !== undefined && ipOctets(host) === undefined;
  });
  const unread = sites.filter(({ maxBodyBytes }) => maxBodyBytes !== undefined && !isBodyRead(maxBodyBytes));
  const uncounted = sites.filter((site) => site.maxBodyBytes !== undefined && effectiveUpstream(site)?.grpc === true);
  return [
    ...note(
      named,
      "HAProxy resolves the name of the upstream when it starts or reloads: reload it when the address changes. A name that it can't resolve is answered 503 until then.",
    ),
    ...note(
      unread,
      "maxBodyBytes is judged by Content-Length alone: HAProxy can't end a body without one (chunked, or HTTP/2) that is longer than its buffer, so the upstream has to limit those.",
    ),
    ...note(uncounted, "maxBodyBytes does not count for gRPC, whose messages have no end in sight."),
    ...(hasSeveralClientRoots(sites, options)
      ? note(
          sites.filter(({ clientAuth }) => clientAuth !== undefined),
          "clients have different authorities, and HAProxy would resume a session of one site in another: sessions of TLS are not resumed, on any site.",
        )
      : []),
  ];
}

/** One sentence for all sites that it is true of. */
function note([first, ...others]: readonly SiteData[], sentence: string): readonly string[] {
  if (first === undefined) return [];
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return [`Site ${renderQuoted(first.name)}${more}: ${sentence}`];
}
