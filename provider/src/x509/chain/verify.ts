import type { KeyObject } from "node:crypto";
import { renderQuoted } from "../../text/quoted";
import { type Certificate, describeCertificate } from "../certificate/certificate";
import { verifyMember } from "../chain-member";
import { describeKey } from "../keys/private-key";
import { isCovered, renderIdentifier } from "../names/identifier";
import { type ChainFinding, findAbout } from "./finding";
import { verifyIssuance, verifyLeafKeyUsage } from "./issuance";
import type { Chain } from "./types";

/** What a chain is verified against. */
export interface VerifyOptions {
  readonly privateKey?: KeyObject;
  /** Names that clients will ask for, each to be covered by the leaf. */
  readonly hostnames?: readonly string[];
  readonly roots?: readonly Certificate[];
  readonly now: Date;
  /** Canonical PEM of the leaf that an earlier run accepted: if it is this one, dates are warnings. */
  readonly acceptedLeaf?: string;
}

/**
 * Judges an arranged chain: its key, the host names, and of each member, by RFC 5280 section 6.1, dates, strength, CA flag,
 * path length, key usage, name constraints, purpose and critical extensions. Signatures and the end of the chain were
 * judged when it was arranged. Not checked: revocation, certificate policies, what the machine itself trusts.
 */
export function verifyChain(chain: Chain, options: VerifyOptions): readonly ChainFinding[] {
  const members = [chain.leaf, ...chain.intermediates, ...(chain.root === undefined ? [] : [chain.root])];
  const isAccepted = options.acceptedLeaf === chain.leaf.pem;
  return [
    ...verifyKey(chain.leaf, options.privateKey),
    ...verifyHostnames(chain.leaf, options.hostnames ?? []),
    ...verifyPath(members, { ...options, isAccepted }),
  ];
}

/**
 * Judges the members of one path, leaf first. A last member that is among `roots`, or signed itself, is the root.
 * Not checked: signatures.
 */
export function verifyPath(
  members: readonly Certificate[],
  options: { readonly roots?: readonly Certificate[]; readonly now: Date; readonly isAccepted: boolean },
): readonly ChainFinding[] {
  const trusted = new Set(options.roots?.map((root) => root.fingerprintSha256));
  return members.flatMap((member, at) => {
    const isTrusted = trusted.has(member.fingerprintSha256);
    const isRoot = at > 0 && (isTrusted || (at === members.length - 1 && member.isSelfIssued));
    const role = at === 0 ? "leaf" : isRoot ? "root" : "intermediate";
    const property = isTrusted ? "roots" : "certPem";
    return [
      ...verifyMember(member, { role, property, now: options.now, isAccepted: options.isAccepted }),
      ...verifyIssuance(members, at, property),
      ...(at === 0 ? verifyLeafKeyUsage(member) : []),
    ];
  });
}

function verifyKey(leaf: Certificate, privateKey: KeyObject | undefined): ChainFinding[] {
  if (privateKey === undefined || leaf.x509.checkPrivateKey(privateKey)) return [];
  const reason = `has another public key than the ${describeKey(privateKey)} key that is given`;
  const hint = "Give the key that the certificate was requested with; their files were most likely mixed up.";
  return [findAbout(leaf, "KEY_MISMATCH", reason, hint, { property: "privateKeyPem" })];
}

/** Clients look at the subject alternative names only, never at the common name (RFC 9525 section 2). */
function verifyHostnames(leaf: Certificate, hostnames: readonly string[]): ChainFinding[] {
  const names = leaf.identifiers.filter((name) => name.type === "dns" || name.type === "ip");
  if (names.length === 0 && hostnames.length === 0) {
    const reason = "has no host name among its subject alternative names; clients ignore the common name";
    const hint = "Have it issued with the site's names.";
    return [findAbout(leaf, "HOSTNAME_UNCOVERED", reason, hint, { severity: "warning" })];
  }
  const missing = hostnames.filter((hostname) => !isCovered(hostname, names));
  if (missing.length === 0) return [];
  const covered = listSome(names.map(renderIdentifier)) || "no host name at all";
  const reason = `does not cover ${listSome(missing.map(renderQuoted))}, it is for ${covered}`;
  const hint = `Correct hostnames, or have ${describeCertificate(leaf)} issued with all of them.`;
  return [findAbout(leaf, "HOSTNAME_UNCOVERED", reason, hint, { property: "hostnames" })];
}

/** Five are enough to see what is meant; a certificate may have hundreds. */
function listSome(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return names.slice(0, 5).join(", ") + more;
}
