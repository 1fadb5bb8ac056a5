import type { KeyObject } from "node:crypto";
import { TlsError } from "../../errors";
import { renderList } from "../../text/list";
import { type Certificate, describeCertificate, MOST_CERTIFICATES } from "../certificate/certificate";
import { type ChainFinding, findAbout } from "./finding";
import { choosePath, findPaths, MOST_MEMBERS, type Path } from "./paths";
import { SignatureChecks } from "./signatures";
import type { ArrangeOptions, Chain } from "./types";

/**
 * Puts certificates in any order into a chain: leaf first, each one signed by the next, by signature and not by name
 * alone. Of several ways up, the one to `preferredRoot`, else the shortest to a trusted root without a fault is taken.
 * The root and other self-signed certificates are dropped; duplicates are dropped with a note, others that have no place
 * with a warning. The findings are those of the arrangement only: see `verifyChain` for what its members may.
 * @throws TlsError `CHAIN_INVALID`: several that may be the leaf, too many; `CHAIN_INCOMPLETE`: no leaf. See RFC 8446 section 4.4.2.
 */
export function arrangeChain(certificates: readonly Certificate[], options: ArrangeOptions): Chain {
  const pool = uniqueOf(certificates);
  if (pool.length > MOST_CERTIFICATES) {
    throw new TlsError(
      "CHAIN_INVALID",
      `${pool.length} certificates are given, at most ${MOST_CERTIFICATES} are ordered`,
      {
        hint: "Give the leaf and the intermediates of its own chain.",
      },
    );
  }
  const checks = new SignatureChecks(uniqueOf([...pool, ...(options.roots ?? [])]));
  const leaf = findLeaf(pool, options.privateKey, checks);
  const paths = findPaths(leaf, { roots: options.roots ?? [], now: options.now, checks });
  const { path, findings: preference } = choosePath(paths, options);
  const above = path.members.slice(1);
  const last = above[above.length - 1];
  // an intermediate may be trusted as well, but other clients need it to get to their root
  const isSent = last !== undefined && !last.isSelfIssued && pool.some((one) => one.der.equals(last.der));
  const root = path.end === "open" || isSent ? undefined : above.pop();
  const findings = [
    ...preference,
    ...explainEnd(path, { pool, checks, ...(options.roots && { roots: options.roots }) }),
    ...findDuplicates(certificates, pool),
    ...findExtras(path.members, pool),
  ];
  const open = path.end === "open" ? (last ?? leaf) : undefined;
  return {
    leaf,
    intermediates: above,
    identifiers: leaf.identifiers,
    findings,
    ...(root && { root }),
    ...(open && { open }),
  };
}

function uniqueOf(certificates: readonly Certificate[]): readonly Certificate[] {
  const unique = new Map<string, Certificate>();
  for (const each of certificates) if (!unique.has(each.fingerprintSha256)) unique.set(each.fingerprintSha256, each);
  return [...unique.values()];
}

interface Surroundings {
  readonly pool: readonly Certificate[];
  readonly roots?: readonly Certificate[];
  readonly checks: SignatureChecks;
}

function explainEnd(path: Path, { pool, roots, checks }: Surroundings): readonly ChainFinding[] {
  const last = path.members[path.members.length - 1];
  if (last === undefined || path.end === "trusted" || (path.end === "selfSigned" && roots === undefined)) return [];
  if (path.end === "selfSigned") {
    const reason = "signed itself and is not among the trusted roots";
    return [findAbout(last, "CHAIN_INVALID", reason, "Add it to roots if it is to be trusted.", { property: "roots" })];
  }
  const severity = roots === undefined ? "warning" : "error";
  const cut = explainCut(path, last, checks, severity);
  if (cut !== undefined) return [cut];
  const namesakes = checks.namesakesOfIssuer(last).filter((other) => !path.members.includes(other));
  if (namesakes.length > 0) {
    const property = namesakes.some((one) => pool.includes(one)) ? "certPem" : "roots";
    const reason = `is not signed by the key of ${last.issuer}: a certificate of that name is here, but it has another key or the signature is damaged`;
    const hint = "Get the certificate of the key that signed it from the CA; a CA may have several of one name.";
    return [findAbout(last, "CHAIN_INVALID", reason, hint, { property, isMissingIssuer: true })];
  }
  return roots === undefined ? findMissingIntermediate(path.members) : [findMissingIssuer(last, severity)];
}

/** While nothing is verified: a leaf alone lacks an intermediate, more than that may be all that is sent. */
export function findMissingIntermediate(members: readonly Certificate[]): readonly ChainFinding[] {
  const [leaf, ...above] = members;
  return leaf === undefined || above.length > 0 || leaf.isSelfIssued ? [] : [findMissingIssuer(leaf, "warning")];
}

function findMissingIssuer(last: Certificate, severity: "error" | "warning"): ChainFinding {
  const reason = `was issued by ${last.issuer || "a CA without a name"}, whose certificate is not here`;
  const hint =
    "Append the intermediate certificates that the CA delivers with it (the bundle, chain or fullchain file).";
  return findAbout(last, "CHAIN_INCOMPLETE", reason, hint, { severity, isMissingIssuer: true });
}

