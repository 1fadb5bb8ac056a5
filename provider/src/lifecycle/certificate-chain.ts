import { z } from "zod";
import { isTlsError, TlsError } from "../errors";
import { lifetime, type Validity } from "../renewal/decision";
import { DAY, renderTimestamp } from "../renewal/duration";
import type { Certificate } from "../x509/certificate";
import { type Chain, type ChainFinding, judgeChain, readCertificates, readChain, systemRoots } from "../x509/chain";
import { parseHostName } from "../x509/identifier";
import { readPrivateKey, renderPrivateKey } from "../x509/private-key";
import { MAX_HOSTNAMES, MAX_PEM_LENGTH, passphraseSchema, pemSchema, renewalShape } from "./certificate-inputs";
import { attempt, known, type ParsedInputs, parseInputs, renderFailure } from "./inputs";
import type { CheckResult, Failure, Lifecycle, Properties } from "./lifecycle";
import { checkPolicy, readPolicy } from "./planned-validity";
import { UNKNOWN } from "./unknown";

/** The word that stands for the roots of Mozilla that Node brings along. */
const SYSTEM_ROOTS = "system";

const shape = {
  certPem: pemSchema("a certificate"),
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
  secretProperties: ["privateKeyPem", "passphrase"],
  policyProperties: ["minDaysRemaining", "checkIntervalHours", "passphrase"],
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
  const keyPem = known(values.privateKeyPem);
  const passphrase = known(values.passphrase);
  if (values.passphrase !== undefined && values.privateKeyPem === undefined) {
    failures.push(renderFailure("passphrase", "opens a private key, but privateKeyPem is not given."));
  }
  const privateKey =
    keyPem === undefined || values.passphrase === UNKNOWN
      ? undefined
      : attempt("privateKeyPem", failures, () =>
          readPrivateKey(keyPem, passphrase === undefined ? {} : { passphrase }),
        );
  const hostnames = known(values.hostnames)?.flatMap(
    (text, index) => attempt(`hostnames[${index}]`, failures, () => parseHostName(text)) ?? [],
  );
  const chain = isReadable(values)
    ? checkChain({ values, olds, now, ...(privateKey && { privateKey }), ...(hostnames && { hostnames }) }, failures)
    : undefined;
  if (failures.length > 0) return { failures };
  const { passphrase: _, ...given } = values;
  return {
    inputs: {
      ...given,
      ...(hostnames && { hostnames: [...new Set(hostnames)].sort() }),
      ...(keyPem !== undefined && { privateKeyPem: privateKey === undefined ? UNKNOWN : renderPrivateKey(privateKey) }),
      ...(chain === undefined ? unknownFacts : factsOf(chain)),
    },
  };
}

/** A chain is judged as a whole: not while a part of it is unknown. */
function isReadable(values: Values): boolean {
  return [values.certPem, values.issuerPem, values.roots].every((value) => value !== UNKNOWN);
}

interface ChainRequest {
  readonly values: Values;
  readonly olds: Properties;
  readonly now: Date;
  readonly privateKey?: ReturnType<typeof readPrivateKey>;
  readonly hostnames?: readonly string[];
}

function checkChain(request: ChainRequest, failures: Failure[]): Chain | undefined {
  const { values, olds, now, privateKey, hostnames } = request;
  const before = failures.length;
  const texts = { certPem: known(values.certPem) ?? "", issuerPem: known(values.issuerPem) ?? "" };
  const certificates = (["certPem", "issuerPem"] as const).map((property) =>
    attempt(property, failures, () => readSome(texts[property], property)),
  );
  const rootsText = known(values.roots);
  const roots = rootsText === undefined ? undefined : attempt("roots", failures, () => readRoots(rootsText));
  if (failures.length > before) return undefined;
  const chain = attempt("certPem", failures, () =>
    judgeChain(
      certificates.flatMap((list) => list ?? []),
      {
        now,
        ...(roots && { roots }),
        ...(privateKey && { privateKey }),
        ...(hostnames && { hostnames }),
        ...(typeof olds.certPem === "string" && { acceptedLeaf: olds.certPem }),
      },
    ),
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

/** An empty text is an absent one for the intermediates only: a root or a leaf that is given must be there. */
function readSome(text: string, property: string): readonly Certificate[] {
  const certificates = readCertificates(text, property);
  if (certificates.length > 0 || text.trim() === "") return certificates;
  throw new TlsError("PEM_INVALID", "found text without a PEM block, expected certificates.", {
    hint: "give the content of the file, its lines from BEGIN CERTIFICATE to END CERTIFICATE.",
  });
}

function readRoots(text: string): readonly Certificate[] {
  return text === SYSTEM_ROOTS ? systemRoots() : readSome(text, "roots");
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
  texts: { readonly certPem: string; readonly issuerPem?: string | undefined; readonly roots?: string | undefined },
  now: Date,
): readonly ChainFinding[] {
  try {
    const { certPem, issuerPem, roots } = texts;
    const input = {
      certificates: issuerPem === undefined ? [certPem] : [certPem, issuerPem],
      ...(roots !== undefined && { roots: readRoots(roots) }),
      now,
    };
    const acceptedLeaf = readChain(input).leaf.pem;
    return readChain({ ...input, acceptedLeaf }).findings.filter((finding) => finding.severity === "warning");
  } catch (error) {
    // check says what is wrong
    if (isTlsError(error)) return [];
    throw error;
  }
}
