import {
  type Dialect,
  type Directive,
  directive,
  type QuotedWord,
  quoted,
  type RawWord,
  raw,
  type Word,
} from "../syntax/directives";

/** HAProxy's configuration: a section is a line, and the lines below it. */
export const haproxyDialect: Dialect = {
  server: "haproxy",
  quote,
  open: (words) => words.join(" "),
  close: () => "",
  line: (words) => words.join(" "),
};

/** In single quotes every sign stands for itself, as in a shell; nothing is expanded. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A text where HAProxy expects a "log-format", in which `%` begins a variable. */
export function formatText(text: string): QuotedWord {
  return quoted(text.replaceAll("%", "%%"));
}

/** An expression, or a format, of our own constants. */
export function expression(text: string): RawWord {
  return raw(quote(text));
}

/** `{ … }`: an unnamed condition. */
export function test(...words: readonly Word[]): readonly Word[] {
  return [raw("{"), ...words, raw("}")];
}

/** `!{ … }`. */
export function not(...words: readonly Word[]): readonly Word[] {
  return [raw("!{"), ...words, raw("}")];
}

/** A line that holds under conditions, all of them; one that is an "or" has `||` between its tests. */
export function when(words: readonly Word[], ...conditions: readonly (readonly Word[])[]): Directive {
  return directive(...words, ...(conditions.length === 0 ? [] : ["if", ...conditions.flat()]));
}

/** An answer of HAProxy's own; its page is HAProxy's, without a version. */
export function deny(status: number, ...conditions: readonly (readonly Word[])[]): Directive {
  return when(["http-request", "deny", "deny_status", String(status)], ...conditions);
}

/**
 * The name of the section that serves a site. Injective: HAProxy's names are letters, digits and `-_.:`, and what else a
 * site's name holds becomes `:` and its hex.
 */
export function backendName(site: string): string {
  return `site_${site.replace(/[^A-Za-z0-9._-]/gu, (sign) => `:${Buffer.from(sign, "utf8").toString("hex")}:`)}`;
}
