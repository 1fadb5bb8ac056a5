import type { KeyObject } from "node:crypto";
import { type Certificate, describeCertificate, publicKeyOf } from "./certificate/certificate";
import { readWeakHash } from "./certificate/signature";
import { type ChainFinding, findAbout } from "./chain/finding";
import { describeKey } from "./keys/private-key";

/** Where a certificate stands in its chain, and when it is judged. */
export interface MemberContext {
  readonly role: "leaf" | "intermediate" | "root";
  readonly now: Date;
  /** The chain was accepted in an earlier run: dates are warnings then, or an expiry would block every later run. */
  readonly isAccepted: boolean;
  /** Where the certificate was given. */
  readonly property: "certPem" | "roots";
}

/** CA/Browser Forum Baseline Requirements section 6.1.5. */
const leastModulusLength = 2048;
/** OpenSSL's security level 2, its default, and GnuTLS's and Go's habits: smaller curves are refused in handshakes. */
const leastCurveBits = 224;

/** What is wrong with one certificate by itself: dates, strength, extensions that nobody here understands. */
export function verifyMember(certificate: Certificate, context: MemberContext): readonly ChainFinding[] {
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
    const reason = `expired at ${renderTime(certificate.validTo)}, it is ${renderTime(now)}`;
    return [findAbout(certificate, "CERTIFICATE_EXPIRED", reason, renewHints[role], { ...rest, expired: role })];
  }
  if (now < certificate.validFrom) {
    const reason = `is not valid before ${renderTime(certificate.validFrom)}, it is ${renderTime(now)}`;
    return [findAbout(certificate, "CERTIFICATE_EXPIRED", reason, "Use it from then on, or check the clock.", rest)];
  }
  return [];
}

/** Whole seconds, as certificates have them. */
function renderTime(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
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
  if (modulusLength !== undefined && modulusLength < leastModulusLength) {
    return `an ${describeKey(key)} key, clients refuse RSA below ${leastModulusLength} bits`;
  }
  if (key.asymmetricKeyType === "dsa") return "a DSA key, which neither browsers nor TLS 1.3 know";
  // the names of curves in OpenSSL hold their size, but for those of WTLS, which nobody serves
  const curveBits = Number(/\d{3}/.exec(namedCurve ?? "")?.[0] ?? leastCurveBits);
  return curveBits < leastCurveBits
    ? `a key on the curve ${namedCurve}, clients refuse curves below ${leastCurveBits} bits`
    : undefined;
}

function verifyExtensions(certificate: Certificate, { property }: MemberContext): ChainFinding[] {
  const unknown = certificate.unknownCriticalExtensions;
  if (unknown.length === 0) return [];
  const reason = `has critical extensions that clients don't know and therefore refuse: ${unknown.slice(0, 5).join(", ")}`;
  const hint = `Ask ${certificate.isSelfIssued ? describeCertificate(certificate) : certificate.issuer} for a certificate without them.`;
  return [findAbout(certificate, "CHAIN_INVALID", reason, hint, { property })];
}
