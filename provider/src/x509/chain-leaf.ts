import type { KeyObject } from "node:crypto";
import { TlsError } from "../errors";
import { type Certificate, describeCertificate } from "./certificate";
import type { SignatureChecks } from "./chain-path";

/**
 * Finds the certificate of the server among those of its chain: the one that `privateKey` belongs to, else the one that
 * issued no other, a CA only when there is nothing else.
 * @throws TlsError `CHAIN_INVALID` when there is none or more than one, naming them
 */
export function findLeaf(
  certificates: readonly Certificate[],
  privateKey: KeyObject | undefined,
  checks: SignatureChecks,
): Certificate {
  const matching = certificates.filter(
    (certificate) => privateKey !== undefined && certificate.x509.checkPrivateKey(privateKey),
  );
  const among = matching.length > 0 ? matching : certificates;
  const isIssuer = (certificate: Certificate) =>
    certificates.some((child) => child !== certificate && checks.isSignedBy(child, certificate));
  // the key may also have two CA certificates, self-signed and cross-signed, and a chain may hold unrelated roots
  const ends = among.filter((certificate) => !isIssuer(certificate));
  const candidates = firstFilled(
    ends.filter((certificate) => !certificate.isCa),
    ends.filter((certificate) => !certificate.isSelfIssued),
    ends,
    among,
  );
  const [leaf, second] = candidates;
  if (leaf === undefined) throw new TlsError("CHAIN_INVALID", "no certificate is there", { hint: "Give the leaf." });
  if (second === undefined) return leaf;
  throw ambiguous(candidates, matching.length > 0);
}

function firstFilled(...lists: readonly (readonly Certificate[])[]): readonly Certificate[] {
  return lists.find((list) => list.length > 0) ?? [];
}

function ambiguous(candidates: readonly Certificate[], isByKey: boolean): TlsError {
  const names = candidates.slice(0, 3).map((certificate) => {
    const until = certificate.validTo.toISOString().slice(0, 10);
    return `${describeCertificate(certificate)} (serial number ${certificate.serialNumber}, valid to ${until})`;
  });
  const more = candidates.length > names.length ? ` and ${candidates.length - names.length} more` : "";
  const by = isByKey ? "belong to the private key" : "issued no other, so each may be the server's own";
  return new TlsError("CHAIN_INVALID", `${candidates.length} certificates ${by}: ${names.join("; ")}${more}`, {
    hint: isByKey ? "Leave only the one that is to be used." : "Leave only one of them, or give its private key.",
  });
}
