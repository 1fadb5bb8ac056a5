import { isTlsError } from "../../errors";
import type { PreflightFinding } from "../look/finding";
import { explainMissing } from "../preflight/finding-report";
import { Deadline } from "../run/deadline";
import { inParallel } from "../run/in-parallel";
import { AnswerLook } from "./http-01-look";
import {
  type ChallengeSolver,
  type ChallengeTask,
  checkToken,
  type OrderResourcesSettings,
  refuseWildcard,
  type SolverContext,
} from "./solver";

/** For an object in a store, a file on a server or a route to be served: that takes seconds. */
const mostSeconds = 60;

/** Seconds between two looks; the last one is repeated. */
const pauses: readonly number[] = [1, 2, 4, 8, 10];

/**
 * Waits until the answers to http-01 (RFC 8555 section 8.3) that other resources put in place are served at every address
 * of their names, 60 s at most. What this machine can't see is left to the CA.
 */
export function createOrderResourcesSolver(settings: OrderResourcesSettings, context: SolverContext): ChallengeSolver {
  const look = new AnswerLook(settings, context);
  return {
    type: "http-01",
    isStanding: true,
    refuse: refuseWildcard,
    present: (tasks, deadline) => awaitAnswers(tasks, { look, context, deadline }),
    cleanUp: async () => {},
  };
}

interface Watch {
  readonly look: AnswerLook;
  readonly context: SolverContext;
  readonly deadline: Deadline;
}

async function awaitAnswers(tasks: readonly ChallengeTask[], { look, context, deadline }: Watch): Promise<void> {
  const bound = new Deadline(mostSeconds, context.clock, deadline.signal);
  const doing = "waiting for the answers to the challenges to be served";
  let missing = tasks;
  let last: readonly PreflightFinding[] = [];
  try {
    for (let round = 0; ; round += 1) {
      const findings = await inParallel(missing, async (task) => {
        const request = { name: task, token: checkToken(task.token), madeBy: "order" } as const;
        return { task, found: await look.find(request, bound) };
      });
      const failing = findings.filter(({ found }) => found.some(({ severity }) => severity === "error"));
      if (failing.length === 0) return;
      // what has been right is not asked again
      [missing, last] = [failing.map(({ task }) => task), failing.flatMap(({ found }) => found)];
      const pause = pauses[Math.min(round, pauses.length - 1)] ?? 1;
      await bound.wait(pause * 1000, doing);
    }
  } catch (error) {
    if (!isTlsError(error) || error.code !== "ACME_TIMEOUT") throw error;
    // what the servers said is worth more than that the time is over
    throw explainMissing("the answers to the challenges are not served", last) ?? error;
  } finally {
    bound.dispose();
  }
}
