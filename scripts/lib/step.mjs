// Guards the terminal: a step is one line with its time, and what a command prints is shown only when it fails.
import { spawn } from "node:child_process";

/** Groups of quiet commands that run now: they end with this process. @type {Set<number>} */
const quiet = new Set();
/** The command that has the terminal now: it decides itself how to end. @type {import("node:child_process").ChildProcess | undefined} */
let shown;

process.on("exit", () => quiet.forEach(endGroup));
process.on("SIGINT", () => shown === undefined && process.exit(130));
process.on("SIGTERM", () => (shown === undefined ? process.exit(143) : shown.kill("SIGTERM")));

/** @param {number} pid */
function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // ended by itself in the meantime
  }
}

/** A command that failed; `message` holds its whole output. */
export class CommandFailed extends Error {}

/**
 * Prints `title`, does the work, and prints how long it took, on stderr: stdout belongs to the answer of a command.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const start = performance.now();
  process.stderr.write(`${title} … `);
  try {
    const result = await work();
    process.stderr.write(`${seconds(start)}\n`);
    return result;
  } catch (error) {
    process.stderr.write(`failed after ${seconds(start)}\n`);
    throw error;
  }
}

/**
 * The time since `start` (of `performance.now()`) as text.
 * @param {number} start
 */
export function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/**
 * Runs a command without showing its output, and gives it back.
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, limitSeconds?: number}} [options] the limit is 10 minutes by default
 * @returns {Promise<string>} stdout and stderr, in the order they came
 * @throws {CommandFailed} it could not be started, ended with another code than 0, or took longer than its limit
 */
export function runQuiet(command, args, { cwd, env = process.env, limitSeconds = 600 } = {}) {
  return new Promise((resolve, reject) => {
    // a group of its own, so that the limit ends what the command started as well
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const line = [command, ...args].join(" ");
    let output = "";
    let late = false;
    child.stdout.on("data", (data) => {
      output += data;
    });
    child.stderr.on("data", (data) => {
      output += data;
    });
    const { pid } = child;
    if (pid !== undefined) quiet.add(pid);
    const limit = setTimeout(() => {
      late = true;
      if (pid !== undefined) endGroup(pid);
    }, limitSeconds * 1000);
    child.on("error", (error) => {
      clearTimeout(limit);
      reject(new CommandFailed(`${line}\n${error.message}`));
    });
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      if (pid !== undefined) quiet.delete(pid);
      if (code === 0) return resolve(output);
      const end = late ? `took longer than ${limitSeconds} s` : `ended with ${signal ?? `code ${code}`}`;
      reject(new CommandFailed(`${output}\n${line}\n${end}`.trim()));
    });
  });
}

/**
 * Runs a command on this terminal and gives back its exit code.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {string} cwd
 * @returns {Promise<number>}
 */
export function runShown(command, args, env, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: "inherit" });
    shown = child;
    child.on("error", reject);
    child.on("close", (code, signal) => {
      shown = undefined;
      resolve(code ?? (signal === "SIGINT" ? 130 : 1));
    });
  });
}
