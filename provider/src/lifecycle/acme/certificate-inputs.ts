import { z } from "zod";
import { refuseChallenge } from "../../acme/challenge/refusal";
import { readCertificateRequest } from "../../x509/certificate/request";
import { attempt, failureOf, known, type ParsedInputs, parseInputs, type Reading } from "../input/parse";
import { pemSchema } from "../input/schema";
import { type CheckResult, type Failure, isKnown, type Properties, UNKNOWN, type Unknown } from "../lifecycle";
import { accountKeyTypes } from "./account-inputs";
import { challengeSchema } from "./challenge-inputs";
import {
  checkProfile,
  commonOrderShape,
  hashOrdered,
  hashText,
  hostnamesSchema,
  readHostnames,
  urlSchema,
} from "./order-inputs";
import { listChallenges, namesOf } from "./solvers";

/** What CAs take for a certificate's key. */
const acmeKeyTypes = accountKeyTypes;

const shape = {
  ...commonOrderShape,
  hostnames: hostnamesSchema.optional(),
  rehearsalDirectoryUrl: urlSchema.optional(),
  rehearsalAccountKeyPem: pemSchema("a key").optional(),
  /** The URL of the order of an `AcmeOrder`, from which the certificate is taken. */
  fromOrderUrl: urlSchema.optional(),
  challenge: challengeSchema,
  /** JSON of the command's environment, apart since it may hold secrets. */
  challengeEnvironment: z.string("expected text").max(100_000, "is longer than 100000 characters").optional(),
  keyType: z.enum(acmeKeyTypes, `expected one of ${acmeKeyTypes.join(", ")}`).optional(),
  reuseKey: z.boolean("expected true or false").optional(),
  certificateRequestPem: pemSchema("a certificate request").optional(),
  preferredChain: z
    .string("expected the common name of a root")
    .min(1, "is empty")
    .max(1_000, "is longer than 1000 characters")
    .optional(),
  requirePreferredChain: z.boolean("expected true or false").optional(),
  rehearsal: z.enum(["first", "always", "off"], "expected first, always or off").optional(),
  revokeOnDestroy: z.boolean("expected true or false").optional(),
};

/** The valid arguments of a certificate, some of them perhaps unknown. */
type AcmeCertificateValues = ParsedInputs<typeof shape>;

/** Checks the arguments of a certificate: all that a CA would refuse, as far as it can be known before. */
export function checkAcmeCertificate(_olds: unknown, news: Readonly<Record<string, unknown>>): CheckResult {
  const parsed = parseInputs(shape, news);
  if (parsed.failures !== undefined) return parsed;
  const { values } = parsed;
  const { value: hostnames, failures: misread } = readNames(values);
  const names = Array.isArray(hostnames) ? checkNames(hostnames, values) : [];
  const failures = [...misread, ...names, ...checkTogether(values)];
  if (failures.length > 0) return { failures };
  return { inputs: { ...values, hostnames } };
}

/**
 * A hash of what a certificate is for: where it differs another one is ordered. One that is taken from an order is of that order:
 * its key counts at the next.
 */
export function hashCertificateOrder(inputs: Properties): string {
  const { keyType, certificateRequestPem, directoryUrl, fromOrderUrl } = inputs;
  if (fromOrderUrl !== undefined) return hashText(JSON.stringify([String(fromOrderUrl), directoryUrl]));
  const request = typeof certificateRequestPem === "string" ? hashText(certificateRequestPem) : null;
  return hashOrdered(inputs, request === null ? (keyType ?? null) : null, request);
}

/** The names of the arguments, else of the request. */
function readNames(values: AcmeCertificateValues): Reading<readonly string[] | Unknown> {
  const { certificateRequestPem } = values;
  const request = attempt("certificateRequestPem", known(certificateRequestPem), readCertificateRequest);
  const requested = request.value?.identifiers.map(({ value }) => value);
  if (values.hostnames === UNKNOWN || (values.hostnames === undefined && certificateRequestPem === UNKNOWN)) {
    return { value: UNKNOWN, failures: request.failures };
  }
  const given = known(values.hostnames) ?? requested;
  if (given === undefined) {
    if (certificateRequestPem !== undefined) return { failures: request.failures };
    const hint = "give the names of the certificate, or a certificateRequestPem that has them.";
    return { failures: [failureOf("hostnames", "is missing.", hint)] };
  }
  const { value: hostnames, failures: misread } = readHostnames(given);
  const failures = [...request.failures, ...misread];
  const asked = requested && [...new Set(requested)].sort();
  if (asked === undefined || failures.length > 0 || asked.join() === hostnames.join()) {
    return { value: hostnames, failures };
  }
  const reason = `are not those of the certificate request, which is for ${asked.slice(0, 5).join(", ")}.`;
  const hint = "leave hostnames out, or have the request made for these names.";
  return { value: hostnames, failures: [failureOf("hostnames", reason, hint)] };
}

function checkNames(hostnames: readonly string[], values: AcmeCertificateValues): readonly Failure[] {
  const failures: Failure[] = [];
  const { challenge } = values;
  const challenges = isKnown(challenge) ? listChallenges({ challenge }) : [];
  for (const [index, { identifier, isWildcard }] of namesOf({ hostnames }).entries()) {
    const refusals = challenges.map(({ type }) => ({ type, reason: refuseChallenge(type, identifier, isWildcard) }));
    const [first] = refusals;
    if (first === undefined || refusals.some(({ reason }) => reason === undefined)) continue;
    const found = `${hostnames[index]} can't be proved by ${first.type}: ${first.reason}`;
    failures.push(failureOf(`hostnames[${index}]`, found));
  }
  return [...failures, ...checkProfile(hostnames, values)];
}

function checkTogether(values: AcmeCertificateValues): readonly Failure[] {
  const failures: Failure[] = [];
  const { certificateRequestPem, keyType, reuseKey, preferredChain, requirePreferredChain } = values;
  if (certificateRequestPem !== undefined) {
    for (const [property, value] of Object.entries({ keyType, reuseKey })) {
      if (value === undefined) continue;
      const reason = "is given beside certificateRequestPem, whose key is yours.";
      failures.push(failureOf(property, reason, "leave it out."));
    }
  }
  const challenge = known(values.challenge);
  const via = challenge !== undefined && "via" in challenge ? challenge.via : undefined;
  if (isKnown(values.challenge) && (via === "order") !== (values.fromOrderUrl !== undefined)) {
    const reason =
      via === "order" ? 'has via: "order", and there is no order.' : "is no challenge that an order's outputs answer.";
    failures.push(failureOf("challenge", reason, "give order, and as challenge dns-01 or http-01."));
  }
  if (requirePreferredChain === true && preferredChain === undefined) {
    failures.push(failureOf("requirePreferredChain", "is given without preferredChain."));
  }
  return failures;
}
