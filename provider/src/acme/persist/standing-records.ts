import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { renderTxt } from "../dns/txt-strings";
import { persistAccountUris } from "./account-uri";
import { issuersBeforeOrder, refuseForeignIssuer } from "./issuer-domain-names";
import { persistDomain, persistRecordName, renderIssueValue, renderPersistValue } from "./record-value";

/** An account, and what its CA says of itself in the directory. */
export interface StandingRecordsAccount {
  readonly accountUrl: string;
  /** RFC 7638, base64url of SHA-256, of the present key. */
  readonly thumbprint: string;
  readonly accountHashPrefix?: string;
  readonly issuerDomainNames?: readonly string[];
  /** The one that the user expects. */
  readonly issuerDomainName?: string;
  readonly caaIdentities?: readonly string[];
}

/** What records are wanted. */
export interface StandingRecordSetsRequest {
  /** Several: each of their CAs may issue. */
  readonly accounts: readonly StandingRecordsAccount[];
  /** Host names, wildcards among them; a name and its wildcard have one record. */
  readonly names: readonly string[];
  /** Whether each record is for `*.` of its name too, not only where `names` has that wildcard. Default false. */
  readonly isWildcard?: boolean;
  /** The records are good until this second; default: for ever. */
  readonly until?: Date;
  /** Whether CAA records are wanted that let these accounts alone issue, by this challenge alone (RFC 8657). Default false. */
  readonly caa?: boolean;
}

/** A record set's name and type. */
export interface StandingRecordName {
  /** Without the last dot. */
  readonly name: string;
  /** The type of the DNS records. */
  readonly type: "TXT" | "CAA";
}

/** A record set. */
export interface StandingRecordSet extends StandingRecordName {
  /** One a record, sorted. */
  readonly values: readonly string[];
  /** The same as a zone file writes them: TXT in quotes, cut into strings of at most 255 octets. */
  readonly quotedValues: readonly string[];
}

/**
 * The record sets that authorise accounts to have names validated by dns-persist-01: TXT `_validation-persist.<name>` (draft
 * section 4.1), and CAA `<name>` if wanted; for each name in the order given, TXT first. Computed from the arguments alone: an
 * order is not needed (section 4.5).
 * @throws TlsError IDENTIFIER_INVALID; ACME_PROTOCOL: the CA says no name of itself, or one that no record can hold
 */
export function standingRecordSets(request: StandingRecordSetsRequest): readonly StandingRecordSet[] {
  const { accounts, caa = false } = request;
  const until = request.until === undefined ? undefined : Math.floor(request.until.getTime() / 1000);
  if (Number.isNaN(until)) throw new TypeError("until is no date");
  const issued = accounts.map((account) => ({ account, issuerDomainName: issuerOf(account) }));
  return groupNames(request.names).flatMap(({ domain, isStarred }) => {
    const isWildcard = isStarred || request.isWildcard === true;
    const texts = issued.map(({ account: { thumbprint, ...account }, issuerDomainName }) => {
      const [accountUri] = persistAccountUris({ ...account, thumbprints: [thumbprint], domain });
      return renderPersistValue({ issuerDomainName, accountUri, isWildcard, ...(until !== undefined && { until }) });
    });
    const txt: StandingRecordSet = recordSet({ name: persistRecordName(domain), type: "TXT" }, texts, renderTxt);
    if (!caa) return [txt];
    const properties = issued.flatMap(({ account: { accountUrl }, issuerDomainName }) =>
      ["issue", ...(isWildcard ? ["issuewild"] : [])].map((tag) => renderCaa(tag, issuerDomainName, accountUrl)),
    );
    return [txt, recordSet({ name: domain, type: "CAA" }, properties, (value) => value)];
  });
}

/**
 * The names and types of what {@link standingRecordSets} gives, in its order: known before the accounts are, so that a preview can
 * show how many record sets there will be.
 * @throws TlsError IDENTIFIER_INVALID
 */
export function standingRecordNames(
  names: readonly string[],
  { caa = false }: Pick<StandingRecordSetsRequest, "caa"> = {},
): readonly StandingRecordName[] {
  return groupNames(names).flatMap(({ domain }): readonly StandingRecordName[] => [
    { name: persistRecordName(domain), type: "TXT" },
    ...(caa ? [{ name: domain, type: "CAA" } as const] : []),
  ]);
}

/** Each name once, in the order in which it comes first, with whether its wildcard is among them. */
function groupNames(names: readonly string[]): readonly { readonly domain: string; readonly isStarred: boolean }[] {
  const starred = new Map<string, boolean>();
  for (const name of names) {
    const domain = persistDomain(name);
    starred.set(domain, starred.get(domain) === true || name.startsWith("*."));
  }
  return [...starred].map(([domain, isStarred]) => ({ domain, isStarred }));
}

function recordSet(
  name: StandingRecordName,
  values: readonly string[],
  quote: (value: string) => string,
): StandingRecordSet {
  const sorted = [...new Set(values)].sort();
  return { ...name, values: sorted, quotedValues: sorted.map(quote) };
}

/** RFC 8657: the account's URL, also where the TXT record holds a hash of it (draft -02, section 7.7). */
function renderCaa(tag: string, issuerDomainName: string, accountUrl: string): string {
  const parameters = { validationmethods: "dns-persist-01", accounturi: accountUrl };
  // one string, whatever its length (RFC 8659 section 4.1.1)
  return `0 ${tag} "${renderIssueValue(issuerDomainName, parameters).replace(/["\\]/g, "\\$&")}"`;
}

function issuerOf(account: StandingRecordsAccount): string {
  const { accountUrl, issuerDomainNames, caaIdentities, issuerDomainName } = account;
  const names =
    issuersBeforeOrder({
      ...(issuerDomainNames !== undefined && { issuerDomainNames }),
      ...(caaIdentities !== undefined && { caaIdentities }),
    })?.names ?? [];
  if (issuerDomainName !== undefined && names.length > 0 && !names.includes(issuerDomainName)) {
    throw new TlsError(
      "ACME_ACCOUNT",
      `issuerDomainName: found ${renderQuoted(issuerDomainName)}, expected a name that the CA's directory has: ${names.join(", ")}.`,
      { hint: "If the CA has a new name, give that one; if it should not have, do not use these records." },
    );
  }
  const name = issuerDomainName ?? names[0];
  if (name !== undefined) {
    refuseForeignIssuer(name, accountUrl);
    return name;
  }
  throw new TlsError(
    "ACME_PROTOCOL",
    `the records for the account ${accountUrl} can't be written: its CA names itself neither by issuerDomainNames nor by caaIdentities in its directory.`,
    {
      hint: "Ask the CA whether it offers dns-persist-01, and by which name; prove the names by another challenge meanwhile.",
    },
  );
}
