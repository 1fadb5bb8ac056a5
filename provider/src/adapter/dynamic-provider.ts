import { isTlsError, TlsError } from "../errors";
import { findExcess, type InputLimits } from "../lifecycle/input/guard";
import { type Failure, isSameValue, type Lifecycle, type Properties, UnfinishedError } from "../lifecycle/lifecycle";
import { isClockSet, readClock, requireWallClock } from "./clock";
import { describeUnexpected, renderFailures, type SecretArguments, type WireFailure } from "./failures";
import { collectSecretTexts, maskSecretTexts } from "./secret-texts";
import { readUnknowns, renderUnknowns, type WireProperties, withoutUndefined, wrapSecrets } from "./wire";

/** The text of the provider, which the engine keeps beside the properties. */
const PROVIDER = "__provider";

/**
 * Set by the class: the names of those arguments, no known secrets, that hold a secret. Then all that is derived is
 * secret too, and no failure quotes them.
 */
export const SENSITIVE = "__sensitive";

/** In a state: what is still to be done. Such a state is due by itself, since a refresh clears the engine's own mark. */
const UNFINISHED = "__unfinished";

/**
 * In checked inputs, always `null`, which the engine's comparison takes for absent: "these are the inputs of the last
 * run". `diff` can't see the old inputs, but must know whether the engine will find a difference by itself.
 */
const UNCHANGED = "__unchanged";

/**
 * Far beyond what any resource takes, and small enough to be judged in milliseconds. A gateway has its sites in one text,
 * which is no longer than its lifecycle allows.
 */
const inputLimits: InputLimits = {
  text: Number.POSITIVE_INFINITY,
  entries: 2_000,
  properties: 200,
  depth: 32,
  values: 50_000,
};

const internalProperties = new Set([PROVIDER, UNFINISHED, UNCHANGED]);

/** What Pulumi's dynamic-provider process calls (sdk/nodejs/dynamic/index.ts, `ResourceProvider`), over wire values. */
export interface DynamicProvider {
  check(olds: WireProperties, news: WireProperties): Promise<WireCheckResult>;
  diff(id: string, olds: WireProperties, news: WireProperties): Promise<WireDiffResult>;
  create(inputs: WireProperties): Promise<{ id: string; outs: WireProperties }>;
  read(id: string, props: WireProperties): Promise<{ id: string; props: WireProperties; inputs: WireProperties }>;
  update(id: string, olds: WireProperties, news: WireProperties): Promise<{ outs: WireProperties }>;
  delete(id: string, props: WireProperties): Promise<void>;
}

/** The answer of `check`: inputs or failures. */
interface WireCheckResult {
  readonly inputs?: WireProperties;
  readonly failures?: readonly WireFailure[];
}

/** The answer of `diff`; `changes: undefined` lets the engine compare old and new inputs and list the differences. */
interface WireDiffResult {
  readonly changes: boolean | undefined;
  readonly replaces: string[];
}

/**
 * Joins a lifecycle to the engine. The rules that it keeps, each found by experiment and held by an engine test, stand
 * in docs/design/engine.md.
 *
 * @param load gets the lifecycle when a method first needs it: one process serves every resource of a program, and
 * most programs use few kinds.
 */
export function createDynamicProvider(load: () => Lifecycle): DynamicProvider {
  return {
    check: async (olds, news) => check(load(), olds, news),
    diff: async (_id, olds, news) => diff(load(), olds, news),
    create: async (inputs) => {
      const lifecycle = load();
      return reporting(lifecycle, inputs, async () => {
        requireWallClock(`creating a ${lifecycle.name}`);
        const created = await lifecycle.create(publicPart(inputs), { now: new Date() });
        return { id: created.id, outs: stateOf(lifecycle, inputs, created.outputs) };
      });
    },
    update: async (id, olds, news) => {
      const lifecycle = load();
      return reporting(lifecycle, news, async () => {
        requireWallClock(`updating a ${lifecycle.name}`);
        const outputs = await lifecycle.update(id, publicPart(olds), publicPart(news), { now: new Date() });
        return { outs: stateOf(lifecycle, news, outputs) };
      });
    },
    read: async (id, props) => {
      const lifecycle = load();
      return read(lifecycle, id, { ...props, ...(await refreshed(lifecycle, id, props)) });
    },
    delete: async (id, props) => {
      await load().delete?.(id, publicPart(props));
    },
  };
}

function check(lifecycle: Lifecycle, olds: WireProperties, news: WireProperties): WireCheckResult {
  let failures: readonly Failure[];
  try {
    const excess = findExcess(news, inputLimits);
    if (excess !== undefined) {
      const { path, reason } = excess;
      return { failures: renderFailures([{ path: path || "arguments", reason }], secretsOf(news)) };
    }
    const last = argumentsOf(readUnknowns(olds));
    const given = withoutDerived(lifecycle, last, argumentsOf(readUnknowns(news)));
    const result = lifecycle.check(last, given, readClock());
    if (result.inputs !== undefined) return { inputs: checkedInputs(lifecycle, olds, news, result.inputs) };
    failures = result.failures;
  } catch (error) {
    failures = [{ path: "", reason: describeUnexpected(error) }];
  }
  return { failures: renderFailures(failures, secretsOf(news)) };
}

/** What no message about these arguments may show. */
function secretsOf(news: WireProperties): SecretArguments {
  const names = secretArguments(news);
  // texts of properties that are always secret are quoted nowhere, and a passphrase may be any word of a message
  return { names, texts: collectSecretTexts(names.map((name) => news[name])) };
}

