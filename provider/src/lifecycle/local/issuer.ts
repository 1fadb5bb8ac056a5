import { z } from "zod";
import { TlsError } from "../../errors";
import { renderTimestamp } from "../../text/time";
import { type Certificate, describeCertificate } from "../../x509/certificate/certificate";
import { readCertificates } from "../../x509/chain/chain";
import { describeKey, readPrivateKey } from "../../x509/keys/private-key";
import { findViolation, type NameConstraints } from "../../x509/names/constraints";
import type { Identifier } from "../../x509/names/identifier";
import { attempt, failureOf, known, type PartReading } from "../input/parse";
import { pemSchema } from "../input/schema";
import { type Failure, type Properties, UNKNOWN, type Unknown } from "../lifecycle";

/** How a CA travels to the certificates that it issues. */
export const issuerShape = {
  caCertPem: pemSchema("the certificate of the CA"),
  caPrivateKeyPem: pemSchema("the private key of the CA"),
  /** What is known of a CA that a preview has not made yet; only for the check, and left out of the inputs. */
  caValidTo: z.iso.datetime("expected the end of the CA as ISO 8601 in UTC").optional(),
  caNameConstraints: z
    .record(
      z.string(),
      z.array(z.string("expected text"), "expected a list"),
      "expected the name constraints of the CA",
    )
    .transform((constraints): NameConstraints => constraints)
    .optional(),
} as const;

/** What a leaf needs to know of its CA before it is issued. */
export interface IssuerFacts {
  /** Canonical PEM, or unknown while the CA is still to be made or renewed. */
  readonly certPem: string | Unknown;
  readonly validTo: string | Unknown;
}

interface IssuerValues {
  readonly caCertPem: string | Unknown;
  readonly caPrivateKeyPem: string | Unknown;
  readonly caValidTo?: string | undefined | Unknown;
  readonly caNameConstraints?: NameConstraints | undefined | Unknown;
}

/** What a CA is checked for. */
export interface IssuerContext {
  readonly olds: Properties;
  readonly names: readonly Identifier[];
  readonly now: Date;
  /** An earlier run accepted the same: an expiry since then must not block every later up. */
  readonly isAccepted: boolean;
}

/** Checks the CA, and that it may issue for `names`. */
export function checkIssuer(
  values: IssuerValues,
  { olds, names, now, isAccepted }: IssuerContext,
): PartReading<IssuerFacts> {
  const { value: certificate, failures: misread } = attempt("caCertPem", known(values.caCertPem), readIssuer);
  const constraints = certificate === undefined ? known(values.caNameConstraints) : certificate.nameConstraints;
  const { value: violation, failures: unjudged } = attempt("caNameConstraints", constraints, (given) =>
    findViolation(given, names),
  );
  const failures = [...misread, ...unjudged];
  if (violation !== undefined) {
    failures.push(
      failureOf(
        "hostnames",
        `the CA may not issue for ${violation.identifier.value}: ${violation.reason}.`,
        "take the name out, or widen nameConstraints of the CA.",
      ),
    );
  }
  if (certificate === undefined) {
    return { value: { certPem: UNKNOWN, validTo: known(values.caValidTo) ?? UNKNOWN }, failures };
  }
  failures.push(...checkPair(values, olds, certificate));
  if (certificate.validTo < now && !isAccepted) {
    failures.push(
      failureOf(
        "caCertPem",
        `the CA ${describeCertificate(certificate)} expired on ${renderTimestamp(certificate.validTo)} and can't issue any more.`,
        "renew or replace the CA first.",
      ),
    );
  }
  return { value: { certPem: certificate.pem, validTo: renderTimestamp(certificate.validTo) }, failures };
}

/** Reads the key only when one of the pair is new: a run without changes need not pay for it. */
function checkPair(values: IssuerValues, olds: Properties, certificate: Certificate): readonly Failure[] {
  const keyPem = known(values.caPrivateKeyPem);
  if (olds.caCertPem === certificate.pem && olds.caPrivateKeyPem === keyPem) return [];
  const { value: key, failures } = attempt("caPrivateKeyPem", keyPem, (pem) =>
    readPrivateKey(pem, { what: "caPrivateKeyPem" }),
  );
  if (key === undefined || certificate.x509.checkPrivateKey(key)) return failures;
  const reason = `this ${describeKey(key)} key does not belong to the CA ${describeCertificate(certificate)}.`;
  return [failureOf("caPrivateKeyPem", reason, "give the certificate and the key of one CA.")];
}

function readIssuer(text: string): Certificate {
  const certificates = readCertificates(text, "caCertPem");
  const [certificate] = certificates;
  if (certificate === undefined || certificates.length !== 1) {
    throw new TlsError("CERTIFICATE_INVALID", `expected one CA certificate, found ${certificates.length}.`, {
      hint: "give certPem of the CA.",
    });
  }
  if (!certificate.isCa) {
    throw new TlsError(
      "CERTIFICATE_INVALID",
      `${describeCertificate(certificate)} is not a CA certificate and can't issue others.`,
      {
        hint: "give the certificate of the CA itself.",
      },
    );
  }
  return certificate;
}
