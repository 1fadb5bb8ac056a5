// `trim` of JavaScript takes every space of Unicode away. A pattern such as /x+$/ takes quadratic time on a text of a
// stranger that repeats x in its middle.

/** The text without these characters at its ends. */
export function trim(text: string, characters: string): string {
  let start = 0;
  while (start < text.length && characters.includes(text.charAt(start))) start += 1;
  return trimEnd(text.slice(start), characters);
}

/** The text without these characters at its end. */
export function trimEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
