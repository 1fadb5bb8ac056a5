import { randomBytes } from "node:crypto";
import { z } from "zod";
import { decideRenewal, describeRemaining } from "../../renewal/decision";
import { issueCaCertificate } from "../../x509/certificate/issue";
import { readPrivateKey, renderPrivateKey } from "../../x509/keys/private-key";
import { parseNameConstraints } from "../../x509/names/constraints";
import { decoded } from "../decoder";
import { selfSignedCaDescription } from "../descriptions";
import { attempt, failureOf, known, type ParsedInputs, parseInputs } from "../input/parse";
import {
  checkSubject,
  keyTypeSchema,
  MAX_LEAD_DAYS,
  passphraseSchema,
  pemSchema,
  renewalShape,
  subjectSchema,
  validityDaysSchema,
} from "../input/schema";
import {
  type CheckResult,
  type Failure,
  isKnown,
  isSameValue,
  type Outputs,
  type Preview,
  UNKNOWN,
} from "../lifecycle";
import { adoptedFacts, checkAdoptedCa } from "./adopted-ca";
import { generatePrivateKey, SERIAL_NUMBER_BYTES } from "./key-generation";
import { checkPolicy, isPlannable, keepOrPlanValidity, readPolicy, readValidity } from "./planned-validity";
import { type CaInputs, type CaState, caDecoders } from "./state";

/** As mkcert's and Cells' roots: ten years. */
const DEFAULT_CA_VALIDITY_DAYS = 3650;

const shape = {
  /** The Pulumi name, from the class: the common name of a new CA that is given no subject. */
  name: z.string("expected text").max(1_000, "is longer than 1000 characters").optional(),
  subject: subjectSchema.optional(),
  keyType: keyTypeSchema.optional(),
  validityDays: validityDaysSchema(
    MAX_LEAD_DAYS,
    "a root of more than a hundred years is a slip of the pen",
  ).optional(),
  nameConstraints: z
    .strictObject(
      {
        permittedDnsDomains: constraintList("a DNS domain"),
        excludedDnsDomains: constraintList("a DNS domain"),
        permittedIpRanges: constraintList('an address range such as "10.0.0.0/8"'),
        excludedIpRanges: constraintList('an address range such as "10.0.0.0/8"'),
      },
      'expected an object such as { permittedDnsDomains: ["example.com"] }',
    )
    .optional(),
  certPem: pemSchema("a CA certificate").optional(),
  privateKeyPem: pemSchema("a private key").optional(),
  passphrase: passphraseSchema,
  ...renewalShape,
};

function constraintList(what: string) {
  return z
    .array(
      z.string(`expected ${what}`).max(253, "is longer than 253 characters"),
      `expected a list, each entry ${what}`,
    )
    .max(1_000, "has more than 1000 entries")
    .optional();
}

/** The valid inputs of a CA, some of them perhaps unknown. */
type SelfSignedCaValues = ParsedInputs<typeof shape>;

/** The local root: issued here, or adopted from its files. */
export const selfSignedCa = decoded(caDecoders, {
  ...selfSignedCaDescription,
  policyProperties: ["minDaysRemaining", "checkIntervalHours", "passphrase"],
  derivedProperties: (inputs) => (inputs.certPem === undefined ? ["validFrom", "validTo"] : adoptedFacts),
  computedProperties: (state) =>
    isAdopted(state) ? [] : ["certPem", "privateKeyPem", "subjectKeyId", "fingerprintSha256", "serialNumber"],
  check,
  replaces,
  explain,
  create: async (inputs) => {
    const { subjectKeyId, keyType } = inputs;
    if (isAdopted(inputs)) return { id: requireKept("subjectKeyId", subjectKeyId), outputs: {} };
    const privateKeyPem = renderPrivateKey(await generatePrivateKey(requireKept("keyType", keyType)));
    const outputs = issue(inputs, privateKeyPem);
    return { id: requireKept("subjectKeyId", outputs.subjectKeyId), outputs };
  },
  update: async (_id, state, inputs) =>
    isAdopted(inputs) ? {} : issue(inputs, requireKept("privateKeyPem", state.privateKeyPem)),
});

/** Returns a value that every run keeps of a CA of this kind, issued or adopted. */
function requireKept<T>(property: keyof CaState, value: T | undefined): T {
  if (value === undefined) throw new TypeError(`SelfSignedCA: ${property} is missing`);
  return value;
}

/** An adopted CA has no subject of its own among the inputs: it stands in the certificate. */
function isAdopted(properties: Preview<CaInputs> | Preview<CaState>): boolean {
  return properties.subject === undefined;
}

