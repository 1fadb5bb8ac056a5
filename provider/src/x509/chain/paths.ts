import { renderQuoted } from "../../text/quoted";
import type { Certificate } from "../certificate/certificate";
import { type ChainFinding, findAbout } from "./finding";
import type { SignatureChecks } from "./signatures";
import type { ArrangeOptions } from "./types";
import { verifyPath } from "./verify";

/** One way from the leaf upwards. */
export interface Path {
  /** The leaf first, each one signed by the next; the trusted root or the self-signed certificate last, if it got there. */
  readonly members: readonly Certificate[];
  /** `trusted`: one of the roots is among them; else `selfSigned`: the last one signed itself; `open`: its issuer is not here. */
  readonly end: "trusted" | "selfSigned" | "open";
}

/** Ways that are compared: cross-signing at each of four levels makes 16. */
const MOST_PATHS = 32;
/** Longest chain; those of public CAs have 4 members, bridges of governments up to 8. */
export const MOST_MEMBERS = 20;

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
  for (let members = queue.shift(); members !== undefined && paths.length < MOST_PATHS; members = queue.shift()) {
    const last = members[members.length - 1] ?? leaf;
    const isAnchored = members.some((member) => trusted.has(member.fingerprintSha256));
    // a trusted intermediate is no end: clients that trust only its root need the rest
    if (checks.isSelfSigned(last) || (isAnchored && last.isSelfIssued)) {
      paths.push({ members, end: isAnchored ? "trusted" : "selfSigned" });
      continue;
    }
    const seen = new Set(members);
    const issuers = checks.issuersOf(last).filter((issuer) => !seen.has(issuer));
    if (issuers.length === 0 || members.length >= MOST_MEMBERS) {
      paths.push({ members, end: isAnchored ? "trusted" : "open" });
    } else if (queue.length < MOST_PATHS) {
      const ranked = [...issuers].sort((a, b) => rank(b) - rank(a) || b.validTo.getTime() - a.validTo.getTime());
      for (const issuer of ranked) queue.push([...members, issuer]);
    }
  }
  return paths;
}

/**
 * Chooses among the ways up, of which there is at least one: those that end at `preferredRoot`, if any does, then the one
 * with the fewest faults; one that does not reach its end has a fault more; of equal ones the first, which is the shortest.
 */
export function choosePath(
  paths: readonly Path[],
  options: Pick<ArrangeOptions, "roots" | "preferredRoot" | "now">,
): { readonly path: Path; readonly findings: readonly ChainFinding[] } {
  const { preferredRoot } = options;
  const preferred = preferredRoot === undefined ? paths : paths.filter((path) => endsAt(path, preferredRoot));
  const path = fewestFaults(preferred.length > 0 ? preferred : paths, options);
  if (preferredRoot === undefined || preferred.length > 0) return { path, findings: [] };
  const [leaf] = path.members;
  if (leaf === undefined) throw new TypeError("a path has at least its leaf");
  const ends = [...new Set(paths.map((one) => nameOfEnd(one)))].slice(0, 5).join("; ");
  const reason = `has no way to the root ${renderQuoted(preferredRoot)}: the certificates that are here lead to ${ends}`;
  const hint = "Name one of these by its common name, or give the cross-signed intermediate that leads to the other.";
  return { path, findings: [findAbout(leaf, "CHAIN_INVALID", reason, hint, { property: "preferredRoot" })] };
}

function fewestFaults(paths: readonly Path[], options: Pick<ArrangeOptions, "roots" | "now">): Path {
  const [only, second] = paths;
  if (only !== undefined && second === undefined) return only;
  const faults = (path: Path) => {
    const errors = verifyPath(path.members, { ...options, isAccepted: false }).filter(
      (one) => one.severity === "error",
    );
    return errors.length + (path.end === "trusted" ? 0 : 1);
  };
  const [best] = paths.map((path) => ({ path, faults: faults(path) })).sort((a, b) => a.faults - b.faults);
  if (best === undefined) throw new TypeError("there is at least one path");
  return best.path;
}

/** The root need not be given: the issuer that the last member names stands for it. */
function endsAt(path: Path, wanted: string): boolean {
  const text = wanted.trim().toLowerCase();
  const last = path.members[path.members.length - 1];
  if (last === undefined) return false;
  const names = path.end === "open" ? [last.issuer] : [last.subject];
  return last.fingerprintSha256 === text.replaceAll(":", "") || names.some((name) => isNamed(name, text));
}

function isNamed(name: string, text: string): boolean {
  const lower = name.toLowerCase();
  return lower === text || commonNameOf(lower) === text;
}

/** Of an RFC 4514 text, whose escaped characters stand for themselves here: a name with a comma is given whole. */
function commonNameOf(name: string): string | undefined {
  return /(?:^|, |\+)cn=((?:\\.|[^,+\\])*)/.exec(name)?.[1]?.replace(/\\(.)/g, "$1");
}

function nameOfEnd(path: Path): string {
  const last: Certificate | undefined = path.members[path.members.length - 1];
  if (last === undefined) return "nothing";
  return (path.end === "open" ? last.issuer : last.subject) || "a CA without a name";
}
