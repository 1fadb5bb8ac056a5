import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { type Dialect, type RawWord, raw } from "../syntax/directives";

/**
 * A Caddyfile (https://caddyserver.com/docs/caddyfile/concepts). Between backticks every sign is itself; between double quotes
 * a backslash is itself too, but for one before a double quote.
 */
export const caddyfileDialect: Dialect = {
  server: "Caddyfile",
  quote: quoteToken,
  open: (words) => `${words.join(" ")}${words.length > 0 ? " " : ""}{`,
  close: () => "}",
  line: (words) => words.join(" "),
};

/** A placeholder of Caddy, such as `http.request.uri`. */
export function placeholder(name: string): string {
  return `{${name}}`;
}

/** A line that is no directive. Braces could be a variable of the environment, which is put in before all else. */
export function comment(text: string): RawWord {
  return raw(`# ${text.replace(/[{}]/g, " ")}`);
}

/** Whether {@link caddyfileDialect} can quote the text. */
export function isQuotable(text: string): boolean {
  return !/[{}]/.test(text) && !(text.includes("`") && /(?<!\\)(?:\\\\)*\\(?:"|$)/.test(text));
}

function quoteToken(text: string): string {
  if (!isQuotable(text)) {
    throw new TlsError("GATEWAY_INVALID", `a Caddyfile can't be given ${renderQuoted(text)}`, {
      hint: "Write it without braces, and without a backtick beside a backslash that stands before a double quote or at the end.",
    });
  }
  return text.includes("`") ? `"${text.replaceAll('"', '\\"')}"` : /["\\]/.test(text) ? `\`${text}\`` : `"${text}"`;
}
