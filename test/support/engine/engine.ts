// Runs inline programs on the real Pulumi engine: a file backend and a Pulumi home of its own for each stack, every
// command under a time limit, and everything that it printed kept, so that each test ends with a search for secrets.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import * as automation from "@pulumi/pulumi/automation";
import * as settings from "@pulumi/pulumi/runtime/settings";
import { keyServiceEnv, keyServiceState } from "./key-service";
import { findLeaks } from "./secret-scan";
import { shiftClock } from "./shifted-clock.cjs";

/** The folder that programs run in, from which the engine's provider process finds the package. */
export const programFolder = resolve(import.meta.dirname, "../../..");

/** Longer than any step of a test takes, and far shorter than a hanging provider: seconds. */
const TIME_LIMIT = 400;

const run = promisify(execFile);

const shiftedClock = join(import.meta.dirname, "shifted-clock.cjs");

// A program whose engine was killed leaves a broken channel in gRPC's process-wide pool. If the next
// engine gets the same port, its program reuses that channel and ends at once, and Pulumi deletes every
// resource. With a pool for each client, this cannot happen.
const { grpcClientOptions } = settings as unknown as { grpcClientOptions: Record<string, unknown> };
grpcClientOptions["grpc.use_local_subchannel_pool"] = 1;

/** Found once a test file: that is a start of the CLI. */
let pulumiCommand: Promise<automation.PulumiCommand> | undefined;

/** A stack on an engine of its own. */
export class EngineStack {
  private constructor(
    readonly stack: automation.Stack,
    readonly folder: string,
    readonly env: Record<string, string>,
  ) {}

  /** All that commands printed so far, stdout and stderr. */
  readonly printed: string[] = [];
  /** All events that are not for debugging: those hold every secret, by the engine's design. */
  readonly events: automation.EngineEvent[] = [];

  /**
   * @param options `env` is for the engine, its provider processes and the CLI; `main` is the folder of the program, from
   * which the provider process finds the package.
   */
  static async create(
    name: string,
    program: automation.PulumiFn,
    options: { env?: Record<string, string>; main?: string } = {},
  ): Promise<EngineStack> {
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-engine-"));
    const env = {
      PATH: toolsPath(),
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_HOME: join(folder, "home"),
      ...(await keyServiceEnv()),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
      ...options.env,
    };
    pulumiCommand ??= automation.PulumiCommand.get({ skipVersionCheck: true });
    const workspace = await automation.LocalWorkspace.create({
      workDir: folder,
      program,
      pulumiCommand: await pulumiCommand,
      pulumiHome: env.PULUMI_HOME,
      envVars: env,
      projectSettings: { name: "test", runtime: "nodejs", main: options.main ?? programFolder },
    });
    workspace.createStack = async () => writeEmptyStack(folder, name);
    const stack = await automation.Stack.create(name, workspace);
    // after each command the Automation API asks the CLI three times more, for what few tests look at: see outputs()
    stack.outputs = async () => ({});
    stack.info = async () => undefined;
    return new EngineStack(stack, folder, env);
  }

  /** Applies the program. */
  up(options: Partial<automation.UpOptions> = {}) {
    return this.watched((watch) => this.stack.up({ ...watch, ...options }));
  }

  preview(options: Partial<automation.PreviewOptions> = {}) {
    return this.watched((watch) => this.stack.preview({ ...watch, ...options }));
  }

  refresh(options: Partial<automation.RefreshOptions> = {}) {
    return this.watched((watch) => this.stack.refresh({ ...watch, ...options }));
  }

  destroy() {
    return this.watched((watch) => this.stack.destroy(watch));
  }

  /** The outputs of the stack as the CLI prints them, and whether the state has them as ciphers. */
  async outputs(): Promise<automation.OutputMap> {
    const shown = JSON.parse(await this.cli("stack", "output", "--json", "--show-secrets"));
    const stored = this.storedResources().find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
    const isSecret = (name: string) => Object.hasOwn(Object(stored?.[name]), "ciphertext");
    const rows = Object.entries(shown).map(([name, value]) => [name, { value, secret: isSecret(name) }]);
    return Object.fromEntries(rows);
  }

  /** A command that has to fail; what it printed. */
  async failure(command: () => Promise<unknown>): Promise<string> {
    const mark = this.printed.length;
    let failed = false;
    try {
      await command();
    } catch {
      failed = true;
    }
    if (!failed) throw new Error("the command was expected to fail, but succeeded");
    return this.printed.slice(mark).join("");
  }

  /** Runs the Pulumi CLI in the stack's folder. */
  async cli(...args: string[]): Promise<string> {
    const { stdout, stderr } = await run("pulumi", [...args, "--stack", this.stack.name, "--non-interactive"], {
      cwd: this.folder,
      env: { ...process.env, ...this.env },
      timeout: TIME_LIMIT * 1000,
      maxBuffer: 256 << 20,
    });
    return stdout + stderr;
  }

  /** The resources of the state, by name. */
  resources(): Record<string, StateResource> {
    return Object.fromEntries(this.storedResources().map((resource) => [resource.urn.split("::").at(-1), resource]));
  }

  /**
   * Every place where a private key of the state, or one of `words`, stands in clear.
   *
   * @param shown a text that holds the keys, in place of the state with its secrets shown
   */
  async leaks(words: readonly string[] = [], shown?: string): Promise<readonly string[]> {
    const open = shown ?? (await this.cli("stack", "export", "--show-secrets"));
    const places = {
      "printed text": this.printed.join("\n"),
      events: JSON.stringify(this.events),
      state: readFolder(join(this.folder, ".pulumi")),
      logs: readFolder(join(this.folder, "home")),
    };
    return findLeaks(open, words, places);
  }

