// Reads directives as Apache does: what counts as one argument, and where a section begins and ends.

/** One directive, or the line that opens or closes a section. */
export interface ApacheLine {
  readonly depth: number;
  /** Its name and arguments, without quotes. */
  readonly words: readonly string[];
}

/** The lines of a configuration, or of what `-D DUMP_CONFIG` tells, without comments. */
export function readApacheLines(text: string): readonly ApacheLine[] {
  const lines: ApacheLine[] = [];
  let depth = 0;
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.endsWith("\\")) throw new Error(`the line goes on in the next: ${line}`);
    if (line.startsWith("</")) depth -= 1;
    lines.push({ depth, words: readWords(line.startsWith("<") ? line.replace(/>$/, "") : line) });
    if (/^<[^/]/.test(line)) depth += 1;
  }
  return lines;
}

/**
 * `ap_getword_conf` of server/util.c: in quotes a backslash counts before a quote or a backslash alone. mod_rewrite reads its
 * arguments itself (`parseargline`), and leaves backslashes to its patterns.
 */
function readWords(line: string): readonly string[] {
  const words: string[] = [];
  let rest = line.trim();
  const isRewrite = rest.startsWith("Rewrite");
  while (rest !== "") {
    const [whole = "", double, single, plain = ""] =
      /^(?:"((?:\\["\\]|[^"])*)"|'((?:\\['\\]|[^'])*)'|(\S+))/.exec(rest) ?? [];
    if (whole === "") throw new Error(`unfinished quotes: ${rest}`);
    const inner = double ?? single;
    words.push(isRewrite ? (inner ?? plain) : (inner?.replace(/\\(["'\\])/g, "$1") ?? plain));
    rest = rest.slice(whole.length).trimStart();
  }
  return words;
}
