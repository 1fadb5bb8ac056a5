import { generateKeyPairSync, randomBytes } from "node:crypto";
import { issueCaCertificate, issueLeafCertificate } from "../../../provider/src/x509/certificate/issue";
import { parseIdentifier } from "../../../provider/src/x509/names/identifier";

const hour = 3600_000;

/** PEM of a leaf for the name and of the CA that issued it for the occasion. */
export function issuedChain(name: string): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const dates = { validFrom: new Date(Date.now() - hour), validTo: new Date(Date.now() + hour) };
  const subject = { commonName: "A CA for the occasion" };
  const ca = issueCaCertificate({ subject, privateKey, serialNumber: randomBytes(16), ...dates });
  const leaf = issueLeafCertificate({
    ...{ ca, caPrivateKey: privateKey, publicKey, usage: "server", serialNumber: randomBytes(16) },
    identifiers: [parseIdentifier(name)],
    ...dates,
  });
  return leaf.pem + ca.pem;
}
