import { chooseStanding } from "../../acme/challenge/auto";
import type {
  ChallengeName,
  ChallengeSettings,
  ChallengeSolver,
  PersistSettings,
  SolverContext,
} from "../../acme/challenge/solver";
import { createSolver } from "../../acme/challenge/solvers";
import { toAcmeIdentifier } from "../../acme/client/identifier";
import type { AcmeSession } from "../../acme/client/session";
import { type Deadline, systemClock } from "../../acme/run/deadline";
import { type GivenChallenge, readChallenge } from "./challenge-inputs";

/** By what the names of an order are proved. */
export interface SolverChoice {
  readonly solvers: readonly ChallengeSolver[];
  /** What was chosen of several and why, for a person; absent where the arguments say it. */
  readonly text?: string;
}

/** An account at a CA, as solvers need it. */
export function solverContext(session: AcmeSession, accountUrl: string): SolverContext {
  return { key: session.key, accountUrl, clock: systemClock, directory: (deadline) => session.directory(deadline) };
}

/** The settings of every solver that the arguments may come to, the best first. */
export function listChallenges(inputs: GivenChallenge): readonly ChallengeSettings[] {
  const settings = readChallenge(inputs);
  if (settings.type === "auto") {
    const { type: _, dns, propagation, ...look } = settings;
    return [
      { type: "dns-persist-01", ...propagationOf(propagation, look.resolvers) },
      { type: "http-01", via: "gateway", ...look },
      ...(dns === undefined ? [] : [{ type: "dns-01" as const, ...dns }]),
    ];
  }
  const isOrder = settings.type === "dns-01" && "via" in settings;
  // an address has no record: the order's HTTP resource is what is left
  return isOrder ? [settings, { type: "http-01", via: "order" }] : [settings];
}

/** Every solver that the arguments may come to, the best first. */
export function listSolvers(inputs: GivenChallenge, context: SolverContext): readonly ChallengeSolver[] {
  return listChallenges(inputs).map((settings) => createSolver(settings, context));
}

/**
 * The solvers of one order; with `auto` what stands is looked for now.
 * @throws TlsError ACME_CHALLENGE, ACME_TIMEOUT, ACME_ABORTED
 */
export async function chooseSolvers(
  inputs: GivenChallenge & GivenNames,
  context: SolverContext,
  deadline: Deadline,
): Promise<SolverChoice> {
  const solvers = listSolvers(inputs, context);
  return readChallenge(inputs).type === "auto" ? chooseStanding(solvers, namesOf(inputs), deadline) : { solvers };
}

/** The names of a certificate. */
interface GivenNames {
  readonly hostnames: readonly string[];
}

/** The names as challenges have them: a wildcard without its `*.`. */
export function namesOf({ hostnames }: GivenNames): readonly ChallengeName[] {
  return hostnames.map((hostname) => {
    const isWildcard = hostname.startsWith("*.");
    const { type, value } = toAcmeIdentifier(hostname);
    return { identifier: { type, value: isWildcard ? value.slice(2) : value }, isWildcard };
  });
}

/** Of `auto` one list of resolvers is for all that it looks at. */
function propagationOf(
  propagation: PersistSettings["propagation"],
  resolvers: readonly string[] | undefined,
): Pick<PersistSettings, "propagation"> {
  if (propagation !== undefined) return { propagation };
  return resolvers === undefined ? {} : { propagation: { resolvers } };
}
