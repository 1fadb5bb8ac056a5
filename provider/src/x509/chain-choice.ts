import { renderQuoted } from "../text/quoted";
import type { Certificate } from "./certificate/certificate";
import { type ChainFinding, findAbout } from "./chain/finding";
import type { Path } from "./chain/paths";
import type { ArrangeOptions } from "./chain/types";
import { verifyPath } from "./chain/verify";

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
