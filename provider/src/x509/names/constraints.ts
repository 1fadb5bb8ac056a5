import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { isInside, parseIpRange } from "../ip-range";
import { parseDnsName } from "./dns-name";
import type { Identifier } from "./identifier";
import { ipOctets } from "./ip-address";

/** For which names a CA may issue (RFC 5280 section 4.2.1.10); the words are those of Go's crypto/x509. */
export interface NameConstraints {
  /** Domains, each with all names below it. When there is one, every DNS name must be in one of them. */
  readonly permittedDnsDomains?: readonly string[];
  /** Domains in which no name may be, whatever is permitted. */
  readonly excludedDnsDomains?: readonly string[];
  /** Ranges such as "10.0.0.0/8". When there is one, every IP address, of either version, must be in one of them. */
  readonly permittedIpRanges?: readonly string[];
  readonly excludedIpRanges?: readonly string[];
  /** Only from a certificate read: kinds of names that it constrains too and that {@link findViolation} can't judge. */
  readonly unjudged?: readonly string[];
}

/** The first name that a CA may not issue for, and why ("is outside …"). */
export interface ConstraintViolation {
  readonly identifier: Identifier;
  readonly reason: string;
}

const lists = ["permittedDnsDomains", "excludedDnsDomains", "permittedIpRanges", "excludedIpRanges"] as const;

/**
 * Reads constraints as a person writes them into their canonical form: domains in lower-case A-labels, ranges with their
 * network address, each list sorted and without duplicates, empty lists left out.
 * @throws TlsError IDENTIFIER_INVALID naming the entry: no domain, a leading dot or wildcard, no range, a range whose
 * address is not that of its network
 */
export function parseNameConstraints(constraints: NameConstraints): NameConstraints {
  const parsed: { [list in (typeof lists)[number]]?: readonly string[] } = {};
  for (const list of lists) {
    const parse = list.endsWith("IpRanges") ? parseIpRange : parseDomain;
    const entries = [...new Set((constraints[list] ?? []).map((entry) => parse(entry, list)))];
    if (entries.length > 0) parsed[list] = entries.sort();
  }
  return parsed;
}

/**
 * The first of `identifiers` that the constraints forbid; undefined when all may be issued. A wildcard is forbidden when
 * any name that it stands for is. E-mail addresses and URIs are never forbidden: no list speaks of them.
 */
export function findViolation(
  constraints: NameConstraints,
  identifiers: readonly Identifier[],
): ConstraintViolation | undefined {
  for (const identifier of identifiers) {
    const reason = judge(constraints, identifier);
    if (reason !== undefined) return { identifier, reason };
  }
  return undefined;
}

function judge(constraints: NameConstraints, { type, value }: Identifier): string | undefined {
  if (type === "dns") {
    const excluded = constraints.excludedDnsDomains?.find((domain) => touchesDomain(value, domain));
    if (excluded !== undefined) return `is inside the excluded domain ${renderList([excluded])}`;
    const permitted = constraints.permittedDnsDomains ?? [];
    if (permitted.length === 0 || permitted.some((domain) => isInDomain(value, domain))) return undefined;
    return `is outside the permitted domains (${renderList(permitted)})`;
  }
  if (type === "ip") {
    const address = ipOctets(value);
    if (address === undefined) return undefined;
    const excluded = constraints.excludedIpRanges?.find((range) => isInside(address, range));
    if (excluded !== undefined) return `is inside the excluded range ${excluded}`;
    const permitted = constraints.permittedIpRanges ?? [];
    if (permitted.length === 0 || permitted.some((range) => isInside(address, range))) return undefined;
    return `is outside the permitted ranges (${renderList(permitted)})`;
  }
  return undefined;
}

/** A domain holds itself and all below it; an empty one everything; one with a leading dot, as some CAs write it, not itself. */
function isInDomain(name: string, domain: string): boolean {
  if (domain === "") return true;
  if (domain.startsWith(".")) return name.endsWith(domain);
  return name === domain || name.endsWith(`.${domain}`);
}

/** As {@link isInDomain}; a wildcard touches the domains one label below its parent too, since it stands for them. */
function touchesDomain(name: string, domain: string): boolean {
  if (isInDomain(name, domain)) return true;
  return name.startsWith("*.") && domain.slice(domain.indexOf(".") + 1) === name.slice(2) && !domain.startsWith(".");
}

function parseDomain(text: string, list: string): string {
  if (text.startsWith(".") || text.startsWith("*")) {
    const found = `${list}: ${renderQuoted(text)} starts with ${text.startsWith(".") ? "a dot" : "a wildcard"}`;
    throw new TlsError("IDENTIFIER_INVALID", `${found}, but a domain stands for itself and for all names below it`, {
      hint: `Write ${renderQuoted(text.replace(/^[*.]+/, ""))}.`,
    });
  }
  return parseDnsName(text, { what: list });
}

/** Enough entries for a message to be clear, not thousands. */
function renderList(entries: readonly string[]): string {
  const shown = entries.slice(0, 5).map((entry) => (entry === "" ? '""' : entry));
  return entries.length > shown.length
    ? `${shown.join(", ")} and ${entries.length - shown.length} more`
    : shown.join(", ");
}
