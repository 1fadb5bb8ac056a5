import { renderPath } from "./issue-text";

/** What of an input is worth looking at: far beyond real programs, and small enough to be judged in milliseconds. */
export interface InputLimits {
  /** Characters of one text. */
  readonly text: number;
  /** Entries of one list. */
  readonly entries: number;
  /** Properties of one object. */
  readonly properties: number;
  /** Lists and objects inside each other; also what ends a cycle. */
  readonly depth: number;
  /** Values in all. */
  readonly values: number;
}

/** An input that is beyond a limit. */
export interface InputExcess {
  /** Path of the value, for instance `binds[3]`; empty for the input itself. */
  readonly path: string;
  readonly reason: string;
}

/** Characters of a property's name; ours are all shorter. */
const LONGEST_KEY = 64;

/**
 * Finds the first value that is beyond a limit, before anything costly looks at the input. Reads each value once and stops
 * at the first excess: 10 MB in one text or 100,000 entries in one list cost microseconds. Not checked: types.
 */
export function findExcess(input: unknown, limits: InputLimits): InputExcess | undefined {
  let left = limits.values;
  const visit = (value: unknown, path: string, depth: number): InputExcess | undefined => {
    left -= 1;
    if (left < 0)
      return { path, reason: `found more than ${limits.values} values, far more than expected: check the input` };
    if (typeof value === "string") return excess(path, value.length, limits.text, "characters");
    if (typeof value !== "object" || value === null) return undefined;
    if (depth >= limits.depth) {
      return { path, reason: `found more than ${limits.depth} levels inside each other: check the input` };
    }
    if (Array.isArray(value))
      return excess(path, value.length, limits.entries, "entries") ?? visitList(value, path, depth);
    const keys = Object.keys(value);
    return excess(path, keys.length, limits.properties, "properties") ?? visitProperties(value, keys, path, depth);
  };
  const visitList = (list: readonly unknown[], path: string, depth: number): InputExcess | undefined => {
    for (const [index, value] of list.entries()) {
      const found = visit(value, `${path}[${index}]`, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const visitProperties = (
    value: object,
    keys: readonly string[],
    path: string,
    depth: number,
  ): InputExcess | undefined => {
    for (const key of keys) {
      if (key.length > LONGEST_KEY)
        return { path, reason: `found a property whose name has ${key.length} characters: check the input` };
      const found = visit(
        Reflect.get(value, key),
        path === "" ? renderPath([key]) : `${path}.${renderPath([key])}`,
        depth + 1,
      );
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return visit(input, "", 0);
}

function excess(path: string, size: number, limit: number, of: string): InputExcess | undefined {
  if (size <= limit) return undefined;
  return { path, reason: `found ${size} ${of}, expected at most ${limit}: check the input` };
}
