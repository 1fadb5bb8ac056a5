import type { KeyObject } from "node:crypto";
import { TlsError } from "../errors";
import { type Certificate, describeCertificate } from "./certificate";
import type { Chain } from "./chain";
import { type ChainFinding, findAbout } from "./chain-finding";
import { findLeaf } from "./chain-leaf";
import { findPaths, type Path, SignatureChecks } from "./chain-path";
import { verifyPath } from "./chain-verify";

/** What an arrangement depends on beside the certificates. */
export interface ArrangeOptions {
  readonly privateKey?: KeyObject;
  /** Trusted roots; without them any self-signed certificate may end the chain, and so may an issuer that is not here. */
  readonly roots?: readonly Certificate[];
  readonly now: Date;
}

/** Mozilla's whole store has 121; comparing each with each grows with the square. */
const mostCertificates = 200;

/**
 * Puts certificates in any order into a chain: leaf first, each one signed by the next, by signature and not by name
 * alone. Of several ways to a trusted root the shortest without a fault is taken. The root, duplicates and other
 * self-signed certificates are dropped; others that have no place are dropped with a warning. The findings are those of
 * the arrangement only: see `verifyChain` for what its members may.
 * @throws TlsError `CHAIN_INVALID`: several that may be the leaf, too many; `CHAIN_INCOMPLETE`: no leaf. See RFC 8446 section 4.4.2.
 */
export function arrangeChain(certificates: readonly Certificate[], options: ArrangeOptions): Chain {
  const pool = [...new Map(certificates.map((each) => [each.fingerprintSha256, each])).values()];
  if (pool.length > mostCertificates) {
    throw new TlsError(
      "CHAIN_INVALID",
      `${pool.length} certificates are given, at most ${mostCertificates} are ordered`,
      {
        hint: "Give the leaf and the intermediates of its own chain.",
      },
    );
  }
  const checks = new SignatureChecks();
  const leaf = findLeaf(pool, options.privateKey, checks);
  const path = choosePath(findPaths(leaf, pool, { roots: options.roots ?? [], now: options.now, checks }), options);
  const above = path.members.slice(1);
  const last = above[above.length - 1];
  // an intermediate may be trusted as well, but other clients need it to get to their root
  const isSent = last !== undefined && !last.isSelfIssued && pool.some((one) => one.der.equals(last.der));
  const root = path.end === "open" || isSent ? undefined : above.pop();
  const findings = [...explainEnd(path, pool, options.roots, checks), ...findExtras(path, pool)];
  const chain = { leaf, intermediates: above, identifiers: leaf.identifiers, findings };
  return root === undefined ? chain : { ...chain, root };
}

/** The first of those with the fewest faults; one that does not reach its end has a fault more. */
function choosePath(paths: readonly Path[], options: ArrangeOptions): Path {
  const faults = (path: Path) => {
    const errors = verifyPath(path.members, { ...options, isAccepted: false }).filter(
      (one) => one.severity === "error",
    );
    return errors.length + (path.end === "trusted" ? 0 : 1);
  };
  const [best] = paths.map((path) => ({ path, faults: faults(path) })).sort((a, b) => a.faults - b.faults);
  if (best === undefined) throw new TypeError("a path has at least its leaf");
  return best.path;
}

function explainEnd(
  path: Path,
  pool: readonly Certificate[],
  roots: readonly Certificate[] | undefined,
  checks: SignatureChecks,
): ChainFinding[] {
  const [last, isLeaf] = [path.members[path.members.length - 1], path.members.length === 1];
  if (last === undefined || path.end === "trusted" || (path.end === "selfSigned" && roots === undefined)) return [];
  if (path.end === "selfSigned") {
    const reason = "signed itself and is not among the trusted roots";
    return [findAbout(last, "CHAIN_INVALID", reason, "Add it to roots if it is to be trusted.", { property: "roots" })];
  }
  const isNamesake = (other: Certificate) => !path.members.includes(other) && checks.isNamesake(last, other);
  const [given, trusted] = [pool.find(isNamesake), roots?.find(isNamesake)];
  if (given !== undefined || trusted !== undefined) {
    const reason = `is not signed by the key of ${last.issuer}: a certificate of that name is here, but it has another key or the signature is damaged`;
    const hint = "Get the certificate of the key that signed it from the CA; a CA may have several of one name.";
    return [findAbout(last, "CHAIN_INVALID", reason, hint, { property: given === undefined ? "roots" : "certPem" })];
  }
  if (roots === undefined && !isLeaf) return [];
  const reason = `was issued by ${last.issuer || "a CA without a name"}, whose certificate is not here`;
  const hint =
    "Append the intermediate certificates that the CA delivers with it (the bundle, chain or fullchain file).";
  return [findAbout(last, "CHAIN_INCOMPLETE", reason, hint, { severity: roots === undefined ? "warning" : "error" })];
}

/** Roots are left out without a word: servers don't send them, and many bundles hold some. */
function findExtras(path: Path, pool: readonly Certificate[]): ChainFinding[] {
  const used = new Set(path.members.map((member) => member.fingerprintSha256));
  const [leaf] = path.members;
  return pool.flatMap((certificate) => {
    if (leaf === undefined || used.has(certificate.fingerprintSha256) || certificate.isSelfIssued) return [];
    const reason = `(issued by ${certificate.issuer}) has no place in the chain of ${describeCertificate(leaf)} and is left out`;
    return [findAbout(certificate, "CHAIN_INVALID", reason, "Remove it.", { severity: "warning" })];
  });
}
