import type { Certificate } from "../certificate/certificate";
import type { SignatureChecks } from "./signatures";

/** One way from the leaf upwards. */
export interface Path {
  /** The leaf first, each one signed by the next; the trusted root or the self-signed certificate last, if it got there. */
  readonly members: readonly Certificate[];
  /** `trusted`: one of the roots is among them; else `selfSigned`: the last one signed itself; `open`: its issuer is not here. */
  readonly end: "trusted" | "selfSigned" | "open";
}

/** Ways that are compared: cross-signing at each of four levels makes 16. */
const mostPaths = 32;
/** Longest chain; those of public CAs have 4 members, bridges of governments up to 8. */
export const mostMembers = 20;

/**
 * Finds the ways from `leaf` upwards to one of `roots`, through the pool that `checks` knows, which holds leaf and roots
 * as well; shorter ones first; at each step trusted issuers before others, then those valid at `now`, then the one that is
 * valid longest. At least one, at most 32. All are found, not the first, since OpenSSL and others give up at a dead end
 * that another way avoids.
 * @throws TlsError `CHAIN_INVALID` when too many certificates share one name
 */
export function findPaths(
  leaf: Certificate,
  options: { readonly roots: readonly Certificate[]; readonly now: Date; readonly checks: SignatureChecks },
): readonly Path[] {
  const { roots, now, checks } = options;
  const trusted = new Set(roots.map((root) => root.fingerprintSha256));
  const isValid = (certificate: Certificate) => certificate.validFrom <= now && now < certificate.validTo;
  const rank = (certificate: Certificate) =>
    (trusted.has(certificate.fingerprintSha256) ? 2 : 0) + (isValid(certificate) ? 1 : 0);
  const paths: Path[] = [];
  const queue: (readonly Certificate[])[] = [[leaf]];
  for (let members = queue.shift(); members !== undefined && paths.length < mostPaths; members = queue.shift()) {
    const last = members[members.length - 1] ?? leaf;
    const isAnchored = members.some((member) => trusted.has(member.fingerprintSha256));
    // a trusted intermediate is no end: clients that trust only its root need the rest
    if (checks.isSelfSigned(last) || (isAnchored && last.isSelfIssued)) {
      paths.push({ members, end: isAnchored ? "trusted" : "selfSigned" });
      continue;
    }
    const seen = new Set(members);
    const issuers = checks.issuersOf(last).filter((issuer) => !seen.has(issuer));
    if (issuers.length === 0 || members.length >= mostMembers) {
      paths.push({ members, end: isAnchored ? "trusted" : "open" });
    } else if (queue.length < mostPaths) {
      const ranked = [...issuers].sort((a, b) => rank(b) - rank(a) || b.validTo.getTime() - a.validTo.getTime());
      for (const issuer of ranked) queue.push([...members, issuer]);
    }
  }
  return paths;
}