/** A way that ends although the next certificate is here. */
function explainCut(
  path: Path,
  last: Certificate,
  checks: SignatureChecks,
  severity: "error" | "warning",
): ChainFinding | undefined {
  if (path.members.length >= MOST_MEMBERS) {
    const reason = `is number ${MOST_MEMBERS} of its chain, and a longer one is not followed`;
    return findAbout(last, "CHAIN_INVALID", reason, "Have the leaf issued by a CA further up.");
  }
  const below = checks.issuersOf(last).find((issuer) => path.members.includes(issuer));
  if (below === undefined) return undefined;
  const reason = `was issued by ${describeCertificate(below)}, which stands below it: they sign each other, and no root signs them`;
  const hint = "Add the certificate of theirs that a root signed.";
  return findAbout(last, "CHAIN_INCOMPLETE", reason, hint, { severity, isMissingIssuer: true });
}

/** Each is sent once; a file that holds one twice is no fault, but may be the wrong file. */
function findDuplicates(certificates: readonly Certificate[], pool: readonly Certificate[]): ChainFinding[] {
  if (certificates.length === pool.length) return [];
  return pool.flatMap((certificate) => {
    const times = certificates.filter((each) => each.fingerprintSha256 === certificate.fingerprintSha256).length;
    if (times === 1) return [];
    return [
      findAbout(certificate, "CHAIN_INVALID", `is given ${times} times and sent once`, "Nothing needs to be done.", {
        severity: "note",
      }),
    ];
  });
}

/**
 * What of a pool has no place in a chain, its leaf first. Roots are left out without a word: servers don't send them, and
 * many bundles hold some.
 */
export function findExtras(members: readonly Certificate[], pool: readonly Certificate[]): readonly ChainFinding[] {
  const used = new Set(members.map((member) => member.fingerprintSha256));
  const [leaf] = members;
  const extras = pool.filter((one) => !used.has(one.fingerprintSha256) && !one.isSelfIssued);
  if (leaf === undefined) return [];
  const told = extras.slice(0, MOST_EXTRAS).map((certificate) => {
    const reason = `(issued by ${certificate.issuer}) has no place in the chain of ${describeCertificate(leaf)} and is left out`;
    return findAbout(certificate, "CHAIN_INVALID", reason, "Remove it.", { severity: "warning" });
  });
  if (extras.length <= told.length) return told;
  const reason = `has ${extras.length - told.length} more certificates beside it that have no place in its chain and are left out`;
  return [...told, findAbout(leaf, "CHAIN_INVALID", reason, "Remove them.", { severity: "warning" })];
}

/** A store given by mistake has hundreds. */
const MOST_EXTRAS = 5;

/**
 * Finds the certificate of the server among those of its chain: the one that `privateKey` belongs to, else the one that
 * issued no other. A CA certificate only when the key belongs to it or it is self-signed.
 * @throws TlsError `CHAIN_INVALID` when more than one may be it, naming them; `CHAIN_INCOMPLETE` when none
 */
function findLeaf(
  certificates: readonly Certificate[],
  privateKey: KeyObject | undefined,
  checks: SignatureChecks,
): Certificate {
  // the key of a CA that issued the server's own certificate is a key given by mistake
  const matching = certificates.filter(
    (certificate) =>
      privateKey !== undefined &&
      certificate.x509.checkPrivateKey(privateKey) &&
      !(certificate.isCa && checks.isIssuer(certificate, (child) => !child.isCa)),
  );
  const among = matching.length > 0 ? matching : certificates;
  const isEnd = (certificate: Certificate) => !checks.isIssuer(certificate);
  // the key may also have two CA certificates, self-signed and cross-signed, and a chain may hold unrelated roots
  const candidates = firstFilled(
    () => among.filter((certificate) => !certificate.isCa && isEnd(certificate)),
    () => among.filter((certificate) => !certificate.isSelfIssued && isEnd(certificate)),
    () => among.filter(isEnd),
    () => among,
  );
  const [leaf, second] = candidates;
  if (second !== undefined) throw ambiguous(candidates, matching.length > 0);
  if (leaf !== undefined && (!leaf.isCa || matching.length > 0 || checks.isSelfSigned(leaf))) return leaf;
  const found =
    leaf === undefined ? "no certificate" : `only CA certificates (the lowest is ${describeCertificate(leaf)})`;
  throw new TlsError("CHAIN_INCOMPLETE", `the server's own certificate is missing: there is ${found}`, {
    hint: "Put the server's certificate first, those of its CA after it.",
  });
}

/** Each list costs signatures: only those are made that are looked at. */
function firstFilled(...lists: readonly (() => readonly Certificate[])[]): readonly Certificate[] {
  for (const list of lists) {
    const found = list();
    if (found.length > 0) return found;
  }
  return [];
}

function ambiguous(candidates: readonly Certificate[], isByKey: boolean): TlsError {
  const render = (certificate: Certificate) => {
    const until = certificate.validTo.toISOString().slice(0, 10);
    return `${describeCertificate(certificate)} (serial number ${certificate.serialNumber}, valid to ${until})`;
  };
  const names = renderList(candidates, 3, render, "; ");
  const by = isByKey ? "belong to the private key" : "issued no other, so each may be the server's own";
  return new TlsError("CHAIN_INVALID", `${candidates.length} certificates ${by}: ${names}`, {
    hint: isByKey ? "Leave only the one that is to be used." : "Leave only one of them, or give its private key.",
  });
}
