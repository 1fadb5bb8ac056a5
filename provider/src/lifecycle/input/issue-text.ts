import type { core } from "zod";
import { nearest } from "../../text/nearest";
import { renderQuoted } from "../../text/quoted";

/** One thing that is wrong with an input. */
export interface InputIssue {
  /** Path of the property, for instance `tls.certificate.name` or `binds[0]`. */
  readonly path: string;
  /** What was found, what was expected, what to do; one line. */
  readonly reason: string;
}

/** What is expected at a path with its list positions as `[]`, and other spellings that users bring along. */
export interface IssueWords {
  readonly expected: Readonly<Record<string, string>>;
  /** Lower-case foreign name of a property -> ours. */
  readonly synonyms: Readonly<Record<string, string>>;
  /** Path of an object, with list positions as `[]` -> its properties. */
  readonly properties: Readonly<Record<string, readonly string[]>>;
}

/** Most issues that are told at once; the rest is counted. */
const MOST_ISSUES = 25;

/** Turns what zod found into sentences. Needs `reportInput: true`. */
export function renderIssues(issues: readonly core.$ZodIssue[], words: IssueWords): readonly InputIssue[] {
  const told = issues.slice(0, MOST_ISSUES).flatMap((issue) => renderIssue(issue, words));
  if (issues.length <= MOST_ISSUES) return told;
  const more = `there are ${issues.length - MOST_ISSUES} further problems: correct the ones above first`;
  return [...told, { path: told[0]?.path ?? "", reason: more }];
}

/** Renders a value for a message, by its kind and, where short, its content. Never calls a method of the value. */
export function describeInput(value: unknown): string {
  if (value === undefined || value === null) return value === null ? "null" : "nothing";
  if (typeof value === "string") return renderQuoted(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** `tls.certificate.name`, `binds[0]`. */
export function renderPath(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) =>
      typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${shortKey(String(step))}`,
    )
    .join("");
}

function renderIssue(issue: core.$ZodIssue, words: IssueWords): readonly InputIssue[] {
  const path = renderPath(issue.path);
  const pattern = path.replace(/\[\d+\]/g, "[]");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.slice(0, MOST_ISSUES).map((key) => ({
      path: path === "" ? shortKey(key) : `${path}.${shortKey(key)}`,
      reason: unknownKey(key, words.properties[pattern] ?? [], words.synonyms),
    }));
  }
  if (issue.code === "custom") return [{ path, reason: issue.message }];
  const expected = words.expected[pattern] ?? "another kind of value";
  if (issue.code === "too_small" || issue.code === "too_big") {
    const bound = issue.code === "too_small" ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
    const of =
      issue.origin !== "array" ? "" : issue.code === "too_small" && issue.minimum === 1 ? " entry" : " entries";
    return [{ path, reason: `found ${describeInput(issue.input)}, expected ${bound}${of}: ${expected}` }];
  }
  if (issue.input === undefined) return [{ path, reason: `is missing: expected ${expected}` }];
  return [{ path, reason: `found ${describeInput(issue.input)}, expected ${expected}` }];
}

function unknownKey(key: string, known: readonly string[], synonyms: IssueWords["synonyms"]): string {
  const lower = key.slice(0, 64).toLowerCase();
  const meant = (Object.hasOwn(synonyms, lower) ? synonyms[lower] : undefined) ?? nearest(key, known);
  const advice = meant === undefined ? "leave it away." : `did you mean ${meant}?`;
  return `is not a known property: ${advice} Known here: ${known.join(", ")}`;
}

/** A key of a stranger for a path: short, visible, on one line. */
function shortKey(key: string): string {
  return /^[A-Za-z_$][\w$-]{0,63}$/.test(key) ? key : renderQuoted(key.slice(0, 64));
}
