import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { parseAddressRange } from "./fields";

/** What an argument list of a matcher must look like to be taken by Caddy. */
interface MatcherForm {
  readonly arguments: readonly [least: number, most: number];
  /** Checks one argument; undefined when it is right, else what is wrong. */
  readonly check?: (argument: string, index: number, all: readonly string[]) => string | undefined;
  /** Caddy refuses, or forgets, a second line of this matcher in one set. */
  readonly once?: true;
}

const ANY = Number.POSITIVE_INFINITY;

/** Caddy's standard request matchers, each with what `caddy validate` 2.11.9 demands of its arguments. */
const matchers: Readonly<Record<string, MatcherForm>> = {
  client_ip: { arguments: [1, ANY], check: checkRange },
  expression: { arguments: [1, ANY], once: true },
  file: { arguments: [1, ANY] },
  header: {
    arguments: [2, 2],
    check: (word, index) =>
      index > 0 || isFieldName(word) ? undefined : `${renderQuoted(word)} is not the name of a header`,
  },
  header_regexp: { arguments: [2, 3], once: true },
  host: { arguments: [1, ANY], check: checkHost, once: true },
  method: { arguments: [1, ANY] },
  path: { arguments: [1, ANY] },
  path_regexp: { arguments: [1, 2], once: true },
  protocol: { arguments: [1, 1], once: true },
  query: {
    arguments: [1, ANY],
    check: (pair) => (pair.includes("=") ? undefined : `${renderQuoted(pair)} is not name=value`),
  },
  remote_ip: { arguments: [1, ANY], check: checkRange },
  vars: { arguments: [2, ANY] },
  vars_regexp: { arguments: [2, 3], once: true },
};

/**
 * Checks one line of Caddy's request matchers, such as `not path /public/*`: it stands in the server's configuration as
 * it is, where a broken line keeps the whole gateway from starting. Lines with the same matcher are alternatives of each other
 * (`path /a` and `path /b`), as are addresses in one line; different matchers must all hold. Not checked: regular and CEL expressions.
 * @throws TlsError SITE_INVALID
 */
export function parseCondition(text: string): string {
  const refuse = (found: string, hint: string): never => {
    throw new TlsError("SITE_INVALID", `the condition ${renderQuoted(text)}: ${found}`, { hint });
  };
  if (/[\r\n]/.test(text)) refuse("it holds a line break", "Give each line as a condition of its own.");
  if (/[{}]/.test(text)) refuse("it holds a brace", "Blocks and placeholders can't be used here.");
  if (!/^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(text)) refuse("it holds an invisible character", "Check it.");
  // the lexer of a Caddyfile: backticks quote too, "<<" opens a text over lines, "#" a comment, "\" escapes
  if (/[`\\]/.test(text) || /(^|\s)(<<|#)/.test(text)) {
    refuse("it holds a backtick, a backslash, << or a comment", "Write plain words, or words in double quotes.");
  }
  if (!/^(?:"[^"]*"|[^\s"]+)(?:\s+(?:"[^"]*"|[^\s"]+))*$|^$/.test(text.trim())) {
    refuse("a double quote stands inside a word or is not closed", "Quote whole words only.");
  }
  const words = text.match(/"[^"]*"|[^\s"]+/g) ?? [];
  const [name, ...rest] = words[0] === "not" ? words.slice(1) : words;
  const form = name !== undefined && Object.hasOwn(matchers, name) ? matchers[name] : undefined;
  if (form === undefined) {
    return refuse(
      "it starts with none of Caddy's matchers",
      `Start with one of: ${Object.keys(matchers).join(", ")}; or with not and one of them.`,
    );
  }
  const [least, most] = form.arguments;
  if (rest.length < least || rest.length > most) {
    refuse(
      `${name} takes ${least === most ? least : most === ANY ? `at least ${least}` : `${least} to ${most}`} arguments, found ${rest.length}`,
      "See Caddy's documentation of request matchers.",
    );
  }
  const given = rest.map((word) => word.replace(/^"(.*)"$/, "$1"));
  for (const [index, word] of given.entries()) {
    const wrong = form.check?.(word, index, given);
    if (wrong !== undefined) refuse(wrong, "Correct it, or leave it away.");
  }
  return words.join(" ");
}

/** The index of the first line whose matcher stands in an earlier line already, where Caddy allows one; -1: none. */
export function findRepeatedMatcher(conditions: readonly string[]): number {
  const seen = new Set<string>();
  return conditions.findIndex((line) => {
    const name = line.split(" ", 1)[0] ?? "";
    const isRepeated = seen.has(name) && Object.hasOwn(matchers, name) && matchers[name]?.once === true;
    seen.add(name);
    return isRepeated;
  });
}

/** A token of RFC 9110 section 5.6.2, without the "!" by which Caddy means "has no such field". */
function isFieldName(text: string): boolean {
  return /^[A-Za-z0-9_.-]+$/.test(text);
}

function checkHost(host: string, index: number, all: readonly string[]): string | undefined {
  const isRepeated = all.slice(0, index).some((other) => other.toLowerCase() === host.toLowerCase());
  return isRepeated ? `the host ${renderQuoted(host)} stands there twice` : undefined;
}

function checkRange(text: string): string | undefined {
  // Caddy's word for the private ranges (httpcaddyfile, remote_ip and client_ip)
  if (text === "private_ranges") return undefined;
  try {
    parseAddressRange(text);
    return undefined;
  } catch (error) {
    return error instanceof TlsError ? `${error.reason}; ${error.hint ?? ""}` : "it is no address range";
  }
}
