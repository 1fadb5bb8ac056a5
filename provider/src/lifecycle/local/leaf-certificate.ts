import { createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { z } from "zod";
import { decideRenewal, describeRemaining, type Validity } from "../../renewal/decision";
import { DAY, SECOND } from "../../text/time";
import { issueLeafCertificate } from "../../x509/certificate/issue";
import { readCertificateRequest } from "../../x509/certificate/request";
import { readCertificates } from "../../x509/chain/chain";
import { readPrivateKey, renderPrivateKey } from "../../x509/keys/private-key";
import { type Identifier, parseIdentifier } from "../../x509/names/identifier";
import { decoded } from "../decoder";
import { leafCertificateDescription } from "../descriptions";
import { attempt, attemptEach, failureOf, known, type ParsedInputs, parseInputs, type Reading } from "../input/parse";
import {
  checkSubject,
  keyTypeSchema,
  MAX_HOSTNAMES,
  pemSchema,
  renewalShape,
  subjectSchema,
  validityDaysSchema,
} from "../input/schema";
import { type CheckResult, type Failure, isSameValue, type Outputs, type Preview, UNKNOWN } from "../lifecycle";
import { checkIssuer, type IssuerFacts, issuerShape } from "./issuer";
import { generatePrivateKey, SERIAL_NUMBER_BYTES } from "./key-generation";
import { checkPolicy, isPlannable, keepOrPlanValidity, readPolicy, readValidity } from "./planned-validity";
import { type LeafInputs, type LeafState, leafDecoders } from "./state";

/** As Let's Encrypt's classic profile: short enough that renewal is tried often. */
const DEFAULT_LEAF_VALIDITY_DAYS = 90;

/** Apple's systems refuse more even from a root that a user installed (support.apple.com/103769, since 2019-07-01). */
const MAX_LEAF_VALIDITY_DAYS = 825;

const shape = {
  hostnames: z
    .array(z.string("expected a name").max(2_048, "is longer than 2048 characters"), "expected a list of names")
    .max(MAX_HOSTNAMES, `has more than ${MAX_HOSTNAMES} names`)
    .optional(),
  usage: z.enum(["server", "client"], 'expected "server" or "client"').optional(),
  keyType: keyTypeSchema.optional(),
  validityDays: validityDaysSchema(
    MAX_LEAF_VALIDITY_DAYS,
    "Apple's systems refuse longer-lived certificates from any root. Give 825 at most, or better 90 and let it renew",
  ).optional(),
  subject: subjectSchema.optional(),
  certificateRequestPem: pemSchema("a certificate request").optional(),
  ...issuerShape,
  ...renewalShape,
};

type Values = ParsedInputs<typeof shape>;

/** A certificate issued by a local root. */
export const leafCertificate = decoded(leafDecoders, {
  ...leafCertificateDescription,
  policyProperties: ["minDaysRemaining", "checkIntervalHours", "caPrivateKeyPem"],
  derivedProperties: () => ["validFrom", "validTo"],
  computedProperties: () => ["certPem", "privateKeyPem", "fingerprintSha256", "serialNumber"],
  check,
  explain,
  create: async (inputs) => {
    const outputs = await issue(inputs);
    return { id: outputs.serialNumber, outputs };
  },
  update: async (_id, _state, inputs) => issue(inputs),
});

/** What makes another certificate of it, beside its dates. */
const contentProperties = [
  "hostnames",
  "usage",
  "keyType",
  "validityDays",
  "subject",
  "certificateRequestPem",
  "caCertPem",
] as const;

function check(olds: Preview<LeafInputs>, news: Readonly<Record<string, unknown>>, now: Date): CheckResult {
  const parsed = parseInputs(shape, news);
  if (parsed.failures !== undefined) return parsed;
  const { values } = parsed;
  const { value: names, failures: unnamed } = readNames(values);
  const policy = readPolicy(values);
  const validityDays = known(values.validityDays) ?? DEFAULT_LEAF_VALIDITY_DAYS;
  const policyFailure = checkPolicy(policy, validityDays);
  const failures = [...unnamed, ...checkSubject(known(values.subject)), ...(policyFailure ? [policyFailure] : [])];
  const { caValidTo: _, caNameConstraints: __, ...given } = values;
  const inputs: Record<string, unknown> = {
    ...given,
    hostnames: names === undefined ? UNKNOWN : names.map((name) => name.value),
  };
  const kept = readValidity(olds);
  const isAccepted = failures.length === 0 && kept !== undefined && isPlannable(values) && isSameContent(olds, inputs);
  // what an earlier run accepted is not judged again before it is issued again
  if (isAccepted && !decideRenewal(kept, policy, now).due) return { inputs: { ...inputs, ...kept } };

  const { value: issuer, failures: unfit } = checkIssuer(values, { olds, names: names ?? [], now, isAccepted });
  failures.push(...unfit);
  if (failures.length > 0) return { failures };
  inputs.caCertPem = issuer.certPem;
  const reissued = !isSameContent(olds, inputs);
  if (!isPlannable(values) || issuer.validTo === UNKNOWN) {
    return { inputs: { ...inputs, validFrom: UNKNOWN, validTo: UNKNOWN } };
  }
  const validity = keepOrPlanValidity(olds, { validityDays, issuerValidTo: issuer.validTo, policy, reissued }, now);
  const cut = reissued ? findCutLife(values, validity, issuer) : undefined;
  return cut === undefined ? { inputs: { ...inputs, ...validity } } : { failures: [cut] };
}

function isSameContent(olds: Preview<LeafInputs>, inputs: Readonly<Record<string, unknown>>): boolean {
  return contentProperties.every((property) => isSameValue(olds[property], inputs[property]));
}

/** The names of the certificate, canonical and sorted: from the arguments, else from the request. */
function readNames(values: Values): Reading<readonly Identifier[]> {
  const requestPem = known(values.certificateRequestPem);
  const { value: request, failures: misread } = attempt("certificateRequestPem", requestPem, readCertificateRequest);
  const failures = [...misread];
  if (values.certificateRequestPem !== undefined && values.keyType !== undefined) {
    failures.push(
      failureOf("keyType", "is given beside certificateRequestPem, which brings its own key.", "leave keyType out."),
    );
  }
  const hostnames = known(values.hostnames);
  if (values.hostnames === UNKNOWN || values.certificateRequestPem === UNKNOWN) return { failures };
  const given = attemptEach("hostnames", hostnames ?? [], parseIdentifier);
  failures.push(...given.failures);
  const names = hostnames === undefined ? (request?.identifiers ?? []) : given.value;
  if (names.length === 0 && failures.length === 0) {
    failures.push(
      failureOf(
        "hostnames",
        request === undefined
          ? "no name is given, and clients look at nothing else."
          : "the certificate request asks for no name.",
        'give at least one, for instance ["cells.example.com"].',
      ),
    );
  }
  const byValue = new Map(names.map((name) => [name.value, name]));
  return { value: [...byValue.values()].sort((one, other) => (one.value < other.value ? -1 : 1)), failures };
}

/** A life that was asked for is not cut short in silence; the default one is. */
function findCutLife(values: Values, validity: Validity, issuer: IssuerFacts): Failure | undefined {
  const asked = known(values.validityDays);
  if (asked === undefined || validity.validTo !== issuer.validTo) return undefined;
  const full = Date.parse(validity.validFrom) + asked * DAY - SECOND;
  if (full <= Date.parse(validity.validTo)) return undefined;
  return failureOf(
    "validityDays",
    `${asked} days from ${validity.validFrom} would outlive the CA, which ends on ${issuer.validTo}.`,
    "ask for fewer days, leave validityDays out (the certificate then ends with its CA), or renew the CA first.",
  );
}

function explain(state: Preview<LeafState> | undefined, inputs: Preview<LeafInputs>, now: Date): string | undefined {
  const planned = readValidity(inputs);
  if (planned === undefined) return undefined;
  const dates = `valid from ${planned.validFrom} to ${planned.validTo}`;
  if (state === undefined) return `issues a certificate: ${dates}`;
  const changed = contentProperties.filter((property) => !isSameValue(state[property], inputs[property]));
  if (changed.length > 0) {
    const what = changed.map((property) => (property === "caCertPem" ? "its CA" : property)).join(", ");
    return `issues the certificate anew, since ${what} changed: ${dates}`;
  }
  const current = readValidity(state);
  if (current === undefined || isSameValue(current, planned)) return undefined;
  const due = decideRenewal(current, readPolicy(inputs), now).due;
  return `${due ? `renews: ${describeRemaining(current, now)}` : "issues the certificate anew"}; then ${dates}`;
}

async function issue(inputs: LeafInputs) {
  const { validFrom, validTo, subject, usage = "server" } = inputs;
  const [ca] = readCertificates(inputs.caCertPem, "caCertPem");
  if (ca === undefined) throw new TypeError("caCertPem was checked to hold a certificate");
  const { publicKey, privateKey } = await keysFor(inputs);
  const certificate = issueLeafCertificate({
    ca,
    // what it signs is verified with the CA's certificate
    caPrivateKey: readPrivateKey(inputs.caPrivateKeyPem, { isProved: true }),
    publicKey,
    identifiers: inputs.hostnames.map(parseIdentifier),
    usage,
    ...(subject && { subject }),
    validFrom: new Date(validFrom),
    validTo: new Date(validTo),
    serialNumber: randomBytes(SERIAL_NUMBER_BYTES),
  });
  return {
    certPem: certificate.pem,
    privateKeyPem: privateKey === undefined ? undefined : renderPrivateKey(privateKey),
    fingerprintSha256: certificate.fingerprintSha256,
    serialNumber: certificate.serialNumber,
  } satisfies Outputs<LeafState>;
}

/** The key of the request, or a pair that is made. */
async function keysFor({
  certificateRequestPem,
  keyType = "P256",
}: LeafInputs): Promise<{ readonly publicKey: KeyObject; readonly privateKey?: KeyObject }> {
  if (certificateRequestPem !== undefined) {
    const { publicKey } = readCertificateRequest(certificateRequestPem);
    return { publicKey };
  }
  const privateKey = await generatePrivateKey(keyType);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
