import { TlsError } from "../../errors";
import { renderList } from "../../text/list";
import { renderQuoted } from "../../text/quoted";
import { type Asn1, der, isTagged, items, octets } from "../asn1/der";
import { generalName } from "./alternative-name";
import { parseDnsName } from "./dns-name";
import type { Identifier } from "./identifier";
import { ipOctets, isInside, parseIpRange, rangeOctets, renderIpRange } from "./ip-address";

/** For which names a CA may issue (RFC 5280 section 4.2.1.10); the words are those of Go's crypto/x509. */
export interface NameConstraints {
  /** Domains, each with all names below it. When there is one, every DNS name must be in one of them. */
  readonly permittedDnsDomains?: readonly string[];
  /** Domains in which no name may be, whatever is permitted. */
  readonly excludedDnsDomains?: readonly string[];
  /** Ranges such as "10.0.0.0/8". When there is one, every IP address, of either version, must be in one of them. */
  readonly permittedIpRanges?: readonly string[];
  /** Ranges in which no IP address may be, whatever is permitted. */
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
export function parseNameConstraints(
  constraints: {
    readonly [list in (typeof lists)[number]]?: readonly string[] | undefined;
  },
): NameConstraints {
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
    if (excluded !== undefined) return `is inside the excluded domain ${renderEntries([excluded])}`;
    const permitted = constraints.permittedDnsDomains ?? [];
    if (permitted.length === 0 || permitted.some((domain) => isInDomain(value, domain))) return undefined;
    return `is outside the permitted domains (${renderEntries(permitted)})`;
  }
  if (type === "ip") {
    const address = ipOctets(value);
    if (address === undefined) return undefined;
    const excluded = constraints.excludedIpRanges?.find((range) => isInside(address, range));
    if (excluded !== undefined) return `is inside the excluded range ${excluded}`;
    const permitted = constraints.permittedIpRanges ?? [];
    if (permitted.length === 0 || permitted.some((range) => isInside(address, range))) return undefined;
    return `is outside the permitted ranges (${renderEntries(permitted)})`;
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
function renderEntries(entries: readonly string[]): string {
  return renderList(entries, 5, (entry) => (entry === "" ? '""' : entry));
}

/** What stands for a kind of GeneralName in messages (RFC 5280 section 4.2.1.6). */
const kinds = [
  "other names",
  "e-mail addresses",
  "",
  "X.400 addresses",
  "subjects",
  "EDI names",
  "URIs",
  "",
  "identifiers",
];

/** Encodes canonical constraints; undefined when there are none, since the extension may not be empty. */
export function encodeNameConstraints(constraints: NameConstraints): Asn1 | undefined {
  const permitted = encodeSubtrees(constraints.permittedDnsDomains, constraints.permittedIpRanges);
  const excluded = encodeSubtrees(constraints.excludedDnsDomains, constraints.excludedIpRanges);
  if (permitted.length + excluded.length === 0) return undefined;
  return der.sequence(
    ...(permitted.length > 0 ? [der.tagged(0, ...permitted)] : []),
    ...(excluded.length > 0 ? [der.tagged(1, ...excluded)] : []),
  );
}

/**
 * Reads the extension. Domains are taken as they are written, in lower case: a foreign CA may have an empty one (all
 * names) or one with a leading dot (only names below).
 * @throws TlsError DER_INVALID, also for a range whose mask is not a run of ones
 */
export function readNameConstraints(extension: Asn1): NameConstraints {
  const lists = { permittedDnsDomains: [], excludedDnsDomains: [], permittedIpRanges: [], excludedIpRanges: [] };
  const read: { readonly [list in keyof typeof lists]: string[] } = lists;
  const unjudged = new Set<string>();
  for (const part of items(extension, "the name constraints")) {
    const side = isTagged(part, 0) ? "permitted" : "excluded";
    for (const subtree of items(part, "the name constraints")) {
      const [base] = items(subtree, "a name constraint");
      if (isTagged(base, generalName.dns)) {
        read[`${side}DnsDomains`].push(octets(base, "a name constraint").toString("latin1").toLowerCase());
      } else if (isTagged(base, generalName.ip)) {
        read[`${side}IpRanges`].push(readRange(octets(base, "a name constraint")));
      } else {
        unjudged.add(kinds[base?.type ?? 0] ?? "other names");
      }
    }
  }
  const filled = Object.entries(read).filter(([, entries]) => entries.length > 0);
  const sorted = filled.map(([list, entries]) => [list, [...new Set(entries)].sort()]);
  return { ...Object.fromEntries(sorted), ...(unjudged.size > 0 ? { unjudged: [...unjudged].sort() } : {}) };
}

function encodeSubtrees(domains: readonly string[] = [], ranges: readonly string[] = []): readonly Asn1[] {
  const dns = domains.map((domain) => der.implicit(generalName.dns, Buffer.from(domain, "latin1")));
  const ip = ranges.map((range) => {
    const { network, mask } = rangeOctets(range);
    return der.implicit(generalName.ip, Buffer.concat([network, mask]));
  });
  return [...dns, ...ip].map((base) => der.sequence(base));
}

function readRange(content: Buffer): string {
  const half = content.length / 2;
  const range =
    half === 4 || half === 16 ? renderIpRange(content.subarray(0, half), content.subarray(half)) : undefined;
  if (range !== undefined) return range;
  throw new TlsError("DER_INVALID", `the name constraint ${content.toString("hex")} is no range of IP addresses`);
}