function checkedInputs(
  lifecycle: Lifecycle,
  olds: WireProperties,
  news: WireProperties,
  checked: Properties,
): WireProperties {
  const inputs = withoutUndefined(renderUnknowns(checked));
  if (secretArguments(news).length > 0) inputs[SENSITIVE] = news[SENSITIVE];
  if (isSameValue(publicPart(olds), publicPart(inputs))) inputs[UNCHANGED] = null;
  return wrapSecrets(inputs, secretNames(lifecycle, inputs));
}

/**
 * The order of the decisions: what the engine's comparison can't see comes first (a state that is unfinished, a renewal,
 * a difference that was lost earlier), then what it can, then what needs no update. Never `false` while an output shows
 * something else than the inputs: the engine would store the inputs and keep the old output for ever.
 */
async function diff(lifecycle: Lifecycle, olds: WireProperties, news: WireProperties): Promise<WireDiffResult> {
  const state = publicPart(olds);
  const inputs = publicPart(readUnknowns(news));
  const replaces = [...(lifecycle.replaces?.(state, inputs) ?? [])];
  const shown = showsDifference(lifecycle, state, inputs);
  const lost = shown && UNCHANGED in news;
  if (UNFINISHED in olds || lost || (await lifecycle.isDue?.(state, inputs, readClock())) === true) {
    return { changes: true, replaces };
  }
  return { changes: shown ? undefined : false, replaces };
}

function showsDifference(lifecycle: Lifecycle, state: Properties, inputs: Properties): boolean {
  const hidden = new Set([...lifecycle.policyProperties, ...lifecycle.computedProperties(state)]);
  return [...new Set([...Object.keys(state), ...Object.keys(inputs)])].some(
    (name) => !hidden.has(name) && !isSameValue(state[name], inputs[name]),
  );
}

/** A refresh never fails for lack of the world, and looks at it on no other day than today. */
async function refreshed(lifecycle: Lifecycle, id: string, props: WireProperties): Promise<WireProperties> {
  const state = publicPart(props);
  if (lifecycle.refresh === undefined || Object.keys(state).length === 0 || isClockSet()) return {};
  try {
    return withoutUndefined(await lifecycle.refresh(id, state, { now: new Date() }));
  } catch (error) {
    if (isTlsError(error)) return {};
    throw error;
  }
}

/** Works from the state alone; its inputs repair what a run lost, and keep what `check` planned. */
function read(lifecycle: Lifecycle, id: string, props: WireProperties) {
  if (Object.keys(publicPart(props)).length === 0) {
    throw new TlsError("STATE_INVALID", `reading ${lifecycle.name} ${JSON.stringify(id)}: there is no state to read.`, {
      hint: `what it holds exists only in the state of its stack: give it as the third argument of ${lifecycle.name}.get, or adopt the certificate through its inputs. \`pulumi import\` can't work for dynamic resources.`,
    });
  }
  const computed = new Set([...lifecycle.computedProperties(props), PROVIDER, UNFINISHED, UNCHANGED]);
  const secrets = secretNames(lifecycle, props);
  const inputs = Object.fromEntries(Object.entries(props).filter(([name]) => !computed.has(name)));
  return { id, props: wrapSecrets(props, secrets), inputs: wrapSecrets(inputs, secrets) };
}

/** Adds to a failure what the engine needs in order to keep what was done. */
async function reporting<T>(lifecycle: Lifecycle, inputs: WireProperties, effect: () => Promise<T>): Promise<T> {
  try {
    return await effect();
  } catch (error) {
    // a program that is called prints what it was given
    const mask = (message: string) => maskSecretTexts(message, secretsOf(inputs).texts);
    if (error instanceof UnfinishedError) {
      const properties = { ...stateOf(lifecycle, inputs, error.outputs), [UNFINISHED]: true };
      const message = mask(error.message);
      throw Object.assign(new Error(message), {
        id: error.id,
        properties: { ...properties, [PROVIDER]: inputs[PROVIDER] },
        // the engine shows these and not the message
        reasons: [message],
      });
    }
    throw new Error(isTlsError(error) ? mask(error.message) : describeUnexpected(error));
  }
}

/** The whole state: what the inputs show, what the effect made, no policy, every secret in its envelope. */
function stateOf(lifecycle: Lifecycle, inputs: WireProperties, outputs: Properties): WireProperties {
  const state = withoutUndefined({ ...inputs, ...outputs });
  for (const name of [...lifecycle.policyProperties, ...internalProperties]) delete state[name];
  return wrapSecrets(state, secretNames(lifecycle, state));
}

function secretNames(lifecycle: Lifecycle, properties: WireProperties): ReadonlySet<string> {
  const all = Object.keys(properties).filter((name) => !name.startsWith("__"));
  return new Set(secretArguments(properties).length > 0 ? all : lifecycle.secretProperties);
}

/** The names that {@link SENSITIVE} lists. */
function secretArguments(properties: WireProperties): readonly string[] {
  const names = properties[SENSITIVE];
  return Array.isArray(names) ? names : [];
}

function publicPart(properties: WireProperties): WireProperties {
  return Object.fromEntries(
    Object.entries(properties).filter(([name, value]) => !internalProperties.has(name) && value !== null),
  );
}

/** `ignoreChanges: ["*"]` makes the engine send all inputs of the last run, also those that `check` had made of them. */
function withoutDerived(lifecycle: Lifecycle, last: WireProperties, news: WireProperties): WireProperties {
  const derived = lifecycle.derivedProperties?.(news) ?? [];
  return Object.fromEntries(
    Object.entries(news).filter(([name, value]) => !derived.includes(name) || !isSameValue(value, last[name])),
  );
}

function argumentsOf(properties: WireProperties): WireProperties {
  const { [SENSITIVE]: _, ...args } = publicPart(properties);
  return args;
}
