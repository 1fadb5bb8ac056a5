import { z } from "zod";
import { TlsError } from "../../errors";
import { fetchIssuers } from "../../network/aia/fetch";
import { type Certificate, describeCertificate, isIssuedBy } from "../../x509/certificate/certificate";
import { readInformation } from "../../x509/certificate/information";
import { isIssuedByPublicRoot } from "../../x509/chain/advice";
import { arrangeChain, type Chain, type ChainInput, judgeChain } from "../../x509/chain/chain";
import type { Outputs, Preview, Unknown } from "../lifecycle";
import { issuerFactsOf } from "./facts";
import { type ChainSource, readRoots, readSource } from "./source";
import type { ChainInputs, ChainState } from "./state";

/** `completeFromAia` as an argument: whether missing issuers are fetched, and how. */
export const completionSchema = z
  .union(
    [
      z.boolean(),
      z.strictObject(
        {
          allowPrivateAddresses: z.boolean("expected true or false").optional(),
          timeoutSeconds: z
            .number("expected a number of seconds")
            .min(1, { error: ({ input }) => `found ${input} seconds, expected at least 1` })
            .max(300, { error: ({ input }) => `found ${input} seconds, expected at most 300` })
            .optional(),
        },
        "expected allowPrivateAddresses or timeoutSeconds",
      ),
    ],
    "expected true, false or an object such as { allowPrivateAddresses: true }",
  )
  .optional();

/** How missing issuers are fetched. */
export type CompletionOptions = Exclude<z.output<typeof completionSchema>, boolean | undefined>;

/** For all fetches of one chain together. */
const DEFAULT_TIMEOUT_SECONDS = 30;

/** Fetches of one chain: those of public CAs need one, bridges of governments four. */
const MOST_FETCHES = 8;

/** The options where completion is asked for. */
export function readCompletion(
  value: boolean | CompletionOptions | Unknown | undefined,
): CompletionOptions | undefined {
  if (value === true) return {};
  return typeof value === "object" ? value : undefined;
}

/** A member of a chain whose issuer is missing, and the http and https URLs where it says that it is to be had. */
export interface MissingIssuer {
  readonly of: Certificate;
  readonly urls: readonly string[];
}

/**
 * What is missing from a chain; nothing where clients bring the issuer along: it is a root of Mozilla and no other roots
 * were given.
 */
export function findMissingIssuer(chain: Chain, roots: readonly Certificate[] | undefined): MissingIssuer | undefined {
  const { open } = chain;
  if (open === undefined || (roots === undefined && isIssuedByPublicRoot(open))) return undefined;
  return { of: open, urls: readInformation(open).caIssuers.filter((url) => /^https?:/i.test(url)) };
}

/** Why a chain can't be completed, when it names no URL. */
export function explainDeadEnd({ of }: MissingIssuer): TlsError {
  const reason = `${describeCertificate(of)} was issued by ${of.issuer || "a CA without a name"}, whose certificate is not here, and it names no http URL where that is to be had`;
  return new TlsError("CHAIN_INCOMPLETE", reason, {
    hint: "Append the intermediate certificates that the CA delivers with it (the bundle, chain or fullchain file).",
  });
}

/**
 * Fetches what is missing from a chain by the caIssuers URLs of its members (RFC 5280 section 4.2.2.1) and judges the
 * result like any other. Nothing is fetched when nothing is missing.
 *
 * @throws TlsError `AIA_UNREACHABLE`, `AIA_REFUSED`, `AIA_INVALID`: see {@link fetchIssuers}; `CHAIN_INCOMPLETE`: no URL;
 * the code of the first error that the completed chain has.
 */
