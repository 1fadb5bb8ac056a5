import type { Validity } from "../../renewal/decision";
import { renderTimestamp } from "../../text/time";
import type { Certificate } from "../../x509/certificate/certificate";
import type { Chain } from "../../x509/chain/chain";
import { type Properties, UNKNOWN } from "../lifecycle";

/** What the outputs of a chain say about its leaf: known as soon as the certificate is. */
export function leafFactsOf({ leaf, identifiers }: Pick<Chain, "leaf" | "identifiers">): Properties {
  return {
    certPem: leaf.pem,
    names: identifiers.map((name) => name.value),
    fingerprintSha256: leaf.fingerprintSha256,
    serialNumber: leaf.serialNumber,
    ...validityOf(leaf),
  };
}

/** What they say about the certificates above it; null and not absent, since a preview takes what is not there for unknown. */
export function issuerFactsOf({ intermediates, root }: Pick<Chain, "intermediates" | "root">) {
  return { issuerPem: joinPem(intermediates), rootPem: root?.pem ?? null };
}

/** PEM of certificates, null for none. */
export function joinPem(certificates: readonly Certificate[]): string | null {
  return certificates.length === 0 ? null : certificates.map(({ pem }) => pem).join("");
}

/** The dates of a certificate. */
export function validityOf({ validFrom, validTo }: Certificate): Validity {
  return { validFrom: renderTimestamp(validFrom), validTo: renderTimestamp(validTo) };
}

/** While a part of the chain is unknown. */
export const unknownFacts: Properties = {
  certPem: UNKNOWN,
  issuerPem: UNKNOWN,
  rootPem: UNKNOWN,
  names: UNKNOWN,
  fingerprintSha256: UNKNOWN,
  serialNumber: UNKNOWN,
  validFrom: UNKNOWN,
  validTo: UNKNOWN,
};
