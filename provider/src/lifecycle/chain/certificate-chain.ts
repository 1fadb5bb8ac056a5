import { z } from "zod";
import { lifetime } from "../../renewal/decision";
import { DAY } from "../../text/time";
import { type Chain, judgeChain } from "../../x509/chain/chain";
import { renderPrivateKey } from "../../x509/keys/private-key";
import { parseHostName } from "../../x509/names/identifier";
import { decoded } from "../decoder";
import { certificateChainDescription } from "../descriptions";
import { attempt, attemptEach, failureOf, known, type ParsedInputs, parseInputs, type Reading } from "../input/parse";
import { MAX_HOSTNAMES, MAX_PEM_LENGTH, passphraseSchema, pemSchema, renewalShape } from "../input/schema";
import { type CheckResult, type Failure, isKnown, type Preview, type Properties, UNKNOWN } from "../lifecycle";
import { checkPolicy, readPolicy } from "../local/planned-validity";
import {
  complete,
  completionSchema,
  explainCompletion,
  explainDeadEnd,
  findMissingIssuer,
  isCompleted,
  type MissingIssuer,
  readCompletion,
} from "./completion";
import { issuerFactsOf, joinPem, leafFactsOf, unknownFacts, validityOf } from "./facts";
import { type ChainSource, readRoots, readSource, SYSTEM_ROOTS } from "./source";
import { type ChainInputs, chainDecoders } from "./state";

const shape = {
  certPem: pemSchema("a certificate").optional(),
  /** Base64 of a PKCS#12 file: certificate, intermediates and key in one. */
  pkcs12: pemSchema("a PKCS#12 file in base64").optional(),
  issuerPem: z
    .string("expected intermediates as PEM text")
    .max(MAX_PEM_LENGTH, `is longer than ${MAX_PEM_LENGTH} characters: these are not certificates`)
    .optional(),
  privateKeyPem: pemSchema("a private key").optional(),
  passphrase: passphraseSchema,
  roots: z
    .string(`expected "${SYSTEM_ROOTS}" or root certificates as PEM text`)
    .min(1, "is empty")
    .max(MAX_PEM_LENGTH, `is longer than ${MAX_PEM_LENGTH} characters: these are not certificates`)
    .optional(),
  preferredRoot: z
    .string("expected the name of a root")
    .min(1, "is empty")
    .max(1_000, "is longer than 1000 characters")
    .optional(),
  completeFromAia: completionSchema,
  hostnames: z
    .array(z.string("expected a host name").max(2_048, "is longer than 2048 characters"), "expected a list of names")
    .max(MAX_HOSTNAMES, `has more than ${MAX_HOSTNAMES} names`)
    .optional(),
  ...renewalShape,
};

type Values = ParsedInputs<typeof shape>;

/** A certificate that exists already: checked, ordered, and known in a preview, but for what has to be fetched. */
export const certificateChain = decoded(chainDecoders, {
  ...certificateChainDescription,
  policyProperties: ["minDaysRemaining", "checkIntervalHours", "passphrase", "pkcs12"],
  derivedProperties: () => [
    "rootPem",
    "names",
    "fingerprintSha256",
    "serialNumber",
    "validFrom",
    "validTo",
    "missingIssuerUrls",
  ],
  computedProperties: (state) => (isCompleted(state) ? ["completedIssuerPem", "rootPem"] : []),
  check,
  explain: explainCompletion,
  create: async (inputs, { now }) => ({ id: inputs.fingerprintSha256, outputs: await complete(inputs, now, {}) }),
  update: async (_id, state, inputs, { now }) => complete(inputs, now, state),
  // what a CA publishes may have been renewed
  refresh: async (_id, state, { now }) =>
    complete(state, now, state.certPem === undefined ? {} : { certPem: state.certPem }),
});

function check(olds: Preview<ChainInputs>, news: Readonly<Record<string, unknown>>, now: Date): CheckResult {
  const parsed = parseInputs(shape, news);
  if (parsed.failures !== undefined) return parsed;
  const { values } = parsed;
  const { value: source, failures: unread } = readSource(values);
  const { privateKey } = source;
  const names = attemptEach("hostnames", known(values.hostnames) ?? [], parseHostName);
  const hostnames = known(values.hostnames) && names.value;
  const failures = [...checkTogether(values), ...unread, ...names.failures];
  const chain = isReadable(values)
    ? checkChain({ values, source, olds, now, ...(hostnames && { hostnames }) }, failures.length > 0)
    : { value: unknownFactsOf(values), failures: [] };
  failures.push(...chain.failures);
  if (failures.length > 0) return { failures };
  const { passphrase: _, pkcs12: __, issuerPem: ___, ...given } = values;
  const hasKey = values.privateKeyPem !== undefined || values.pkcs12 !== undefined;
  return {
    inputs: {
      ...given,
      ...(hostnames && { hostnames: [...new Set(hostnames)].sort() }),
      ...(hasKey && { privateKeyPem: privateKey === undefined ? UNKNOWN : renderPrivateKey(privateKey) }),
      ...chain.value,
    },
  };
}

