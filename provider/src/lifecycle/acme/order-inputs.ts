// What everything that orders at a CA has in common: whose order it is, for which names, and when it renews.

import { createHash } from "node:crypto";
import { z } from "zod";
import { toAcmeIdentifier } from "../../acme/client/identifier";
import { judgeProfile } from "../../acme/limits/profiles";
import { parseHostName } from "../../x509/names/identifier";
import { attemptEach, failureOf, known, type PartReading, parseInputs } from "../input/parse";
import { pemSchema, renewalShape } from "../input/schema";
import { type CheckResult, type Failure, type Properties, UNKNOWN, type Unknown } from "../lifecycle";
import { resolversSchema } from "./challenge-inputs";

/** A URL of the CA. */
export const urlSchema = z.string("expected a URL").min(1, "is empty").max(2_000, "is longer than 2000 characters");

/** The names of one certificate. */
export const hostnamesSchema = z
  .array(z.string("expected a host name").max(2_048, "is longer than 2048 characters"), "expected a list of names")
  .min(1, "is empty: a certificate has at least one name")
  .max(100, "has more than 100 names, which no public CA takes in one certificate");

/** When it is looked before an order, and by which DNS. */
const preflightSchema = z.strictObject(
  {
    when: z.enum(["up", "preview", "off"], "expected up, preview or off").optional(),
    resolvers: resolversSchema.optional(),
  },
  'expected "up", "preview", "off" or an object such as { resolvers: ["192.0.2.53"] }',
);

/** The arguments of whatever orders a certificate, from the class: the account's part, and the policy. */
export const commonOrderShape = {
  /** The Pulumi name: orders of two resources for the same names are told apart by it. */
  name: z.string("expected text").max(1_000, "is longer than 1000 characters").optional(),
  accountUrl: urlSchema,
  directoryUrl: urlSchema,
  accountKeyPem: pemSchema("the account's key"),
  caBundlePem: z.string("expected certificates as PEM text").optional(),
  linkOrigins: z.array(z.string("expected an origin"), "expected a list of origins").optional(),
  requestTimeoutSeconds: z.number("expected a number of seconds").optional(),
  profile: z
    .string("expected the name of a profile")
    .min(1, "is empty")
    .max(100, "is longer than 100 characters")
    .optional(),
  timeoutSeconds: z
    .number("expected a number of seconds")
    .min(1, { error: ({ input }) => `found ${input} seconds, expected at least 1` })
    .max(86_400, { error: ({ input }) => `found ${input} seconds, expected at most 86400, a day` })
    .optional(),
  renewalInfoDays: z
    .number("expected a number of days")
    .min(0, { error: ({ input }) => `found ${input} days, expected 0 or more` })
    .max(1_000, { error: ({ input }) => `found ${input} days, expected at most 1000` })
    .optional(),
  preflight: preflightSchema.optional(),
  ...renewalShape,
};

/** The names in canonical form, sorted, each once; what is no name is a failure. */
export function readHostnames(given: readonly string[]): PartReading<readonly string[]> {
  const { value: names, failures } = attemptEach("hostnames", given, parseHostName);
  return { value: [...new Set(names)].sort(), failures };
}

/** Judges the names under the profile, as far as both are known. */
export function checkProfile(
  hostnames: readonly string[],
  values: { readonly directoryUrl: string | Unknown; readonly profile?: string | Unknown | undefined },
): readonly Failure[] {
  const directoryUrl = known(values.directoryUrl);
  if (directoryUrl === undefined || values.profile === UNKNOWN) return [];
  const fault = judgeProfile(directoryUrl, known(values.profile), hostnames.map(toAcmeIdentifier));
  return fault === undefined ? [] : [failureOf(fault.property, fault.reason, fault.hint)];
}

/** A hash of what an order is for: where it differs another one is placed. `parts` are added to it. */
export function hashOrdered({ hostnames, profile, directoryUrl }: Properties, ...parts: readonly unknown[]): string {
  return hashText(JSON.stringify([hostnames, profile ?? null, ...parts, directoryUrl]));
}

/** 32 hexadecimal digits. */
export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

const shape = { ...commonOrderShape, hostnames: hostnamesSchema };

/** Checks the arguments of an order: all that a CA would refuse, as far as it can be known before. */
export function checkAcmeOrder(_olds: unknown, news: Readonly<Record<string, unknown>>): CheckResult {
  const parsed = parseInputs(shape, news);
  if (parsed.failures !== undefined) return parsed;
  const { values } = parsed;
  if (values.hostnames === UNKNOWN) return { inputs: values };
  const { value: hostnames, failures: misread } = readHostnames(values.hostnames);
  const failures = [...misread, ...checkProfile(hostnames, values)];
  return failures.length > 0 ? { failures } : { inputs: { ...values, hostnames } };
}

/** A hash of what an `AcmeOrder` is for: where it differs another one is placed. */
export function hashPlacedOrder(inputs: Properties): string {
  return hashOrdered(inputs);
}
