// Runs classes without an engine (pulumi.runtime.setMocks), and holds what they registered and logged.
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, vi } from "vitest";

/** One registration. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  /** Without the envelopes of secrets. */
  readonly inputs: Record<string, unknown>;
  /** Names of the inputs that travel as secrets. */
  readonly secrets: readonly string[];
  /** Set when the resource is only read. */
  readonly id: string | undefined;
  /** URN; empty for the root. */
  readonly parent: string;
  /** URNs of what it waits for. */
  readonly dependencies: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
}

/** What stands for the provider: the outputs of a resource beside its inputs. */
export type Answer = (registered: Registered) => Promise<Record<string, unknown>> | Record<string, unknown>;

/** Key of the envelope of a secret (pulumi/pulumi, sdk/nodejs/runtime/rpc.ts). */
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";

interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getDependenciesList(): string[];
  getAdditionalsecretoutputsList(): string[];
}

/** Sets up mocks before each test of the file. */
export function recordResources() {
  let requests: Request[] = [];
  let made: Registered[] = [];
  let answer: Answer = () => ({});
  let logged: string[] = [];
  let spies: { mockRestore(): void }[] = [];

  beforeEach(async () => {
    [requests, made, logged, answer] = [[], [], [], () => ({})];
    spies = (["info", "warn"] as const).map((level) =>
      vi.spyOn(pulumi.log, level).mockImplementation(async (message) => {
        logged.push(`${level}: ${message}`);
      }),
    );
    await pulumi.runtime.setMocks({ newResource, call: () => ({}) }, "project", "stack", false);
    const monitor = pulumi.runtime.getMonitor() as unknown as Record<
      string,
      (request: Request, done: unknown) => unknown
    >;
    for (const method of ["registerResource", "readResource"]) {
      const original = monitor[method]?.bind(monitor);
      monitor[method] = (request, done) => {
        requests.push(request);
        return original?.(request, done);
      };
    }
  });

  afterEach(() => {
    for (const spy of spies) spy.mockRestore();
  });

  async function newResource({ type, name, inputs, id }: pulumi.runtime.MockResourceArgs) {
    const request = requests.find((one) => one.getType() === type && one.getName() === name);
    const registered: Registered = {
      type,
      name,
      inputs: opened(inputs as Record<string, unknown>),
      secrets: Object.keys(inputs).filter((key) => isEnvelope(inputs[key])),
      id: id || undefined,
      parent: request?.getParent() ?? "",
      dependencies: request?.getDependenciesList() ?? [],
      additionalSecretOutputs: request?.getAdditionalsecretoutputsList() ?? [],
    };
    made.push(registered);
    return { id: id || `${name}-id`, state: { ...registered.inputs, ...(await answer(registered)) } };
  }

  return {
    /** What was logged, each with its level. */
    log: () => logged as readonly string[],
    /** What the provider is to answer. */
    answer: (answered: Answer) => {
      answer = answered;
    },
    /** Everything that `program` registers, children and all. */
    of: async (program: () => unknown): Promise<readonly Registered[]> => {
      await program();
      // registrations go through promises without end to wait for; the runtime waits in the same way
      await pulumi.runtime.disconnect();
      // what was applied to the last outputs runs in the turns after
      for (let turn = 0; turn < 10; turn++) await new Promise((next) => setImmediate(next));
      return made;
    },
  };
}

/** Properties without the envelopes of secrets, as the engine sends them to a dynamic provider. */
export function opened(properties: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, isEnvelope(value) ? value.value : value]),
  );
}

function isEnvelope(value: unknown): value is { value: unknown } {
  return typeof value === "object" && value !== null && SIGNATURE_KEY in value;
}

/** The value of an output. */
export async function resolved<T>(output: pulumi.Output<T>): Promise<T> {
  return (output as unknown as { promise(): Promise<T> }).promise();
}
