import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { DAY, SECOND } from "../../text/time";
import { type Certificate, publicKeyOf } from "../certificate/certificate";
import { readInformation } from "../certificate/information";
import { describeKey } from "../keys/private-key";
import { type ChainFinding, findAbout } from "./finding";
import type { Chain } from "./types";

/**
 * The longest lives of certificates from public CAs by the day of their issue, in days (CA/Browser Forum Baseline
 * Requirements section 6.3.2, ballots SC-31 and SC-081v3). Newest first.
 */
const lifetimeLimits: readonly (readonly [from: string, days: number])[] = [
  ["2029-03-15", 47],
  ["2027-03-15", 100],
  ["2026-03-15", 200],
  ["2020-09-01", 398],
];

/** Reserved policies that say "issued under the Baseline Requirements" (the same, section 7.1.6.1). */
const publicPolicies = /^2\.23\.140\.1\.(1|2\.[1-3])$/;

/** Google's and Apple's policies require timestamps of certificates issued since then. */
const TIMESTAMPS_SINCE = Date.parse("2018-04-30");

/**
 * What is right by RFC 5280 and refused by browsers all the same, or may surprise: warnings about the leaf. The rules for
 * public CAs are applied where the chain ends at, or below, a root of Mozilla that Node brings along, or where the leaf
 * claims their policies. Not checked: whether timestamps are enough and verify.
 */
export function adviseOn(chain: Chain): readonly ChainFinding[] {
  const information = readInformation(chain.leaf);
  const isPublic = information.policies.some((policy) => publicPolicies.test(policy)) || isBelowPublicRoot(chain);
  return [
    ...(isPublic
      ? [...adviseOnLifetime(chain.leaf), ...adviseOnTimestamps(chain.leaf, information.hasTimestamps)]
      : []),
    ...adviseOnKey(chain.leaf),
    ...(information.mustStaple ? [adviseOnStapling(chain.leaf)] : []),
  ];
}

function adviseOnLifetime(leaf: Certificate): ChainFinding[] {
  const limit = lifetimeLimits.find(([from]) => leaf.validFrom.getTime() >= Date.parse(from))?.[1];
  // both seconds belong to the life, and the Requirements count days of 86,400 seconds
  const days = (leaf.validTo.getTime() - leaf.validFrom.getTime() + SECOND) / DAY;
  if (limit === undefined || days <= limit) return [];
  const issued = leaf.validFrom.toISOString().slice(0, 10);
  const reason = `lives ${Math.ceil(days)} days; of a public CA, issued on ${issued}, at most ${limit} are allowed`;
  const hint = "Browsers refuse it: have it issued anew for a shorter life.";
  return [findAbout(leaf, "LIFETIME_EXCEEDED", reason, hint, { severity: "warning" })];
}

function adviseOnTimestamps(leaf: Certificate, hasTimestamps: boolean): ChainFinding[] {
  if (hasTimestamps || leaf.validFrom.getTime() < TIMESTAMPS_SINCE) return [];
  const reason = "is of a public CA but carries no certificate timestamps (SCT)";
  const hint = "Chrome and Safari refuse it unless the gateway sends them itself: ask the CA for one with timestamps.";
  return [findAbout(leaf, "TIMESTAMPS_MISSING", reason, hint, { severity: "warning" })];
}

/** The Requirements' section 6.1.5 is what Chrome, Firefox and Safari take from any CA. */
const browserKeys = /^(RSA\d+|P256|P384|P521)$/;

function adviseOnKey(leaf: Certificate): ChainFinding[] {
  const key = publicKeyOf(leaf);
  if (key === undefined || browserKeys.test(describeKey(key))) return [];
  const reason = `has a key of kind ${describeKey(key)}, which browsers don't take`;
  const hint = "It does for programs that know it; for browsers have it issued for a P256 or RSA2048 key.";
  return [findAbout(leaf, "CERTIFICATE_WEAK", reason, hint, { severity: "warning" })];
}

function adviseOnStapling(leaf: Certificate): ChainFinding {
  const reason = "asks clients to insist on a stapled OCSP answer (must-staple)";
  const hint = "Turn stapling on at the gateway, or have it issued without: CAs are ending OCSP.";
  return findAbout(leaf, "STAPLING_REQUIRED", reason, hint, { severity: "warning" });
}

/** Whether the chain ends in a bundled root, or with a member that one of them signed. */
function isBelowPublicRoot({ root, intermediates, leaf }: Chain): boolean {
  const last = root ?? intermediates[intermediates.length - 1] ?? leaf;
  return isPublicRoot(last) || isIssuedByPublicRoot(last);
}

/** Whether a certificate is among the roots of Mozilla that Node brings along. */
function isPublicRoot(certificate: Certificate): boolean {
  const roots = publicRoots().get(certificate.x509.subject) ?? [];
  return roots.some((root) => root.raw.equals(certificate.der));
}

/** Whether one of the roots of Mozilla that Node brings along issued a certificate: name and signature. */
export function isIssuedByPublicRoot(certificate: Certificate): boolean {
  const roots = publicRoots().get(certificate.x509.issuer) ?? [];
  return roots.some((root) => {
    try {
      return certificate.x509.verify(root.publicKey);
    } catch {
      return false;
    }
  });
}

let indexed: ReadonlyMap<string, readonly X509Certificate[]> | undefined;

/** By subject, as Node writes it. Reading them as whole certificates would take five times as long. */
function publicRoots(): ReadonlyMap<string, readonly X509Certificate[]> {
  if (indexed !== undefined) return indexed;
  const index = new Map<string, X509Certificate[]>();
  for (const pem of rootCertificates) {
    const root = new X509Certificate(pem);
    index.set(root.subject, [...(index.get(root.subject) ?? []), root]);
  }
  indexed = index;
  return index;
}
