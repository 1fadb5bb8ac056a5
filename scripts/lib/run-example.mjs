// Guards the run of one example on the real engine: what a killed run left is cleared, then preview, apply, and the outputs.
// Runs under the project's Node, which takes the TypeScript of an example as it is; started by up.mjs.
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { RunError } from "@pulumi/pulumi";
import { CommandError } from "@pulumi/pulumi/automation/index.js";
import { openStack, readMaskedOutputs } from "./local-stack.mjs";
import { maskOutputs, renderOutputs } from "./outputs-summary.mjs";
import { ProgramMissing, requirePrograms } from "./peers.mjs";
import { clearDeadLocks, clearPendingCreates, StackLocked } from "./stack-lock.mjs";

/**
 * What an example's `session.ts` gets, if it has one: its `around(session)` is called in the place of `session.run()`, and
 * calls that itself, once or more, with what the example needs around it. A RunError that it throws is shown without stack.
 * @typedef {object} ExampleSession
 * @property {string} command "up", "preview" or "destroy"
 * @property {import("@pulumi/pulumi/automation/index.js").Stack} stack
 * @property {CommandOptions} options for commands of the stack beside `run`: they show what they do, and end on Ctrl-C
 * @property {AbortSignal} signal the run is to end
 * @property {() => Promise<void>} run does what the command says; with --json the last result alone is printed
 * @property {(names: readonly string[]) => Promise<Record<string, string>>} programs paths of programs of tools/peers.json,
 * built when they are missing
 * @property {(line: string) => void} say
 */

/**
 * @typedef {object} CommandOptions
 * @property {"always" | "never"} color
 * @property {(text: string) => void} onOutput
 * @property {(text: string) => void} onError
 * @property {AbortSignal} signal
 * @property {boolean} diff
 */

const [command = "", example = "", ...flags] = process.argv.slice(2);
const asJson = flags.includes("--json");
/** With --json stdout is the result's alone. */
const progress = asJson ? process.stderr : process.stdout;

const stop = new AbortController();
process.on("message", () => stop.abort());
// the process that watches this one is gone
process.on("disconnect", () => stop.abort());

// a reader such as `head` may leave early; the state must be written all the same
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

try {
  await run();
  process.exitCode = 0;
} catch (error) {
  // what the CLI had to say has been shown while it ran
  if (!(error instanceof CommandError) || error.message.includes("was killed with"))
    process.stderr.write(`${describe(error)}\n`);
  process.stderr.write(`${command} of ${example} failed\n`);
  process.exitCode = 1;
}
if (process.connected) process.disconnect();

async function run() {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
  const { stack, place } = await openStack(root, example);
  for (const lock of await clearDeadLocks(stack, place)) {
    say(`Cleared the lock of process ${lock.pid}, which is gone (since ${lock.timestamp}).`);
  }
  for (const urn of await clearPendingCreates(stack, place)) {
    say(`Cleared the pending creation of ${urn}, which that run did not finish: it is created anew.`);
  }
  /** @type {CommandOptions} */
  const options = {
    color: progress.isTTY ? "always" : "never",
    onOutput: (text) => void progress.write(text),
    onError: (text) => void process.stderr.write(text),
    signal: stop.signal,
    diff: flags.includes("--diff"),
  };
  /** @type {RunResult} */
  let result = { changes: {} };
  /** @type {ExampleSession} */
  const session = {
    ...{ command, stack, options, signal: stop.signal },
    run: async () => {
      result = await runCommand(stack, options);
      if (!asJson && result.outputs !== undefined) process.stdout.write(`\n${renderOutputs(result.outputs)}\n`);
    },
    programs: (names) => requirePrograms(root, names),
    say: (line) => void progress.write(`${line}\n`),
  };
  stop.signal.throwIfAborted();
  const file = join(root, "examples", example, "session.ts");
  await (existsSync(file) ? (await import(pathToFileURL(file).href)).around(session) : session.run());
  if (!asJson) return;
  const { changes, outputs } = result;
  const masked = { changes, ...(outputs === undefined ? {} : { outputs: maskOutputs(outputs) }) };
  process.stdout.write(`${JSON.stringify(masked, null, 2)}\n`);
}

/**
 * @typedef {object} RunResult
 * @property {Record<string, number | undefined>} changes number of resources by what was done to them
 * @property {import("@pulumi/pulumi/automation/index.js").OutputMap} [outputs]
 */

/**
 * @param {import("@pulumi/pulumi/automation/index.js").Stack} stack
 * @param {CommandOptions} options
 * @returns {Promise<RunResult>}
 */
async function runCommand(stack, options) {
  /** @type {RunResult["changes"]} */
  let changes = {};
  /** @param {import("@pulumi/pulumi/automation/index.js").EngineEvent} event */
  const onEvent = ({ summaryEvent }) => {
    if (summaryEvent !== undefined) changes = summaryEvent.resourceChanges;
  };
  // the run's own events say what changed: the history would take one more start of the CLI, and so do outputs in clear
  stack.info = async () => undefined;
  if (command === "destroy") {
    await stack.destroy({ ...options, onEvent });
    return { changes };
  }
  const { changeSummary } = await stack.preview(options);
  if (command === "preview") return { changes: changeSummary };
  options.signal.throwIfAborted();
  stack.outputs = async () => ({});
  await stack.up({ ...options, onEvent, suppressOutputs: true });
  Reflect.deleteProperty(stack, "outputs");
  return { changes, outputs: await readMaskedOutputs(stack) };
}

/** @param {unknown} error */
function describe(error) {
  if (error instanceof StackLocked || error instanceof ProgramMissing || RunError.isInstance(error))
    return error.message;
  if (error instanceof CommandError)
    return "The Pulumi process was killed. The next run clears the lock that it leaves.";
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`);
}
