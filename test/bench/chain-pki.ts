// Certificates for the benchmarks of chains. CAs are made by another library, which can put one below another; both make
// them in process, since a thousand processes of openssl would take longer than what is measured.
import { generateKeyPairSync, KeyObject, randomBytes, webcrypto } from "node:crypto";
import * as peculiar from "@peculiar/x509";
import { type Certificate, readCertificate } from "../../provider/dist/x509/certificate/certificate.js";
import { issueLeafCertificate } from "../../provider/dist/x509/certificate/issue.js";
import { parseIdentifier } from "../../provider/dist/x509/names/identifier.js";

export type KeyType = "P256" | "RSA2048";

const DAY = 24 * 3600 * 1000;

/** For making a key and for signing with it. */
const algorithms = {
  P256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  RSA2048: {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: "SHA-256",
  },
} as const;

/** A CA that can issue. */
export interface Ca {
  readonly certificate: Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly keyType: KeyType;
}

export interface CaOptions {
  /** Default P256. */
  readonly keyType?: KeyType;
  /** Self-signed when left out; has a key of the same type. */
  readonly issuer?: Ca;
  /** Whether it says its key identifier, by which it is told from those of the same name. Default true. */
  readonly hasKeyId?: boolean;
}

/** @param name its common name. */
export async function makeCa(name: string, options: CaOptions = {}): Promise<Ca> {
  const { keyType = "P256", issuer, hasKeyId = true } = options;
  const keys = await webcrypto.subtle.generateKey(algorithms[keyType], true, ["sign", "verify"]);
  const signer = issuer?.keys ?? keys;
  const certificate = await peculiar.X509CertificateGenerator.create({
    serialNumber: randomBytes(16).toString("hex"),
    subject: `CN=${name}`,
    issuer: issuer?.certificate.subject ?? `CN=${name}`,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + 900 * DAY),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: algorithms[keyType],
    extensions: [
      new peculiar.BasicConstraintsExtension(true, undefined, true),
      new peculiar.KeyUsagesExtension(peculiar.KeyUsageFlags.keyCertSign | peculiar.KeyUsageFlags.cRLSign, true),
      await peculiar.AuthorityKeyIdentifierExtension.create(signer.publicKey),
      ...(hasKeyId ? [await peculiar.SubjectKeyIdentifierExtension.create(keys.publicKey)] : []),
    ],
  });
  return { certificate: readCertificate(Buffer.from(certificate.rawData)), keys, keyType };
}

/** The certificate of a server, valid for 90 days, with a key of its CA's type. */
export interface Leaf {
  readonly certPem: string;
  readonly privateKey: KeyObject;
}

export function issueLeaf(ca: Ca, hostnames: readonly string[]): Leaf {
  const { publicKey, privateKey } =
    ca.keyType === "P256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { pem } = issueLeafCertificate({
    ca: ca.certificate,
    caPrivateKey: KeyObject.from(ca.keys.privateKey),
    publicKey,
    identifiers: hostnames.map(parseIdentifier),
    usage: "server",
    validFrom: new Date(Date.now() - DAY),
    validTo: new Date(Date.now() + 90 * DAY),
    serialNumber: randomBytes(16),
  });
  return { certPem: pem, privateKey };
}

/** Another order of the same items, the same one for the same seed: the random numbers of mulberry32, Fisher and Yates. */
export function shuffle<T>(items: readonly T[], seed: number): T[] {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1));
    const [one, other] = [shuffled[last], shuffled[chosen]];
    if (one !== undefined && other !== undefined) [shuffled[last], shuffled[chosen]] = [other, one];
  }
  return shuffled;
}
