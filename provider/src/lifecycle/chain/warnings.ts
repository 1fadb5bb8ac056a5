import { isTlsError } from "../../errors";
import type { Certificate } from "../../x509/certificate/certificate";
import { adviseOn } from "../../x509/chain/advice";
import { findExtras, findMissingIntermediate } from "../../x509/chain/arrange";
import { type ChainFinding, readCertificates, verifyChain } from "../../x509/chain/chain";
import { readSource } from "./source";

/** The arguments that may hold more than the chain. */
export type ChainTexts = Readonly<
  Partial<Record<"certPem" | "issuerPem" | "pkcs12" | "passphrase", string | null | undefined>>
>;

/** A chain as `check` has put it in order, PEM. */
export interface OrderedChain {
  readonly certPem: string;
  readonly issuerPem?: string | null | undefined;
  readonly rootPem?: string | null | undefined;
}

/**
 * What is worth a warning about a chain that `check` accepted: members that expired since, dropped extras, an issuer that
 * is missing while nothing is verified, what browsers refuse all the same. Told by the program and not kept, since it
 * changes with the day. Signatures were checked when the chain was put in order, and are not again.
 *
 * @param hasRoots whether the chain was verified against roots.
 */
export function findChainWarnings(
  given: ChainTexts,
  ordered: OrderedChain,
  hasRoots: boolean,
  now: Date,
): readonly ChainFinding[] {
  const members = readCertificates(`${ordered.certPem}${ordered.issuerPem ?? ""}`, "the chain");
  const [leaf, ...intermediates] = members;
  if (leaf === undefined) return [];
  const [root] = readCertificates(ordered.rootPem ?? "", "rootPem");
  const chain = { leaf, intermediates, identifiers: leaf.identifiers, findings: [], ...(root && { root }) };
  const found = [
    ...verifyChain(chain, { now, acceptedLeaf: leaf.pem }),
    ...(hasRoots || root !== undefined ? [] : findMissingIntermediate(members)),
    ...findExtras(members, readOthers(given, members)),
    ...adviseOn(chain),
  ];
  return found.filter(({ severity }) => severity === "warning");
}

const beginCertificate = /-----BEGIN CERTIFICATE-----/g;

/** Certificates of the arguments, where there may be more than those of the chain: most often there are not. */
function readOthers(given: ChainTexts, members: readonly Certificate[]): readonly Certificate[] {
  const texts = [given.certPem, given.issuerPem].filter((text) => typeof text === "string");
  const blocks = texts.flatMap((text) => text.match(beginCertificate) ?? []).length;
  if (given.pkcs12 === undefined && blocks === members.length) return [];
  try {
    const { certPem, issuerPem, pkcs12, passphrase } = given;
    return readSource({
      certPem: certPem ?? undefined,
      issuerPem: issuerPem ?? undefined,
      pkcs12: pkcs12 ?? undefined,
      passphrase: passphrase ?? undefined,
    }).value.certificates;
  } catch (error) {
    // check says what is wrong
    if (isTlsError(error)) return [];
    throw error;
  }
}
