import { z } from "zod";
import { directories, nameOfDirectory, resolveDirectory } from "../../acme/client/directory";
import { readAccountKey } from "../../acme/client/jws";
import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { readMoment } from "../../text/time";
import { readPrivateKey, renderPrivateKey } from "../../x509/keys/private-key";
import { parseDnsName } from "../../x509/names/dns-name";
import { parseIdentifier } from "../../x509/names/identifier";
import { attempt, attemptEach, failureOf, known, type ParsedInputs, parseInputs } from "../input/parse";
import { MAX_PEM_LENGTH, passphraseSchema, pemSchema } from "../input/schema";
import { type CheckResult, type Failure, isKnown, type Properties, UNKNOWN } from "../lifecycle";
import { ALWAYS } from "./standing-records";

/** What every public CA takes for an account; Ed25519 is taken by none. */
export const accountKeyTypes = ["P256", "P384", "RSA2048", "RSA3072", "RSA4096"] as const;

const directorySchema = z
  .string("expected the name of a CA, such as letsencrypt-staging, or the URL of its directory")
  .min(1, "is empty")
  .max(2_000, "is longer than 2000 characters");

const shape = {
  directory: directorySchema,
  rehearsalDirectory: directorySchema.optional(),
  contacts: z
    .array(
      z.string("expected an e-mail address").max(300, "is longer than 300 characters"),
      "expected a list of e-mail addresses",
    )
    .max(10, "has more than 10 addresses")
    .optional(),
  acceptTermsOfService: z.boolean("expected true").optional(),
  externalAccountKeyId: z
    .string("expected text")
    .min(1, "is empty")
    .max(1_000, "is longer than 1000 characters")
    .optional(),
  externalAccountHmac: passphraseSchema,
  accountKeyPem: pemSchema("a private key").optional(),
  keyType: z.enum(accountKeyTypes, `expected one of ${accountKeyTypes.join(", ")}`).optional(),
  caBundlePem: z
    .string("expected certificates as PEM text")
    .min(1, "is empty")
    .max(MAX_PEM_LENGTH, `is longer than ${MAX_PEM_LENGTH} characters: these are not certificates`)
    .optional(),
  requestTimeoutSeconds: z
    .number("expected a number of seconds")
    .min(1, { error: ({ input }) => `found ${input} seconds, expected at least 1` })
    .max(600, { error: ({ input }) => `found ${input} seconds, expected at most 600` })
    .optional(),
  linkOrigins: z
    .array(
      z.string('expected an origin, such as "https://acme2.example.com"').max(300, "is longer than 300 characters"),
      'expected a list of origins, such as ["https://acme2.example.com"]',
    )
    .max(10, "has more than 10 origins")
    .optional(),
  issuerDomainName: z
    .string('expected a domain name, such as "letsencrypt.org"')
    .max(253, "is longer than 253 characters")
    .optional(),
  recordsUntil: z
    .string("expected a date, or always")
    .max(40, "is longer than 40 characters")
    .refine((text) => text === ALWAYS || readMoment(text) !== undefined, {
      error: () => 'expected a date such as "2027-12-31", a moment such as "2027-12-31T12:00Z", or "always"',
    })
    .optional(),
  deactivateOnDestroy: z.boolean("expected true or false").optional(),
};

type Values = ParsedInputs<typeof shape>;

