// Reads a configuration as nginx does (ngx_conf_read_token), to see whether a text of a user became more than its word.

/** A directive and how deep it stands. */
export interface NginxLine {
  readonly depth: number;
  readonly words: readonly string[];
}

const escapes: Readonly<Record<string, string>> = { '"': '"', "'": "'", "\\": "\\", t: "\t", r: "\r", n: "\n" };

/** All directives in order; throws where nginx would refuse the text. */
export function readNginxLines(text: string): readonly NginxLine[] {
  const lines: NginxLine[] = [];
  let words: string[] = [];
  let depth = 0;
  let at = 0;
  const fail = (what: string): never => {
    throw new SyntaxError(`${what} at ${JSON.stringify(text.slice(Math.max(0, at - 80), at + 20))}`);
  };
  const readEscape = (): string => {
    const next = text[at + 1] ?? "";
    at += 2;
    return escapes[next] ?? `\\${next}`;
  };
  while (at < text.length) {
    const sign = text[at] ?? "";
    if (/[ \t\r\n]/.test(sign)) at += 1;
    else if (sign === "#") at = text.includes("\n", at) ? text.indexOf("\n", at) : text.length;
    else if (sign === ";" || sign === "{") {
      if (words.length === 0) fail(`unexpected ${sign}`);
      lines.push({ depth, words });
      words = [];
      depth += sign === "{" ? 1 : 0;
      at += 1;
    } else if (sign === "}") {
      if (words.length > 0 || depth === 0) fail("unexpected }");
      depth -= 1;
      at += 1;
    } else if (sign === '"' || sign === "'") {
      let word = "";
      at += 1;
      while (at < text.length && text[at] !== sign) {
        if (text[at] === "\\") word += readEscape();
        else word += text[at++];
      }
      if (text[at] !== sign) fail("a quoted word without an end");
      at += 1;
      if (!/[\s;{)]/.test(text[at] ?? "")) fail("something behind a quoted word");
      words.push(word);
    } else {
      let word = "";
      while (at < text.length && !/[ \t\r\n;]/.test(text[at] ?? "")) {
        if (text[at] === "{" && text[at - 1] !== "$") break;
        if (text[at] === "\\") word += readEscape();
        else word += text[at++];
      }
      words.push(word);
    }
  }
  if (depth !== 0 || words.length > 0) fail("the end came too early");
  return lines;
}
