import { renderQuoted } from "../../text/quoted";

const control = /\p{Cc}/u;

/**
 * A text as one word of the POSIX shell that means the text itself: within single quotes every character but the quote
 * stands for itself (IEEE 1003.1-2017 section 2.2.2).
 * @throws TypeError for a text with NUL, which no shell can hold
 */
export function shellQuoted(text: string): string {
  if (text.includes("\0")) throw new TypeError("a text for the shell holds NUL");
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A word that is a path, a name or an address: one line, without control characters. */
export function shellWord(text: string, what: string): string {
  if (control.test(text)) throw new TypeError(`${what} ${renderQuoted(text)} holds a control character`);
  return shellQuoted(text);
}

/**
 * A command that stands in a script file, without the last line's end: a placeholder `@name@` becomes the value of that
 * name. The file has the quotes, so a value must mean itself where its placeholder stands, or be shell on purpose.
 * @throws TypeError for a placeholder without a value, and for a value without a placeholder
 */
export function shellFragment(text: string, values: Readonly<Record<string, string>> = {}): string {
  const unused = new Set(Object.keys(values));
  const filled = text.replace(/\n$/, "").replace(/@([A-Za-z]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new TypeError(`no value for @${name}@`);
    unused.delete(name);
    return value;
  });
  if (unused.size > 0) throw new TypeError(`no placeholder for ${[...unused].join(", ")}`);
  return filled;
}

/** A function that calls its first argument with each of these words: a list, as the POSIX shell has none. */
export function shellEach(name: string, calls: readonly string[]): string {
  return `${name}() {\n${calls.length === 0 ? "  :\n" : calls.map((words) => `  "$1" ${words}\n`).join("")}}\n`;
}

/** A function with a command, and one that says whether there is one. */
export function shellCommand(name: string, command: string | undefined): string {
  const answer = command === undefined ? "false" : "true";
  return `has_${name}() { ${answer}; }\ncommand_${name}() {\n${command ?? ":"}\n}\n`;
}
