import type { Description } from "./descriptions";

/** The properties of a resource as plain JSON values; in `check` a value may be {@link Unknown}. */
export type Properties = Readonly<Record<string, unknown>>;

/** One thing that is wrong with the input, as data: the adapter renders it, and hides what a secret argument holds. */
export interface Failure {
  /** The argument that holds the fault; absent where the fault is of no argument alone. */
  readonly property?: string;
  /** Where the fault is: `hostnames[1]`. Empty where `reason` is all that there is to say. */
  readonly path: string;
  /** What was found and what was expected. May quote the input, but never a property that is always secret. */
  readonly reason: string;
  /** What to do, one sentence without "Hint:". */
  readonly hint?: string;
}

/** What `check` says: the inputs to keep, complete with all that can be computed from them, or what is wrong. */
export type CheckResult =
  | { readonly inputs: Readonly<Record<string, unknown | Unknown>>; readonly failures?: never }
  | { readonly inputs?: never; readonly failures: readonly Failure[] };

/** Why a step happens; a warning where it may be a mistake. */
export type Reason = string | { readonly warning: string } | undefined;

/** What an effect may use besides its arguments. */
export interface Effect {
  readonly now: Date;
}

/** Properties as a preview has them: any may be unknown, or absent. */
export type Preview<T> = { readonly [Name in keyof T]?: T[Name] | Unknown };

/** The outputs that an effect returns for the state; `null` for an output that is known to be absent. */
export type Outputs<State> = { readonly [Name in keyof State]?: State[Name] | null | undefined };

/** What `create` brings: an identity that never changes, and what only the effect could know. */
interface Created<State = Properties> {
  readonly id: string;
  readonly outputs: Outputs<State>;
}

/**
 * What happens to one kind of resource, over plain JSON values: it knows no Pulumi. The adapter adds to every result
 * the inputs that outputs show, the secret marks and what the engine needs.
 *
 * Each kind is written over its own types, which `decoded` (decoder.ts) reads from plain values; without arguments
 * this is the resulting lifecycle, as the adapter and the reason hook call it.
 */
export interface Lifecycle<Inputs = Properties, State = Properties> extends Description<Extract<keyof State, string>> {
  /** Inputs that no output shows: a change of these alone updates nothing. Left out of the state. */
  readonly policyProperties: readonly Extract<keyof Inputs, string>[];
  /**
   * Inputs that only `check` makes, no arguments. With `ignoreChanges: ["*"]` the engine sends those of the last run.
   */
  readonly derivedProperties?: (inputs: Properties) => readonly string[];
  /** Outputs that only `create` and `update` can know. */
  readonly computedProperties: (state: State) => readonly string[];
  /**
   * Validates, normalises, sorts and computes every deterministic output. Never throws on bad input.
   * @param olds the inputs of the last run, `{}` for a new resource: only to keep what was planned.
   */
  check(olds: Preview<Inputs>, news: Readonly<Record<string, unknown | Unknown>>, now: Date): CheckResult;
  /** The properties whose change can't be made in place. */
  replaces?(state: State, inputs: Preview<Inputs>): readonly string[];
  /**
   * Whether the resource needs an update that no difference of inputs shows (a renewal by somebody else's dates). Where
   * the world is asked, briefly, and never to fail for it.
   */
  isDue?(state: State, inputs: Preview<Inputs>, now: Date): boolean | Promise<boolean>;
  /**
   * Why a step happens, one sentence for the row of the resource; `undefined` when the differences say it all.
   * @param state `undefined` for a creation.
   * @throws TlsError for a step that would be refused: it fails already in the preview.
   */
  explain?(state: Preview<State> | undefined, inputs: Preview<Inputs>, now: Date): Reason | Promise<Reason>;
  create(inputs: Inputs, effect: Effect): Promise<Created<State>>;
  /** @returns what only the effect could know, all of it, also what did not change. */
  update(id: string, state: State, inputs: Inputs, effect: Effect): Promise<Outputs<State>>;
  /**
   * What can be learnt anew from the world, for the outputs: called by a refresh, which goes on without it when it throws
   * a `TlsError`. Absent where nothing can.
   */
  refresh?(id: string, state: State, effect: Effect): Promise<Outputs<State>>;
  /** Removes what exists outside of the state; idempotent. Absent where nothing does. */
  delete?(id: string, state: State): Promise<void>;
}

/**
 * A creation or update that failed half way and must be remembered: the state keeps `outputs`, counts as unfinished,
 * and the next run goes on from there.
 */
export class UnfinishedError extends Error {
  readonly id: string;
  readonly outputs: Properties;

  constructor(id: string, outputs: Properties, cause: Error) {
    super(cause.message, { cause });
    this.name = "UnfinishedError";
    this.id = id;
    this.outputs = outputs;
  }
}

/**
 * Stands for a value that a preview does not know yet: an output of a resource that is still to be made. A whole
 * top-level property is unknown as soon as anything in it is.
 */
export const UNKNOWN: unique symbol = Symbol("unknown");

/** The type of {@link UNKNOWN}. */
export type Unknown = typeof UNKNOWN;

/** Whether a value is known. */
export function isKnown<T>(value: T | Unknown): value is T {
  return value !== UNKNOWN;
}

/**
 * Whether two JSON values say the same: the order of keys does not count (the engine does not keep it), and a key
 * without a value, `null` or `undefined`, is no key.
 */
export function isSameValue(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (isAbsent(one) || isAbsent(other)) return isAbsent(one) && isAbsent(other);
  if (Array.isArray(one) || Array.isArray(other)) {
    return (
      Array.isArray(one) &&
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((entry, index) => isSameValue(entry, other[index]))
    );
  }
  if (!isRecord(one) || !isRecord(other)) return false;
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].every((key) => isSameValue(one[key], other[key]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isAbsent(value: unknown): boolean {
  return value === null || value === undefined;
}
