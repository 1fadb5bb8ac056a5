// Programs on the real Pulumi engine, with its state in a folder of its own, and the time of each command of the CLI.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as automation from "@pulumi/pulumi/automation/index.js";

/** The folder that programs run in, from which the engine's provider process finds the package. */
export const programFolder = resolve(import.meta.dirname, "../..");

/** A first up of 2,002 resources takes minutes; more than this is a hanging provider. Seconds. */
const TIME_LIMIT = 1800;

/** Folders of stacks that are in use; a benchmark that fails leaves none behind. */
const folders = new Set<string>();
process.on("exit", () => folders.forEach(removeFolder));

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** A resource as the checkpoint file holds it. */
export interface StoredResource {
  readonly type: string;
  readonly urn: string;
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
}

/** A stack that lives as long as a benchmark. */
export class BenchStack {
  readonly #stack: automation.Stack;
  readonly #folder: string;
  readonly #timer: CommandTimer;

  private constructor(stack: automation.Stack, folder: string, timer: CommandTimer) {
    this.#stack = stack;
    this.#folder = folder;
    this.#timer = timer;
  }

  /**
   * @param name of the stack, at the same length for stacks that are compared: it stands in every URN.
   * @param environment of the engine and its provider processes, beside this process's own.
   */
  static async create(
    name: string,
    program: automation.PulumiFn,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<BenchStack> {
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-bench-"));
    folders.add(folder);
    const timer = await CommandTimer.create();
    const envVars = {
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_HOME: join(folder, "home"),
      PULUMI_CONFIG_PASSPHRASE: "bench",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
      ...environment,
    };
    const stack = await automation.LocalWorkspace.createStack(
      { stackName: name, projectName: "bench", program },
      {
        workDir: folder,
        pulumiHome: envVars.PULUMI_HOME,
        envVars,
        pulumiCommand: timer.command,
        projectSettings: { name: "bench", runtime: "nodejs", main: programFolder },
      },
    );
    return new BenchStack(stack, folder, timer);
  }

  /** Milliseconds of `pulumi up`, the program's own time included. @param parallel resources at once; Pulumi's default else. */
  async up(parallel?: number): Promise<number> {
    const signal = AbortSignal.timeout(TIME_LIMIT * 1000);
    await this.#stack.up({ signal, ...(parallel !== undefined && { parallel }) });
    return this.#timer.take("up");
  }

  /** Milliseconds of a `pulumi preview`. @param changes whether there may be any. */
  async preview(changes: "none" | "any" = "none"): Promise<number> {
    const signal = AbortSignal.timeout(TIME_LIMIT * 1000);
    await this.#stack.preview({ signal, ...(changes === "none" && { expectNoChanges: true }) });
    return this.#timer.take("preview");
  }

  /** The checkpoint file. */
  get checkpoint(): string {
    return readFileSync(join(this.#folder, ".pulumi/stacks/bench", `${this.#stack.name}.json`), "utf8");
  }

  /** What the checkpoint file holds, without the stack itself and its default provider. */
  get resources(): readonly StoredResource[] {
    const { checkpoint } = JSON.parse(this.checkpoint) as { checkpoint: { latest: { resources: StoredResource[] } } };
    return checkpoint.latest.resources.filter(({ type }) => !/^pulumi:(pulumi|providers):/.test(type));
  }

  /** Destroys nothing: there is only the folder. */
  remove(): void {
    removeFolder(this.#folder);
    folders.delete(this.#folder);
  }
}

/** What the state holds after a program's first up. */
export async function storeOnce(program: automation.PulumiFn): Promise<readonly StoredResource[]> {
  const stack = await BenchStack.create("once", program);
  try {
    await stack.up();
    return stack.resources;
  } finally {
    stack.remove();
  }
}

/** The part of `PulumiCommand` that the Automation API calls; it is not in its public types. */
interface RunnableCommand {
  run(args: readonly string[], ...rest: unknown[]): Promise<unknown>;
}

/**
 * Times the commands alone: after an up, the Automation API calls the CLI again for outputs and history, which would
 * blur a comparison.
 */
class CommandTimer {
  readonly command: automation.PulumiCommand;
  readonly #times = new Map<string, number>();

  private constructor(command: automation.PulumiCommand) {
    this.command = command;
    const runnable = command as unknown as RunnableCommand;
    const run = runnable.run.bind(runnable);
    runnable.run = async (args, ...rest) => {
      const start = performance.now();
      const result = await run(args, ...rest);
      this.#times.set(args[0] ?? "", performance.now() - start);
      return result;
    };
  }

  static async create(): Promise<CommandTimer> {
    return new CommandTimer(await automation.PulumiCommand.get({ skipVersionCheck: true }));
  }

  /** The time of the last run of this command, once. */
  take(name: string): number {
    const time = this.#times.get(name);
    if (time === undefined) throw new Error(`the Automation API did not run pulumi ${name}`);
    this.#times.delete(name);
    return time;
  }
}

/** A resource of {@link file://./trivial.cjs}, for references: it keeps its properties and does nothing. */
export class TrivialResource extends pulumi.CustomResource {
  constructor(name: string, properties: Readonly<Record<string, unknown>>) {
    const path = join(import.meta.dirname, "trivial.cjs");
    const provider = `exports.handler = () => require(${JSON.stringify(path)}).trivial;`;
    super("pulumi-nodejs:dynamic/bench:Trivial", name, { ...properties, __provider: provider });
  }
}
