import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";

/**
 * A word of a directive. A plain text stands as it is: it is one of ours, a number, or a host name in canonical form, and
 * is refused if it could be more than a word. What a user wrote is {@link quoted}, and what mixes both is made by a
 * function of the dialect.
 */
export type Word = string | QuotedWord | RawWord;

/** A user's text, which the dialect quotes. */
export interface QuotedWord {
  readonly text: string;
}

/** Text in the dialect's own syntax, made by the dialect from constants and from texts that it has quoted itself. */
export interface RawWord {
  readonly raw: string;
}

/** A line, or a block with lines in it. */
export interface Directive {
  readonly words: readonly Word[];
  readonly block?: readonly Directive[];
}

/** How a server's configuration is written. */
export interface Dialect {
  readonly server: string;
  /** A user's text as one word that means the text itself and nothing else. Control characters never reach it. */
  readonly quote: (text: string) => string;
  /** The line before and the line after a block; an empty one is left away. */
  readonly open: (words: readonly string[]) => string;
  readonly close: (words: readonly string[]) => string;
  readonly line: (words: readonly string[]) => string;
}

/** Words that need no quotes in nginx, HAProxy and Apache alike: no space, quote, brace, semicolon, `#`, `$`, `%` or `\`. */
const plainWord = /^[A-Za-z0-9_.:/@*+=,~!?^()<>|&[\]-]+$/;

/** Control and format characters, line separators, lone surrogates: no server's syntax can be trusted with them. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** A user's text as a word. */
export function quoted(text: string): QuotedWord {
  return { text };
}

/** A word in the dialect's own syntax; the one place to look at when an injection is feared. */
export function raw(text: string): RawWord {
  return { raw: text };
}

/** `words` as one directive. */
export function directive(...words: readonly Word[]): Directive {
  return { words };
}

/** A directive with a block. */
export function block(words: readonly Word[], lines: readonly Directive[]): Directive {
  return { words, block: lines };
}

/**
 * Renders directives. Every line goes through here, so that no text of a user can end its word, its line or its block.
 * @throws TlsError GATEWAY_INVALID for a text that no quoting makes safe; a `TypeError` for a plain word that is none
 */
export function renderDirectives(directives: readonly Directive[], dialect: Dialect): string {
  return `${renderLines(directives, dialect, "").join("\n")}\n`;
}

function renderLines(directives: readonly Directive[], dialect: Dialect, indent: string): string[] {
  const lines: string[] = [];
  for (const { words, block: inner } of directives) {
    const rendered = words.map((word) => renderWord(word, dialect));
    if (inner === undefined) {
      lines.push(`${indent}${dialect.line(rendered)}`);
      continue;
    }
    const [open, close] = [dialect.open(rendered), dialect.close(rendered)];
    if (open !== "") lines.push(`${indent}${open}`);
    // one by one: a spread of many thousand lines overflows the stack
    for (const line of renderLines(inner, dialect, `${indent}  `)) lines.push(line);
    if (close !== "") lines.push(`${indent}${close}`);
  }
  return lines;
}

function renderWord(word: Word, dialect: Dialect): string {
  if (typeof word === "string") {
    if (!plainWord.test(word)) throw new TypeError(`${dialect.server}: ${renderQuoted(word)} is no plain word`);
    return word;
  }
  const text = "raw" in word ? word.raw : word.text;
  if (unprintable.test(text)) {
    throw new TlsError("GATEWAY_INVALID", `${dialect.server} can't be given ${renderQuoted(text)}`, {
      hint: "It holds an invisible character: write it without.",
    });
  }
  return "raw" in word ? text : dialect.quote(text);
}
