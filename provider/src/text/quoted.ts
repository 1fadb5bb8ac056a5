/** Mixed case and digits, which no name has so long: may be a key in base64 that was pasted in the wrong place. */
const keyMaterial = /[A-Za-z0-9+/]{4}[A-Za-z0-9+/=]{20,}/g;
const pemBody = /(-----BEGIN [^-]*-----).*/s;

/** Longest input that a message repeats; what is longer is cut, so that 10 MB of junk make no 10 MB message. */
const LONGEST_QUOTE = 80;

/**
 * Renders text of a stranger for a message: in double quotes, cut at 80 characters, with everything invisible (control,
 * format and odd space characters, lone surrogates) escaped as `\u{…}`, so that it can't break a line or turn the
 * reading direction of a terminal. What looks like a key is cut: a PEM block after its
 * first line, base64 after its fourth character.
 */
export function renderQuoted(text: string): string {
  // a run is recognised by what follows it, beyond the cut
  const open = text
    .slice(0, 4 * LONGEST_QUOTE)
    .replace(pemBody, "$1…")
    .replace(keyMaterial, (run) =>
      [/[a-z]/, /[A-Z]/, /[0-9]/].every((kind) => kind.test(run)) ? `${run.slice(0, 4)}…` : run,
    );
  const short =
    open.length > LONGEST_QUOTE || text.length > 4 * LONGEST_QUOTE ? `${open.slice(0, LONGEST_QUOTE)}…` : open;
  const visible = short.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return `"${visible}"`;
}
