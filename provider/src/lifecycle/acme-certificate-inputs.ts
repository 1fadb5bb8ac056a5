import { createHash } from "node:crypto";
import { z } from "zod";
import type { OrderIdentifier } from "../acme/certificate-request";
import type { ChallengeSettings, SolverContext } from "../acme/challenge/solver";
import { createSolver } from "../acme/challenge/solvers";
import { systemClock } from "../acme/clock";
import { judgeProfile } from "../acme/profile-limits";
import { readCertificateRequest } from "../x509/certificate-request";
import { parseHostName, parseIdentifier } from "../x509/identifier";
import { accountKeyTypes } from "./acme-account-inputs";
import { challengeSchema } from "./acme-challenge-inputs";
import { pemSchema, renewalShape } from "./certificate-inputs";
import { attempt, known, type ParsedInputs, parseInputs, renderFailure } from "./inputs";
import type { CheckResult, Failure, Properties } from "./lifecycle";
import { UNKNOWN } from "./unknown";

/** What CAs take for a certificate's key. */
export const acmeKeyTypes = accountKeyTypes;

const url = z.string("expected a URL").min(1, "is empty").max(2_000, "is longer than 2000 characters");

const shape = {
  /** The Pulumi name, from the class: orders of two resources for the same names are told apart by it. */
  name: z.string("expected text").max(1_000, "is longer than 1000 characters").optional(),
  hostnames: z
    .array(z.string("expected a host name").max(2_048, "is longer than 2048 characters"), "expected a list of names")
    .min(1, "is empty: a certificate has at least one name")
    .max(100, "has more than 100 names, which no public CA takes in one certificate")
    .optional(),
  accountUrl: url,
  directoryUrl: url,
  accountKeyPem: pemSchema("the account's key"),
  rehearsalDirectoryUrl: url.optional(),
  rehearsalAccountKeyPem: pemSchema("a key").optional(),
  caBundlePem: z.string("expected certificates as PEM text").optional(),
  requestTimeoutSeconds: z.number("expected a number of seconds").optional(),
  challenge: challengeSchema,
  /** JSON of the command's environment, apart since it may hold secrets. */
  challengeEnvironment: z.string("expected text").max(100_000, "is longer than 100000 characters").optional(),
  keyType: z.enum(acmeKeyTypes, `expected one of ${acmeKeyTypes.join(", ")}`).optional(),
  reuseKey: z.boolean("expected true or false").optional(),
  certificateRequestPem: pemSchema("a certificate request").optional(),
  profile: z
    .string("expected the name of a profile")
    .min(1, "is empty")
    .max(100, "is longer than 100 characters")
    .optional(),
  preferredChain: z
    .string("expected the common name of a root")
    .min(1, "is empty")
    .max(1_000, "is longer than 1000 characters")
    .optional(),
  requirePreferredChain: z.boolean("expected true or false").optional(),
  rehearsal: z.enum(["first", "always", "off"], "expected first, always or off").optional(),
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
  revokeOnDestroy: z.boolean("expected true or false").optional(),
  ...renewalShape,
};

/** The valid arguments of a certificate, some of them perhaps unknown. */
export type AcmeCertificateValues = ParsedInputs<typeof shape>;

/** Checks the arguments of a certificate: all that a CA would refuse, as far as it can be known before. */
export function checkAcmeCertificate(_olds: Properties, news: Readonly<Record<string, unknown>>): CheckResult {
  const parsed = parseInputs(shape, news);
  if (parsed.failures !== undefined) return parsed;
  const { values } = parsed;
  const failures: Failure[] = [];
  const hostnames = readHostnames(values, failures);
  if (Array.isArray(hostnames)) checkNames(hostnames, values, failures);
  checkTogether(values, failures);
  if (failures.length > 0) return { failures };
  return { inputs: { ...values, hostnames } };
}

/** Which names a solver proves depends on no account. */
const nobody: SolverContext = {
  key: { pem: "", thumbprint: "", jwk: {} },
  accountUrl: "",
  clock: systemClock,
  directory: () => Promise.reject(new TypeError("check asks no CA")),
};

