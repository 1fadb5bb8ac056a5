import { renderQuoted } from "../../text/quoted";
import { trim } from "../../text/trim";
import type { ChallengeType } from "../client/identifier";
import type { CaaProperty, DnsAnswer, DnsServer } from "../dns/query";
import { queryFirst } from "../dns/resolvers";
import type { Deadline } from "../run/deadline";

/** The records that count for a name: those of the closest name above it that has any (RFC 8659 section 3). */
interface CaaSet {
  /** Where they stand, without trailing dot. */
  readonly name: string;
  readonly properties: readonly CaaProperty[];
}

/** What is going to be issued, how, and by whom. */
export interface CaaRequest {
  /** Of the CA's directory: the names by which records allow it. Without any it is unknown what they say of it. */
  readonly caaIdentities: readonly string[];
  readonly accountUrl: string;
  /** What the name can be proved by, at least one. */
  readonly challengeTypes: readonly ChallengeType[];
  readonly isWildcard: boolean;
}

/** Whether the CA may issue. */
export type CaaVerdict =
  /** By these challenges; fewer than were asked about where a record names its methods. */
  | { readonly isAllowed: true; readonly challengeTypes: readonly ChallengeType[] }
  /** `found` is a clause without its end; `hint` has a record to be pasted. */
  | { readonly isAllowed: false; readonly found: string; readonly hint: string };

/** A message names so many records. */
const MOST_SHOWN = 3;

/** What CAs know and pass over: RFC 8659 section 4.4, RFC 9495, the VMC requirements. */
const knownTags: readonly string[] = ["issue", "issuewild", "iodef", "issuemail", "issuevmc"];

/** 128 is critical; Let's Encrypt takes 1 for it too, since so many write it. */
const CRITICAL_FLAGS = 128 | 1;

/**
 * Judges the CAA records of a name as Let's Encrypt's server does (va/caa.go of Boulder): RFC 8659 section 4, and of RFC
 * 8657 the parameters `accounturi` and `validationmethods`. One record that allows all is enough. Upper and lower case
 * of the CA's name are the same here.
 */
export function judgeCaa({ name, properties }: CaaSet, request: CaaRequest): CaaVerdict {
  const tagged = properties.map((property) => ({ ...property, tag: property.tag.toLowerCase() }));
  const unknown = tagged.find(({ tag, flags }) => !knownTags.includes(tag) && (flags & CRITICAL_FLAGS) !== 0);
  if (unknown !== undefined) {
    return {
      isAllowed: false,
      found: `the CAA record ${renderProperty(unknown)} of ${name} is critical and of a kind that CAs do not know, so none may issue`,
      hint: "Remove that record, or set its flags to 0.",
    };
  }
  const wild = request.isWildcard ? tagged.filter(({ tag }) => tag === "issuewild") : [];
  const relevant = wild.length > 0 ? wild : tagged.filter(({ tag }) => tag === "issue");
  const judged = relevant.map((property) => judgeProperty(property, request));
  const { challengeTypes } = request;
  const allowed = challengeTypes.filter((type) => judged.some((each) => each.allows.includes(type)));
  if (relevant.length === 0) return { isAllowed: true, challengeTypes };
  if (allowed.length > 0) return { isAllowed: true, challengeTypes: allowed };
  return { isAllowed: false, ...explain(name, judged, request) };
}

/** What one record says. */
interface Judged {
  readonly property: CaaProperty;
  readonly allows: readonly ChallengeType[];
  /** Undefined where the record is not to be read. */
  readonly value: IssueValue | undefined;
  readonly isOurs: boolean;
  /** Why it does not help, in words that follow the record; of ours alone. */
  readonly reason?: string;
}

function judgeProperty(property: CaaProperty, request: CaaRequest): Judged {
  const { caaIdentities, accountUrl, challengeTypes } = request;
  const value = parseIssueValue(property.value);
  if (value === undefined) return { property, allows: [], value, isOurs: false };
  const isUnknown = caaIdentities.length === 0 && value.issuer !== "";
  const isOurs = isUnknown || caaIdentities.some((own) => own.toLowerCase() === value.issuer.toLowerCase());
  if (!isOurs) return { property, allows: [], value, isOurs };
  const { accountUris, methods } = value;
  if (accountUris.length > 0 && (accountUris.length > 1 || !isSameAccount(accountUris[0] ?? "", accountUrl))) {
    const reason = `is for another account than this one, ${accountUrl}`;
    return { property, allows: [], value, isOurs, reason };
  }
  const allows = methods === undefined ? challengeTypes : challengeTypes.filter((type) => methods.includes(type));
  const reason = `is for other methods than ${challengeTypes.join(", ")}`;
  return { property, allows, value, isOurs, ...(allows.length === 0 && { reason }) };
}

