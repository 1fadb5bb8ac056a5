// Guards: a text that is more to HAProxy than it looks: its words, as section 2.2 of its manual cuts them.

/** A line that holds words. */
export interface HaproxyLine {
  /** The name of the section it stands in, which stands in itself. */
  readonly section: string;
  readonly words: readonly string[];
}

const sectionKeywords = new Set(["global", "defaults", "frontend", "backend", "listen", "resolvers", "crt-store"]);

/**
 * Reads a configuration into its lines.
 * @throws Error for double quotes, in which HAProxy expands variables, and for a quote that does not end
 */
export function readHaproxyLines(text: string): readonly HaproxyLine[] {
  const lines: HaproxyLine[] = [];
  let section = "";
  for (const line of text.split("\n")) {
    const words = readWords(line);
    const [first] = words;
    if (first === undefined) continue;
    if (sectionKeywords.has(first)) section = words.join(" ");
    lines.push({ section, words });
  }
  return lines;
}

function readWords(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let isQuoted = false;
  for (let index = 0; index < line.length; index++) {
    const sign = line[index] ?? "";
    if (isQuoted) {
      if (sign === "'") isQuoted = false;
      else word += sign;
      continue;
    }
    if (sign === "#") break;
    if (sign === '"') throw new Error(`double quotes in ${line}`);
    if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word ??= "";
    if (sign === "'") isQuoted = true;
    else if (sign === "\\") word += line[++index] ?? "";
    else word += sign;
  }
  if (isQuoted) throw new Error(`a quote that does not end in ${line}`);
  return word === undefined ? words : [...words, word];
}
