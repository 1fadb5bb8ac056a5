/** One link of an answer. */
export interface Link {
  /** As it stands: it may be relative to the URL that was asked. */
  readonly target: string;
  /** One word of the parameter `rel`, lower case: "alternate", "up", "index", "help", "terms-of-service". */
  readonly rel: string;
}

/** Node itself takes no more of all headers together. */
const longestHeader = 16 * 1024;

/** `<target>` and its parameters up to the next link; a comma may stand in the target and in quotes. */
const linkPattern = /<([^<>]*)>((?:[^,"<]|"(?:[^"\\]|\\.)*")*)/g;
const parameterPattern = /;\s*([a-z*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))/gi;

/** Reads the header Link, which Node joins with commas when it comes several times. RFC 8288 section 3. */
export function readLinks(header: string | readonly string[] | undefined): readonly Link[] {
  const text = Array.isArray(header) ? header.join(", ") : String(header ?? "");
  return [...text.slice(0, longestHeader).matchAll(linkPattern)].flatMap(([, target = "", parameters = ""]) =>
    relOf(parameters).map((rel) => ({ target, rel })),
  );
}

/** The words of the first `rel`; others are ignored, as the RFC says. */
function relOf(parameters: string): readonly string[] {
  for (const [, name = "", quoted, bare = ""] of parameters.matchAll(parameterPattern)) {
    if (name.toLowerCase() !== "rel") continue;
    return (quoted ?? bare)
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
  }
  return [];
}
