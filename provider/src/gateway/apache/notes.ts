import { type SiteData, sortedByName } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import { apacheListeners } from "./configuration";
import type { ApacheOptions } from "./options";

/** Seconds that Apache waits for a client by itself (`Timeout`). */
const TIMEOUT_SECONDS = 60;

/** What is right but may surprise, sorted by site. */
export function apacheNotes(sites: readonly SiteData[], options: ApacheOptions): readonly string[] {
  const sorted = sortedByName(sites);
  return [...serverNotes(sorted, options), ...sorted.flatMap(siteNotes)];
}

function serverNotes(sites: readonly SiteData[], options: ApacheOptions): readonly string[] {
  const notes: string[] = [];
  const ports = apacheListeners(sites, options).map(({ place }) => place.replace(/^.*:/, ""));
  const debian = [...new Set(ports)].filter((port) => port === "80" || port === "443");
  if (options.listen && debian.length > 0) {
    notes.push(
      `Apache takes a Listen once: take ${debian.map((port) => `Listen ${port}`).join(" and ")} out of /etc/apache2/ports.conf, or set options.listen: false when all of these ports stand there.`,
    );
  }
  if (sites.some(({ upstream }) => upstream !== undefined)) {
    notes.push("Apache answers 502 where other servers answer 504: when an upstream's answer takes too long.");
  }
  const first = sites.find((site) => effectiveUpstream(site)?.scheme === "https");
  if (first !== undefined) {
    notes.push(
      `Site "${first.name}": Apache can keep the client's host and verify an https upstream by another name only by way of itself, so it listens on port ${options.innerPort} of addresses of 127.64.0.0/10, which Linux has and other systems lack. Each request to such an upstream takes two of Apache's threads: options.innerConnections is half of ThreadsPerChild, and further requests are answered 503 after 2 seconds.`,
    );
  }
  return notes;
}

function siteNotes(site: SiteData): readonly string[] {
  const upstream = effectiveUpstream(site);
  const notes: string[] = [];
  const name = `Site "${site.name}"`;
  if (site.timeouts?.tunnelSeconds !== undefined && site.timeouts.tunnelSeconds < TIMEOUT_SECONDS) {
    notes.push(
      `${name}: Apache ends a silent tunnel after the server's Timeout, ${TIMEOUT_SECONDS} seconds unless it was changed, when that is longer than timeouts.tunnelSeconds.`,
    );
  }
  if (site.maxBodyBytes !== undefined) {
    notes.push(
      `${name}: Apache judges the largest body by Content-Length alone: bodies in chunks, which say no length, pass.`,
    );
  }
  if (upstream?.scheme === "https") {
    notes.push(
      `${name}: Apache answers 500 where other servers answer 502 when the upstream's certificate is not the right one.`,
    );
  }
  if ((site.headers ?? []).some(({ on }) => on === "response")) {
    notes.push(
      `${name}: changes of response headers apply to what comes from the upstream, not to Apache's own errors.`,
    );
  }
  return notes;
}
