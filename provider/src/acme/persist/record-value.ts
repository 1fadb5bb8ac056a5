import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { parseHostName } from "../../x509/names/identifier";
import { ipOctets } from "../../x509/names/ip-address";

/** What a record of dns-persist-01 says (draft-ietf-acme-dns-persist section 4.1). */
export interface PersistValue {
  /** The CA, as it names itself: compared octet by octet. */
  readonly issuerDomainName: string;
  /** The account: its URL, or a hash of it, see `account-uri.ts`. Compared octet by octet (RFC 3986 section 6.2.1). */
  readonly accountUri: string;
  /** `policy=wildcard`: the record is also for `*.` of its name. */
  readonly isWildcard: boolean;
  /** `persistUntil`, Unix seconds: the last second in which the CA takes the record. Absent: for ever. */
  readonly until?: number;
}

/** A value that a CA does not take, and why: a clause, "it …". */
export interface MalformedPersistValue {
  /** What stands before the first semicolon, so that it is known whose record it was meant to be; undefined: no such name. */
  readonly issuerDomainName?: string;
  readonly malformed: string;
}

/** The label that records of the challenge stand under, draft section 2, and its dot. */
export const PERSIST_RECORD_PREFIX = "_validation-persist.";

/** RFC 1035 section 2.3.4, as text without the last dot. */
export const LONGEST_NAME = 253;

/** RFC 8659 section 4.2: `issuer-domain-name`, `tag`, `value`; white space there is space and tab alone. */
const domainForm = /^[a-z0-9]+(-+[a-z0-9]+)*(\.[a-z0-9]+(-+[a-z0-9]+)*)*$/i;
const tagForm = /^[a-z0-9]+(-+[a-z0-9]+)*$/i;
const valueForm = /^[!-:<-~]*$/;

/** Draft section 2: a base-10 integer. CAs read 64 bits, of which the text has 19 digits at most. */
const secondsForm = /^-?\d{1,19}$/;
const MOST_SECONDS = 2n ** 63n - 1n;

/** The tags that mean something; the others are ignored (draft section 4.1, item 1). */
const known = { account: "accounturi", policy: "policy", until: "persistuntil" } as const;

/**
 * The name of the TXT record that proves a host name, in lower-case A-labels without the last dot; a name and its wildcard
 * have one record.
 * @throws TlsError IDENTIFIER_INVALID: no DNS name, or no room for the label before it
 */
export function persistRecordName(hostname: string): string {
  return `${PERSIST_RECORD_PREFIX}${persistDomain(hostname)}`;
}

/**
 * What the label stands before: the host name without its `*.`, in lower-case A-labels without the last dot.
 * @throws as {@link persistRecordName}
 */
export function persistDomain(hostname: string): string {
  const host = parseHostName(hostname);
  if (ipOctets(host) !== undefined) {
    throw new TlsError(
      "IDENTIFIER_INVALID",
      `${renderQuoted(hostname)}: an IP address has no record of dns-persist-01`,
      {
        hint: "Prove it by http-01 or tls-alpn-01.",
      },
    );
  }
  const domain = host.replace(/^\*\./, "");
  const length = (PERSIST_RECORD_PREFIX + domain).length;
  if (length <= LONGEST_NAME) return domain;
  throw new TlsError(
    "IDENTIFIER_INVALID",
    `${renderQuoted(hostname)}: its record ${PERSIST_RECORD_PREFIX}… would have a name of ${length} octets; at most ${LONGEST_NAME} are allowed`,
    { hint: "Prove it by http-01." },
  );
}

/**
 * The content of the record, one text, to be split by `dns/txt-strings.ts` where a service does not do so itself.
 * @throws TlsError ACME_PROTOCOL: the CA's name or the account's URI can't stand in a record (RFC 8659 section 4.2)
 */
