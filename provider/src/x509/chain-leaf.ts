import type { KeyObject } from "node:crypto";
import { TlsError } from "../errors";
import { type Certificate, describeCertificate } from "./certificate/certificate";
import type { SignatureChecks } from "./chain/signatures";

/**
 * Finds the certificate of the server among those of its chain: the one that `privateKey` belongs to, else the one that
 * issued no other. A CA certificate only when the key belongs to it or it is self-signed.
 * @throws TlsError `CHAIN_INVALID` when more than one may be it, naming them; `CHAIN_INCOMPLETE` when none
 */
export function findLeaf(
  certificates: readonly Certificate[],
  privateKey: KeyObject | undefined,
  checks: SignatureChecks,
): Certificate {
  // the key of a CA that issued the server's own certificate is a key given by mistake
  const matching = certificates.filter(
    (certificate) =>
      privateKey !== undefined &&
      certificate.x509.checkPrivateKey(privateKey) &&
      !(certificate.isCa && checks.isIssuer(certificate, (child) => !child.isCa)),
  );
  const among = matching.length > 0 ? matching : certificates;
  const isEnd = (certificate: Certificate) => !checks.isIssuer(certificate);
  // the key may also have two CA certificates, self-signed and cross-signed, and a chain may hold unrelated roots
  const candidates = firstFilled(
    () => among.filter((certificate) => !certificate.isCa && isEnd(certificate)),
    () => among.filter((certificate) => !certificate.isSelfIssued && isEnd(certificate)),
    () => among.filter(isEnd),
    () => among,
  );
  const [leaf, second] = candidates;
  if (second !== undefined) throw ambiguous(candidates, matching.length > 0);
  if (leaf !== undefined && (!leaf.isCa || matching.length > 0 || checks.isSelfSigned(leaf))) return leaf;
  const found =
    leaf === undefined ? "no certificate" : `only CA certificates (the lowest is ${describeCertificate(leaf)})`;
  throw new TlsError("CHAIN_INCOMPLETE", `the server's own certificate is missing: there is ${found}`, {
    hint: "Put the server's certificate first, those of its CA after it.",
  });
}

/** Each list costs signatures: only those are made that are looked at. */
function firstFilled(...lists: readonly (() => readonly Certificate[])[]): readonly Certificate[] {
  for (const list of lists) {
    const found = list();
    if (found.length > 0) return found;
  }
  return [];
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
