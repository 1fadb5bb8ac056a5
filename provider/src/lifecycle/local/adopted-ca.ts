import { TlsError } from "../../errors";
import { lifetime, type Validity } from "../../renewal/decision";
import { DAY, renderTimestamp } from "../../text/time";
import { type Certificate, describeCertificate } from "../../x509/certificate/certificate";
import { readCertificates } from "../../x509/chain/chain";
import { describeKey, readPrivateKey, renderPrivateKey } from "../../x509/keys/private-key";
import { attempt, failureOf, known } from "../input/parse";
import { type CheckResult, type Failure, type Properties, UNKNOWN, type Unknown } from "../lifecycle";
import { checkPolicy, readPolicy } from "./planned-validity";

/** The valid inputs of a CA, as far as they count for one that exists already. */
export interface AdoptedCaValues extends Properties {
  readonly certPem: string | Unknown | undefined;
  readonly privateKeyPem: string | Unknown | undefined;
  readonly passphrase: string | Unknown | undefined;
}

/**
 * Checks a CA that exists already, for instance mkcert's or Cells' `rootCA.pem` and `rootCA-key.pem`: a root with its own
 * key. An expiry is refused at first, and a warning once the certificate was accepted: it must not block every later up.
 */
export function checkAdoptedCa(values: AdoptedCaValues, now: Date, olds: Properties): CheckResult {
  const failures: Failure[] = [];
  for (const property of ["subject", "keyType", "validityDays", "nameConstraints"] as const) {
    if (values[property] === undefined) continue;
    failures.push(
      failureOf(property, "is given beside certPem, but an adopted CA is what its certificate says.", "leave it out."),
    );
  }
  for (const property of ["certPem", "privateKeyPem"] as const) {
    if (values[property] !== undefined) continue;
    failures.push(failureOf(property, "is missing: a CA is adopted with both its certificate and its key."));
  }
  if (failures.length > 0) return { failures };
  const { name: _, ...inputs } = values;
  const passphrase = known(values.passphrase);
  const { value: certificate, failures: misread } = attempt("certPem", known(values.certPem), readCaCertificate);
  const { value: privateKey, failures: unopened } = attempt("privateKeyPem", known(values.privateKeyPem), (pem) =>
    readPrivateKey(pem, passphrase === undefined ? {} : { passphrase }),
  );
  failures.push(...misread, ...unopened);
  if (certificate !== undefined) {
    if (olds.certPem !== certificate.pem) failures.push(...findExpiry(certificate, now));
    const policyFailure = checkPolicy(readPolicy(values), lifetime(validityOf(certificate)) / DAY);
    if (policyFailure !== undefined) failures.push(policyFailure);
    if (privateKey !== undefined && !certificate.x509.checkPrivateKey(privateKey)) {
      failures.push(
        failureOf(
          "privateKeyPem",
          `this ${describeKey(privateKey)} key does not belong to the certificate ${describeCertificate(certificate)}.`,
          "give the key of the same pair; mkcert keeps it as rootCA-key.pem beside rootCA.pem.",
        ),
      );
    }
  }
  if (failures.length > 0) return { failures };
  return {
    inputs: {
      ...inputs,
      ...(certificate === undefined ? unknownFacts : factsOf(certificate)),
      ...(privateKey === undefined ? {} : { privateKeyPem: renderPrivateKey(privateKey) }),
    },
  };
}

function readCaCertificate(text: string): Certificate {
  const certificates = readCertificates(text, "certPem");
  const [certificate] = certificates;
  if (certificate === undefined || certificates.length > 1) {
    throw invalidCa(`expected one CA certificate, found ${certificates.length}`);
  }
  if (!certificate.isCa)
    throw invalidCa(`${describeCertificate(certificate)} is not a CA certificate (basicConstraints CA is not set)`);
  if (!certificate.isSelfIssued) {
    throw invalidCa(
      `${describeCertificate(certificate)} was issued by ${certificate.issuer}: it is an intermediate, not a root`,
    );
  }
  return certificate;
}

function invalidCa(reason: string): TlsError {
  return new TlsError("CERTIFICATE_INVALID", `${reason}.`, {
    hint: "give the root's own certificate, for instance mkcert's rootCA.pem.",
  });
}

function findExpiry(certificate: Certificate, now: Date): Failure[] {
  if (certificate.validTo < now) {
    return [
      failureOf(
        "certPem",
        `${describeCertificate(certificate)} expired on ${renderTimestamp(certificate.validTo)}.`,
        "adopt a root that is still valid, or leave certPem and privateKeyPem out to issue a new one.",
      ),
    ];
  }
  if (certificate.validFrom > now) {
    return [
      failureOf(
        "certPem",
        `${describeCertificate(certificate)} is not valid before ${renderTimestamp(certificate.validFrom)}.`,
      ),
    ];
  }
  return [];
}

function factsOf(certificate: Certificate): Properties {
  return {
    certPem: certificate.pem,
    subjectKeyId: certificate.subjectKeyId ?? certificate.fingerprintSha256,
    fingerprintSha256: certificate.fingerprintSha256,
    serialNumber: certificate.serialNumber,
    ...validityOf(certificate),
    // null and not absent: a preview takes an output that the state does not hold for unknown
    nameConstraints: certificate.nameConstraints ?? null,
  };
}

function validityOf({ validFrom, validTo }: Certificate): Validity {
  return { validFrom: renderTimestamp(validFrom), validTo: renderTimestamp(validTo) };
}

const unknownFacts = {
  subjectKeyId: UNKNOWN,
  fingerprintSha256: UNKNOWN,
  serialNumber: UNKNOWN,
  validFrom: UNKNOWN,
  validTo: UNKNOWN,
  nameConstraints: UNKNOWN,
};

/** What an adopted certificate says, beside itself. */
export const adoptedFacts: readonly string[] = Object.keys(unknownFacts);
