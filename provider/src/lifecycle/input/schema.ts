// The schemas that CA, leaf and chain share, and the limits of what they accept.
import { z } from "zod";
import { isTlsError } from "../../errors";
import { keyTypes } from "../../x509/keys/private-key";
import { encodeName, type GivenName } from "../../x509/names/distinguished-name";
import type { Failure } from "../lifecycle";
import { attempt } from "./parse";

/** A text that one of the parsers takes; what it says is the issue. */
export function text(parse: (given: string) => string) {
  return z.string().transform((given, context) => {
    try {
      return parse(given);
    } catch (error) {
      if (!isTlsError(error)) throw error;
      context.addIssue({
        code: "custom",
        message: error.hint === undefined ? error.reason : `${error.reason}. ${error.hint}`,
      });
      return z.NEVER;
    }
  });
}

/** False means the same as absent. */
export const flag = z.boolean().transform((given): true | undefined => (given ? true : undefined));

/** No certificate, key or request comes near this; more is a file given by mistake. In UTF-16 units. */
export const MAX_PEM_LENGTH = 1_000_000;

/** A SAN extension with more is refused by most clients; Let's Encrypt takes 100. */
export const MAX_HOSTNAMES = 1_000;

/** The shortest life, one second: only tests of renewal want less than an hour. */
const MIN_VALIDITY_DAYS = 1 / 86_400;

/** A hundred years, more than any certificate lives; a date beyond JavaScript's range would end the program. */
export const MAX_LEAD_DAYS = 36_525;

/** A pipeline that runs less than once a year renews nothing in time. */
const MAX_INTERVAL_HOURS = 24 * 366;

const attribute = z.string("expected text").max(1_000, "is longer than 1000 characters").optional();

/** A distinguished name, with the words of pulumi-tls; what each attribute may hold is judged when it is encoded. */
export const subjectSchema = z.strictObject(
  {
    commonName: attribute,
    organization: attribute,
    organizationalUnit: attribute,
    country: attribute,
    province: attribute,
    locality: attribute,
    streetAddress: attribute,
    postalCode: attribute,
    serialNumber: attribute,
    emailAddress: attribute,
  },
  'expected an object such as { commonName: "Example Root CA", organization: "Example" }',
);

/** Judges a subject that is known: one that can't be encoded is a failure. */
export function checkSubject(subject: GivenName | undefined): readonly Failure[] {
  return attempt("subject", subject, encodeName).failures;
}

/** The kinds of key that can be made. */
export const keyTypeSchema = z.enum(keyTypes, `expected one of ${keyTypes.join(", ")}`);

/** A length of life. */
export function validityDaysSchema(maximum: number, reason: string) {
  return z
    .number("expected a number of days")
    .min(MIN_VALIDITY_DAYS, { error: ({ input }) => `found ${input} days, expected at least one second of life` })
    .max(maximum, { error: ({ input }) => `found ${input} days, expected at most ${maximum}: ${reason}` });
}

/** When to renew; see {@link RenewalPolicy}. */
export const renewalShape = {
  minDaysRemaining: z
    .number("expected a number of days")
    .min(0, { error: ({ input }) => `found ${input} days, expected 0 or more` })
    .max(MAX_LEAD_DAYS, {
      error: ({ input }) =>
        `found ${input} days, expected at most ${MAX_LEAD_DAYS}, the life of the longest-lived root`,
    })
    .optional(),
  checkIntervalHours: z
    .number("expected a number of hours")
    .min(0, { error: ({ input }) => `found ${input} hours, expected 0 or more` })
    .max(MAX_INTERVAL_HOURS, {
      error: ({ input }) => `found ${input} hours, expected at most ${MAX_INTERVAL_HOURS}, which is a year`,
    })
    .optional(),
} as const;

/** Text that holds PEM blocks, or a passphrase: never quoted in a message. */
export function pemSchema(what: string) {
  return z
    .string(`expected ${what} as PEM text`)
    .min(1, "is empty")
    .max(MAX_PEM_LENGTH, `is longer than ${MAX_PEM_LENGTH} characters: this is not ${what}`);
}

/** The secret that opens an encrypted key. An empty one is a passphrase too. */
export const passphraseSchema = z.string("expected text").max(1_000, "is longer than 1000 characters").optional();
