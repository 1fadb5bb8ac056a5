import type { core, ZodType, z } from "zod";
import { isTlsError } from "../../errors";
import { nearest } from "../../text/nearest";
import { renderQuoted } from "../../text/quoted";
import { type Failure, isKnown, UNKNOWN, type Unknown } from "../lifecycle";
import { renderPath } from "./issue-text";

/** The schema of each property of a resource. */
export type InputShape = Readonly<Record<string, ZodType>>;

/** What a shape yields: each property valid, unknown, or absent where its schema allows it. */
export type ParsedInputs<S extends InputShape> = { readonly [Name in keyof S]: z.output<S[Name]> | Unknown };

/** Valid inputs, or every fault found. */
export type ParseResult<S extends InputShape> =
  | { readonly values: ParsedInputs<S>; readonly failures?: never }
  | { readonly values?: never; readonly failures: readonly Failure[] };

/**
 * Checks each property by its schema. What a preview does not know yet is left alone; a property that is not in the
 * shape is refused, with the nearest one named.
 *
 * No message quotes a text that may be a secret: the kind of what was found is told, and the text itself only where one
 * of a few words was expected.
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
    const result = parseValue(schema, value);
    if (result === undefined) {
      failures.push(failureOf(name, `found ${describeKind(value, "invalid_type")} that can't be judged`));
      continue;
    }
    if (result.success) {
      if (result.data !== undefined) values[name] = result.data;
    } else {
      for (const issue of result.error.issues) failures.push(...renderIssue(name, issue));
    }
  }
  if (failures.length > 0) return { failures };
  // each value came from the schema of its name, or is unknown
  return { values: values as ParsedInputs<S> };
}

/** zod compares the length of whatever has one, and so throws for an object whose property of that name is an object. */
function parseValue(schema: ZodType, value: unknown): ReturnType<ZodType["safeParse"]> | undefined {
  try {
    return schema.safeParse(value, { reportInput: true });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** A value that was read, and everything that is wrong with it. The value is absent if none was given or none can be read. */
export interface Reading<T> {
  readonly value?: T | undefined;
  readonly failures: readonly Failure[];
}

/** The same where there is always a value, if only of the parts that can be read. */
export interface PartReading<T> extends Reading<T> {
  readonly value: T;
}

/** Reads a given value with a parser that throws {@link TlsError}. Its reason becomes a failure of `path`. */
export function attempt<Given, T>(path: string, given: Given | undefined, parse: (given: Given) => T): Reading<T> {
  if (given === undefined) return { failures: [] };
  try {
    return { value: parse(given), failures: [] };
  } catch (error) {
    if (!isTlsError(error)) throw error;
    return { failures: [failureOf(path, error.reason, error.hint)] };
  }
}

/** Reads each text of a list with such a parser. The value holds the texts that can be read. */
export function attemptEach<T>(
  path: string,
  texts: readonly string[],
  parse: (text: string) => T,
): PartReading<readonly T[]> {
  const readings = texts.map((text, index) => attempt(`${path}[${index}]`, text, parse));
  return {
    value: readings.flatMap(({ value }) => (value === undefined ? [] : [value])),
    failures: readings.flatMap(({ failures }) => failures),
  };
}

/** A failure of the argument that `path` begins with. A reason that names the path in front names it no more. */
export function failureOf(path: string, reason: string, hint?: string): Failure {
  const [property] = /^[A-Za-z]\w*/.exec(path) ?? [];
  return {
    ...(property !== undefined && { property }),
    path,
    // the readers of certificates and keys begin every message with the name of what they read
    reason: reason.startsWith(`${path}: `) ? reason.slice(path.length + 2) : reason,
    ...(hint !== undefined && { hint }),
  };
}

/** The value where it is known and given. */
export function known<T>(value: T | Unknown | undefined): T | undefined {
  return value === undefined || !isKnown(value) ? undefined : value;
}

function renderIssue(name: string, issue: core.$ZodIssue): readonly Failure[] {
  const path = renderPath([name, ...issue.path]);
  if (issue.code === "invalid_union") return renderUnion(name, issue);
  if (issue.code === "unrecognized_keys") {
    const expected = `there is no such property, ${issue.message}`;
    return issue.keys.map((key) => failureOf(renderPath([name, ...issue.path, key]), expected));
  }
  if (issue.code !== "invalid_type" && issue.code !== "invalid_value") return [failureOf(path, issue.message)];
  if (issue.input === undefined) return [failureOf(path, `is missing, ${issue.message}`)];
  return [failureOf(path, `found ${describeKind(issue.input, issue.code)}, ${issue.message}`)];
}

/** Of several kinds that a value may be of, the faults within the one that was meant; else what was expected. */
function renderUnion(name: string, issue: core.$ZodIssueInvalidUnion): readonly Failure[] {
  const meant = issue.errors.find(([first]) => first !== undefined && !isOtherKind(first));
  if (meant !== undefined)
    return meant.flatMap((one) => renderIssue(name, { ...one, path: [...issue.path, ...one.path] }));
  const path = renderPath([name, ...issue.path]);
  const { discriminator } = issue;
  // the path leads to the word that tells the kinds apart, the input is what it stands in
  const input =
    discriminator === undefined ? issue.input : (issue.input as Readonly<Record<string, unknown>>)[discriminator];
  if (input === undefined) return [failureOf(path, `is missing, ${issue.message}`)];
  const code = discriminator === undefined ? "invalid_type" : "invalid_value";
  return [failureOf(path, `found ${describeKind(input, code)}, ${issue.message}`)];
}

function isOtherKind({ code, path }: core.$ZodIssue): boolean {
  return path.length === 0 && (code === "invalid_type" || code === "invalid_value");
}

function describeKind(value: unknown, code: "invalid_type" | "invalid_value"): string {
  if (typeof value === "string") return code === "invalid_value" ? renderQuoted(value) : "a text";
  if (typeof value === "object") return value === null ? "null" : Array.isArray(value) ? "a list" : "an object";
  return typeof value === "boolean" ? String(value) : `a ${typeof value}`;
}

function describeUnknownProperty(name: string, known: readonly string[]): Failure {
  const near = nearest(name, known);
  return failureOf(
    renderPath([name]),
    `there is no such property${near === undefined ? "" : `; did you mean ${near}?`}`,
  );
}