/** A chain is judged as a whole: not while a part of it is unknown. */
function isReadable(values: Values): boolean {
  const { certPem, issuerPem, roots, preferredRoot, completeFromAia, pkcs12, passphrase } = values;
  const opens = pkcs12 === undefined ? undefined : passphrase;
  return [certPem, issuerPem, roots, preferredRoot, completeFromAia, pkcs12, opens].every(isKnown);
}

function unknownFactsOf(values: Values): Properties {
  return values.completeFromAia === undefined ? unknownFacts : { ...unknownFacts, missingIssuerUrls: UNKNOWN };
}

function checkTogether(values: Values): readonly Failure[] {
  const failures: Failure[] = [];
  const { certPem, privateKeyPem, pkcs12, passphrase } = values;
  if (certPem === undefined && pkcs12 === undefined) {
    failures.push(failureOf("certPem", "is missing.", "give the certificate as certPem, or a PKCS#12 file as pkcs12."));
  }
  if (pkcs12 !== undefined && privateKeyPem !== undefined) {
    failures.push(failureOf("privateKeyPem", "is given beside pkcs12, which brings its own key.", "leave one out."));
  }
  if (passphrase !== undefined && privateKeyPem === undefined && pkcs12 === undefined) {
    failures.push(failureOf("passphrase", "opens a private key, but neither privateKeyPem nor pkcs12 is given."));
  }
  return failures;
}

interface ChainRequest {
  readonly values: Values;
  readonly source: ChainSource;
  readonly olds: Preview<ChainInputs>;
  readonly now: Date;
  readonly hostnames?: readonly string[];
}

/** @param isUnreadable whether a part of it is: then only the roots are read */
function checkChain(request: ChainRequest, isUnreadable: boolean): Reading<Properties> {
  const { values, source, olds, now, hostnames } = request;
  const { certificates, privateKey } = source;
  const { value: roots, failures: misread } = attempt("roots", known(values.roots), readRoots);
  if (isUnreadable || misread.length > 0) return { failures: misread };
  const given = values.certPem === undefined ? "pkcs12" : "certPem";
  const preferredRoot = known(values.preferredRoot);
  const { value: chain, failures: unfit } = attempt(given, certificates, (parts) =>
    judgeChain(parts, {
      now,
      ...(roots && { roots }),
      ...(privateKey && { privateKey }),
      ...(hostnames && { hostnames }),
      ...(preferredRoot !== undefined && { preferredRoot }),
      ...(typeof olds.certPem === "string" && { acceptedLeaf: olds.certPem }),
    }),
  );
  if (chain === undefined) return { failures: unfit };
  const failures: Failure[] = [];
  const policyFailure = checkPolicy(readPolicy(values), lifetime(validityOf(chain.leaf)) / DAY);
  if (policyFailure !== undefined) failures.push(policyFailure);
  const missing = readCompletion(values.completeFromAia) === undefined ? undefined : findMissingIssuer(chain, roots);
  for (const finding of chain.findings) {
    // what is fetched may lead there
    const isOpen = missing !== undefined && (finding.isMissingIssuer || finding.property === "preferredRoot");
    if (finding.severity !== "error" || isOpen) continue;
    failures.push(failureOf(finding.property, `${finding.reason}.`, finding.hint));
  }
  if (missing?.urls.length === 0) {
    const { reason, hint } = explainDeadEnd(missing);
    failures.push(failureOf("completeFromAia", reason, hint));
  }
  const facts = missing === undefined ? wholeFactsOf(chain) : openFactsOf(chain, missing, certificates);
  const whole = { missingIssuerUrls: null, completedIssuerPem: null };
  return { value: values.completeFromAia === undefined ? facts : { ...whole, ...facts }, failures };
}

function wholeFactsOf(chain: Chain): Properties {
  return { ...leafFactsOf(chain), ...issuerFactsOf(chain) };
}

/** What a chain that is to be completed still lacks is unknown: `create` and `update` find it. */
function openFactsOf(chain: Chain, missing: MissingIssuer, certificates: ChainSource["certificates"]): Properties {
  // one that has no place yet may have one when the chain is whole
  const others = certificates.filter((one) => ![chain.leaf, ...chain.intermediates].includes(one) && one.isCa);
  return {
    ...leafFactsOf(chain),
    issuerPem: joinPem([...chain.intermediates, ...others]),
    missingIssuerUrls: missing.urls,
    completedIssuerPem: undefined,
  };
}
