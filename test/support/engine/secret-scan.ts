// Guards every engine test: no private key and no word that was given as a secret stands in clear anywhere.

import { createPublicKey } from "node:crypto";

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g;

/**
 * Searches `places` for the private keys that `open` (a state with its secrets shown) holds, line by line, and for
 * `words`.
 *
 * @returns one sentence a finding, which names the place and not the secret.
 */
export function findLeaks(
  open: string,
  words: readonly string[],
  places: Readonly<Record<string, string>>,
): readonly string[] {
  const keys = unescapeBreaks(open).match(PRIVATE_KEY) ?? [];
  // the first line of a PKCS#8 key is the same for every key of its type, up to the last characters
  const lines = keys.flatMap(privateLines);
  const findings: string[] = [];
  for (const [place, text] of Object.entries(places)) {
    const plain = unescapeBreaks(text);
    if (plain.match(PRIVATE_KEY) !== null) findings.push(`a private key in the ${place}`);
    if (lines.some((line) => plain.includes(line))) findings.push(`a line of a private key in the ${place}`);
    for (const [index, word] of words.entries()) {
      if (plain.includes(word)) findings.push(`secret word ${index} in the ${place}`);
    }
  }
  return findings;
}

/** The lines of a key but those that hold bytes of its public half only: a certificate may show the same line. */
function privateLines(key: string): readonly string[] {
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" });
  return key
    .split("\n")
    .filter((line) => line.length >= 20 && !line.startsWith("-----"))
    .filter((line) => !publicKey.includes(Buffer.from(line, "base64")));
}

/** JSON in JSON writes a line break as one backslash or more and an n. */
function unescapeBreaks(text: string): string {
  return text.replace(/\\+n/g, "\n");
}
