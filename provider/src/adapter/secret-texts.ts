import { renderQuoted } from "../text/quoted";

/** Stands where a message would show a secret. */
const MASK = "[secret]";

/** Shorter texts are parts of ordinary words, and are hidden only where they stand alone. */
const SHORTEST_PART = 4;

/** A message never quotes as much of one text: of a longer one its beginning is looked for. */
const LONGEST_QUOTED = 512;

/** Lines of a longer text, such as a key, that are quoted alone. */
const SHORTEST_LINE = 12;

/**
 * Every text that stands anywhere in these values, as messages may show it: whole, cut, escaped, or one of its lines.
 * Numbers count as their digits.
 */
export function collectSecretTexts(values: readonly unknown[]): readonly string[] {
  const texts = new Set(values.flatMap(leavesOf).flatMap(formsOf));
  texts.delete("");
  // the longest first: one may be a part of another
  return [...texts].sort((one, other) => other.length - one.length);
}

/** The message with a mask in place of each secret, whatever the case of its letters. */
export function maskSecretTexts(message: string, secrets: readonly string[]): string {
  return secrets.reduce((text, secret) => text.replaceAll(patternOf(secret), MASK), message);
}

function leavesOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(leavesOf);
}

function formsOf(text: string): readonly string[] {
  const lines = text.split(/[\r\n]+/).filter((line) => line.length >= SHORTEST_LINE);
  return [text, text.trim(), ...(lines.length > 1 ? lines : [])].flatMap((one) => {
    const start = one.slice(0, LONGEST_QUOTED);
    // renderQuoted cuts at 80 characters, and marks the cut
    const quoted = renderQuoted(start).slice(1, -1).replace(/…$/, "");
    return [start, quoted, JSON.stringify(start).slice(1, -1)];
  });
}

function patternOf(secret: string): RegExp {
  const literal = secret.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const isPart = secret.length >= SHORTEST_PART;
  return new RegExp(isPart ? literal : `(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])`, "gi");
}
