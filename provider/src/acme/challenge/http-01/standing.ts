import { randomBytes } from "node:crypto";
import { isTlsError } from "../../../errors";
import { directories } from "../../client/directory";
import { resolversOf } from "../../dns/resolvers";
import { explainNoAddress, explainUnseen, findAddresses } from "../../look/addresses";
import { explainMissing, findInTime, type PreflightFinding } from "../../look/finding";
import { lookByHttp } from "../../look/http";
import { Deadline } from "../../run/deadline";
import { inParallel } from "../../run/in-parallel";
import { refusalsOf } from "../refusal";
import {
  type ChallengeName,
  type ChallengeSolver,
  type ChallengeTask,
  checkToken,
  type GatewaySettings,
  type OrderResourcesSettings,
  type SolverContext,
} from "../solver";
import { CHALLENGE_FOLDER, type ExpectedAnswer, judgeAnswers } from "./answer";

/** Of a token at Let's Encrypt: 43 characters. */
const TOKEN_OCTETS = 32;

/** For an object in a store, a file on a server or a route to be served: that takes seconds. */
const MOST_SECONDS = 60;

/** Seconds between two looks; the last one is repeated. */
const pauses: readonly number[] = [1, 2, 4, 8, 10];

/**
 * Has http-01 (RFC 8555 section 8.3) answered by the gateway alone: every token by the token, a dot and the thumbprint of
 * the account's key, so that there is nothing to put in place and nothing to take away. Before an order each name is asked
 * with a token that nobody knows yet, at each of its addresses, and again with the real one. What this machine can't
 * see (another network, a resolver that is silent) is a warning, and left to the CA.
 */
export function createGatewaySolver(settings: GatewaySettings, context: SolverContext): ChallengeSolver {
  const look = new AnswerLook(settings, context);
  return {
    type: "http-01",
    isStanding: true,
    refuse: refusalsOf("http-01"),
    preflight: async (names, deadline) => {
      const found = await inParallel(names, (name) => {
        const token = randomBytes(TOKEN_OCTETS).toString("base64url");
        const work = () => look.find({ name, token, madeBy: "gateway" }, deadline);
        return findInTime(name.identifier.value, "what its gateway answers", work);
      });
      return found.flat();
    },
    present: async (tasks, deadline) => {
      const found = await inParallel(tasks, (name) =>
        look.find({ name, token: checkToken(name.token), madeBy: "gateway" }, deadline),
      );
      const error = explainMissing("asking the gateway for the answers to the challenges", found.flat());
      if (error !== undefined) throw error;
    },
    cleanUp: async () => {},
  };
}

/**
 * Waits until the answers to http-01 (RFC 8555 section 8.3) that other resources put in place are served at every address
 * of their names, 60 s at most. What this machine can't see is left to the CA.
 */
export function createOrderResourcesSolver(settings: OrderResourcesSettings, context: SolverContext): ChallengeSolver {
  const look = new AnswerLook(settings, context);
  return {
    type: "http-01",
    isStanding: true,
    refuse: refusalsOf("http-01"),
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
  const bound = new Deadline(MOST_SECONDS, context.clock, deadline.signal);
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

/** What is asked for, and under which token. */
interface LookRequest extends Pick<ExpectedAnswer, "token" | "madeBy"> {
  readonly name: ChallengeName;
}

/**
 * Looks by http at what stands at a name, at every address of it, and judges it. A name without an address is an error at
 * a public CA, or where resolvers are given; a private CA sees another DNS than the resolvers of this machine.
 */
class AnswerLook {
  readonly #settings: Pick<GatewaySettings | OrderResourcesSettings, "port" | "resolvers">;
  readonly #context: SolverContext;

  constructor(settings: GatewaySettings | OrderResourcesSettings, context: SolverContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** @throws TlsError ACME_CHALLENGE: a resolver is none; ACME_TIMEOUT, ACME_ABORTED by the deadline */
  async find(request: LookRequest, deadline: Deadline): Promise<readonly PreflightFinding[]> {
    const { name, token, madeBy } = request;
    const { port = 80, resolvers: endpoints } = this.#settings;
    const { accountUrl, clock, key } = this.#context;
    const resolvers = resolversOf(endpoints, "challenge.resolvers");
    const subject = name.identifier.value;
    const host = await findAddresses(subject, resolvers, deadline);
    if (host.kind === "unseen") {
      return [{ severity: "warning", isUnseen: true, subject, ...explainUnseen("its addresses", host.code) }];
    }
    if (host.kind !== "addresses") {
      const explanation = explainNoAddress(host.kind);
      if (endpoints !== undefined || isOfPublicCa(accountUrl)) return [{ severity: "error", subject, ...explanation }];
      return [{ severity: "warning", isUnseen: true, subject, ...explanation }];
    }
    const target = { host: subject, port, path: `/${CHALLENGE_FOLDER}/${token}` };
    const looks = await lookByHttp(target, host.addresses, { resolvers, clock, deadline });
    return judgeAnswers(looks, { subject, token, thumbprint: key.thumbprint, madeBy });
  }
}

function isOfPublicCa(accountUrl: string): boolean {
  const { host } = new URL(accountUrl);
  return Object.values(directories).some(({ url }) => new URL(url).host === host);
}
