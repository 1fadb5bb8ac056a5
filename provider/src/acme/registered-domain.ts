import { getDomain } from "tldts";
import { ipOctets, renderIp } from "../x509/names/ip-address";

/** The names are canonical already, and a suffix such as github.io parts its customers as a registry does. */
const options = { allowPrivateDomains: true, validateHostname: false, detectIp: false, extractHostname: false };

/**
 * What a CA counts certificates by: of a DNS name the label below the public suffix (publicsuffix.org, its private part
 * included, as Let's Encrypt's server has it), of a public suffix itself the suffix, of an IPv4 address the address, of
 * an IPv6 address its /64: `example.co.uk`, `203.0.113.7`, `2001:db8:0:1::/64`. A wildcard counts as the name under it.
 *
 * @param name in canonical form, see `parseHostName`
 */
export function registeredDomain(name: string): string {
  const octets = ipOctets(name);
  if (octets?.length === 4) return renderIp(octets);
  if (octets !== undefined) return `${renderIp(Buffer.concat([octets.subarray(0, 8), Buffer.alloc(8)]))}/64`;
  const base = name.replace(/^\*\./, "").toLowerCase();
  return getDomain(base, options) ?? base;
}

/** The registered domains of these names, each once, sorted. */
export function registeredDomains(names: readonly string[]): readonly string[] {
  return [...new Set(names.map(registeredDomain))].sort();
}
