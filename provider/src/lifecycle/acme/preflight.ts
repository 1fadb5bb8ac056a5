import type { ChallengeSolver } from "../../acme/challenge/solver";
import { nameOfDirectory } from "../../acme/client/directory";
import type { AcmeSession } from "../../acme/client/session";
import type { PreflightFinding } from "../../acme/look/finding";
import { renderFindings, requirePreflight, runPreflight } from "../../acme/preflight/preflight";
import type { Deadline } from "../../acme/run/deadline";
import { isTlsError } from "../../errors";
import { known } from "../input/parse";
import type { Preview } from "../lifecycle";
import type { GivenChallenge } from "./challenge-inputs";
import type { OrderingInputs, OrderSubject } from "./ordering-state";
import { readSessionRequest, sessionFor, within } from "./session";
import { chooseSolvers, listSolvers, namesOf, solverContext } from "./solvers";

/** A preview that looks by itself, for `auto`, holds up nobody. */
const CHOICE_SECONDS = 3;

/** A preview that was asked to look. */
const PREVIEW_SECONDS = 20;

/** Who orders, and by what the names are going to be proved. */
export interface PreflightParty {
  readonly session: AcmeSession;
  readonly accountUrl: string;
  /** None for an order whose names are proved by others. */
  readonly solvers: readonly ChallengeSolver[];
}

/** The inputs that a look needs: those of an order, or of a certificate with its challenge. */
type LookSubject = OrderSubject & Preview<GivenChallenge>;

/**
 * Looks, before anything is ordered, whether the order can come to its end, unless the arguments say not to. What may keep
 * it from it is told by `say`.
 * @throws TlsError ACME_PREFLIGHT with each thing that will keep it; ACME_TIMEOUT, ACME_ABORTED
 */
export async function requireReady(
  inputs: LookSubject,
  party: PreflightParty,
  deadline: Deadline,
  say: (line: string) => void,
): Promise<void> {
  if (settingsOf(inputs).when === "off") return;
  const findings = await look(inputs, party, deadline);
  requirePreflight(findings);
  for (const line of renderFindings(findings)) say(line);
}

/** What a preview sees, when the arguments ask it to look; undefined when nothing is amiss, or no account is known yet. */
export async function lookBefore(inputs: LookSubject): Promise<string | undefined> {
  if (settingsOf(inputs).when !== "preview") return undefined;
  const party = partyOf(inputs);
  if (party === undefined) return "what would keep it from its end can't be looked for before the account is known";
  const findings = await within(PREVIEW_SECONDS, (deadline) => look(inputs, party, deadline)).catch(
    (error: unknown) => {
      if (isTlsError(error)) return error.reason;
      throw error;
    },
  );
  if (typeof findings === "string") return findings;
  return findings.length === 0 ? undefined : renderFindings(findings).join(" ");
}

/** What `auto` would take now and why; undefined for other challenges, and as long as the account is not known. */
export async function describeChoice(inputs: LookSubject): Promise<string | undefined> {
  const challenge = known(inputs.challenge);
  if (challenge?.type !== "auto") return undefined;
  const party = partyOf(inputs);
  if (party === undefined) return "what stands by then";
  const context = solverContext(party.session, party.accountUrl);
  try {
    const { text } = await within(CHOICE_SECONDS, (deadline) =>
      chooseSolvers({ ...inputs, challenge }, context, deadline),
    );
    return text;
  } catch (error) {
    if (isTlsError(error)) return `what stands by then (now ${error.reason.replace(/\.$/, "")})`;
    throw error;
  }
}

function partyOf(inputs: LookSubject): PreflightParty | undefined {
  const [accountUrl, accountKeyPem] = [known(inputs.accountUrl), known(inputs.accountKeyPem)];
  if (accountUrl === undefined || accountKeyPem === undefined) return undefined;
  const session = sessionFor(readSessionRequest({ ...inputs, accountKeyPem }));
  const challenge = known(inputs.challenge);
  // of several it is looked for when one is chosen
  const isChosen = challenge === undefined || challenge.type === "auto";
  const solvers = isChosen ? [] : listSolvers({ ...inputs, challenge }, solverContext(session, accountUrl));
  return { session, accountUrl, solvers };
}

function look(inputs: LookSubject, party: PreflightParty, deadline: Deadline): Promise<readonly PreflightFinding[]> {
  const profile = known(inputs.profile);
  const { resolvers } = settingsOf(inputs);
  return runPreflight(
    {
      ...party,
      names: namesOf(inputs),
      isPublic: nameOfDirectory(inputs.directoryUrl) !== undefined,
      ...(profile !== undefined && { profile }),
      ...(resolvers !== undefined && { resolvers }),
    },
    deadline,
  );
}

function settingsOf({ preflight }: LookSubject): Exclude<OrderingInputs["preflight"], undefined> {
  return known(preflight) ?? {};
}
