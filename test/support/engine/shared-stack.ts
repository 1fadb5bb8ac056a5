// A stack that the tests of one `describe` share, in their order: an engine start costs seconds, and the life of a stack
// reads as a story. What a program's outputs are in a preview is seen from inside of the program.
import * as pulumi from "@pulumi/pulumi";
import type { PulumiFn } from "@pulumi/pulumi/automation";
import { afterAll, beforeAll } from "vitest";
import { EngineStack, type StateResource } from "./engine";

/** What stands for a value that a preview does not know. */
export const UNKNOWN_OUTPUT = "[unknown]";

/** The values of outputs as the program saw them in its last run; `[unknown]` where a preview knows none. */
export type Observed = Record<string, unknown>;

/** A stack of which {@link useStack} takes care. */
export interface SharedStack {
  readonly engine: EngineStack;
  /** What the last run of the program observed. */
  readonly seen: Observed;
}

/**
 * Makes a stack before the tests of this `describe` and removes it after them.
 *
 * @param program what it returns is observed, and not a stack output: so secrets stay out of `pulumi stack output`.
 */
export function useStack(name: string, program: () => Record<string, unknown>, main?: string): SharedStack {
  const shared: { engine: EngineStack; seen: Observed } = { engine: undefined as unknown as EngineStack, seen: {} };
  beforeAll(async () => {
    const observed: PulumiFn = async () => {
      shared.seen = observe(program());
    };
    shared.engine = await EngineStack.create(name, observed, main === undefined ? {} : { main });
  });
  afterAll(() => shared.engine?.remove());
  return shared;
}

/** Nothing is awaited by the program: outputs of a resource that fails never come, and the run would never end. */
function observe(values: Record<string, unknown>): Observed {
  const seen: Observed = {};
  for (const [name, value] of Object.entries(values)) {
    const output = pulumi.output(value) as unknown as { isKnown: Promise<boolean>; promise(): Promise<unknown> };
    seen[name] = UNKNOWN_OUTPUT;
    const settle = async () => {
      if (await output.isKnown) seen[name] = await output.promise();
    };
    // a failure is told by the engine
    settle().catch(() => {});
  }
  return seen;
}

/** The outputs of a state, by resource, so that they can be compared: ciphers are other ones at every export. */
export function readableOutputs(resources: Record<string, StateResource>): unknown {
  const outputs = Object.entries(resources).map(([name, resource]) => [name, resource.outputs]);
  return JSON.parse(
    JSON.stringify(Object.fromEntries(outputs), (_, value) =>
      typeof value === "object" && value !== null && "ciphertext" in value ? "[secret]" : value,
    ),
  );
}
