/** Longest input that a message repeats; what is longer is cut, so that 10 MB of junk make no 10 MB message. */
const longestQuote = 80;

/**
 * Renders text of a stranger for a message: in double quotes, cut at 80 characters, with everything invisible (control,
 * format and odd space characters, lone surrogates) escaped as `\u{…}`, so that it can't break a line or turn the
 * reading direction of a terminal.
 */
export function renderQuoted(text: string): string {
  const short = text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text;
  const visible = short.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return `"${visible}"`;
}