/** Checks the arguments of an account and computes what is known of it without the CA. */
export function checkAcmeAccount(olds: Properties, news: Readonly<Record<string, unknown>>): CheckResult {
  const parsed = parseInputs(shape, news);
  if (parsed.failures !== undefined) return parsed;
  const { values } = parsed;
  const directory = attempt("directory", known(values.directory), resolveDirectory);
  const rehearsal = attempt("rehearsalDirectory", known(values.rehearsalDirectory), resolveDirectory);
  const key = attempt("accountKeyPem", known(values.accountKeyPem), (pem) =>
    readAccountKey(renderPrivateKey(readPrivateKey(pem, { what: "accountKeyPem" }))),
  );
  const contacts = attemptEach("contacts", known(values.contacts) ?? [], parseContact);
  const origins = attemptEach("linkOrigins", known(values.linkOrigins) ?? [], parseOrigin);
  const issuer = attempt("issuerDomainName", known(values.issuerDomainName), parseDnsName);
  const readings = [directory, rehearsal, key, contacts, origins, issuer];
  const failures = [...checkTogether(values, olds), ...readings.flatMap((reading) => reading.failures)];
  if (failures.length > 0) return { failures };
  const { keyType, ...given } = values;
  const directoryUrl = directory.value;
  return {
    inputs: {
      ...given,
      ...(isKnown(values.contacts) && values.contacts && { contacts: [...new Set(contacts.value)].sort() }),
      ...(isKnown(values.linkOrigins) && values.linkOrigins && { linkOrigins: [...new Set(origins.value)].sort() }),
      ...(issuer.value !== undefined && { issuerDomainName: issuer.value }),
      directoryUrl: directoryUrl ?? UNKNOWN,
      rehearsalDirectoryUrl: rehearsal.value ?? rehearsalOf(values, directoryUrl),
      // kept from the first run: another default must not ask for another key
      ...(values.accountKeyPem === undefined
        ? { keyType: keyType ?? olds.keyType ?? "P256" }
        : { accountKeyPem: key.value?.pem ?? UNKNOWN, thumbprint: key.value?.thumbprint ?? UNKNOWN }),
    },
  };
}

function checkTogether(values: Values, olds: Properties): readonly Failure[] {
  const failures: Failure[] = [];
  if (values.acceptTermsOfService !== true && values.acceptTermsOfService !== UNKNOWN) {
    const hint =
      "read what the CA asks for (its URL is the output termsOfServiceUrl), and set acceptTermsOfService: true.";
    failures.push(failureOf("acceptTermsOfService", "is not true: a CA makes no account without.", hint));
  }
  const { externalAccountKeyId: id, externalAccountHmac: hmac, accountKeyPem, keyType } = values;
  if ((id === undefined) !== (hmac === undefined)) {
    failures.push(failureOf("externalAccountBinding", "needs both keyId and hmacBase64, as the CA gave them."));
  }
  if (accountKeyPem !== undefined && keyType !== undefined) {
    failures.push(failureOf("keyType", "is given beside accountKeyPem, which is what it is.", "leave it out."));
  }
  if (accountKeyPem === undefined && keyType !== undefined && olds.keyType !== undefined && keyType !== olds.keyType) {
    const hint = "keep the old one, or give a new key as accountKeyPem: the account rolls over to it in place.";
    failures.push(
      failureOf(
        "keyType",
        `an account's key can't be made anew as ${String(keyType)}: were the run to die, the only copy would be lost.`,
        hint,
      ),
    );
  }
  return failures;
}

/** The staging directory of a CA that has one. */
function rehearsalOf(values: Values, directoryUrl: string | undefined): unknown {
  if (!isKnown(values.directory) || !isKnown(values.rehearsalDirectory)) return UNKNOWN;
  const name = directoryUrl === undefined ? undefined : nameOfDirectory(directoryUrl);
  const staging = name === undefined ? undefined : directories[name]?.staging;
  return staging === undefined ? null : resolveDirectory(staging);
}

/** Another origin that links of the CA may lead to: https alone, since it is on no loopback of a test. */
function parseOrigin(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "https:" && url.href === `${url.origin}/`) return url.origin;
  throw new TlsError("ACME_DIRECTORY_UNKNOWN", `${renderQuoted(text)} is no origin with https`, {
    hint: 'Write scheme, host and port alone: "https://acme2.example.com" or "https://acme2.example.com:8443".',
  });
}

function parseContact(text: string): string {
  const address = text.replace(/^mailto:/i, "");
  const { type, value } = parseIdentifier(address);
  if (type === "email") return value;
  throw new TlsError("IDENTIFIER_INVALID", `${JSON.stringify(address.slice(0, 80))} is no e-mail address`, {
    hint: "Write it as ops@example.com.",
  });
}
