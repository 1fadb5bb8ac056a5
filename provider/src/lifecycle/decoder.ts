import { type ZodExactOptional, type ZodObject, type ZodUnknown, z } from "zod";
import { type Lifecycle, type Preview, type Properties, UNKNOWN } from "./lifecycle";

/** The types of the properties of a resource, in checked inputs and in a state. */
export interface Decoders<Inputs extends ZodObject, State extends ZodObject> {
  /** Everything that `check` returns. A property that is not optional here is present in `create` and `update`. */
  readonly inputs: Inputs;
  /** The inputs that are stored, and the outputs. Each may be absent: an earlier release may not have had it. */
  readonly state: State;
}

/** A list of texts, as several properties hold one. */
export const texts = z.array(z.string()).readonly();

/** The named properties of a value, as far as it has them. */
export function pick<T extends object, Name extends keyof T>(
  values: T,
  names: readonly Name[],
): Partial<Pick<T, Name>> {
  const picked: Partial<Pick<T, Name>> = {};
  for (const name of names) if (name in values) picked[name] = values[name];
  return picked;
}

/** Properties that a lifecycle only passes on, whatever they hold. */
export function untouched<Name extends string>(
  names: readonly Name[],
): Readonly<Record<Name, ZodExactOptional<ZodUnknown>>> {
  const entries = names.map((name) => [name, z.unknown().exactOptional()]);
  // Object.fromEntries forgets which names these are
  return Object.fromEntries(entries) as Record<Name, ZodExactOptional<ZodUnknown>>;
}

/**
 * The one place where plain JSON values become the types of a lifecycle.
 *
 * A value that its schema rejects counts as absent, so a state of another release never stops a run. An accepted value
 * stays the very value that was stored, with the parts that the schema does not know: schemas here must not transform.
 * They are light, because each step of each resource pays for them, and `check` has judged the inputs already.
 */
export function decoded<Inputs extends ZodObject, State extends ZodObject>(
  { inputs, state }: Decoders<Inputs, State>,
  typed: Lifecycle<z.output<Inputs>, Partial<z.output<State>>>,
): Lifecycle {
  const stateOf = (properties: Properties) => decode<Partial<z.output<State>>>(state, properties);
  const previewOf = (properties: Properties) => decode<Preview<z.output<Inputs>>>(inputs, properties, "unknowns stay");
  const inputsOf = (properties: Properties) => {
    const values = decode<z.output<Inputs>>(inputs, properties);
    requireWhole(typed.name, inputs, values);
    return values;
  };
  const { replaces, isDue, explain, refresh, delete: remove, ...rest } = typed;
  return {
    ...rest,
    computedProperties: (held) => typed.computedProperties(stateOf(held)),
    check: (olds, news, now) => typed.check(previewOf(olds), news, now),
    ...(replaces && { replaces: (held, news) => replaces(stateOf(held), previewOf(news)) }),
    ...(isDue && { isDue: (held, news, now) => isDue(stateOf(held), previewOf(news), now) }),
    ...(explain && {
      explain: (held, news, now) => {
        const seen = held && decode<Preview<Partial<z.output<State>>>>(state, held, "unknowns stay");
        return explain(seen, previewOf(news), now);
      },
    }),
    create: async (news, effect) => typed.create(inputsOf(news), effect),
    update: async (id, held, news, effect) => typed.update(id, stateOf(held), inputsOf(news), effect),
    ...(refresh && { refresh: async (id, held, effect) => refresh(id, stateOf(held), effect) }),
    ...(remove && { delete: async (id, held) => remove(id, stateOf(held)) }),
  };
}

function decode<T>({ shape }: ZodObject, properties: Properties, unknowns?: "unknowns stay"): T {
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const value = properties[name];
    if (value === undefined || value === null) continue;
    const isKept = value === UNKNOWN ? unknowns !== undefined : schema.safeParse(value).success;
    if (isKept) values[name] = value;
  }
  // each schema accepted its property, and the callers name the type of these schemas
  return values as T;
}

/** Rejects inputs that `check` never returns: an effect would fail on them later, with a message that helps nobody. */
function requireWhole(resource: string, schema: ZodObject, values: object): void {
  const [issue] = schema.safeParse(values).error?.issues ?? [];
  if (issue !== undefined) throw new TypeError(`${resource}: ${issue.path.join(".")} is not what check returns`);
}
