import { decideRenewal } from "../renewal/decision";
import { renderTimestamp } from "../text/time";
import { type Certificate, publicKeyOf } from "../x509/certificate/certificate";
import { adviseOn } from "../x509/chain/advice";
import { type Chain, judgeChain, systemRoots } from "../x509/chain/chain";
import { type ChainFinding, findAbout } from "../x509/chain/finding";
import { describeKey } from "../x509/keys/private-key";
import { parseHostName } from "../x509/names/identifier";
import { attempt, type FilePool, type PooledCertificate, type PooledKey, readFilePool } from "./file-pool";
import { listPaths } from "./from-files";
import type { InspectedCertificate, Inspection, InspectionFinding } from "./inspection";
import { renderPath } from "./path-text";

/** What files are judged by. */
export interface InspectOptions {
  /** Files of the private key; they may stand among the others as well. */
  readonly key?: string | readonly string[];
  /** Names that clients will ask for, each of which the leaf must cover. */
  readonly hostnames?: readonly string[];
  /** What the chain must lead to: `"system"` for the roots of Mozilla that Node brings, or the path of a file with roots. */
  readonly roots?: string;
  /** Opens encrypted keys and PKCS#12 files; an empty one is a passphrase. */
  readonly passphrase?: string;
  /** The moment to judge for; default: now. */
  readonly now?: Date;
}

/**
 * Looks into certificate files in any form, puts what they hold into a chain and judges it as `CertificateChain` does,
 * without Pulumi. Certificates and keys of all files are taken together. What can't be read is a finding: nothing is
 * thrown for what files hold, or for files that are not there. Not checked: revocation.
 *
 * @example
 * ```ts
 * const { isAccepted, certificates, findings } = inspect(["shop.crt", "ca.p7b"], { key: "shop.key", roots: "system" });
 * ```
 */
export function inspect(files: string | readonly string[], options: InspectOptions = {}): Inspection {
  const now = options.now ?? new Date();
  const pool = readFilePool([...new Set([...listPaths(files), ...listPaths(options.key)])], options.passphrase);
  const findings = [...pool.findings];
  const chain = judge(pool, { ...options, now }, findings);
  const certificates = chain === undefined ? listByKind(pool.certificates) : listByPlace(chain, pool.certificates);
  const owners = chain === undefined ? pool.certificates.map(({ certificate }) => certificate) : [chain.leaf];
  return {
    isAccepted: findings.every(({ severity }) => severity !== "error"),
    asOf: renderTimestamp(now),
    files: pool.files,
    certificates,
    privateKeys: pool.keys.map(({ key, path }) => ({
      file: path,
      keyType: describeKey(key),
      fits: owners.some((owner) => owner.x509.checkPrivateKey(key)),
    })),
    findings,
  };
}

/** Undefined when the certificates are no one chain; why, is among the findings. */
function judge(
  pool: FilePool,
  { hostnames = [], roots, passphrase, now }: InspectOptions & { readonly now: Date },
  findings: InspectionFinding[],
): Chain | undefined {
  const names = hostnames.flatMap((name) => attempt(findings, () => parseHostName(name)) ?? []);
  const trusted = roots === undefined ? undefined : readRoots(roots, passphrase, findings);
  // that there is no certificate follows from what was found already
  if (pool.certificates.length === 0 && findings.some(({ severity }) => severity === "error")) return undefined;
  const certificates = pool.certificates.map(({ certificate }) => certificate);
  const isOwned = ({ key }: PooledKey) => certificates.some((each) => each.x509.checkPrivateKey(key));
  const chosen = pool.keys.find(isOwned) ?? pool.keys[0];
  const input = {
    now,
    hostnames: names,
    ...(chosen && { privateKey: chosen.key }),
    ...(trusted && { roots: trusted }),
  };
  const chain = attempt(findings, () => judgeChain(certificates, input));
  const found = chain === undefined ? [] : [...chain.findings, ...adviseOn(chain), ...findEnd(chain.leaf, now)];
  for (const { severity, code, subject, reason, hint } of found) {
    findings.push({ severity, code, ...(subject !== undefined && { subject }), reason, hint });
  }
  for (const other of pool.keys) {
    if (other !== chosen && !isOwned(other)) findings.push(findStrangeKey(other));
  }
  return chain;
}

