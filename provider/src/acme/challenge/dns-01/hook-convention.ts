import { basename } from "node:path";
import { TlsError } from "../../../errors";
import { renderQuoted } from "../../../text/quoted";
import type { ChallengeTask, HookConventionName } from "../solver";
import { acmeShRunnerSh } from "./embedded-scripts";

/** What is done with one record, and what else belongs to the same call. */
export interface HookCall {
  readonly action: "present" | "cleanup";
  /** Without trailing dot. */
  readonly recordName: string;
  readonly recordValue: string;
  readonly task: ChallengeTask;
  /** All tasks of this call, in their order. */
  readonly tasks: readonly ChallengeTask[];
  /** What `present` printed for this record; undefined at `present`, and when another process did it. */
  readonly presentOutput: string | undefined;
}

/** How a program is called: without a shell, these arguments after its own. */
interface HookInvocation {
  readonly program: string;
  readonly arguments: readonly string[];
  /** `undefined` takes a variable of the surroundings away. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** One way to hand over a record. */
interface HookConvention {
  /** One record after the other in the order of the tasks, since the program counts them. */
  readonly isCounting: boolean;
  invoke(command: readonly string[], call: HookCall): HookInvocation;
}

/**
 * The conventions of other clients, so that their scripts run unchanged. Every one has our own variables beside:
 * ACME_ACTION (`present`, `cleanup`), ACME_RECORD_NAME (no trailing dot), ACME_RECORD_TYPE (`TXT`), ACME_RECORD_VALUE,
 * ACME_IDENTIFIER (with `*.` for a wildcard), ACME_TOKEN. A status other than 0 is a failure. Where two values belong to
 * one name, `cleanup` is to take away the one given. It is also called for a record that an earlier run may have set, so
 * it is to succeed for one that is not there.
 */
export const hookConventions: Readonly<Record<HookConventionName, HookConvention>> = {
  /** lego's provider `exec`: `<program> present|cleanup _acme-challenge.example.com. <value>`. */
  lego: {
    isCounting: false,
    invoke: ([program = "", ...rest], { action, recordName, recordValue }) => ({
      program,
      arguments: [...rest, action, `${recordName}.`, recordValue],
      environment: {},
    }),
  },
  /**
   * certbot's --manual-auth-hook and --manual-cleanup-hook: no arguments, all in variables. The removal has
   * CERTBOT_AUTH_OUTPUT, what the first call printed; certbot takes two programs, here `cleanupCommand` may name the second.
   * CERTBOT_TOKEN is taken away: scripts know a challenge over HTTP by it.
   */
  certbot: {
    isCounting: true,
    invoke: ([program = "", ...rest], call) => ({ program, arguments: rest, environment: certbotVariables(call) }),
  },
  /**
   * acme.sh's hook files (`dnsapi/dns_<name>.sh`): read by `sh`, then `dns_<name>_add` or `dns_<name>_rm` is called with
   * the record's name (no trailing dot) and value. Where the functions that it uses come from: `acme-sh-runner.sh`.
   */
  "acme.sh": {
    isCounting: false,
    invoke: ([file = "", ...rest], { action, recordName, recordValue }) => {
      const hook = basename(file).replace(/\.sh$/, "");
      if (!/^dns_[A-Za-z0-9_]+$/.test(hook) || rest.length > 0) {
        throw new TlsError("ACME_CHALLENGE", `the command ${renderQuoted(file)} is no hook file of acme.sh.`, {
          hint: "Give the path of one file named dns_<name>.sh, without arguments.",
        });
      }
      // sh looks a name without a slash up in PATH
      const path = file.includes("/") ? file : `./${file}`;
      const functionName = `${hook}_${action === "present" ? "add" : "rm"}`;
      return {
        program: "sh",
        arguments: ["-c", acmeShRunnerSh, "acme.sh", path, functionName, recordName, recordValue],
        environment: {},
      };
    },
  },
};

/** Our own variables, under every convention. */
export function ownVariables({ action, recordName, recordValue, task }: HookCall): Readonly<Record<string, string>> {
  return {
    ACME_ACTION: action,
    ACME_RECORD_NAME: recordName,
    ACME_RECORD_TYPE: "TXT",
    ACME_RECORD_VALUE: recordValue,
    ACME_IDENTIFIER: task.isWildcard ? `*.${task.identifier.value}` : task.identifier.value,
    ACME_TOKEN: task.token,
  };
}

function certbotVariables(call: HookCall): Readonly<Record<string, string | undefined>> {
  const { task, tasks, recordValue } = call;
  const all = tasks.map(({ identifier }) => identifier.value).join(",");
  return {
    CERTBOT_DOMAIN: task.identifier.value,
    CERTBOT_IDENTIFIER: task.identifier.value,
    CERTBOT_VALIDATION: recordValue,
    CERTBOT_ALL_DOMAINS: all,
    CERTBOT_ALL_IDENTIFIERS: all,
    CERTBOT_REMAINING_CHALLENGES: String(tasks.length - tasks.indexOf(task) - 1),
    CERTBOT_TOKEN: undefined,
    CERTBOT_AUTH_OUTPUT: call.action === "cleanup" ? (call.presentOutput ?? "").trim() : undefined,
  };
}
