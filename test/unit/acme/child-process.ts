// A second Node process for a test: it runs a program beside this file and is told and tells single lines.
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A child with its lines. */
export class TestProcess {
  readonly child: ChildProcess;
  /** Its code or signal when it has ended. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly #lines: string[] = [];
  readonly #wanted: ((line: string) => void)[] = [];
  #errors = "";
  #end: string | undefined;

  /** Runs a program below this folder in another process; `wrap` runs it by another command, such as a shell with limits. */
  constructor(
    program: string,
    args: readonly string[],
    options: SpawnOptions & { readonly wrap?: readonly string[] } = {},
  ) {
    const { wrap = [], ...rest } = options;
    const hooks = join(import.meta.dirname, "typescript-hooks.mjs");
    const command = [...wrap, process.execPath, "--import", hooks, join(import.meta.dirname, program), ...args];
    // without what the test runner gives its own workers
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.child = spawn(command[0] ?? "", command.slice(1), { stdio: ["pipe", "pipe", "pipe"], env, ...rest });
    if (this.child.stdout === null) throw new Error("no output to read");
    createInterface(this.child.stdout).on("line", (line) => {
      const next = this.#wanted.shift();
      if (next === undefined) this.#lines.push(line);
      else next(line);
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.child.once("error", (error) => {
      this.#errors += String(error);
    });
    this.ended = new Promise<unknown[]>((resolve) => {
      this.child.once("close", (...end) => resolve(end));
    }).then(([code, signal]) => {
      this.#end = `ended (${String(signal ?? code)}): ${this.#errors}`;
      for (const next of this.#wanted.splice(0)) next(this.#end);
      return (signal ?? code) as number | NodeJS.Signals | null;
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The next line that it prints; after its end a line that says so, with what it wrote to stderr. */
  async line(): Promise<string> {
    return this.#lines.shift() ?? this.#end ?? new Promise((resolve) => this.#wanted.push(resolve));
  }

  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Ends it, if it is still there. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number | NodeJS.Signals | null> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** Whether a process runs; a zombie that nobody has waited for does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