/** From the day on which `CertificateChain` warns of it. */
function findEnd(leaf: Certificate, now: Date): readonly ChainFinding[] {
  const validity = { validFrom: renderTimestamp(leaf.validFrom), validTo: renderTimestamp(leaf.validTo) };
  const { due, reason } = decideRenewal(validity, {}, now);
  if (!due || now >= leaf.validTo) return [];
  const hint = "Have it renewed in time.";
  return [findAbout(leaf, "CERTIFICATE_EXPIRED", `ends soon: ${reason}`, hint, { severity: "warning" })];
}

function readRoots(
  roots: string,
  passphrase: string | undefined,
  findings: InspectionFinding[],
): readonly Certificate[] | undefined {
  if (roots === "system") return systemRoots();
  const pool = readFilePool([roots], passphrase);
  findings.push(...pool.findings);
  if (pool.certificates.length > 0) return pool.certificates.map(({ certificate }) => certificate);
  if (pool.findings.length === 0) findings.push(findNoRoots(roots));
  return undefined;
}

function findNoRoots(path: string): InspectionFinding {
  const reason = `${renderPath(path)}: holds no certificate that could be trusted`;
  const hint = 'Give the file of the root certificates, or "system".';
  return { severity: "error", code: "CONTAINER_INVALID", file: path, reason, hint };
}

function findStrangeKey({ key, path }: PooledKey): InspectionFinding {
  const reason = `${renderPath(path)}: the ${describeKey(key)} key belongs to none of the certificates`;
  return { severity: "warning", code: "KEY_MISMATCH", file: path, reason, hint: "Leave it away." };
}

function listByPlace(chain: Chain, pool: readonly PooledCertificate[]): readonly InspectedCertificate[] {
  const { leaf, intermediates, root } = chain;
  const members = new Set([leaf, ...intermediates, ...(root === undefined ? [] : [root])].map(idOf));
  const unused = distinct(pool).filter(({ certificate }) => !members.has(idOf(certificate)));
  return [
    describe(leaf, "leaf", pool),
    ...intermediates.map((member) => describe(member, "intermediate", pool)),
    ...(root === undefined ? [] : [describe(root, "root", pool)]),
    ...unused.map(({ certificate }) => describe(certificate, "unused", pool)),
  ];
}

function listByKind(pool: readonly PooledCertificate[]): readonly InspectedCertificate[] {
  return distinct(pool).map(({ certificate }) => {
    const role = !certificate.isCa ? "leaf" : certificate.isSelfIssued ? "root" : "intermediate";
    return describe(certificate, role, pool);
  });
}

function describe(
  certificate: Certificate,
  role: InspectedCertificate["role"],
  pool: readonly PooledCertificate[],
): InspectedCertificate {
  const path = pool.find((each) => idOf(each.certificate) === idOf(certificate))?.path;
  const key = publicKeyOf(certificate);
  return {
    role,
    ...(path !== undefined && { file: path }),
    subject: certificate.subject,
    issuer: certificate.issuer,
    validFrom: renderTimestamp(certificate.validFrom),
    validTo: renderTimestamp(certificate.validTo),
    serialNumber: certificate.serialNumber,
    fingerprintSha256: certificate.fingerprintSha256,
    keyType: key === undefined ? "unknown" : describeKey(key),
    ...(role === "leaf" && { names: certificate.identifiers.map(({ value }) => value) }),
  };
}

function distinct(pool: readonly PooledCertificate[]): readonly PooledCertificate[] {
  const first = new Map<string, PooledCertificate>();
  for (const each of pool) if (!first.has(idOf(each.certificate))) first.set(idOf(each.certificate), each);
  return [...first.values()];
}

function idOf(certificate: Certificate): string {
  return certificate.fingerprintSha256;
}
