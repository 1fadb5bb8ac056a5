import { isTlsError, TlsError } from "../../errors";
import { type ChallengeType, renderNames } from "../client/identifier";
import type { PreflightFinding } from "../look/finding";
import type { Deadline } from "../run/deadline";
import type { ChallengeName, ChallengeSolver } from "./solver";

/** Which of several solvers are taken for a set of names, and why. */
export interface ChallengeChoice {
  /** Those that stand, the best first. */
  readonly solvers: readonly ChallengeSolver[];
  /** For a person: `dns-persist-01, since its records stand`. */
  readonly text: string;
}

/** Why a kind of challenge is taken. */
const reasons: Readonly<Record<ChallengeType, string>> = {
  "dns-persist-01": "its records stand",
  "http-01": "the gateway answers",
  "dns-01": "there is a program for its records",
  "tls-alpn-01": "it is configured",
};

/**
 * Takes of the candidates, the best first, those that stand for every name that they can prove; what can't be looked at
 * beforehand is thought to stand.
 * @throws TlsError ACME_CHALLENGE: nothing stands for some name, with what was seen of each candidate; ACME_TIMEOUT,
 * ACME_ABORTED
 */
export async function chooseStanding(
  candidates: readonly ChallengeSolver[],
  names: readonly ChallengeName[],
  deadline: Deadline,
): Promise<ChallengeChoice> {
  const looks = await Promise.all(candidates.map((solver) => lookAt(solver, names, deadline)));
  const standing = looks.filter(({ fault }) => fault === undefined);
  const isFitting = (name: ChallengeName) => (look: Look) => look.names.includes(name);
  const left = names.filter((name) => !standing.some(isFitting(name)));
  if (left.length > 0) {
    const hints = looks.flatMap(({ fault }) => fault?.hint ?? []);
    const of = renderNames(left.map(({ identifier }) => identifier));
    throw new TlsError(
      "ACME_CHALLENGE",
      `nothing stands by which ${of} can be proved: ${looks.flatMap(describeFault).join("; ")}.`,
      {
        hint: hints.length > 0 ? [...new Set(hints)].join(" ") : "Give dns a program that sets the records of dns-01.",
      },
    );
  }
  const taken = [...new Set(names.map((name) => standing.find(isFitting(name))?.solver.type))];
  const because = taken.flatMap((type) => (type === undefined ? [] : [`${type}, since ${reasons[type]}`]));
  // what would have come after says nothing about the choice
  const last = Math.max(...looks.map(({ solver }, index) => (taken.includes(solver.type) ? index : 0)));
  const passedOver = looks.slice(0, last).flatMap(describeFault);
  return {
    solvers: standing.map(({ solver }) => solver),
    text: `${because.join(" and ")}${passedOver.length === 0 ? "" : ` (${passedOver.join("; ")})`}`,
  };
}

interface Look {
  readonly solver: ChallengeSolver;
  /** Those that it can prove. */
  readonly names: readonly ChallengeName[];
  readonly fault?: { readonly found: string; readonly hint?: string };
}

function describeFault({ solver, fault }: Look): readonly string[] {
  return fault === undefined ? [] : [`${solver.type}: ${fault.found}`];
}

async function lookAt(solver: ChallengeSolver, all: readonly ChallengeName[], deadline: Deadline): Promise<Look> {
  const names = all.filter(({ identifier, isWildcard }) => solver.refuse(identifier, isWildcard) === undefined);
  const [name] = names;
  if (name === undefined) return { solver, names, fault: { found: "it can prove none of the names" } };
  const findings = await lookBy(solver, names, deadline);
  if (isTlsError(findings)) {
    const { reason, hint } = findings;
    return { solver, names, fault: { found: reason.replace(/\.$/, ""), ...(hint !== undefined && { hint }) } };
  }
  const [first, ...more] = findings.filter(({ severity, isUnseen }) => severity === "error" || isUnseen === true);
  if (first === undefined) return { solver, names };
  const others = more.length === 0 ? "" : `, and ${more.length} more`;
  return { solver, names, fault: { found: `${first.subject}: ${first.found}${others}`, hint: first.hint } };
}

/** Where a challenge can't be looked at (aliases that end nowhere), another one may stand. */
async function lookBy(
  solver: ChallengeSolver,
  names: readonly ChallengeName[],
  deadline: Deadline,
): Promise<readonly PreflightFinding[] | TlsError> {
  try {
    return (await solver.preflight?.(names, deadline)) ?? [];
  } catch (error) {
    if (isTlsError(error) && error.code === "ACME_CHALLENGE") return error;
    throw error;
  }
}