  /** Moves the clock of this process, and of the providers of every command from now on, from the real time. */
  shiftClock(ms: number): void {
    shiftClock(ms);
    const { envVars } = this.stack.workspace;
    envVars.TEST_CLOCK_SHIFT_MS = `${ms}`;
    envVars.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} --require=${shiftedClock}`;
  }

  /** Keeps the state as it is now; what comes back brings it back, as often as it is called, without a run. */
  keepState(): () => void {
    const text = readFileSync(this.stateFile);
    return () => writeFileSync(this.stateFile, text);
  }

  /** Changes the state on disk, as nothing but a repair would. */
  editState(edit: (checkpoint: Checkpoint) => void): void {
    const { checkpoint, ...rest } = JSON.parse(readFileSync(this.stateFile, "utf8"));
    edit(checkpoint);
    writeFileSync(this.stateFile, JSON.stringify({ ...rest, checkpoint }));
  }

  /** Destroys nothing: only the folder goes. */
  remove(): void {
    shiftClock(0);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The resources of the state as the file backend has it on disk, secrets as ciphers. */
  private storedResources(): readonly StateResource[] {
    return JSON.parse(readFileSync(this.stateFile, "utf8")).checkpoint.latest?.resources ?? [];
  }

  private get stateFile(): string {
    return join(this.folder, ".pulumi/stacks/test", `${this.stack.name}.json`);
  }

  private async watched(command: (watch: Watch) => Promise<unknown>) {
    const [events, printed] = [this.events.length, this.printed.length];
    await command({
      onOutput: (text) => this.printed.push(text),
      onError: (text) => this.printed.push(text),
      onEvent: (event) => {
        // the declarations leave this severity out
        const severity: string | undefined = event.diagnosticEvent?.severity;
        if (severity !== "debug") this.events.push(event);
      },
      signal: AbortSignal.timeout(TIME_LIMIT * 1000),
    });
    const seen = this.events.slice(events);
    return {
      /** Number of resources by operation, the stack's own row left out. */
      changes: countOperations(seen),
      steps: readSteps(seen),
      messages: readMessages(seen),
      text: this.printed.slice(printed).join(""),
    };
  }
}

interface Watch {
  readonly onOutput: (text: string) => void;
  readonly onError: (text: string) => void;
  readonly onEvent: (event: automation.EngineEvent) => void;
  readonly signal: AbortSignal;
}

/** A resource as the state holds it. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs: Record<string, unknown>;
  readonly outputs: Record<string, unknown>;
  readonly initErrors?: readonly string[];
}

/** What the file backend stores of a stack. */
export interface Checkpoint {
  readonly latest: { resources?: readonly StateResource[]; pending_operations?: readonly unknown[] };
}

/** A step of a preview or an update. */
interface Step {
  readonly op: string;
  readonly name: string;
  readonly diffs: readonly string[];
  readonly detailedDiff: Readonly<Record<string, unknown>> | undefined;
}

function readSteps(events: readonly automation.EngineEvent[]): Step[] {
  return events.flatMap(({ resourcePreEvent }) => {
    const metadata = resourcePreEvent?.metadata;
    // the stack itself and the default provider
    if (metadata === undefined || /::pulumi:(pulumi|providers):/.test(metadata.urn)) return [];
    const name = metadata.urn.split("::").at(-1) as string;
    return [{ op: metadata.op, name, diffs: metadata.diffs ?? [], detailedDiff: metadata.detailedDiff }];
  });
}

/** What was logged, with the name of the resource that it stands beside. */
export interface Message {
  readonly on: string | undefined;
  readonly severity: string;
  readonly text: string;
}

function readMessages(events: readonly automation.EngineEvent[]): Message[] {
  return events.flatMap(({ diagnosticEvent }) =>
    diagnosticEvent === undefined
      ? []
      : [
          {
            on: diagnosticEvent.urn === undefined ? undefined : diagnosticEvent.urn.split("::").at(-1),
            severity: diagnosticEvent.severity,
            // the engine colours its text with marks such as <{%reset%}>
            text: diagnosticEvent.message.replace(/<\{%[^%]*%\}>/g, "").trim(),
          },
        ],
  );
}

/** How many resources, without the stack itself, each operation met. */
function countOperations(events: readonly automation.EngineEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of readSteps(events)) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

/** What `pulumi stack init --secrets-provider hashivault://tests` makes, which takes as long as a preview. */
function writeEmptyStack(folder: string, name: string): void {
  const latest = {
    manifest: { time: "2026-01-01T00:00:00Z", magic: "", version: "" },
    secrets_providers: { type: "cloud", state: keyServiceState },
    metadata: {},
  };
  const checkpoint = { stack: `organization/test/${name}`, latest };
  mkdirSync(join(folder, ".pulumi/stacks/test"), { recursive: true });
  writeFileSync(join(folder, ".pulumi/meta.yaml"), "version: 1\n");
  writeFileSync(join(folder, ".pulumi/stacks/test", `${name}.json`), JSON.stringify({ version: 3, checkpoint }));
  const { url, encryptedkey } = keyServiceState;
  writeFileSync(join(folder, `Pulumi.${name}.yaml`), `secretsprovider: ${url}\nencryptedkey: ${encryptedkey}\n`);
  // a file where the CLI expects its log folder turns the log off, which costs a seventh of a command
  mkdirSync(join(folder, "home"), { recursive: true });
  writeFileSync(join(folder, "home/logs"), "");
}

function toolsPath(): string {
  return [process.env.TLS_GATEWAY_TOOLS, process.env.PATH].filter(Boolean).join(delimiter);
}

function readFolder(folder: string): string {
  let text = "";
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && statSync(path).size < 64 << 20 && !path.includes("/plugins/"))
      text += readFileSync(path, "latin1");
  }
  return text;
}
