import { ensureAccount } from "../../acme/account/account";
import { nameOfDirectory } from "../../acme/client/directory";
import { toAcmeIdentifier } from "../../acme/client/identifier";
import type { AcmeSession } from "../../acme/client/session";
import { makeCertificateRequest } from "../../acme/order/certificate-request";
import { fulfilOrder, type Issued } from "../../acme/order/flow";
import type { FlowRequest, OrderProgress, PlaceFlow } from "../../acme/order/journey";
import type { Deadline } from "../../acme/run/deadline";
import { during } from "../../acme/run/termination";
import { isTlsError, TlsError } from "../../errors";
import { readPemBlocks } from "../../x509/asn1/pem";
import { describeKey, readPrivateKey, renderPrivateKey } from "../../x509/keys/private-key";
import { generatePrivateKey } from "../local/key-generation";
import type { CertificateInputs } from "./certificate-state";
import { readChallenge } from "./challenge-inputs";
import { checkEngine } from "./engine";
import type { OrderingInputs } from "./ordering-state";
import { requireReady } from "./preflight";
import { readSessionRequest, sessionFor, within } from "./session";
import { chooseSolvers, type SolverChoice, solverContext } from "./solvers";

/** For one order with all its waits. */
const DEFAULT_TIMEOUT_SECONDS = 300;

/** How long an order may take. */
export function secondsOf({ timeoutSeconds = DEFAULT_TIMEOUT_SECONDS }: OrderingInputs): number {
  return timeoutSeconds;
}

/** What one order is made with beside the arguments. */
export interface IssuanceRequest {
  /** Of an earlier run; empty for a new order. */
  readonly progress: OrderProgress;
  /** The certificate that this one follows (RFC 9773). */
  readonly replaces?: string | undefined;
  /** A key that is used again. */
  readonly reusedKeyPem?: string | undefined;
  readonly save: PlaceFlow["save"];
  readonly say: (line: string) => void;
}

/** A certificate, and by what its names were proved. */
export interface ValidatedCertificate extends Issued {
  /** For a person: `dns-01`, or with `auto` the choice and why. */
  readonly validatedBy: string;
}

/**
 * Orders a certificate at the CA of the arguments, or goes on with an order.
 * @throws TlsError see `fulfilOrder`
 */
export function orderCertificate(inputs: CertificateInputs, request: IssuanceRequest): Promise<ValidatedCertificate> {
  const session = sessionFor(readSessionRequest(inputs));
  return runFlow(session, inputs.accountUrl, inputs, request);
}

/** The CA's staging, and the account that is found or made there. */
export interface Rehearsal {
  readonly directoryUrl: string;
  /** PEM; secret. */
  readonly accountKeyPem: string;
}

/**
 * Makes the same order at the CA's staging, by an account of its own, which is found or made. Its certificate is thrown
 * away; what counts is that it was issued.
 * @throws TlsError with the code of what failed; its reason says that production was not contacted
 */
export async function rehearseOrder(
  inputs: CertificateInputs,
  rehearsal: Rehearsal,
  say: (line: string) => void,
): Promise<void> {
  const { directoryUrl } = rehearsal;
  const at = nameOfDirectory(directoryUrl) ?? directoryUrl;
  const accountKeyPem = rehearsalKeyOf(inputs, rehearsal);
  const session = sessionFor(readSessionRequest({ ...inputs, directoryUrl, accountKeyPem }));
  try {
    const account = await within(secondsOf(inputs), (deadline) =>
      ensureAccount(session, { contacts: [], acceptTermsOfService: true }, deadline),
    );
    say(`rehearsing the order at ${at}`);
    await runFlow(session, account.url, inputs, { progress: {}, save: async () => {}, say });
  } catch (error) {
    if (!isTlsError(error)) throw error;
    throw new TlsError(error.code, `the rehearsal at ${at} failed, so the CA itself was not asked: ${error.reason}`, {
      ...(error.hint !== undefined && { hint: error.hint }),
      ...(error.retryAt !== undefined && { retryAt: error.retryAt }),
      cause: error,
    });
  }
}

/** What stands (a gateway's answer, records) is of the account's own key; else the rehearsal has one of its own. */
function rehearsalKeyOf(inputs: CertificateInputs, rehearsal: Rehearsal): string {
  const settings = readChallenge(inputs);
  const isStanding =
    settings.type === "auto" || settings.type === "dns-persist-01" || ("via" in settings && settings.via === "gateway");
  return isStanding ? inputs.accountKeyPem : rehearsal.accountKeyPem;
}

async function runFlow(
  session: AcmeSession,
  accountUrl: string,
  inputs: CertificateInputs,
  request: IssuanceRequest,
): Promise<ValidatedCertificate> {
  const { profile, preferredChain } = inputs;
  const identifiers = inputs.hostnames.map(toAcmeIdentifier);
  const context = solverContext(session, accountUrl);
  const work = (signal: AbortSignal) => {
    const issue = async (deadline: Deadline) => {
      const choice = await chooseSolvers(inputs, context, deadline);
      if (choice.text !== undefined) request.say(`the names are proved by ${choice.text}`);
      if (request.progress.orderUrl === undefined) {
        await requireReady(inputs, { session, accountUrl, solvers: choice.solvers }, deadline, request.say);
      }
      const issued = await fulfilOrder(
        {
          session,
          accountUrl,
          deadline,
          request: {
            identifiers,
            ...(profile !== undefined && { profile }),
            ...(request.replaces !== undefined && { replaces: request.replaces }),
          },
          csr: (keyPem) => makeRequest(inputs, keyPem ?? request.reusedKeyPem),
          solvers: choice.solvers,
          ...(preferredChain !== undefined && { preferredChain }),
          save: request.save,
          checkAlive: () => checkEngine(signal),
          ...(inputs.fromOrderUrl !== undefined && { isGiven: true as const }),
          say: request.say,
        },
        request.progress,
      );
      return { ...issued, validatedBy: describeProof(issued, choice) };
    };
    return within(secondsOf(inputs), issue, signal);
  };
  // what is presented is taken away by the flow itself, whose signal aborts
  return during(work, async () => {});
}

/** What was chosen, when it was that which counted. */
function describeProof({ provedBy }: Issued, { text, solvers }: SolverChoice): string {
  if (provedBy.length === 0) return "what the CA knew already";
  // the best first: the CA tells of the names in an order of its own
  const types = [...new Set(solvers.map(({ type }) => type))].filter((type) => provedBy.includes(type));
  return text !== undefined && types[0] === solvers[0]?.type ? text : types.join(" and ");
}

/** The user's request, or one by a key that is given or made. */
async function makeRequest(inputs: CertificateInputs, keyPem: string | undefined): Promise<FlowRequest> {
  if (inputs.certificateRequestPem !== undefined) {
    const [block] = readPemBlocks(inputs.certificateRequestPem, "certificateRequestPem");
    if (block === undefined) throw new TypeError("check reads the request");
    return { der: block.der };
  }
  const { keyType } = inputs;
  const known = keyPem === undefined ? undefined : readPrivateKey(keyPem);
  // one of another kind is neither kept nor gone on with: the certificate is to be what the arguments say
  const isWanted = known !== undefined && (keyType === undefined || describeKey(known) === keyType);
  const key = isWanted ? known : await generatePrivateKey(keyType ?? "P256");
  const identifiers = inputs.hostnames.map(toAcmeIdentifier);
  return { der: makeCertificateRequest(key, identifiers), keyPem: renderPrivateKey(key) };
}