function check(olds: Preview<CaInputs>, news: Readonly<Record<string, unknown>>, now: Date): CheckResult {
  const parsed = parseInputs(shape, news);
  if (parsed.failures !== undefined) return parsed;
  const { values } = parsed;
  return values.certPem !== undefined || values.privateKeyPem !== undefined
    ? checkAdoptedCa(values, now, olds)
    : checkIssued(values, now, olds);
}

function checkIssued(values: SelfSignedCaValues, now: Date, olds: Preview<CaInputs>): CheckResult {
  const failures: Failure[] = [];
  if (values.passphrase !== undefined) {
    failures.push(failureOf("passphrase", "opens a key that is adopted, but privateKeyPem is not given."));
  }
  const { name, passphrase: _, ...given } = values;
  const subject = known(values.subject);
  failures.push(...checkSubject(subject));
  if (subject !== undefined && Object.keys(subject).length === 0) {
    failures.push(
      failureOf(
        "subject",
        "found no attribute, but a CA is known by its name.",
        'give at least { commonName: "Example Root CA" }, or leave subject out.',
      ),
    );
  }
  const constraints = known(values.nameConstraints);
  const { value: parsed, failures: misread } = attempt("nameConstraints", constraints, parseNameConstraints);
  const nameConstraints = constraints === undefined ? values.nameConstraints : parsed;
  failures.push(...misread);
  const validityDays = known(values.validityDays) ?? DEFAULT_CA_VALIDITY_DAYS;
  const policy = readPolicy(values);
  const policyFailure = checkPolicy(policy, validityDays);
  if (policyFailure !== undefined) failures.push(policyFailure);
  if (failures.length > 0) return { failures };
  const inputs = {
    ...given,
    nameConstraints,
    // kept from the first run: another default, or another name of the resource, must not replace a root in use
    subject: values.subject ?? olds.subject ?? { commonName: known(name) ?? "Local Root CA" },
    keyType: values.keyType ?? olds.keyType ?? "P256",
  };
  const reissued = (["subject", "keyType", "nameConstraints", "validityDays"] as const).some(
    (property) => !isSameValue(olds[property], inputs[property]),
  );
  const validity = isPlannable(values)
    ? keepOrPlanValidity(olds, { validityDays, policy, reissued }, now)
    : { validFrom: UNKNOWN, validTo: UNKNOWN };
  return { inputs: { ...inputs, ...validity } };
}

/** Another key is another root: everything that trusts the old one keeps it until the leaves have moved. */
function replaces(state: CaState, inputs: Preview<CaInputs>): readonly string[] {
  if (isAdopted(inputs)) {
    return typeof inputs.subjectKeyId === "string" && inputs.subjectKeyId !== state.subjectKeyId ? ["certPem"] : [];
  }
  if (isAdopted(state)) return ["certPem"];
  return (["subject", "keyType"] as const).filter(
    (property) => isKnown(inputs[property]) && !isSameValue(state[property], inputs[property]),
  );
}

function explain(state: Preview<CaState> | undefined, inputs: Preview<CaInputs>, now: Date): string | undefined {
  if (isAdopted(inputs)) return undefined;
  const planned = readValidity(inputs);
  if (planned === undefined) return undefined;
  const dates = `valid from ${planned.validFrom} to ${planned.validTo}`;
  if (state === undefined) return `issues a root: ${dates}`;
  const current = readValidity(state);
  if (current === undefined || isSameValue(current, planned)) return undefined;
  if (!decideRenewal(current, readPolicy(inputs), now).due) return `issues the root anew with the same key: ${dates}`;
  return `renews with the same key: ${describeRemaining(current, now)}; then ${dates}`;
}

function issue(inputs: CaInputs, privateKeyPem: string) {
  const { subject, validFrom, validTo, nameConstraints } = inputs;
  const certificate = issueCaCertificate({
    subject: requireKept("subject", subject),
    privateKey: readPrivateKey(privateKeyPem),
    validFrom: new Date(validFrom),
    validTo: new Date(validTo),
    serialNumber: randomBytes(SERIAL_NUMBER_BYTES),
    ...(nameConstraints && { nameConstraints }),
  });
  return {
    certPem: certificate.pem,
    privateKeyPem,
    subjectKeyId: certificate.subjectKeyId,
    fingerprintSha256: certificate.fingerprintSha256,
    serialNumber: certificate.serialNumber,
  } satisfies Outputs<CaState>;
}
