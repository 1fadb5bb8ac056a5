import { renderQuoted } from "../../text/quoted";
import { renderTimestamp } from "../../text/time";
import { isHashedUri } from "./account-uri";
import { isPersistValue, type PersistValue, parsePersistValue } from "./record-value";

/** What the CA is going to look for at one name. */
export interface PersistExpectation {
  /** One of them; compared octet by octet. */
  readonly issuerDomainNames: readonly string[];
  /** As `persistAccountUris` gives them. */
  readonly accountUris: readonly string[];
  /** What hashes of this CA begin with, draft -02: one that is not known may be of an earlier key of the account. */
  readonly accountHashPrefix?: string;
  /** Whether the record must be for `*.` of its name too. */
  readonly isWildcard: boolean;
  readonly now: Date;
}

/** What comes of it. "unsure": nothing is right that can be checked here, and one value may be right at the CA. */
export type PersistJudgement =
  | {
      readonly kind: "good";
      /** Unix seconds of the good value that ends last, which is when the CA has no more to go by; absent: never. */
      readonly latest?: number;
      /** Unix seconds of the good value that ends first; absent: none ends. */
      readonly earliest?: number;
    }
  | { readonly kind: "unsure" | "bad"; readonly faults: readonly PersistFault[] };

/** One value that is not what is needed. */
interface PersistFault {
  readonly value: string;
  /** A clause about the value: "is for another account, …". */
  readonly fault: string;
  /** It is nothing that this CA reads. */
  readonly isForeign: boolean;
}

/**
 * Judges the TXT values at `_validation-persist.<name>` as the CA does (draft-ietf-acme-dns-persist sections 4.2 and 4.3): one
 * good value is enough, and a value of another CA beside it is no fault. `persistUntil` is the last second in which a
 * value is good.
 */
export function judgePersistRecords(values: readonly string[], expected: PersistExpectation): PersistJudgement {
  const verdicts = values.map((value) => ({ value, ...judge(value, expected) }));
  const good = verdicts.flatMap(({ good: found }) => (found === undefined ? [] : [found]));
  if (good.length > 0) {
    const ends = good.flatMap(({ until }) => (until === undefined ? [] : [until]));
    return {
      kind: "good",
      ...(ends.length > 0 && { earliest: Math.min(...ends) }),
      ...(ends.length === good.length && { latest: Math.max(...ends) }),
    };
  }
  const faults = verdicts.map(({ value, fault = "", isForeign = false }) => ({ value, fault, isForeign }));
  return { kind: verdicts.some(({ isUnsure }) => isUnsure) ? "unsure" : "bad", faults };
}

interface Verdict {
  readonly good?: PersistValue;
  readonly fault?: string;
  readonly isUnsure?: boolean;
  readonly isForeign?: boolean;
}

function judge(text: string, expected: PersistExpectation): Verdict {
  const value = parsePersistValue(text);
  const { issuerDomainName: issuer } = value;
  if (issuer === undefined) return { fault: "is no record of this challenge", isForeign: true };
  if (!expected.issuerDomainNames.includes(issuer)) {
    return { fault: describeIssuer(issuer, expected.issuerDomainNames), isForeign: true };
  }
  if (!isPersistValue(value)) return { fault: `is malformed: it ${value.malformed}` };
  const { accountUri, isWildcard, until } = value;
  const isOurs = expected.accountUris.includes(accountUri);
  const { accountHashPrefix: prefix } = expected;
  const isHash = prefix !== undefined && isHashedUri(accountUri, prefix);
  if (!isOurs && !isHash) return { fault: describeAccount(accountUri, prefix) };
  if (expected.isWildcard && !isWildcard) return { fault: "is for the name alone: it lacks policy=wildcard" };
  if (until !== undefined && expected.now.getTime() > until * 1000) {
    return { fault: `has expired: its persistUntil is ${renderUnixSeconds(until)}` };
  }
  if (isOurs) return { good: value };
  return {
    fault: "has a hash that the present key of the account does not make: the CA takes it if an earlier key of it does",
    isUnsure: true,
  };
}

function describeIssuer(issuer: string, expected: readonly string[]): string {
  const same = expected.find((name) => name === issuer.toLowerCase());
  if (same === undefined) return `is for another CA, ${renderQuoted(issuer)}`;
  return `is for ${renderQuoted(issuer)}, and the CA reads only ${renderQuoted(same)}, in lower case`;
}

function describeAccount(accountUri: string, prefix: string | undefined): string {
  if (prefix === undefined || accountUri.startsWith(prefix))
    return `is for another account, ${renderQuoted(accountUri)}`;
  return `has an accounturi that is no hash of this CA, ${renderQuoted(accountUri)}`;
}

/** `2027-01-31T12:00:00Z`, or the number itself where no calendar has such a year. */
export function renderUnixSeconds(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : renderTimestamp(date);
}