/** Let's Encrypt knows old accounts by a second URL too (Boulder's accountURIPrefixes), with the same number. */
function isSameAccount(uri: string, accountUrl: string): boolean {
  if (uri === accountUrl) return true;
  const [one, other] = [URL.parse(uri), URL.parse(accountUrl)];
  const areOfLetsEncrypt = [one, other].every((url) => url?.hostname.endsWith(".letsencrypt.org"));
  const numberOf = (url: URL | null) => /\/(\d+)$/.exec(url?.pathname ?? "")?.[1];
  return areOfLetsEncrypt && numberOf(one) !== undefined && numberOf(one) === numberOf(other);
}

function explain(name: string, judged: readonly Judged[], request: CaaRequest): { found: string; hint: string } {
  const { caaIdentities, challengeTypes, accountUrl } = request;
  const [identity = "<name of the CA>"] = caaIdentities;
  const own = judged.filter(({ isOurs }) => isOurs);
  const tag = judged[0]?.property.tag ?? "issue";
  // who fenced the CA in by account or method wants the fence kept
  const account = own.some(({ value }) => (value?.accountUris.length ?? 0) > 0) ? `; accounturi=${accountUrl}` : "";
  const isFenced = own.some(({ value }) => value?.methods !== undefined);
  const methods = isFenced ? `; validationmethods=${challengeTypes.join(",")}` : "";
  const hint = `Add the record \`${name}. CAA 0 ${tag} "${identity}${account}${methods}"\`, or remove the others.`;
  const shown = (own.length > 0 ? own : judged).slice(0, MOST_SHOWN);
  const records = shown.map(({ property }) => renderProperty(property)).join(", ");
  const first = own[0];
  if (first?.reason !== undefined) {
    return { found: `the CAA record ${renderProperty(first.property)} of ${name} ${first.reason}`, hint };
  }
  if (judged.every(({ value }) => value?.issuer === "")) {
    return { found: `the CAA record ${records} of ${name} forbids every CA`, hint };
  }
  const whom = caaIdentities.length === 0 ? "this CA" : caaIdentities.join(" or ");
  const unread = judged.filter(({ value }) => value === undefined).length;
  const more = judged.length > shown.length ? ", …" : "";
  const broken = unread === 0 ? "" : ` (${unread} of them can't be read, and allow nobody)`;
  return { found: `the CAA records of ${name} do not allow ${whom}: ${records}${more}${broken}`, hint };
}

function renderProperty({ flags, tag, value }: CaaProperty): string {
  return `${flags} ${tag} ${renderQuoted(value)}`;
}

/** Which records count for a name. */
export type CaaSearch =
  | { readonly kind: "found"; readonly set: CaaSet }
  /** Neither the name nor one above it has any: every CA may issue. */
  | { readonly kind: "none" }
  /** The records of this name could not be had, so those above it do not count. */
  | { readonly kind: "unseen"; readonly name: string; readonly code: string };

/** Looks for CAA records; of a name that several are below it asks once. */
export class CaaRecords {
  readonly #resolvers: readonly DnsServer[];
  readonly #answers = new Map<string, Promise<DnsAnswer<CaaProperty>>>();

  constructor(resolvers: readonly DnsServer[]) {
    this.#resolvers = resolvers;
  }

  /**
   * Climbs from the name, without `*.`, to the top-level domain (RFC 8659 section 3), all levels at once. CNAMEs are
   * followed by the resolvers.
   * @throws TlsError ACME_TIMEOUT, ACME_ABORTED by the deadline
   */
  async find(name: string, deadline: Deadline): Promise<CaaSearch> {
    const labels = name.split(".");
    const names = labels.map((_, index) => labels.slice(index).join("."));
    const answers = await Promise.all(names.map((each) => this.#ask(each, deadline)));
    for (const [index, answer] of answers.entries()) {
      const at = names[index] ?? name;
      if (answer.kind === "failure") return { kind: "unseen", name: at, code: answer.code };
      // a CNAME to a name without such records comes as none
      if (answer.kind === "records" && answer.records.length > 0) {
        return { kind: "found", set: { name: at, properties: answer.records } };
      }
    }
    return { kind: "none" };
  }

  #ask(name: string, deadline: Deadline): Promise<DnsAnswer<CaaProperty>> {
    const asked = this.#answers.get(name) ?? queryFirst(this.#resolvers, name, "CAA", deadline);
    this.#answers.set(name, asked);
    return asked;
  }
}

/** The value of a CAA record of the kind `issue` or `issuewild`. */
interface IssueValue {
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
function parseIssueValue(text: string): IssueValue | undefined {
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
  return trim(text, " \t");
}
