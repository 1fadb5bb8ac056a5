import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { TlsError } from "../../../errors";
import { renderQuoted } from "../../../text/quoted";
import type { Deadline } from "../../run/deadline";

/** One run of a program. */
export interface HookRun {
  readonly program: string;
  readonly arguments: readonly string[];
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Values that stand in no message, whatever the program prints. */
  readonly secrets: readonly string[];
  readonly timeoutSeconds: number;
  /** Begins every message. */
  readonly doing: string;
}

/** What certbot hands over to the cleanup is far shorter. */
const MOST_OUTPUT = 64 * 1024;

/** From SIGTERM to SIGKILL. */
const GRACE_MS = 2000;

/** How long what a program left running in the background may hold its output after its end. */
const LINGER_MS = 500;

/** The lines of its output that a failure shows. */
const LINES_SHOWN = 3;

/**
 * Runs a program without a shell, as the leader of a process group of its own, without input, and gives its standard
 * output (at most its last 64 KiB). At the end of its time the whole group is ended, SIGKILL two seconds after SIGTERM;
 * the same happens to what it leaves running with its output open.
 * @throws TlsError ACME_CHALLENGE: can't be started, fails, takes too long; ACME_TIMEOUT or ACME_ABORTED by the deadline
 */
export async function runHook(run: HookRun, deadline?: Deadline): Promise<string> {
  deadline?.check(run.doing);
  const child = start(run);
  const [output, errors] = [new Tail(child.stdout), new Tail(child.stderr)];
  let isLate = false;
  const end = () => endGroup(child);
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, run.timeoutSeconds * 1000);
  deadline?.signal.addEventListener("abort", end, { once: true });
  try {
    const { code, signal } = await endOf(child);
    if (deadline?.signal.aborted === true) throw deadline.error(run.doing);
    const shown = shownOutput(errors.isEmpty ? output : errors, run.secrets);
    if (isLate) throw failure(run, `it took longer than ${run.timeoutSeconds} s and was ended. ${shown}`, LATE_HINT);
    if (code !== 0) {
      const how = code === null ? `it was ended by ${signal ?? "a signal"}` : `it ended with status ${code}`;
      throw failure(run, `${how}. ${shown}`, "Run the command by hand with the same record to see why.");
    }
    return output.text;
  } catch (error) {
    throw explainStart(run, error);
  } finally {
    clearTimeout(timer);
    deadline?.signal.removeEventListener("abort", end);
  }
}

function start(run: HookRun): ChildProcessByStdio<null, Readable, Readable> {
  const { program, arguments: args, environment } = run;
  // Node refuses it by quoting it
  if ([program, ...args, ...Object.entries(environment).flat()].some((text) => text.includes("\0"))) {
    throw failure(run, "the command or its environment holds a NUL character.", "Take it out of the settings.");
  }
  return spawn(program, args, { env: environment, stdio: ["ignore", "pipe", "pipe"], detached: true });
}

const LATE_HINT = "Raise timeoutSeconds of the challenge if the command needs longer.";

interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Resolves at the end of the program, when its output has been read too. */
function endOf(child: ChildProcess): Promise<ExitStatus> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    let linger: NodeJS.Timeout | undefined;
    child.once("exit", () => {
      linger = setTimeout(() => {
        killGroup(child, "SIGKILL");
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, LINGER_MS);
    });
    child.once("close", (code, signal) => {
      clearTimeout(linger);
      resolve({ code, signal });
    });
  });
}

function endGroup(child: ChildProcess): void {
  killGroup(child, "SIGTERM");
  const timer = setTimeout(() => killGroup(child, "SIGKILL"), GRACE_MS);
  child.once("close", () => {
    clearTimeout(timer);
    // others of the group may go on without its output
    killGroup(child, "SIGKILL");
  });
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // the group is gone already
  }
}

/** The end of a stream; what comes before it is counted only. */
class Tail {
  #kept: Buffer = Buffer.alloc(0);
  #isCut = false;

  constructor(stream: Readable) {
    stream.on("data", (chunk: Buffer) => {
      const all = Buffer.concat([this.#kept, chunk]);
      this.#isCut ||= all.length > MOST_OUTPUT;
      this.#kept = all.subarray(-MOST_OUTPUT);
    });
    stream.on("error", () => {});
  }

  get isEmpty(): boolean {
    return this.text.trim() === "";
  }

  get text(): string {
    return this.#kept.toString("utf8");
  }

  /** Whole lines: a secret that was cut in two could not be found any more. */
  get lines(): string {
    return this.#isCut ? this.text.slice(this.text.indexOf("\n") + 1 || this.text.length) : this.text;
  }
}

/** The last lines without secrets; before lines are cut, since a secret may have several. */
function shownOutput(tail: Tail, secrets: readonly string[]): string {
  // the longest first: one may be a part of another
  const open = [...secrets].sort((one, other) => other.length - one.length);
  const text = open.reduce((left, secret) => left.replaceAll(secret, "…"), tail.lines);
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(-LINES_SHOWN);
  if (lines.length === 0) return "It printed nothing.";
  return `Its output ends with ${lines.map(renderQuoted).join(", ")}.`;
}

function failure({ doing }: HookRun, found: string, hint: string, cause?: unknown): TlsError {
  return new TlsError("ACME_CHALLENGE", `${doing}: ${found}`, { hint, ...(cause === undefined ? {} : { cause }) });
}

/** What to do when a program can't be started. */
const startHints: Readonly<Record<string, string>> = {
  ENOENT:
    'Give its path; arguments stand apart, as in ["python3", "dns.py"], since no shell reads the text. The interpreter of its first line must exist too.',
  EACCES: "Make it executable: chmod +x.",
  ENOEXEC: "Let its first line name the interpreter, such as #!/bin/sh.",
};

function explainStart(run: HookRun, error: unknown): unknown {
  if (!(error instanceof Error && "syscall" in error && String(error.syscall).startsWith("spawn"))) return error;
  const code = "code" in error ? String(error.code) : "unknown";
  const hint = startHints[code] ?? "Look at the command given.";
  // the error of spawn carries all arguments, so it is no cause to keep
  return failure(run, `the program ${renderQuoted(run.program)} can't be started (${code}).`, hint);
}
