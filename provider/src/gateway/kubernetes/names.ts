import { createHash } from "node:crypto";
import { trimEnd } from "../../text/trim";

/** What is made beside an object of a site's own name; each ends the name of the object. */
export type ObjectRole = "redirect" | "leaf" | "upstream" | "clients";

/** DNS label of RFC 1035 section 2.3.1: the narrowest form, which Services had to have before Kubernetes 1.34. */
const label = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;
/** Names that could be those of another object: with an ending of ours. */
const reserved = /-(redirect|leaf|upstream|clients|part\d+|[0-9a-f]{16})$/;
/** 63 less what {@link ObjectRole} and a part may add. */
const LONGEST_STEM = 44;
const LONGEST_SLUG = 27;
/** Section names of Gateways and their routes. */
const LONGEST_SECTION = 253;

/**
 * The name of an object that belongs to a site or a certificate: a DNS label of at most 63 octets. Different names stay
 * different: what is no such label, or ends like a name of ours, gets 64 bits of its SHA-256 behind it.
 */
export function objectName(name: string, role?: ObjectRole): string {
  const stem = label.test(name) && name.length <= LONGEST_STEM && !reserved.test(name) ? name : hashedName(name);
  return role === undefined ? stem : `${stem}-${role}`;
}

/** The name of one of several objects that say together what one has no room for; the first has the plain name. */
export function partName(name: string, index: number): string {
  return index === 0 ? name : `${name}-part${index + 1}`;
}

/** The name of a listener within its Gateway; without a host it answers every name of its port. */
export function sectionName(scheme: "http" | "https", port: number, host?: string): string {
  if (host === undefined) return `${scheme}-${port}`;
  const section = `${scheme}-${port}.${host.replace(/^\*\./, "wildcard.")}`;
  const isAmbiguous = host.startsWith("wildcard.");
  return section.length > LONGEST_SECTION || isAmbiguous ? `${scheme}-${port}-${digest(host)}` : section;
}

function hashedName(name: string): string {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, LONGEST_SLUG);
  return `${trimEnd(slug, "-") || "site"}-${digest(name)}`;
}

function digest(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex").slice(0, 16);
}
