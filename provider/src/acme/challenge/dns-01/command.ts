import { isTlsError } from "../../../errors";
import { dns01Value } from "../../client/jws";
import { awaitPropagation } from "../../dns/propagation";
import type { AcmeClock, Deadline } from "../../run/deadline";
import { Turns, TurnsByName } from "../../run/turns";
import { refusalsOf } from "../refusal";
import type { ChallengeSolver, ChallengeTask, CommandSettings } from "../solver";
import { type HookCall, hookConventions, ownVariables } from "./hook-convention";
import { runHook } from "./hook-process";
import { expectedRecords, recordNameOf } from "./records";

const DEFAULT_TIMEOUT_SECONDS = 120;

/** DNS services limit the calls to them, and one command makes several. */
const MOST_AT_ONCE = 4;

/** Services read all records of a name and write them back: two commands of one name would lose a value. */
const turnsOfNames = new TurnsByName();
const turns = new Turns(MOST_AT_ONCE);

/**
 * Answers dns-01 (RFC 8555 section 8.4) by a command of the user that sets a TXT record `_acme-challenge.<name>` and removes
 * it, see `hook-convention.ts`; then waits until the DNS shows every record (`dns/propagation.ts`). In this process one
 * command runs for a name at a time, and four in all. A name and its wildcard have two values at one name: both
 * stand there together. Not checked: what else the command does.
 */
export function createCommandSolver(settings: CommandSettings, clock: AcmeClock): ChallengeSolver {
  const { propagation = {} } = settings;
  const command = new RecordCommand(settings);
  return {
    type: "dns-01",
    refuse: refusalsOf("dns-01"),
    present: async (tasks, deadline) => {
      await command.runAll("present", tasks, deadline);
      if (propagation !== false) await awaitPropagation(expectedRecords(tasks), propagation, { clock, deadline });
    },
    cleanUp: (tasks) => command.runAll("cleanup", tasks),
  };
}

/** The command, and which records it has set. */
class RecordCommand {
  readonly #settings: CommandSettings;
  /** Token -> what was printed when the record was set, or that it is removed. */
  readonly #done = new Map<string, { readonly action: HookCall["action"]; readonly output: string }>();

  constructor(settings: CommandSettings) {
    this.#settings = settings;
  }

  /** Ends with the first failure: at `cleanup` after all records, at `present` without beginning further ones. */
  async runAll(action: HookCall["action"], tasks: readonly ChallengeTask[], deadline?: Deadline): Promise<void> {
    const failures: unknown[] = [];
    const work = async (task: ChallengeTask, recordName: string) => {
      const before = this.#done.get(task.token);
      if (before?.action === action || (action === "present" && failures.length > 0)) return;
      const call = { action, recordName, recordValue: dns01Value(task.keyAuthorization), task, tasks };
      try {
        const output = await this.#run({ ...call, presentOutput: before?.output }, deadline);
        this.#done.set(task.token, { action, output });
      } catch (error) {
        // known before the next one begins
        failures.push(error);
      }
    };
    const takeTurn = async (task: ChallengeTask) => {
      try {
        const name = recordNameOf(task);
        await turnsOfNames.take(name, () => turns.take(() => work(task, name), deadline?.signal), deadline?.signal);
      } catch (error) {
        const isEnded = deadline?.signal.aborted === true && !isTlsError(error);
        failures.push(isEnded ? deadline.error("waiting for the command's other records") : error);
      }
    };
    const { isCounting } = hookConventions[this.#settings.convention ?? "lego"];
    if (isCounting) for (const task of tasks) await takeTurn(task);
    else await Promise.all(tasks.map(takeTurn));
    if (failures.length > 0) throw failures[0];
  }

  #run(call: HookCall, deadline: Deadline | undefined): Promise<string> {
    const { command, cleanupCommand = command, convention = "lego", environment = {} } = this.#settings;
    const given = call.action === "present" ? command : cleanupCommand;
    const invocation = hookConventions[convention].invoke(typeof given === "string" ? [given] : given, call);
    const surroundings = { ...withoutPulumi(process.env), ...environment };
    return runHook(
      {
        program: invocation.program,
        arguments: invocation.arguments,
        environment: defined({ ...surroundings, ...ownVariables(call), ...invocation.environment }),
        secrets: [...secretsOf(environment, /./), ...secretsOf(process.env, secretVariable)],
        timeoutSeconds: this.#settings.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
        doing: `${call.action === "present" ? "setting" : "removing"} the TXT record ${call.recordName} by the command`,
      },
      deadline,
    );
  }
}

/** The variables of Pulumi hold the passphrase of the stack and tokens of its backend, which no hook needs. */
function withoutPulumi(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !/^PULUMI_/i.test(name)));
}

/** Variables of the surroundings whose values are not for a message. */
const secretVariable = /TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|SESSION/i;

/** Shorter ones hide nothing and would blot out every message. */
const SHORTEST_SECRET = 5;

function secretsOf(variables: Readonly<Record<string, string | undefined>>, names: RegExp): readonly string[] {
  return Object.entries(variables)
    .filter(([name]) => names.test(name))
    .flatMap(([, value = ""]) => (value.length >= SHORTEST_SECRET ? [value] : []));
}

function defined(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
