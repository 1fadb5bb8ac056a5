import type { KeyObject } from "node:crypto";
import { TlsError } from "../../errors";
import type { Certificate } from "../certificate/certificate";
import { arrangeChain } from "./arrange";
import { readCertificates } from "./read";
import type { ArrangeOptions, Chain } from "./types";
import { type VerifyOptions, verifyChain } from "./verify";

export { arrangeChain } from "./arrange";
export type { ChainFinding } from "./finding";
export { readCertificates, systemRoots } from "./read";
export type { Chain } from "./types";
export { verifyChain } from "./verify";

/** Everything that a chain is made of and verified against. */
export interface ChainInput extends VerifyOptions, ArrangeOptions {
  /** PEM texts with any number of certificates in any order; text around them is ignored. */
  readonly certificates: string | readonly string[];
  readonly privateKey?: KeyObject;
}

/**
 * Reads, arranges and verifies a chain: {@link readCertificates}, {@link arrangeChain}, {@link verifyChain}, with the
 * findings of both. What is wrong with a chain is a finding; what keeps it from being one is thrown.
 * @throws TlsError `PEM_INVALID`, `CERTIFICATE_INVALID`, `KEY_INVALID` (a key among the certificates),
 * `CHAIN_INVALID`, `CHAIN_INCOMPLETE`: see {@link arrangeChain}
 */
export function readChain(input: ChainInput): Chain {
  const texts = typeof input.certificates === "string" ? [input.certificates] : input.certificates;
  const certificates = texts.flatMap((text, index) =>
    readCertificates(text, texts.length === 1 ? "certPem" : `certPem[${index}]`),
  );
  if (certificates.length === 0) {
    throw new TlsError("PEM_INVALID", "certPem: holds no PEM block", {
      hint: "Give the content of the file, its lines from BEGIN CERTIFICATE to END CERTIFICATE.",
    });
  }
  return judgeChain(certificates, input);
}

/**
 * Arranges and verifies certificates that are read already.
 * @throws TlsError `CHAIN_INVALID`, `CHAIN_INCOMPLETE`: see {@link arrangeChain}
 */
export function judgeChain(certificates: readonly Certificate[], input: Omit<ChainInput, "certificates">): Chain {
  const chain = arrangeChain(certificates, input);
  return { ...chain, findings: [...chain.findings, ...verifyChain(chain, input)] };
}