/** A name as an order takes it. */
export function toOrderIdentifier(hostname: string): OrderIdentifier {
  const { type, value } = parseIdentifier(hostname);
  return type === "ip" ? { type, value } : { type: "dns", value };
}

/** What a certificate is of: where any of it differs another one is ordered. */
export function describeOrder(inputs: Properties): string {
  const { hostnames, profile, keyType, certificateRequestPem, directoryUrl } = inputs;
  const request = typeof certificateRequestPem === "string" ? hash(certificateRequestPem) : null;
  const key = request === null ? (keyType ?? null) : null;
  return hash(JSON.stringify([hostnames, profile ?? null, key, request, directoryUrl]));
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

function readHostnames(values: AcmeCertificateValues, failures: Failure[]): unknown {
  const { certificateRequestPem } = values;
  const requested =
    typeof certificateRequestPem === "string"
      ? attempt("certificateRequestPem", failures, () => readCertificateRequest(certificateRequestPem).identifiers)
      : undefined;
  if (values.hostnames === UNKNOWN || (values.hostnames === undefined && certificateRequestPem === UNKNOWN))
    return UNKNOWN;
  const given = known(values.hostnames) ?? requested?.map(({ value }) => value);
  if (given === undefined) {
    if (certificateRequestPem === undefined)
      failures.push(
        renderFailure(
          "hostnames",
          "is missing.",
          "give the names of the certificate, or a certificateRequestPem that has them.",
        ),
      );
    return undefined;
  }
  const names = given.flatMap(
    (text, index) => attempt(`hostnames[${index}]`, failures, () => parseHostName(text)) ?? [],
  );
  const sorted = [...new Set(names)].sort();
  const asked = requested && [...new Set(requested.map(({ value }) => value))].sort();
  if (asked !== undefined && failures.length === 0 && asked.join() !== sorted.join()) {
    const hint = "leave hostnames out, or have the request made for these names.";
    failures.push(
      renderFailure(
        "hostnames",
        `are not those of the certificate request, which is for ${asked.slice(0, 5).join(", ")}.`,
        hint,
      ),
    );
  }
  return sorted;
}

function checkNames(hostnames: readonly string[], values: AcmeCertificateValues, failures: Failure[]): void {
  const challenge = known(values.challenge) as ChallengeSettings | undefined;
  const solver = challenge && createSolver(challenge, nobody);
  for (const [index, name] of hostnames.entries()) {
    const isWildcard = name.startsWith("*.");
    const { type, value } = toOrderIdentifier(name);
    const identifier = { type, value: isWildcard ? value.slice(2) : value };
    const reason = solver?.refuse(identifier, isWildcard);
    if (reason !== undefined)
      failures.push(renderFailure(`hostnames[${index}]`, `${name} can't be proved by ${solver?.type}: ${reason}`));
  }
  const [directoryUrl, profile] = [known(values.directoryUrl), values.profile === UNKNOWN ? undefined : values.profile];
  if (directoryUrl === undefined || values.profile === UNKNOWN) return;
  const fault = judgeProfile(directoryUrl, profile, hostnames.map(toOrderIdentifier));
  if (fault !== undefined) failures.push(renderFailure(fault.property, fault.reason, fault.hint));
}

function checkTogether(values: AcmeCertificateValues, failures: Failure[]): void {
  const { certificateRequestPem, keyType, reuseKey, preferredChain, requirePreferredChain } = values;
  if (certificateRequestPem !== undefined) {
    for (const [property, value] of Object.entries({ keyType, reuseKey })) {
      if (value === undefined) continue;
      const reason = "is given beside certificateRequestPem, whose key is yours.";
      failures.push(renderFailure(property, reason, "leave it out."));
    }
  }
  if (requirePreferredChain === true && preferredChain === undefined) {
    failures.push(renderFailure("requirePreferredChain", "is given without preferredChain."));
  }
}
