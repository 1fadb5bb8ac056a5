/** RFC 1035 section 3.3: one octet of length before each character-string. */
const LONGEST_STRING = 255;

/**
 * The character-strings that a TXT record holds a value as (RFC 1035 section 3.3.14): UTF-8, each of at most 255 octets, no
 * character cut in two. Who reads the record joins them without anything between. An empty value is one empty string.
 */
export function splitTxt(value: string): readonly string[] {
  const strings: string[] = [];
  let current = "";
  let octets = 0;
  for (const character of value) {
    const size = Buffer.byteLength(character);
    if (octets + size > LONGEST_STRING) {
      strings.push(current);
      [current, octets] = ["", 0];
    }
    current += character;
    octets += size;
  }
  return [...strings, current];
}

/**
 * The value as a zone file writes it, and as DNS services take it that want quotes: `"…" "…"`, with `\"`, `\\`, and every
 * octet that is no printable ASCII as `\DDD` (RFC 1035 section 5.1).
 */
export function renderTxt(value: string): string {
  return splitTxt(value)
    .map((text) => `"${[...Buffer.from(text)].map(renderOctet).join("")}"`)
    .join(" ");
}

function renderOctet(octet: number): string {
  const character = String.fromCharCode(octet);
  if (character === '"' || character === "\\") return `\\${character}`;
  return octet >= 0x20 && octet <= 0x7e ? character : `\\${String(octet).padStart(3, "0")}`;
}
