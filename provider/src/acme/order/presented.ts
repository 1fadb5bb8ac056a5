import { isTlsError } from "../../errors";
import type { ChallengeSolver, ChallengeTask } from "../challenge/solver";
import type { FulfilJourney, PresentedChallenge } from "./journey";

/**
 * The answers to challenges that are in place, of this run and of one that was killed: kept in the progress before they
 * are put there, taken away once.
 */
export class PresentedChallenges {
  readonly #journey: FulfilJourney;

  constructor(journey: FulfilJourney) {
    this.#journey = journey;
  }

  /** Puts the answers in place, those of one solver together, so that two at one name stand there at once. */
  async present(challenges: readonly PresentedChallenge[], doing: string): Promise<void> {
    const { flow, progress } = this.#journey;
    const isNew = ({ type, task }: PresentedChallenge) =>
      !challenges.some((other) => other.type === type && other.task.token === task.token);
    const presented = [...(progress.presented ?? []).filter(isNew), ...challenges];
    await this.#journey.before("present", doing, { presented });
    for (const [solver, tasks] of bySolver(challenges, flow.solvers)) await solver.present(tasks, flow.deadline);
    await this.#journey.after("presented");
  }

  /**
   * Takes away whatever is in place; what can't be taken away is told and stays in the progress, so that the next run
   * tries it again. Does not throw for that: it keeps no certificate back.
   */
  async cleanUp(): Promise<void> {
    const { flow, progress } = this.#journey;
    const presented = progress.presented ?? [];
    if (presented.length === 0) return;
    const left: PresentedChallenge[] = [];
    const grouped = bySolver(presented, flow.solvers);
    for (const [solver, tasks] of grouped) {
      try {
        await solver.cleanUp(tasks);
      } catch (error) {
        if (!isTlsError(error)) throw error;
        left.push(...tasks.map((task) => ({ type: solver.type, task })));
        this.#journey.note(`An answer to a challenge was not taken away: ${error.reason}`);
      }
    }
    const count = presented.length - [...grouped.values()].flat().length;
    if (count > 0) {
      this.#journey.note(
        `An earlier run put ${count} answers to challenges in place by what is configured no more: they are not taken away.`,
      );
    }
    if (left.length > 0) await this.#journey.after("clean-up", { presented: left });
    else await this.#journey.forget("clean-up", "presented");
  }
}

/** The first solver of the kind that fits the name, as it was when the challenge was chosen. */
function bySolver(
  challenges: readonly PresentedChallenge[],
  solvers: readonly ChallengeSolver[],
): ReadonlyMap<ChallengeSolver, readonly ChallengeTask[]> {
  const grouped = new Map<ChallengeSolver, ChallengeTask[]>();
  for (const { type, task } of challenges) {
    const fits = (one: ChallengeSolver) =>
      one.type === type && one.refuse(task.identifier, task.isWildcard) === undefined;
    const solver = solvers.find(fits);
    if (solver !== undefined) grouped.set(solver, [...(grouped.get(solver) ?? []), task]);
  }
  return grouped;
}
