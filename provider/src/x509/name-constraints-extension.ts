import { TlsError } from "../errors";
import { type Asn1, der, isTagged, items, octets } from "./asn1/der";
import { rangeOctets, renderIpRange } from "./ip-range";
import { generalName } from "./names/alternative-name";
import type { NameConstraints } from "./names/constraints";

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
