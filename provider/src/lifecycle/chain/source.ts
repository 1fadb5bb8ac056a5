import type { KeyObject } from "node:crypto";
import { TlsError } from "../../errors";
import type { Certificate } from "../../x509/certificate/certificate";
import { systemRoots } from "../../x509/chain/chain";
import { type ContainerContents, readContainer } from "../../x509/containers/container";
import { readPrivateKey } from "../../x509/keys/private-key";
import { attempt, failureOf, known, type PartReading } from "../input/parse";
import { UNKNOWN, type Unknown } from "../lifecycle";

/** The word that stands for the roots of Mozilla that Node brings along. */
export const SYSTEM_ROOTS = "system";

/** No certificate is as short: a word that was given by mistake. */
const SHORTEST_BASE64 = 200;

/** The arguments that bring certificates and a key. */
export type SourceValues = Readonly<
  Partial<Record<"certPem" | "issuerPem" | "privateKeyPem" | "pkcs12" | "passphrase", string | undefined | Unknown>>
>;

/** What was given in whatever form, as far as it is known. */
export interface ChainSource {
  readonly certificates: readonly Certificate[];
  readonly privateKey?: KeyObject;
}

/** Reads everything that is known of a chain's certificates and key, from PEM, DER, PKCS#7 or PKCS#12. */
export function readSource(values: SourceValues): PartReading<ChainSource> {
  const readings = (["certPem", "issuerPem"] as const).map((property) =>
    attempt(property, known(values[property]) ?? "", (text) => readSome(text, property)),
  );
  const certificates = readings.flatMap(({ value = [] }) => value);
  const failures = readings.flatMap((reading) => reading.failures);
  if (values.passphrase === UNKNOWN) return { value: { certificates }, failures };
  const passphrase = known(values.passphrase);
  const pkcs12 = known(values.pkcs12);
  if (pkcs12 !== undefined) {
    const pair = readPkcs12Pair(pkcs12, passphrase, { ...values, certificates });
    return { value: pair.value, failures: [...failures, ...pair.failures] };
  }
  const { value: privateKey, failures: unread } = attempt("privateKeyPem", known(values.privateKeyPem), (pem) =>
    readPrivateKey(pem, passphrase === undefined ? {} : { passphrase }),
  );
  return { value: { certificates, ...(privateKey && { privateKey }) }, failures: [...failures, ...unread] };
}

/** The certificates of a PKCS#12 file beside those that are given, and the key that belongs to one of all. */
function readPkcs12Pair(
  pkcs12: string,
  passphrase: string | undefined,
  { certificates, certPem, issuerPem }: SourceValues & Pick<ChainSource, "certificates">,
): PartReading<ChainSource> {
  const { value: file, failures } = attempt("pkcs12", pkcs12, (text) => readPkcs12File(text, passphrase));
  if (file === undefined) return { value: { certificates }, failures };
  const all = [...certificates, ...file.certificates];
  const privateKey = file.privateKeys.find((key) => all.some((one) => one.x509.checkPrivateKey(key)));
  if (privateKey !== undefined) return { value: { certificates: all, privateKey }, failures };
  const isComplete = certPem !== UNKNOWN && issuerPem !== UNKNOWN;
  if (!isComplete) return { value: { certificates: all }, failures };
  const hint = "export certificate and key of one pair, or give the certificate of this key.";
  const reason = "none of its private keys belongs to a certificate that is given.";
  return { value: { certificates: all }, failures: [failureOf("pkcs12", reason, hint)] };
}

function readPkcs12File(text: string, password: string | undefined): ContainerContents {
  const contents = readContainer(text, "pkcs12", password === undefined ? {} : { password });
  if (contents.format !== "PKCS#12") {
    throw new TlsError(
      "CONTAINER_INVALID",
      `found ${contents.format}, expected a PKCS#12 file (.pfx, .p12) in base64.`,
      {
        hint: "give certificates as certPem and a key as privateKeyPem.",
      },
    );
  }
  if (contents.privateKeys.length === 0) {
    throw new TlsError("CONTAINER_INVALID", "holds no private key.", {
      hint: "export it with its key, or give its certificates as certPem.",
    });
  }
  return contents;
}

/**
 * Reads PEM of any mix, or the base64 of DER or PKCS#7. An empty text holds nothing: that of a certificate was refused by
 * its schema. A private key has no place in a text that is not secret.
 */
function readSome(text: string, property: string): readonly Certificate[] {
  if (text.trim() === "") return [];
  if (text.length < SHORTEST_BASE64 && !text.includes("-----BEGIN ")) {
    throw new TlsError("PEM_INVALID", "found text without a PEM block, expected certificates.", {
      hint: "give the content of the file, its lines from BEGIN CERTIFICATE to END CERTIFICATE, or base64 of a binary one.",
    });
  }
  refuseKeys(text, property);
  const { certificates, privateKeys } = readContainer(text, property);
  if (privateKeys.length > 0) throw keyAmongCertificates(`${property}: holds a private key`);
  return certificates;
}

/** Before anything is read: a key may be encrypted, and its passphrase would be asked for. */
function refuseKeys(text: string, property: string): void {
  const labels = [...text.matchAll(/-----BEGIN ([A-Z0-9 #]+)-----/g)].map(([, label]) => label ?? "");
  const at = labels.findIndex((label) => label.endsWith("PRIVATE KEY"));
  if (at >= 0) throw keyAmongCertificates(`${property}: PEM block ${at + 1} is a private key`);
}

function keyAmongCertificates(found: string): TlsError {
  return new TlsError("KEY_INVALID", `${found}, certificates are public`, {
    hint: "give a key as privateKeyPem, a PKCS#12 file as pkcs12, which are kept secret, or let fromFiles tell them apart; if this text was published, replace the key.",
  });
}

/** The roots to verify against: those of the word `system`, or of a PEM text. */
export function readRoots(text: string): readonly Certificate[] {
  return text === SYSTEM_ROOTS ? systemRoots() : readSome(text, "roots");
}
