import { readDer } from "../asn1/der";
import { type Certificate, describeCertificate } from "../certificate/certificate";
import { isVersion1 } from "../certificate/signature";
import { findViolation } from "../names/constraints";
import { readCommonNames } from "../names/distinguished-name";
import { type Identifier, renderIdentifier } from "../names/identifier";
import { type ChainFinding, findAbout } from "./finding";

/** TLS 1.2 and 1.3 servers sign, decipher or agree on a key (RFC 5246 section 7.4.2, RFC 8446 section 4.4.2.2). */
const serverKeyUsages = ["digitalSignature", "keyEncipherment", "keyAgreement"];

/**
 * What one member of a path may not do that it does there: the rules of RFC 5280 section 6.1.4 for those above the leaf,
 * and the purpose of a TLS server for all, since OpenSSL and the browsers take the purposes of a CA for a limit.
 * `members` has the leaf first, each one signed by the next; `at` is the index of the judged one.
 */
export function verifyIssuance(
  members: readonly Certificate[],
  at: number,
  property: "certPem" | "roots",
): readonly ChainFinding[] {
  const member = members[at];
  if (member === undefined) return [];
  if (at === 0) return verifyPurpose(member, property);
  const below = members.slice(0, at);
  return [
    ...verifyCa(member, property),
    ...verifyKeyIdentifier(member, below[at - 1], property),
    ...verifyPathLength(member, below, property),
    ...verifyNames(member, below),
    ...verifyPurpose(member, property),
  ];
}

function verifyCa(ca: Certificate, property: "certPem" | "roots"): ChainFinding[] {
  const hint = "It may not issue certificates: have the leaf issued by a CA.";
  const findings: ChainFinding[] = [];
  // a root of version 1 that the user trusts can't say that it is a CA; OpenSSL, Go and Java accept it
  if (!ca.isCa && !(property === "roots" && isVersion1(ca))) {
    findings.push(findAbout(ca, "CHAIN_INVALID", "issued a certificate but is not a CA", hint, { property }));
  }
  if (ca.keyUsage !== undefined && !ca.keyUsage.includes("keyCertSign")) {
    const reason = `issued a certificate but its key usage is ${ca.keyUsage.join(", ") || "empty"}, without keyCertSign`;
    findings.push(findAbout(ca, "CHAIN_INVALID", reason, hint, { property }));
  }
  return findings;
}

/** OpenSSL does not even try an issuer whose key identifier is another one, although the signature is right. */
function verifyKeyIdentifier(
  ca: Certificate,
  child: Certificate | undefined,
  property: "certPem" | "roots",
): ChainFinding[] {
  if (child?.authorityKeyId === undefined || ca.subjectKeyId === undefined) return [];
  if (child.authorityKeyId === ca.subjectKeyId) return [];
  const reason = `has the subject key identifier ${ca.subjectKeyId}, ${describeCertificate(child)} asks for ${child.authorityKeyId}`;
  const hint = "Get the CA certificate that belongs to it: OpenSSL refuses the pair.";
  return [findAbout(ca, "CHAIN_INVALID", reason, hint, { property })];
}

/** Self-issued certificates (a CA's change of key) don't count (RFC 5280 section 4.2.1.9). */
function verifyPathLength(
  ca: Certificate,
  below: readonly Certificate[],
  property: "certPem" | "roots",
): ChainFinding[] {
  const depth = below.slice(1).filter((member) => !member.isSelfIssued).length;
  if (ca.pathLength === undefined || depth <= ca.pathLength) return [];
  const reason = `allows ${ca.pathLength} CA certificates below itself (path length), here are ${depth}`;
  return [findAbout(ca, "CHAIN_INVALID", reason, "Have the leaf issued by a CA further up.", { property })];
}

function verifyNames(ca: Certificate, below: readonly Certificate[]): ChainFinding[] {
  const constraints = ca.nameConstraints;
  if (constraints === undefined) return [];
  const findings: ChainFinding[] = [];
  for (const [index, member] of below.entries()) {
    if (index > 0 && member.isSelfIssued) continue;
    const violation = findViolation(constraints, index === 0 ? constrainedNames(member) : member.identifiers);
    if (violation === undefined) continue;
    const reason = `may not carry ${renderIdentifier(violation.identifier)}: by the constraints of ${describeCertificate(ca)} it ${violation.reason}`;
    findings.push(
      findAbout(member, "NAME_CONSTRAINED", reason, "Have it issued by a CA that may issue for this name."),
    );
  }
  if (constraints.unjudged !== undefined) {
    const reason = `also constrains ${constraints.unjudged.join(", ")}, which is not checked here`;
    const hint = "Try the chain once with the clients that matter.";
    findings.push(findAbout(ca, "NAME_CONSTRAINED", reason, hint, { severity: "warning" }));
  }
  return findings;
}

/**
 * The names of a leaf that constraints are for: without a DNS name among the alternative ones its common names count, where
 * they look like one, since OpenSSL takes them for host names then.
 */
function constrainedNames({ identifiers, subjectDer }: Certificate): readonly Identifier[] {
  if (identifiers.some(({ type }) => type === "dns")) return identifiers;
  const names = readCommonNames(readDer(subjectDer, "the subject")).filter((name) => hostNameForm.test(name));
  return [...identifiers, ...names.map((name): Identifier => ({ type: "dns", value: name.toLowerCase() }))];
}

/** What OpenSSL takes for a host name in a common name (`cn2dnsid` of v3_ncons.c): labels with a dot in between. */
const hostNameForm = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)+$/i;

function verifyPurpose(member: Certificate, property: "certPem" | "roots"): ChainFinding[] {
  const purposes = member.extendedKeyUsage;
  if (purposes === undefined || purposes.includes("serverAuth")) return [];
  const isAny = purposes.includes("anyExtendedKeyUsage");
  const reason = `is for ${purposes.slice(0, 5).join(", ") || "no purpose"}, not for TLS servers (serverAuth)`;
  const hint = isAny ? "Browsers accept it, OpenSSL does not." : "Have it issued with the purpose serverAuth.";
  return [findAbout(member, "CHAIN_INVALID", reason, hint, { property, severity: isAny ? "warning" : "error" })];
}

/** Whether the leaf's key may do what a TLS server does. */
export function verifyLeafKeyUsage(leaf: Certificate): readonly ChainFinding[] {
  const usages = leaf.keyUsage;
  if (usages === undefined || usages.some((usage) => serverKeyUsages.includes(usage))) return [];
  const reason = `has the key usage ${usages.join(", ") || "none"}; a TLS server needs one of ${serverKeyUsages.join(", ")}`;
  return [findAbout(leaf, "CHAIN_INVALID", reason, "Have it issued as a server certificate.")];
}
