/** What JSON can say. Caddy takes `null` for "has no such header". */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** An object of JSON, in the order in which it is written. */
export interface JsonObject {
  readonly [name: string]: Json;
}

/** One way to tell requests: all of its matchers must hold. */
export type MatcherSet = JsonObject;

/** A route of a server: the first of the sets that holds leads to the handlers. */
export interface Route extends JsonObject {
  readonly handle: readonly JsonObject[];
}

/** A user's text where Caddy looks for placeholders: braces mean themselves. */
export function literal(text: string): string {
  return text.replace(/[{}]/g, (brace) => `\\${brace}`);
}

/** A route that ends there: nothing after it sees the request. */
export function terminalRoute(match: readonly MatcherSet[], handle: readonly JsonObject[]): Route {
  return { ...(match.length > 0 && { match }), handle, terminal: true };
}

/** Routes as one handler; what none of them ends goes on behind it. */
export function subroute(routes: readonly JsonObject[]): JsonObject {
  return { handler: "subroute", routes };
}

/** An answer by Caddy itself. */
export function answer(status: number, headers: Readonly<Record<string, string>> = {}, body?: string): JsonObject {
  const lines = Object.entries(headers).map(([name, value]) => [name, [value]] as const);
  return {
    handler: "static_response",
    status_code: status,
    ...(lines.length > 0 && { headers: Object.fromEntries(lines) }),
    ...(body !== undefined && { body }),
  };
}

/** Seconds in Caddy's notation of durations. */
export function seconds(count: number): string {
  return `${count}s`;
}

/** Signs in a line, as far as a value can be broken. */
const LINE_WIDTH = 120;

/**
 * Renders JSON for people: indented by a space, since the tree is deep, and what fits in a line stands in one. A third of
 * what `JSON.stringify` makes of it.
 */
export function renderJson(value: Json): string {
  const lines: string[] = [];
  writeJson(value, { lines, indent: "", lead: "", tail: "" });
  return `${lines.join("\n")}\n`;
}

interface JsonPlace {
  readonly lines: string[];
  readonly indent: string;
  /** The name of the property, with its colon. */
  readonly lead: string;
  readonly tail: "" | ",";
}

function writeJson(value: Json, { lines, indent, lead, tail }: JsonPlace): void {
  const short = inlineJson(value, LINE_WIDTH - indent.length - lead.length);
  if (short !== undefined || typeof value !== "object" || value === null) {
    lines.push(`${indent}${lead}${short ?? JSON.stringify(value)}${tail}`);
    return;
  }
  const [open, close] = isList(value) ? ["[", "]"] : ["{", "}"];
  const entries = namedEntries(value);
  lines.push(`${indent}${lead}${open}`);
  for (const [index, [name, entry]] of entries.entries()) {
    const last = index === entries.length - 1;
    writeJson(entry, { lines, indent: `${indent} `, lead: name, tail: last ? "" : "," });
  }
  lines.push(`${indent}${close}${tail}`);
}

/** The value in one line; undefined when it is longer, which is found out without rendering it all. */
function inlineJson(value: Json, width: number): string | undefined {
  if (typeof value !== "object" || value === null) {
    const text = JSON.stringify(value);
    return text.length <= width ? text : undefined;
  }
  const parts: string[] = [];
  let left = width - 4;
  for (const [name, entry] of namedEntries(value)) {
    const text = inlineJson(entry, left - name.length);
    if (text === undefined) return undefined;
    left -= name.length + text.length + 2;
    parts.push(`${name}${text}`);
  }
  if (parts.length === 0) return isList(value) ? "[]" : "{}";
  return isList(value) ? `[${parts.join(", ")}]` : `{ ${parts.join(", ")} }`;
}

function namedEntries(value: readonly Json[] | JsonObject): readonly (readonly [name: string, entry: Json])[] {
  if (isList(value)) return value.map((entry) => ["", entry] as const);
  return Object.entries(value).map(([name, entry]) => [`${JSON.stringify(name)}: `, entry] as const);
}

/** `Array.isArray` knows no read-only lists. */
function isList(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}
