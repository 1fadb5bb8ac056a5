/** The value of a CAA record of the kind `issue` or `issuewild`. */
export interface IssueValue {
  /** Empty: no CA. */
  readonly issuer: string;
  /** RFC 8657 section 3: more than one are fulfilled by no account. */
  readonly accountUris: readonly string[];
  /** RFC 8657 section 4; undefined: all. */
  readonly methods: readonly string[] | undefined;
}

/** RFC 8659 section 4.2. */
const tagPattern = /^[A-Za-z0-9]+(-+[A-Za-z0-9]+)*$/;
const valuePattern = /^[!-:<-~]*$/;
/** RFC 8657 section 4. */
const methodsPattern = /^[A-Za-z0-9-]+(,[A-Za-z0-9-]+)*$/;

/**
 * Parses `issuer; tag=value; …`; undefined when it keeps to no grammar: such a record allows nobody. Several
 * `validationmethods`, of which no RFC speaks, allow none, as at Let's Encrypt. RFC 8659 section 4.2.
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
  const methods = valuesOf("validationmethods");
  const [list = ""] = methods;
  const isList = methods.length === 1 && methodsPattern.test(list);
  return {
    issuer,
    accountUris: valuesOf("accounturi"),
    methods: methods.length === 0 ? undefined : isList ? list.split(",") : [],
  };
}

/** RFC 8659 has no other white space. */
function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}
