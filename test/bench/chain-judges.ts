// What reads and judges a chain from its text: the provider, and the two libraries that it is compared with.
import { type KeyObject, webcrypto } from "node:crypto";
import * as peculiar from "@peculiar/x509";
import * as pkijs from "pkijs";
import { judgeChain } from "../../provider/dist/x509/chain/chain.js";
import { readContainer } from "../../provider/dist/x509/containers/container.js";

/** A leaf, two intermediates and a root in one text, and what they are judged by. */
export interface ChainCase {
  /** PEM in any order; other certificates may stand among them. */
  readonly text: string;
  readonly leafPem: string;
  /** PEM of the root that is trusted. */
  readonly roots: string;
  readonly hostnames: readonly string[];
  readonly privateKey: KeyObject;
}

/** Without its root, as it is sent. */
const SENT = 3;

pkijs.setEngine("node", new pkijs.CryptoEngine({ name: "node", crypto: webcrypto }));

/** Everything that the provider checks of a chain. @param key whether the private key is given. */
export function judgeByUs({ text, roots, hostnames, privateKey, leafPem }: ChainCase, key: "key" | "no key"): void {
  const chain = judgeChain(readContainer(text, "certPem").certificates, {
    now: new Date(),
    roots: readContainer(roots, "roots").certificates,
    hostnames,
    ...(key === "key" && { privateKey }),
  });
  const errors = chain.findings.filter(({ severity }) => severity === "error");
  const isWhole = chain.leaf.pem === leafPem && chain.intermediates.length + 1 === SENT && chain.root !== undefined;
  if (!isWhole || errors.length > 0) throw new Error(`the chain was refused: ${errors.map(({ reason }) => reason)}`);
}

/** RFC 5280 section 6 to a trusted root, in part (no path lengths, no purposes), and no host names. It must be told the leaf. */
export async function judgeByPkijs({ text, roots, leafPem }: ChainCase): Promise<void> {
  const blocks = blocksOf(text);
  const leaf = blocks.indexOf(leafPem.trim());
  // the one that is judged stands last
  const order = [...blocks.slice(0, leaf), ...blocks.slice(leaf + 1), ...blocks.slice(leaf, leaf + 1)];
  const verdict = await new pkijs.CertificateChainValidationEngine({
    certs: order.map(readByPkijs),
    trustedCerts: blocksOf(roots).map(readByPkijs),
    checkDate: new Date(),
  }).verify();
  if (!verdict.result || verdict.certificatePath?.length !== SENT + 1) {
    throw new Error(`pkijs refused the chain: ${verdict.resultMessage}`);
  }
}

function readByPkijs(pem: string): pkijs.Certificate {
  return pkijs.Certificate.fromBER(Buffer.from(pem.replace(/-----[A-Z ]+-----|\s+/g, ""), "base64"));
}

/** Names, key identifiers and signatures, and nothing else. It must be told the leaf. */
export async function judgeByPeculiar({ text, leafPem }: ChainCase): Promise<void> {
  const blocks = blocksOf(text);
  const certificates = blocks.map((pem) => new peculiar.X509Certificate(pem));
  const leaf = certificates[blocks.indexOf(leafPem.trim())];
  if (leaf === undefined) throw new Error("the leaf is not in the text");
  const chain = await new peculiar.X509ChainBuilder({ certificates }).build(leaf);
  if (chain.length !== SENT + 1) throw new Error(`@peculiar/x509 built a chain of ${chain.length}`);
}

function blocksOf(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
