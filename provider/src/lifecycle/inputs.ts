import type { ZodType, z } from "zod";
import { isTlsError } from "../errors";
import type { Failure } from "./lifecycle";
import { isKnown, UNKNOWN, type Unknown } from "./unknown";

/** The schema of each property of a resource. */
export type InputShape = Readonly<Record<string, ZodType>>;

/** What a shape yields: each property valid, unknown, or absent where its schema allows it. */
export type ParsedInputs<S extends InputShape> = { readonly [Name in keyof S]: z.output<S[Name]> | Unknown };

/** Valid inputs, or every fault found. */
export type ParseResult<S extends InputShape> =
  | { readonly values: ParsedInputs<S>; readonly failures?: never }
  | { readonly values?: never; readonly failures: readonly Failure[] };

/** At most so many faults are listed: the first ones are the ones that are read. */
const MAX_FAILURES = 20;

/**
 * Checks each property by its schema. What a preview does not know yet is left alone; a property that is not in the
 * shape is refused, with the nearest one named.
 *
 * No message quotes a value: a schema's own message says what was found where that is safe.
 */
export function parseInputs<S extends InputShape>(shape: S, news: Readonly<Record<string, unknown>>): ParseResult<S> {
  const values: Record<string, unknown> = {};
  const failures: Failure[] = [];
  for (const name of Object.keys(news)) {
    if (!Object.hasOwn(shape, name)) failures.push(describeUnknownProperty(name, Object.keys(shape)));
  }
  for (const [name, schema] of Object.entries(shape)) {
    const value = news[name] ?? undefined;
    if (value === UNKNOWN) {
      values[name] = UNKNOWN;
      continue;
    }
    const result = schema.safeParse(value);
    if (result.success) {
      if (result.data !== undefined) values[name] = result.data;
    } else {
      for (const issue of result.error.issues) {
        failures.push(`${renderPath([name, ...issue.path])}: ${value === undefined ? "is required" : issue.message}`);
      }
    }
  }
  if (failures.length > 0) return { failures: limit(failures) };
  return { values: values as ParsedInputs<S> };
}

/** Runs a parser that throws {@link TlsError}; its reason becomes a failure of `path`. */
export function attempt<T>(path: string, failures: Failure[], parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!isTlsError(error)) throw error;
    failures.push(renderFailure(path, error.reason, error.hint));
    return undefined;
  }
}

/** One failure with its hint, as a person reads it. */
export function renderFailure(path: string, reason: string, hint?: string): Failure {
  return `${path}: ${reason}${hint === undefined ? "" : ` Hint: ${hint}`}`;
}

/** The value where it is known and given. */
export function known<T>(value: T | Unknown | undefined): T | undefined {
  return value === undefined || !isKnown(value) ? undefined : value;
}

function limit(failures: readonly Failure[]): readonly Failure[] {
  if (failures.length <= MAX_FAILURES) return failures;
  return [...failures.slice(0, MAX_FAILURES), `and ${failures.length - MAX_FAILURES} more`];
}

function renderPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

function describeUnknownProperty(name: string, known: readonly string[]): Failure {
  const near = nearest(name, known);
  const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  return `${shown}: there is no such property${near === undefined ? "" : `; did you mean ${near}?`}`;
}

/** The known word with the fewest edits, if they are few: for "did you mean". */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 60) return undefined;
  const ranked = known.map((entry) => ({ entry, edits: countEdits(word.toLowerCase(), entry.toLowerCase()) }));
  ranked.sort((one, other) => one.edits - other.edits);
  const best = ranked[0];
  return best !== undefined && best.edits <= Math.max(2, word.length / 3) ? best.entry : undefined;
}

/** Levenshtein's distance. */
function countEdits(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const swap = (row[j - 1] as number) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[other.length] as number;
}
