const pemBody = /(-----BEGIN [^-]*-----).*/s;

/** Let's Encrypt's longest texts, with several names and the link that ends a pause, have 700 characters. */
const longestText = 1200;

/**
 * Renders what a CA wrote for a message: in double quotes, cut at 1,200 characters, everything invisible escaped so that
 * it can't break a line or steer a terminal. Links stay whole with their query: the one that ends a pause works only so.
 */
export function renderCaText(text: string): string {
  const open = text
    .slice(0, 2 * longestText)
    .trim()
    .replace(pemBody, "$1…");
  const short = open.length > longestText ? `${open.slice(0, longestText)}…` : open;
  // line ends of a text in paragraphs are no attack
  const visible = short
    .replace(/\s*\r?\n\s*/g, " ")
    .replace(
      /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu,
      (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    );
  return `"${visible}"`;
}