export function renderPersistValue({ issuerDomainName, accountUri, isWildcard, until }: PersistValue): string {
  if (until !== undefined && !Number.isSafeInteger(until)) throw new TypeError(`persistUntil: ${until} is no integer`);
  return renderIssueValue(issuerDomainName, {
    accounturi: accountUri,
    ...(isWildcard && { policy: "wildcard" }),
    ...(until !== undefined && { persistUntil: String(until) }),
  });
}

/**
 * The issue-value of RFC 8659 section 4.2, which CAA records hold too.
 * @throws TlsError ACME_PROTOCOL: the CA's name or a value can't stand there
 */
export function renderIssueValue(issuerDomainName: string, parameters: Readonly<Record<string, string>>): string {
  if (!domainForm.test(issuerDomainName)) throw notWritable("issuer domain name", issuerDomainName);
  const pairs = Object.entries(parameters).map(([tag, value]) => {
    if (value === "" || !valueForm.test(value)) throw notWritable(tag, value);
    return `${tag}=${value}`;
  });
  return [issuerDomainName, ...pairs].join("; ");
}

/**
 * Reads the content of a record, its character-strings joined, as RFC 8659 section 4.2 and section 4.1 of the draft have
 * it: tags in any case, unknown ones ignored; a tag twice, an empty parameter and a semicolon at the end are malformed. Never
 * throws: what is no record of the challenge at all is malformed too.
 */
export function parsePersistValue(text: string): PersistValue | MalformedPersistValue {
  const [domain = "", ...parameters] = text.split(";").map(trim);
  if (!domainForm.test(domain)) return { malformed: "does not begin with a domain name" };
  const issuer = { issuerDomainName: domain };
  const refuse = (malformed: string): MalformedPersistValue => ({ ...issuer, malformed });
  const values = new Map<string, string>();
  for (const parameter of parameters) {
    if (parameter === "") return refuse("has an empty parameter, or a semicolon at its end");
    const [, before, after] = /^([^=]*)=(.*)$/s.exec(parameter) ?? [];
    if (before === undefined || after === undefined)
      return refuse(`has ${renderQuoted(parameter)}, which is no tag=value`);
    const [tag, value] = [trim(before), trim(after)];
    if (!tagForm.test(tag))
      return refuse(`has the tag ${renderQuoted(tag)}, which is not of letters, digits and hyphens`);
    if (values.has(tag.toLowerCase())) return refuse(`has ${tag} twice`);
    if (!valueForm.test(value))
      return refuse(`has a value of ${tag} with a space or another character that can't stand there`);
    values.set(tag.toLowerCase(), value);
  }
  const accountUri = values.get(known.account) ?? "";
  if (accountUri === "") return refuse("has no accounturi");
  const until = values.get(known.until);
  if (until !== undefined && !isSeconds(until))
    return refuse(`has the persistUntil ${renderQuoted(until)}, which is no number of seconds`);
  // another policy is none
  const isWildcard = values.get(known.policy)?.toLowerCase() === "wildcard";
  return { ...issuer, accountUri, isWildcard, ...(until !== undefined && { until: Number(until) }) };
}

/** Whether {@link parsePersistValue} could read it. */
export function isPersistValue(value: PersistValue | MalformedPersistValue): value is PersistValue {
  return !("malformed" in value);
}

/** By hand: a pattern for the end would look at each of 64 kB of spaces within as often. */
function trim(text: string): string {
  const isSpace = (index: number) => text[index] === " " || text[index] === "\t";
  let [start, end] = [0, text.length];
  while (isSpace(start)) start += 1;
  while (end > start && isSpace(end - 1)) end -= 1;
  return text.slice(start, end);
}

function isSeconds(text: string): boolean {
  if (!secondsForm.test(text)) return false;
  const seconds = BigInt(text);
  return seconds <= MOST_SECONDS && seconds >= -MOST_SECONDS - 1n;
}

function notWritable(what: string, found: string): TlsError {
  return new TlsError("ACME_PROTOCOL", `the CA's ${what}, ${renderQuoted(found)}, can't stand in a DNS record.`, {
    hint: "Prove the names by another challenge than dns-persist-01, and tell the CA.",
  });
}
