// Guards `npm run up`, `preview` and `destroy`: arguments, set-up, and that a run ends: within its limit, or on Ctrl-C.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { descendantsOf, killRemaining } from "./lib/processes.mjs";
import { root, runMain, setUp } from "./setup.mjs";

/** Exit codes: 0 done, 1 failed, 2 not understood, 130 stopped by Ctrl-C. */
const usage = `Usage:
  npm run up                              previews and applies examples/quickstart, prints its configuration
  npm run up -- <example>                 the same with another example
  npm run preview -- <example>            shows what would change, changes nothing
  npm run preview -- --as-of 2027-03-01   shows what would change on that day: which certificates renew
  npm run destroy -- <example>            removes what up has made

  --diff                  every changed line of every property, as \`pulumi preview --diff\`
  --json                  result as JSON on stdout, progress on stderr; secrets as "[secret]"
  --time-limit <minutes>  when to give up; 10 by default

State, passphrase and plugins are kept in .pulumi-local/ of this working copy.
Examples: ${examples().join(", ") || "none"}
`;

/** After a stop was asked for, the time that a run has to write its state; Pulumi waits for the steps that run. */
const graceSeconds = 15;
/** Two signals closer than this are one Ctrl-C: a terminal's and the copy that npm passes on. */
const sameSignalSeconds = 1;

class UsageError extends Error {}

await runMain(async () => {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        diff: { type: "boolean" },
        json: { type: "boolean" },
        "as-of": { type: "string" },
        "time-limit": { type: "string", default: "10" },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    const [command, example] = readCommand(positionals);
    const minutes = readMinutes(values["time-limit"]);
    const asOf = readAsOf(command, values["as-of"]);
    const { node, env } = await setUp();
    const flags = ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--disable-warning=ExperimentalWarning"];
    const args = [
      ...flags,
      join(root, "scripts/lib/run-example.mjs"),
      command,
      example,
      ...(values.json ? ["--json"] : []),
      ...(values.diff ? ["--diff"] : []),
    ];
    return await runBounded(node, args, asOf === undefined ? env : { ...env, TLS_GATEWAY_AS_OF: asOf }, minutes);
  } catch (error) {
    // the second is what parseArgs throws
    if (!(error instanceof UsageError) && !(error instanceof TypeError && "code" in error)) throw error;
    process.stderr.write(`${error.message}\n\n${usage}`);
    return 2;
  }
});

function examples() {
  return readdirSync(join(root, "examples")).filter((name) => existsSync(join(root, "examples", name, "Pulumi.yaml")));
}

/**
 * @param {string[]} positionals
 * @returns {[string, string]}
 */
function readCommand([command = "", example = "quickstart", ...more]) {
  if (!["up", "preview", "destroy"].includes(command)) throw new UsageError(`There is no command "${command}".`);
  if (more.length > 0) throw new UsageError(`One example at a time: ${more.join(" ")} is too much.`);
  if (!examples().includes(example)) throw new UsageError(`There is no example "${example}".`);
  return [command, example];
}

/** @param {string} text */
function readMinutes(text) {
  const minutes = Number(text);
  // setTimeout can't wait longer than 24 days; a day is more than any run needs
  if (!(minutes > 0 && minutes <= 1440)) throw new UsageError(`--time-limit ${text}: expected minutes, at most 1440.`);
  return minutes;
}

/**
 * The day to decide as of; the resources refuse to be made under it, so only a preview takes it.
 * @param {string} command
 * @param {string | undefined} option
 */
function readAsOf(command, option) {
  const asOf = option ?? process.env.TLS_GATEWAY_AS_OF;
  if (!asOf) return undefined;
  if (command !== "preview")
    throw new UsageError(`Only a preview can be as of another day (TLS_GATEWAY_AS_OF=${asOf}).`);
  if (Number.isNaN(Date.parse(asOf))) throw new UsageError(`--as-of ${asOf}: expected a date such as 2027-03-01.`);
  return asOf;
}

/**
 * Runs the program that drives Pulumi in a session of its own, so that a terminal's Ctrl-C reaches this process alone: Pulumi
 * takes a second signal for an order to drop everything.
 * @param {string} node
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {number} minutes
 * @returns {Promise<number>} exit code
 */
function runBounded(node, args, env, minutes) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { cwd: root, env, detached: true, stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const { pid } = child;
    child.on("error", reject);
    if (pid === undefined) return;
    // a dynamic provider can outlive the CLI, and is nobody's child then: what was ever seen below the run is of the run
    /** @type {Map<string, import("./lib/processes.mjs").RunningProcess>} */
    const seen = new Map();
    const look = () => {
      for (const one of descendantsOf(pid)) seen.set(`${one.pid} ${one.started}`, one);
    };
    const looking = setInterval(look, 1000);
    let stoppedAt = 0;
    let exitCode = 1;

    const kill = () => {
      look();
      child.kill("SIGKILL");
      say("The run was killed. The next one clears the lock that it leaves.");
    };
    /** @param {string} reason @param {number} code */
    const stop = (reason, code) => {
      say(reason);
      stoppedAt = performance.now();
      exitCode = code;
      look();
      if (child.connected) child.send("stop");
    };
    const limit = setTimeout(() => {
      if (stoppedAt === 0) stop(`Longer than ${minutes} minutes (--time-limit): stopping.`, 1);
      setTimeout(kill, graceSeconds * 1000).unref();
    }, minutes * 60_000);
    const interrupt = () => {
      if (stoppedAt === 0) stop("Stopping when the step that runs is done; again to kill it.", 130);
      else if (performance.now() - stoppedAt > sameSignalSeconds * 1000) kill();
    };
    // runMain's scripts end on a signal otherwise
    for (const signal of ["SIGINT", "SIGTERM"]) process.removeAllListeners(signal).on(signal, interrupt);
    child.on("exit", (code, signal) => {
      if (stoppedAt === 0 && signal !== null) say(`The run was ended by ${signal}. The next one clears what it left.`);
      clearTimeout(limit);
      clearInterval(looking);
      for (const signal of ["SIGINT", "SIGTERM"]) process.removeListener(signal, interrupt);
      killRemaining([...seen.values()]);
      resolve(stoppedAt > 0 ? exitCode : (code ?? 1));
    });
  });
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`);
}
