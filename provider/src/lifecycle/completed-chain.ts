import { describeCertificate } from "../x509/certificate/certificate";
import { arrangeChain, type Chain, type ChainInput, judgeChain } from "../x509/chain/chain";
import { completeChain, findMissingIssuer, readCompletion } from "./chain/completion";
import { issuerFactsOf } from "./chain/facts";
import { type ChainSource, readRoots, readSource, type SourceValues } from "./chain/source";
import type { Properties } from "./lifecycle";

/** Whether a chain is completed by what was, or is still to be, fetched. */
export function isCompleted(properties: Properties): boolean {
  return Array.isArray(properties.missingIssuerUrls);
}

/**
 * Completes the chain of checked inputs, where `check` found an issuer missing: with what `state` holds from an earlier
 * run if that is still whole and sound, without any network then; else by fetching. The result is judged by all that the
 * arguments say.
 *
 * @returns the outputs that only this can know; none for a chain that was whole.
 * @throws TlsError see {@link completeChain}
 */
export async function complete(inputs: Properties, now: Date, state: Properties): Promise<Properties> {
  if (!isCompleted(inputs)) return {};
  const { certificates, privateKey } = readSource(inputs as SourceValues, []);
  const { roots, preferredRoot, hostnames, certPem } = inputs as Readonly<Record<string, string | undefined>>;
  const input: JudgeInput = {
    now,
    ...(roots !== undefined && { roots: readRoots(roots) }),
    ...(privateKey && { privateKey }),
    ...(Array.isArray(hostnames) && { hostnames }),
    ...(preferredRoot !== undefined && { preferredRoot }),
    ...(certPem !== undefined && state.certPem === certPem && { acceptedLeaf: certPem }),
  };
  const kept = judgeKept([...certificates, ...readKept(state)], input);
  const chain = kept ?? (await completeChain(certificates, input, readCompletion(inputs.completeFromAia) ?? {}));
  const { issuerPem: completedIssuerPem, rootPem } = issuerFactsOf(chain);
  return { completedIssuerPem, rootPem };
}

type JudgeInput = Omit<ChainInput, "certificates">;

function readKept({ completedIssuerPem, rootPem }: Properties): ChainSource["certificates"] {
  const pems = [completedIssuerPem, rootPem].filter((pem): pem is string => typeof pem === "string");
  return readSource({ issuerPem: pems.join("") }, []).certificates;
}

function judgeKept(certificates: ChainSource["certificates"], input: JudgeInput): Chain | undefined {
  const chain = judgeChain(certificates, input);
  const isSound = chain.findings.every(({ severity, code }) => severity !== "error" && code !== "CERTIFICATE_EXPIRED");
  return isSound && findMissingIssuer(chain, input.roots) === undefined ? chain : undefined;
}

/** Says before it happens what is fetched, for the row of the resource. */
export function explainCompletion(state: Properties | undefined, inputs: Properties, now: Date): string | undefined {
  const { missingIssuerUrls: urls, certPem, issuerPem } = inputs;
  if (!Array.isArray(urls) || typeof certPem !== "string") return undefined;
  if (state?.certPem === certPem && typeof state.completedIssuerPem === "string") return undefined;
  const { certificates } = readSource({ certPem, ...(typeof issuerPem === "string" && { issuerPem }) }, []);
  const { open, leaf } = arrangeChain(certificates, { now });
  return `fetches the missing issuer of ${describeCertificate(open ?? leaf)} from ${urls.join(" or ")}`;
}
