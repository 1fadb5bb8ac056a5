import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { type Dialect, type QuotedWord, quoted, type RawWord, raw } from "../syntax/directives";

/**
 * A text as one argument: inside double quotes a backslash counts before a backslash or a quote alone, and `${` names a
 * variable everywhere, with no way to write it otherwise.
 * @throws TlsError GATEWAY_INVALID for a text with `${`
 */
function quote(text: string): string {
  if (/\$\{/.test(text)) {
    throw new TlsError("GATEWAY_INVALID", `Apache can't be given ${renderQuoted(text)}`, {
      hint: "It reads a dollar with a brace as the name of a variable: write it without.",
    });
  }
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Directives of Apache 2.4, with sections in angle brackets. */
export const apacheDialect: Dialect = {
  server: "Apache",
  quote,
  open: (words) => `<${words.join(" ")}>`,
  close: ([name = ""]) => `</${name}>`,
  line: (words) => words.join(" "),
};

/**
 * The value of a header as `Header` and `RequestHeader` take it: `%` begins a format and `\n` is a line feed there
 * (mod_headers, "Syntax"). A value that would be read as an expression is written as one, whose value is the text.
 */
export function headerValue(value: string): QuotedWord {
  if (/[{}]/.test(value)) throw new TypeError("Apache: a brace in a header's value");
  if (value.startsWith("expr=")) return quoted(`expr=${value.replace(/[\\$'"%]/g, "\\$&")}`);
  return quoted(value.replace(/\\/g, "\\\\").replace(/%/g, "%%"));
}

/** A value that Apache computes; of constants alone. */
export function expression(text: string): RawWord {
  return raw(`"expr=${text}"`);
}

/** A constant in double quotes, backslashes as they are: patterns and conditions of ours. */
export function pattern(text: string): RawWord {
  if (/["\n]|\$\{/.test(text)) throw new TypeError("Apache: a pattern with a quote");
  return raw(`"${text}"`);
}

/** Letters and dots of a host name or a path as a regular expression that means them alone. */
export function escapePattern(text: string): string {
  return text.replace(/[^A-Za-z0-9/_~-]/g, "\\$&");
}
