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
