import { ipOctets } from "../x509/names/ip-address";
import type { SiteProblem } from "./model/problem";
import type { SiteData } from "./model/site";
import { effectiveUpstream } from "./model/upstream";

/**
 * Refuses https upstreams of a server that compares the names in their certificates alone.
 *
 * @param verifier the server, as it is called in messages
 */
export function checkVerifiedName(site: SiteData, verifier: string): readonly SiteProblem[] {
  const upstream = effectiveUpstream(site);
  if (upstream?.scheme !== "https" || ipOctets(upstream.serverName) === undefined) return [];
  const isGiven = site.upstream?.serverName !== undefined;
  const reason = `found ${isGiven ? "the address " : "none, and the host of url is the address "}${upstream.serverName}: ${verifier} verifies an upstream by names alone, never by an address in its certificate. Give a DNS name that its certificate has`;
  return [{ site: site.name, property: "upstream.serverName", reason }];
}
