/** The value of a CAA record of the kind `issue` or `issuewild`. */
export interface IssueValue {
  /** Empty: no CA. */
  readonly issuer: string;
  /** RFC 8657 section 3: more than one are fulfilled by no account. */
  readonly accountUris: readonly string[];
  /** RFC 8657 section 4; undefined: all. */
  readonly methods: readonly string[] | undefined;
}

/** RFC 8659 section 4.2; Let's Encrypt passes over an empty one. */
const tagPattern = /^([A-Za-z0-9]+(-+[A-Za-z0-9]+)*)?$/;
const valuePattern = /^[!-:<-~]*$/;
/** RFC 8657 section 4. */
const methodPattern = /^[A-Za-z0-9-]+$/;

/**
 * Parses `issuer; tag=value; …`; undefined when it keeps to no grammar: such a record allows nobody. RFC 8659 section 4.2.
 * Where no RFC speaks, as Let's Encrypt does: several `validationmethods` allow none, what stands before a method that is
 * none counts.
 */
export function parseIssueValue(text: string): IssueValue | undefined {
  const [issuer = "", ...parts] = text.split(";").map(trimmed);
  // a single semicolon stands for no parameters
  const isBare = parts.length === 1 && parts[0] === "";
  const parameters: (readonly [tag: string, value: string])[] = [];
  for (const part of isBare ? [] : parts) {
    const at = part.indexOf("=");
    const [tag, value] = [trimmed(part.slice(0, at)), trimmed(part.slice(at + 1))];
    if (at < 0 || !tagPattern.test(tag) || !valuePattern.test(value)) return undefined;
    parameters.push([tag, value]);
  }
  const valuesOf = (name: string) => parameters.filter(([tag]) => tag === name).map(([, value]) => value);
  const lists = valuesOf("validationmethods");
  const methods = lists.length > 1 ? [] : lists[0]?.split(",");
  const broken = methods?.findIndex((method) => !methodPattern.test(method)) ?? -1;
  return {
    issuer,
    accountUris: valuesOf("accounturi"),
    methods: broken < 0 ? methods : methods?.slice(0, broken),
  };
}

/** RFC 8659 has no other white space. */
function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}
