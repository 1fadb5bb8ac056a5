import { AsyncLocalStorage } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import { readClock } from "../../adapter/clock";
import { isTlsError } from "../../errors";
import { type Lifecycle, UNKNOWN } from "../../lifecycle/lifecycle";

/** Prefix of the names in the state; the engine finds the hook by it. */
const NAME = "tls-gateway-reason";

/**
 * One hook object per run: a second registration of the name kills the program, and one kept from an earlier run of the
 * Automation API is not registered in the next. The stack's resource stands for the run. The map is global, since a
 * program may load two copies of this package.
 */
const RUNS = Symbol.for("pulumi-tls-gateway.reason-hook.runs");

/** The part of a lifecycle that gives reasons. */
export type Explainer = Pick<Lifecycle, "explain" | "explainedSecrets">;

/**
 * The hook of one run and the kinds of resource it explains, by type token. Frozen: the copy that made
 * the run may be of another release, and its hook calls the explainers of this one.
 */
interface Run {
  readonly hook: pulumi.ResourceHook;
  readonly lifecycles: Map<string, Explainer>;
}

/**
 * The hook that says on the resource why it is created, renewed or issued anew, in preview and up alike, computed by the
 * same decision as the step itself.
 *
 * @returns `undefined` where hooks don't exist: under `pulumi.runtime.setMocks` and with an old engine.
 */
export function reasonHook(type: string, explainer: Explainer): pulumi.ResourceHook | undefined {
  if (!canRegisterHooks()) return undefined;
  const stack = pulumi.runtime.getStackResource();
  if (stack === undefined) return undefined;
  const runs = globalRuns();
  let run = runs.get(stack);
  if (run === undefined) {
    const lifecycles = new Map<string, Explainer>();
    run = { hook: makeHook(lifecycles), lifecycles };
    runs.set(stack, run);
  }
  run.lifecycles.set(type, explainer);
  return run.hook;
}

function globalRuns(): WeakMap<object, Run> {
  const holder = globalThis as { [RUNS]?: WeakMap<object, Run> };
  holder[RUNS] ??= new WeakMap();
  return holder[RUNS];
}

function canRegisterHooks(): boolean {
  const monitor = pulumi.runtime.getMonitor() as { registerResourceHook?: unknown } | undefined;
  return typeof monitor?.registerResourceHook === "function" && typeof pulumi.ResourceHook === "function";
}

function makeHook(lifecycles: ReadonlyMap<string, Explainer>): pulumi.ResourceHook {
  // an inline program's hook is called outside of the run's async context, where logging would miss the engine
  const inRun = AsyncLocalStorage.snapshot();
  return new pulumi.ResourceHook(NAME, (args) => inRun(() => explainStep(lifecycles, args)), { onDryRun: true });
}

/**
 * A hook that fails fails the step. That is what a step which would be refused is meant to do, in the preview already;
 * whatever else goes wrong here costs the reason and no more.
 */
async function explainStep(lifecycles: ReadonlyMap<string, Explainer>, args: pulumi.ResourceHookArgs): Promise<void> {
  // the resource itself can't be passed: its URN is known only after this hook has returned
  const resource = { urn: pulumi.output(args.urn) } as unknown as pulumi.Resource;
  try {
    const lifecycle = lifecycles.get(args.type);
    const state = args.oldOutputs === undefined ? undefined : readHookValues(args.oldOutputs);
    const inputs = await readHookInputs(args.newInputs ?? {}, lifecycle?.explainedSecrets ?? []);
    const reason = await lifecycle?.explain?.(state, inputs, readClock());
    if (typeof reason === "string") await pulumi.log.info(reason, resource);
    else if (reason !== undefined) await pulumi.log.warn(reason.warning, resource);
  } catch (error) {
    if (isTlsError(error)) throw error;
    const what = error instanceof Error ? error.name : "no error";
    await pulumi.log.warn(`the reason of this step can't be told (${what}); please report it`, resource);
  }
}

/** Some reasons are to be had from a CA alone, which is asked in the account's name: that key is known here anyway. */
async function readHookInputs(
  values: Record<string, unknown>,
  explained: readonly string[],
): Promise<Record<string, unknown>> {
  const opened = explained.map(async (name) => {
    const value = values[name];
    return pulumi.Output.isInstance(value) ? [[name, await openOutput(value)]] : [];
  });
  const secrets = Object.fromEntries((await Promise.all(opened)).flat());
  return { ...readHookValues(values), ...secrets };
}

/** The value of an output that is known; of one that is not, `apply` never calls. */
async function openOutput(output: pulumi.Output<unknown>): Promise<unknown> {
  const { isKnown } = output as unknown as { readonly isKnown: Promise<boolean> };
  if (!(await isKnown)) return UNKNOWN;
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}

/** Hooks get secrets and unknown values as outputs; no reason needs either. */
function readHookValues(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const isOpen = !pulumi.Output.isInstance(value) && !pulumi.containsUnknowns(value);
      return [name, isOpen ? value : UNKNOWN];
    }),
  );
}
