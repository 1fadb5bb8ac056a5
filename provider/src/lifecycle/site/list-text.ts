import { isTlsError, TlsError } from "../../errors";
import { parseSites } from "../../gateway/model/text";

/** Twenty thousand sites of half a kilobyte make 10 MB; far more is no list of sites. */
const MAX_LENGTH = 32_000_000;

/** Brackets of the list, of a site, and the six levels that a site may have (schema.ts). */
const MAX_DEPTH = 8;

/** So far the exact number of sites is told (schema.ts takes 20,000). */
const MAX_ENTRIES = 100_000;

/** The 8192 characters that schema.ts takes, each escaped, and as many that it refuses by their path. */
const MAX_TEXT = 100_000;

/**
 * Reads the text by which sites travel: JSON from the program, or with `ignoreChanges` the text of the last run. Not
 * checked: that it is a list, and what is in it.
 * @throws TlsError `SITE_INVALID`: neither of the two, or so much that reading it alone takes long
 */
export function parseSiteList(text: string): unknown {
  if (text.length > MAX_LENGTH) throw invalid(`${text.length} characters`);
  const isOfLastRun = text === "" || text.startsWith("site ");
  const excess = isOfLastRun ? undefined : text.startsWith("[") ? findJsonExcess(text) : "text";
  if (excess !== undefined) throw invalid(excess);
  try {
    return isOfLastRun ? parseSites(text) : JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid("JSON that is not whole");
    if (!isTlsError(error)) throw error;
    throw invalid(`text that is not whole (${error.reason})`);
  }
}

const HINT = "give Site resources or plain objects.";

function invalid(found: string): TlsError {
  return new TlsError("SITE_INVALID", `found ${found}, expected a list of sites`, { hint: HINT });
}

/**
 * What a JSON text has more of than a list of sites, found at the first that is too many: ten megabytes of brackets take
 * the parser seconds.
 */
function findJsonExcess(text: string): string | undefined {
  let [depth, entries] = [0, 0];
  for (let index = 0; index < text.length; index++) {
    const mark = text[index];
    if (mark === '"') {
      const end = endOfQuote(text, index);
      if (end - index > MAX_TEXT) return `a text of more than ${MAX_TEXT} characters`;
      index = end;
    } else if (mark === "[" || mark === "{") depth += 1;
    else if (mark === "]" || mark === "}") depth -= 1;
    else if (mark === "," && depth === 1) entries += 1;
    if (depth > MAX_DEPTH) return `more than ${MAX_DEPTH} levels inside each other`;
    if (entries > MAX_ENTRIES) return `more than ${MAX_ENTRIES} entries`;
  }
  return undefined;
}

/** Where a quoted text ends, or the first place beyond {@link MAX_TEXT}. */
function endOfQuote(text: string, start: number): number {
  const limit = Math.min(text.length, start + MAX_TEXT + 1);
  let index = start + 1;
  while (index < limit && text[index] !== '"') index += text[index] === "\\" ? 2 : 1;
  return index;
}
