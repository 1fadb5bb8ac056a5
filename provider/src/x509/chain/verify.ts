import type { KeyObject } from "node:crypto";
import { renderList } from "../../text/list";
import { renderQuoted } from "../../text/quoted";
import { renderTimestamp } from "../../text/time";
import { type Certificate, describeCertificate, publicKeyOf } from "../certificate/certificate";
import { readWeakHash } from "../certificate/signature";
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
  return renderList(names, 5);
}

/** Where a certificate stands in its chain, and when it is judged. */
interface MemberContext {
  readonly role: "leaf" | "intermediate" | "root";
  readonly now: Date;
  /** The chain was accepted in an earlier run: dates are warnings then, or an expiry would block every later run. */
  readonly isAccepted: boolean;
  /** Where the certificate was given. */
  readonly property: "certPem" | "roots";
}

/** CA/Browser Forum Baseline Requirements section 6.1.5. */
const LEAST_MODULUS_LENGTH = 2048;
/** OpenSSL's security level 2, its default, and GnuTLS's and Go's habits: smaller curves are refused in handshakes. */
const LEAST_CURVE_BITS = 224;

/** What is wrong with one certificate by itself: dates, strength, extensions that nobody here understands. */
function verifyMember(certificate: Certificate, context: MemberContext): readonly ChainFinding[] {
  return [
    ...verifyDates(certificate, context),
    ...verifyStrength(certificate, context),
    ...verifyExtensions(certificate, context),
  ];
}

const renewHints = {
  leaf: "Renew it and give the new certificate.",
  intermediate: "Get the CA's current intermediate certificate in its place.",
  root: "Get the CA's current root, and with it a chain that ends there.",
} as const;

/** RFC 5280 section 4.1.2.5 counts the last second as valid, OpenSSL does not: what it refuses is of no use. */
function verifyDates(certificate: Certificate, { now, role, isAccepted, property }: MemberContext): ChainFinding[] {
  const rest = { property, severity: isAccepted ? "warning" : "error" } as const;
  if (now >= certificate.validTo) {
    const reason = `expired at ${renderTimestamp(certificate.validTo)}, it is ${renderTimestamp(now)}`;
    return [findAbout(certificate, "CERTIFICATE_EXPIRED", reason, renewHints[role], { ...rest, expired: role })];
  }
  if (now < certificate.validFrom) {
    const reason = `is not valid before ${renderTimestamp(certificate.validFrom)}, it is ${renderTimestamp(now)}`;
    return [findAbout(certificate, "CERTIFICATE_EXPIRED", reason, "Use it from then on, or check the clock.", rest)];
  }
  return [];
}

function verifyStrength(certificate: Certificate, { role, property }: MemberContext): ChainFinding[] {
  const findings: ChainFinding[] = [];
  // nobody relies on the signature of a root: it is trusted as it stands
  const hash = role === "root" ? undefined : readWeakHash(certificate);
  if (hash !== undefined) {
    const reason = `is signed with ${hash}, which can be forged`;
    const hint = "Have it issued anew with SHA-256.";
    findings.push(findAbout(certificate, "CERTIFICATE_WEAK", reason, hint, { property }));
  }
  const key = publicKeyOf(certificate);
  if (key === undefined) {
    const reason = "has a public key of a kind that OpenSSL does not know";
    findings.push(
      findAbout(certificate, "CERTIFICATE_INVALID", reason, "Use an RSA or elliptic curve key.", { property }),
    );
    return findings;
  }
  const weakness = describeWeakness(key);
  if (weakness !== undefined) {
    const reason = `has ${weakness}`;
    const hint = "Have it issued anew for a P256 or RSA2048 key.";
    findings.push(findAbout(certificate, "CERTIFICATE_WEAK", reason, hint, { property }));
  }
  return findings;
}

/** What is too short, or too old, of a key. */
function describeWeakness(key: KeyObject): string | undefined {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < LEAST_MODULUS_LENGTH) {
    return `an ${describeKey(key)} key, clients refuse RSA below ${LEAST_MODULUS_LENGTH} bits`;
  }
  if (key.asymmetricKeyType === "dsa") return "a DSA key, which neither browsers nor TLS 1.3 know";
  // the names of curves in OpenSSL hold their size, but for those of WTLS, which nobody serves
  const curveBits = Number(/\d{3}/.exec(namedCurve ?? "")?.[0] ?? LEAST_CURVE_BITS);
  return curveBits < LEAST_CURVE_BITS
    ? `a key on the curve ${namedCurve}, clients refuse curves below ${LEAST_CURVE_BITS} bits`
    : undefined;
}

function verifyExtensions(certificate: Certificate, { property }: MemberContext): ChainFinding[] {
  const unknown = certificate.unknownCriticalExtensions;
  if (unknown.length === 0) return [];
  const reason = `has critical extensions that clients don't know and therefore refuse: ${unknown.slice(0, 5).join(", ")}`;
  const hint = `Ask ${certificate.isSelfIssued ? describeCertificate(certificate) : certificate.issuer} for a certificate without them.`;
  return [findAbout(certificate, "CHAIN_INVALID", reason, hint, { property })];
}
