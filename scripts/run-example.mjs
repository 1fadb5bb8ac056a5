// Guards the run of one example on the real engine: what a killed run left is cleared, then preview, apply, and the outputs.
// Runs under the project's Node, which takes the TypeScript of an example as it is; started by up.mjs.
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandError } from "@pulumi/pulumi/automation/index.js";
import { openStack } from "./local-stack.mjs";
import { maskOutputs, renderOutputs } from "./outputs-summary.mjs";
import { clearDeadLocks, clearPendingCreates, StackLocked } from "./stack-lock.mjs";

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
  const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
  const { stack, place } = await openStack(root, example);
  for (const lock of await clearDeadLocks(stack, place)) {
    say(`Cleared the lock of process ${lock.pid}, which is gone (since ${lock.timestamp}).`);
  }
  for (const urn of await clearPendingCreates(stack, place)) {
    say(`Cleared the pending creation of ${urn}, which that run did not finish: it is created anew.`);
  }
  const options = {
    color: /** @type {"always" | "never"} */ (progress.isTTY ? "always" : "never"),
    onOutput: (/** @type {string} */ text) => void progress.write(text),
    onError: (/** @type {string} */ text) => void process.stderr.write(text),
    signal: stop.signal,
    diff: flags.includes("--diff"),
  };
  stop.signal.throwIfAborted();
  if (command === "destroy") return print((await stack.destroy(options)).summary.resourceChanges);
  const preview = await stack.preview(options);
  if (command === "preview") return print(preview.changeSummary);
  stop.signal.throwIfAborted();
  const result = await stack.up({ ...options, suppressOutputs: true });
  print(result.summary.resourceChanges, result.outputs);
}

/**
 * @param {Record<string, number | undefined> | undefined} changes number of resources by what was done to them
 * @param {import("@pulumi/pulumi/automation/index.js").OutputMap} [outputs]
 */
function print(changes, outputs) {
  if (asJson) {
    const result = { changes: changes ?? {}, ...(outputs === undefined ? {} : { outputs: maskOutputs(outputs) }) };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  } else if (outputs !== undefined) {
    process.stdout.write(`\n${renderOutputs(outputs)}\n`);
  }
}

/** @param {unknown} error */
function describe(error) {
  if (error instanceof StackLocked) return error.message;
  if (error instanceof CommandError)
    return "The Pulumi process was killed. The next run clears the lock that it leaves.";
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`);
}
