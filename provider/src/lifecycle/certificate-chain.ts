import { z } from "zod";
import { isTlsError } from "../errors";
import { lifetime, type Validity } from "../renewal/decision";
import { DAY, renderTimestamp } from "../renewal/duration";
import type { Certificate } from "../x509/certificate";
import { type Chain, type ChainFinding, judgeChain } from "../x509/chain";
import { parseHostName } from "../x509/identifier";
import { renderPrivateKey } from "../x509/private-key";
import { MAX_HOSTNAMES, MAX_PEM_LENGTH, passphraseSchema, pemSchema, renewalShape } from "./certificate-inputs";
import { type ChainSource, readRoots, readSource, SYSTEM_ROOTS } from "./chain-source";
import { attempt, known, type ParsedInputs, parseInputs, renderFailure } from "./inputs";
import type { CheckResult, Failure, Lifecycle, Properties } from "./lifecycle";
import { checkPolicy, readPolicy } from "./planned-validity";
import { isKnown, UNKNOWN } from "./unknown";

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
  hostnames: z
    .array(z.string("expected a host name").max(2_048, "is longer than 2048 characters"), "expected a list of names")
    .max(MAX_HOSTNAMES, `has more than ${MAX_HOSTNAMES} names`)
    .optional(),
  ...renewalShape,
};

type Values = ParsedInputs<typeof shape>;

/** A certificate that exists already: checked, ordered, and known in a preview. */
export const certificateChain: Lifecycle = {
  name: "CertificateChain",
  secretProperties: ["privateKeyPem", "passphrase", "pkcs12"],
  policyProperties: ["minDaysRemaining", "checkIntervalHours", "passphrase", "pkcs12"],
  derivedProperties: () => ["names", "fingerprintSha256", "serialNumber", "validFrom", "validTo"],
  computedProperties: () => [],
  check,
  create: async (inputs) => ({ id: inputs.fingerprintSha256 as string, outputs: {} }),
  update: async () => ({}),
};

function check(olds: Properties, news: Readonly<Record<string, unknown>>, now: Date): CheckResult {
  const parsed = parseInputs(shape, news);
  if (parsed.failures !== undefined) return parsed;
  const { values } = parsed;
  const failures: Failure[] = [];
  checkTogether(values, failures);
  const source = readSource(values, failures);
  const { privateKey } = source;
  const hostnames = known(values.hostnames)?.flatMap(
    (text, index) => attempt(`hostnames[${index}]`, failures, () => parseHostName(text)) ?? [],
  );
  const chain = isReadable(values)
    ? checkChain({ values, source, olds, now, ...(hostnames && { hostnames }) }, failures)
    : undefined;
  if (failures.length > 0) return { failures };
  const { passphrase: _, pkcs12: __, ...given } = values;
  const hasKey = values.privateKeyPem !== undefined || values.pkcs12 !== undefined;
  return {
    inputs: {
      ...given,
      ...(hostnames && { hostnames: [...new Set(hostnames)].sort() }),
      ...(hasKey && { privateKeyPem: privateKey === undefined ? UNKNOWN : renderPrivateKey(privateKey) }),
      ...(chain === undefined ? unknownFacts : factsOf(chain)),
    },
  };
}

/** A chain is judged as a whole: not while a part of it is unknown. */
function isReadable(values: Values): boolean {
  const { certPem, issuerPem, roots, pkcs12, passphrase } = values;
  return [certPem, issuerPem, roots, pkcs12, pkcs12 === undefined ? undefined : passphrase].every(isKnown);
}

function checkTogether(values: Values, failures: Failure[]): void {
  const { certPem, privateKeyPem, pkcs12, passphrase } = values;
  if (certPem === undefined && pkcs12 === undefined) {
    failures.push(
      renderFailure("certPem", "is missing.", "give the certificate as certPem, or a PKCS#12 file as pkcs12."),
    );
  }
  if (pkcs12 !== undefined && privateKeyPem !== undefined) {
    failures.push(
      renderFailure("privateKeyPem", "is given beside pkcs12, which brings its own key.", "leave one out."),
    );
  }
  if (passphrase !== undefined && privateKeyPem === undefined && pkcs12 === undefined) {
    failures.push(renderFailure("passphrase", "opens a private key, but neither privateKeyPem nor pkcs12 is given."));
  }
}

interface ChainRequest {
  readonly values: Values;
  readonly source: ChainSource;
  readonly olds: Properties;
  readonly now: Date;
  readonly hostnames?: readonly string[];
}

function checkChain(request: ChainRequest, failures: Failure[]): Chain | undefined {
  const { values, source, olds, now, hostnames } = request;
  const { certificates, privateKey } = source;
  const hadFailures = failures.length > 0;
  const rootsText = known(values.roots);
  const roots = rootsText === undefined ? undefined : attempt("roots", failures, () => readRoots(rootsText));
  if (hadFailures || (rootsText !== undefined && roots === undefined)) return undefined;
  const given = values.certPem === undefined ? "pkcs12" : "certPem";
  const chain = attempt(given, failures, () =>
    judgeChain(certificates, {
      now,
      ...(roots && { roots }),
      ...(privateKey && { privateKey }),
      ...(hostnames && { hostnames }),
      ...(typeof olds.certPem === "string" && { acceptedLeaf: olds.certPem }),
    }),
  );
  if (chain !== undefined) {
    const policyFailure = checkPolicy(readPolicy(values), lifetime(validityOf(chain.leaf)) / DAY);
    if (policyFailure !== undefined) failures.push(policyFailure);
  }
  for (const finding of chain?.findings ?? []) {
    if (finding.severity === "error")
      failures.push(renderFailure(finding.property, `${finding.reason}.`, finding.hint));
  }
  return chain;
}

function factsOf(chain: Chain): Properties {
  const { leaf, intermediates } = chain;
  return {
    certPem: leaf.pem,
    // null and not absent: a preview takes an output that the state does not hold for unknown
    issuerPem: intermediates.length === 0 ? null : intermediates.map((member) => member.pem).join(""),
    names: chain.identifiers.map((name) => name.value),
    fingerprintSha256: leaf.fingerprintSha256,
    serialNumber: leaf.serialNumber,
    ...validityOf(leaf),
  };
}

function validityOf({ validFrom, validTo }: Certificate): Validity {
  return { validFrom: renderTimestamp(validFrom), validTo: renderTimestamp(validTo) };
}

const unknownFacts = {
  certPem: UNKNOWN,
  issuerPem: UNKNOWN,
  names: UNKNOWN,
  fingerprintSha256: UNKNOWN,
  serialNumber: UNKNOWN,
  validFrom: UNKNOWN,
  validTo: UNKNOWN,
};

/**
 * What is worth a warning about a chain that `check` accepts: members that expired since, dropped extras, an issuer that
 * is missing while nothing is verified. Told by the program and not kept, since it changes with the day.
 */
export function findChainWarnings(
  args: Readonly<Partial<Record<"certPem" | "issuerPem" | "roots" | "pkcs12" | "passphrase", string | undefined>>>,
  now: Date,
): readonly ChainFinding[] {
  try {
    const { certificates, privateKey } = readSource(args, []);
    const input = {
      ...(privateKey && { privateKey }),
      ...(args.roots !== undefined && { roots: readRoots(args.roots) }),
      now,
    };
    const acceptedLeaf = judgeChain(certificates, input).leaf.pem;
    return judgeChain(certificates, { ...input, acceptedLeaf }).findings.filter((one) => one.severity === "warning");
  } catch (error) {
    // check says what is wrong
    if (isTlsError(error)) return [];
    throw error;
  }
}
