import { renderQuoted } from "../../text/quoted";
import type { SiteProblem } from "../model/problem";
import { type SiteData, sortedByName } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import { checkHeaders, checkProxySites, checkVerifiedName, type HeaderJudge } from "../proxy/checks";
import { certificateFiles, clientCaFile, upstreamRootFile } from "../proxy/files";
import type { HaproxyOptions } from "./options";
import { isFoundByItself } from "./texts";

/** Milliseconds in 31 bits. */
const LONGEST_SECONDS = 2_147_483;

/** HAProxy's own business: it frames messages by them, and another value would split one message into two. */
const framingHeaders: HeaderJudge = ({ name }) => {
  if (!/^(content-length|transfer-encoding)$/i.test(name)) return undefined;
  const reason = `found ${name}, by which HAProxy itself says where a message ends: leave the change away`;
  return { property: "name", reason };
};

/** Text of all changed headers that surely fits into HAProxy's buffer of 16 KiB beside a request's own. */
const MOST_HEADER_OCTETS = 8192;

/** Finds everything in these sites that HAProxy can't serve. Linear in the number of sites. */
export function checkHaproxySites(sites: readonly SiteData[], options: HaproxyOptions): readonly SiteProblem[] {
  const sorted = sortedByName(sites);
  return [
    ...checkProxySites(sorted, options),
    ...sorted.flatMap((site) => [
      ...checkPaths(site, options),
      ...checkUpstream(site),
      ...checkHeaders(site, [framingHeaders]),
      ...checkHeaderOctets(site),
    ]),
  ];
}

function checkPaths(site: SiteData, options: HaproxyOptions): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const add = (property: string, reason: string): void => {
    problems.push({ site: site.name, property, reason });
  };
  const files = certificateFiles(site, options, "single");
  const clients = clientCaFile(site, options);
  const listed = [
    ["tls.certificate.certFile", files?.certFile],
    ["tls.certificate.keyFile", files === undefined || isFoundByItself(files) ? undefined : files.keyFile],
    ["clientAuth.caFile", clients],
  ] as const;
  for (const [property, path] of listed) {
    if (path === undefined) continue;
    if (!path.startsWith("/")) add(property, notPosix(path));
    else if (/[\s[\]]/u.test(path)) {
      add(
        property,
        `found ${renderQuoted(path)}: HAProxy's lists of certificates have no quotes, so a path can't hold spaces or square brackets: choose another`,
      );
    }
  }
  const root = upstreamRootFile(site, options);
  if (root !== undefined && !root.startsWith("/")) add("upstream.rootCaFile", notPosix(root));
  if (files !== undefined && !isFoundByItself(files) && (options.version === "2.6" || options.version === "2.8")) {
    const reason = `found ${renderQuoted(files.keyFile)}: HAProxy ${options.version} finds a key only in the certificate's own file or in ${renderQuoted(`${files.certFile}.key`)}: put it there, or give options.version "3.0" if the server has it`;
    add("tls.certificate.keyFile", reason);
  }
  return problems;
}

function notPosix(path: string): string {
  return `found ${renderQuoted(path)}, expected a path that begins with a slash: HAProxy runs on POSIX systems`;
}

function checkUpstream(site: SiteData): readonly SiteProblem[] {
  const upstream = effectiveUpstream(site);
  if (upstream === undefined) return [];
  const problems: SiteProblem[] = [...checkVerifiedName(site, "HAProxy")];
  for (const name of ["connectSeconds", "responseSeconds", "tunnelSeconds"] as const) {
    if (upstream[name] <= LONGEST_SECONDS) continue;
    const reason = `found ${upstream[name]}: HAProxy waits at most ${LONGEST_SECONDS} seconds, which are 24 days`;
    problems.push({ site: site.name, property: `timeouts.${name}`, reason });
  }
  return problems;
}

function checkHeaderOctets(site: SiteData): readonly SiteProblem[] {
  const { headers = [] } = site;
  const problems: SiteProblem[] = [];
  for (const on of ["request", "response"] as const) {
    let octets = 0;
    for (const one of headers) if (one.on === on) octets += one.name.length + (one.value?.length ?? 0);
    if (octets <= MOST_HEADER_OCTETS) continue;
    const reason = `found ${octets} octets of ${on} headers, expected at most ${MOST_HEADER_OCTETS}: HAProxy keeps all headers of a message in one buffer of 16 KiB`;
    problems.push({ site: site.name, property: "headers", reason });
  }
  return problems;
}