async function completeChain(
  certificates: readonly Certificate[],
  input: Omit<ChainInput, "certificates">,
  options: CompletionOptions,
): Promise<Chain> {
  const end = performance.now() + (options.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000;
  const pool = [...certificates];
  for (let fetches = 0; ; fetches++) {
    const chain = judgeChain(pool, input);
    const missing = findMissingIssuer(chain, input.roots);
    if (missing === undefined) return requireSound(chain);
    // a root that nobody has may be missing for good: the chain is whole all the same where no roots were given
    if (missing.urls.length === 0 && input.roots === undefined && fetches > 0) return requireSound(chain);
    if (missing.urls.length === 0) throw explainDeadEnd(missing);
    if (fetches === MOST_FETCHES) throw tooMany(chain.leaf);
    pool.push(...(await fetchIssuerOf(missing, options.allowPrivateAddresses === true, end)));
  }
}

/** The first URL that brings the issuer is enough; otherwise the failure of the first one is told. */
async function fetchIssuerOf(
  { of, urls }: MissingIssuer,
  allowPrivateAddresses: boolean,
  end: number,
): Promise<readonly Certificate[]> {
  const failures: unknown[] = [];
  for (const url of urls) {
    try {
      const timeoutSeconds = Math.max(1, Math.ceil((end - performance.now()) / 1000));
      const fetched = await fetchIssuers(url, { allowPrivateAddresses, timeoutSeconds });
      const authorities = fetched.filter(({ isCa }) => isCa);
      if (authorities.some((certificate) => isIssuedBy(of, certificate))) return authorities;
      failures.push(notTheIssuer(of, fetched, url));
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

function notTheIssuer(of: Certificate, fetched: readonly Certificate[], url: string): TlsError {
  const found = fetched.slice(0, 3).map(describeCertificate).join("; ");
  const reason = `completing the chain of ${describeCertificate(of)}: what ${url} holds did not issue it (${found})`;
  return new TlsError("AIA_INVALID", reason, { hint: "Tell the CA, and append its certificate by hand." });
}

function tooMany(leaf: Certificate): TlsError {
  const reason = `completing the chain of ${describeCertificate(leaf)}: after ${MOST_FETCHES} fetched issuers it still does not end`;
  return new TlsError("AIA_REFUSED", reason, { hint: "Append the intermediate certificates by hand." });
}

function requireSound(chain: Chain): Chain {
  const error = chain.findings.find(({ severity }) => severity === "error");
  if (error === undefined) return chain;
  throw new TlsError(error.code, `the chain of ${describeCertificate(chain.leaf)}, completed: ${error.reason}`, {
    hint: error.hint,
  });
}

/** Whether a chain is completed by what was, or is still to be, fetched. */
export function isCompleted({ missingIssuerUrls }: ChainState): boolean {
  return missingIssuerUrls !== undefined;
}

/**
 * Completes the chain of checked inputs, where `check` found an issuer missing: with what `state` holds from an earlier
 * run if that is still whole and sound, without any network then; else by fetching. The result is judged by all that the
 * arguments say.
 *
 * @returns the outputs that only this can know; none for a chain that was whole.
 * @throws TlsError see {@link completeChain}
 */
export async function complete(
  inputs: ChainInputs | ChainState,
  now: Date,
  state: ChainState,
): Promise<Outputs<ChainState>> {
  if (!isCompleted(inputs)) return {};
  const { certificates, privateKey } = readSource(inputs).value;
  const { roots, preferredRoot, hostnames, certPem } = inputs;
  const input: JudgeInput = {
    now,
    ...(roots !== undefined && { roots: readRoots(roots) }),
    ...(privateKey && { privateKey }),
    ...(hostnames && { hostnames }),
    ...(preferredRoot !== undefined && { preferredRoot }),
    ...(certPem !== undefined && state.certPem === certPem && { acceptedLeaf: certPem }),
  };
  const kept = judgeKept([...certificates, ...readKept(state)], input);
  const chain = kept ?? (await completeChain(certificates, input, readCompletion(inputs.completeFromAia) ?? {}));
  const { issuerPem: completedIssuerPem, rootPem } = issuerFactsOf(chain);
  return { completedIssuerPem, rootPem };
}

type JudgeInput = Omit<ChainInput, "certificates">;

function readKept({ completedIssuerPem, rootPem }: ChainState): ChainSource["certificates"] {
  return readSource({ issuerPem: [completedIssuerPem, rootPem].join("") }).value.certificates;
}

function judgeKept(certificates: ChainSource["certificates"], input: JudgeInput): Chain | undefined {
  const chain = judgeChain(certificates, input);
  const isSound = chain.findings.every(({ severity, code }) => severity !== "error" && code !== "CERTIFICATE_EXPIRED");
  return isSound && findMissingIssuer(chain, input.roots) === undefined ? chain : undefined;
}

/** Says before it happens what is fetched, for the row of the resource. */
export function explainCompletion(
  state: Preview<ChainState> | undefined,
  inputs: Preview<ChainInputs>,
  now: Date,
): string | undefined {
  const { missingIssuerUrls: urls, certPem, issuerPem } = inputs;
  if (!Array.isArray(urls) || typeof certPem !== "string") return undefined;
  if (state?.certPem === certPem && typeof state.completedIssuerPem === "string") return undefined;
  const { certificates } = readSource({ certPem, ...(typeof issuerPem === "string" && { issuerPem }) }).value;
  const { open, leaf } = arrangeChain(certificates, { now });
  return `fetches the missing issuer of ${describeCertificate(open ?? leaf)} from ${urls.join(" or ")}`;
}
