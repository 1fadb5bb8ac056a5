import { TlsError } from "../errors";
import { type Certificate, describeCertificate } from "./certificate";

/** One way from the leaf upwards. */
export interface Path {
  /** The leaf first, each one signed by the next; the trusted root or the self-signed certificate last, if it got there. */
  readonly members: readonly Certificate[];
  /** `trusted`: one of the roots is among them; else `selfSigned`: the last one signed itself; `open`: its issuer is not here. */
  readonly end: "trusted" | "selfSigned" | "open";
}

/** A signature check costs 0.05 to 1 ms; chains of public CAs need fewer than ten. */
const mostChecks = 64;
/** Ways that are compared: cross-signing at each of four levels makes 16. */
const mostPaths = 32;
/** Longest chain; those of public CAs have 4 members, bridges of governments up to 8. */
const mostMembers = 12;

/** Who signed whom, each question asked of OpenSSL once. */
export class SignatureChecks {
  readonly #answers = new Map<string, boolean>();

  /** Whether `issuer` bears the name of `child`'s issuer: the same bytes, or the same by RFC 5280 section 7.1. */
  isNamesake(child: Certificate, issuer: Certificate): boolean {
    return child.issuerDer.equals(issuer.subjectDer) || child.x509.checkIssued(issuer.x509);
  }

  /**
   * Whether `issuer` has the name of `child`'s issuer and its key signed `child`. Not checked: whether it may issue.
   * @throws TlsError `CHAIN_INVALID` when too many certificates share one name
   */
  isSignedBy(child: Certificate, issuer: Certificate): boolean {
    if (!this.isNamesake(child, issuer)) return false;
    const question = `${child.fingerprintSha256} ${issuer.fingerprintSha256}`;
    const known = this.#answers.get(question);
    if (known !== undefined) return known;
    if (this.#answers.size >= mostChecks) {
      const reason = `more than ${mostChecks} signatures would have to be checked to order the certificates`;
      throw new TlsError("CHAIN_INVALID", reason, {
        hint: `Give only the chain of one certificate: many here share the name ${describeCertificate(issuer)}.`,
      });
    }
    const answer = verifies(child, issuer);
    this.#answers.set(question, answer);
    return answer;
  }

  /** Whether a certificate is signed with its own key. */
  isSelfSigned(certificate: Certificate): boolean {
    return certificate.isSelfIssued && this.isSignedBy(certificate, certificate);
  }
}

/** OpenSSL throws for a key of a kind that it does not know; such a key proves nothing. */
function verifies(child: Certificate, issuer: Certificate): boolean {
  try {
    return child.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

/**
 * Finds the ways from `leaf` upwards through `pool` to one of `roots`, shorter ones first; at each step trusted issuers
 * before others, then those valid at `now`, then the one that is valid longest. At least one, at most 32. All are found,
 * not the first, since OpenSSL and others give up at a dead end that another way avoids.
 * @throws TlsError `CHAIN_INVALID` when too many certificates share one name
 */
export function findPaths(
  leaf: Certificate,
  pool: readonly Certificate[],
  options: { readonly roots: readonly Certificate[]; readonly now: Date; readonly checks: SignatureChecks },
): readonly Path[] {
  const { roots, now, checks } = options;
  const trusted = new Set(roots.map((root) => root.fingerprintSha256));
  const candidates = [...roots, ...pool.filter((certificate) => !trusted.has(certificate.fingerprintSha256))];
  const isValid = (certificate: Certificate) => certificate.validFrom <= now && now < certificate.validTo;
  const rank = (certificate: Certificate) =>
    (trusted.has(certificate.fingerprintSha256) ? 2 : 0) + (isValid(certificate) ? 1 : 0);
  const ranked = candidates.sort((a, b) => rank(b) - rank(a) || b.validTo.getTime() - a.validTo.getTime());
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
    const issuers = ranked.filter((issuer) => !seen.has(issuer) && checks.isSignedBy(last, issuer));
    if (issuers.length === 0 || members.length >= mostMembers) {
      paths.push({ members, end: isAnchored ? "trusted" : "open" });
    } else if (queue.length < mostPaths) {
      for (const issuer of issuers) queue.push([...members, issuer]);
    }
  }
  return paths;
}
