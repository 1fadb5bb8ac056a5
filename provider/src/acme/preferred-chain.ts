import { readDer } from "../x509/asn1/der";
import type { Certificate } from "../x509/certificate/certificate";
import { readName } from "../x509/names/distinguished-name";

/** One of the chains that a CA offers for a certificate: the leaf first, each signed by the next, without the root. */
export interface OfferedChain {
  readonly url: string;
  readonly certificates: readonly [leaf: Certificate, ...issuers: Certificate[]];
}

/** The chain that is taken, and what there was. */
export interface ChosenChain {
  readonly chain: OfferedChain;
  /** False when a chain was preferred and none of those offered is it. */
  readonly isPreferred: boolean;
  /** Common name of the issuer of each chain's last certificate, in the order of the offer. */
  readonly tops: readonly string[];
}

/**
 * Chooses the chain whose last certificate was issued by `preferred`, by its common name as lego's and certbot's options
 * of this name do, else the first, which is the CA's own choice. An issuer without a common name has its whole name.
 */
export function choosePreferredChain(
  offered: readonly [OfferedChain, ...OfferedChain[]],
  preferred: string | undefined,
): ChosenChain {
  const tops = offered.map(topOf);
  const at = preferred === undefined ? 0 : tops.indexOf(preferred);
  return { chain: offered[at] ?? offered[0], isPreferred: at !== -1, tops };
}

function topOf({ certificates }: OfferedChain): string {
  const last = certificates[certificates.length - 1] ?? certificates[0];
  return readName(readDer(last.issuerDer, "the issuer")).commonName ?? last.issuer;
}
