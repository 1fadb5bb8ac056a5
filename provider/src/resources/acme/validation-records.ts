import * as pulumi from "@pulumi/pulumi";
import { readClock } from "../../adapter/clock";
import {
  listStandingRecords,
  renderStandingRecords,
  type StandingAccount,
  type StandingRecordName,
  warnOfEnd,
} from "../../lifecycle/acme/standing-records";

/** The account at a CA's staging, of the same key. */
export interface RehearsalAccount {
  /** The URL of the account at the CA. */
  readonly accountUrl: string;
  /** The names that CAA records may allow, as the CA's directory has them. */
  readonly caaIdentities?: string[];
  /** The issuer domain names that standing records may begin with. */
  readonly issuerDomainNames?: string[];
  /** How the CA's record names of a hashed account begin. */
  readonly accountHashPrefix?: string;
}

/** What standing records are wanted. */
export interface ValidationRecordsOptions {
  /** Whether the records are good for `*.` of each name, too. Default: where a name is a wildcard. */
  readonly wildcard?: boolean;
  /** Until when they are good: a date `2027-12-31`, which begins at 00:00 UTC, or `always`. Default: `recordsUntil` of the account. */
  readonly until?: pulumi.Input<string>;
  /**
   * Whether CAA records are wanted, too, by which these accounts alone may have certificates issued, by dns-persist-01 alone
   * (RFC 8657). Default false.
   */
  readonly caa?: boolean;
}

/** A set of records that stand in the DNS for good. */
export interface StandingRecord extends StandingRecordName {
  /**
   * What each record says: of TXT the text without quotes, of CAA as `0 issue "…"`. Sorted. Route 53 takes them so; a text of
   * more than 255 octets it takes as `quotedValues` without the first and the last quote.
   */
  readonly values: pulumi.Output<string[]>;
  /** The same as zone files and Cloudflare have it: TXT in quotes, cut into strings of at most 255 octets. */
  readonly quotedValues: pulumi.Output<string[]>;
  /** Of CAA, the parts of each value (RFC 8659 section 4.1), for DNS providers that want them apart. */
  readonly properties?: pulumi.Output<CaaProperty[]>;
}

/** One CAA record. */
export interface CaaProperty {
  /** 0, or 128 for a critical property. */
  readonly flags: number;
  /** `issue`, or `issuewild` for wildcards. */
  readonly tag: "issue" | "issuewild";
  /** The CA and its parameters, without quotes. */
  readonly value: string;
}

/** What standing records are made from: these outputs of an `AcmeAccount`. */
export interface AuthorisedAccount {
  /** The URL of the account at the CA. */
  readonly accountUrl: pulumi.Output<string>;
  /** SHA-256 of the account's key (RFC 7638), base64url. */
  readonly thumbprint: pulumi.Output<string>;
  /** `valid`, or what the CA says at a refresh. */
  readonly status: pulumi.Output<string>;
  /** The names that CAA records may allow, as the CA's directory has them. */
  readonly caaIdentities: pulumi.Output<string[] | undefined>;
  /** The issuer domain names that standing records may begin with. */
  readonly issuerDomainNames: pulumi.Output<string[] | undefined>;
  /** The expected one of these names. */
  readonly issuerDomainName?: pulumi.Output<string | undefined>;
  /** How the CA's record names of a hashed account begin. */
  readonly accountHashPrefix: pulumi.Output<string | undefined>;
  /** The account of the same key at the CA's staging. */
  readonly rehearsalAccount: pulumi.Output<RehearsalAccount | undefined>;
  /** Until when the records authorise the account; see {@link AcmeAccountArgs.recordsUntil}. */
  readonly recordsUntil: pulumi.Output<string | undefined>;
}

/**
 * The standing records of several accounts, whose values share one record set a name, as DNS providers want it: for a second
 * CA beside the first.
 *
 * @param names DNS names, with or without `*.`; a name and its wildcard have one record.
 * @throws TlsError `IDENTIFIER_INVALID`
 *
 * @example
 * ```ts
 * for (const { name, type, values } of validationRecords([letsEncrypt, other], ["example.com"], { wildcard: true })) {
 *   new aws.route53.Record(name, { zoneId, name, type, ttl: 300, records: values });
 * }
 * ```
 */
export function validationRecords(
  accounts: readonly AuthorisedAccount[],
  names: readonly string[],
  options: ValidationRecordsOptions = {},
): StandingRecord[] {
  const { wildcard = false, caa = false } = options;
  const records = listStandingRecords(names, caa);
  const until = endOf(accounts, options);
  const sets = pulumi
    .all([pulumi.all(accounts.map(factsOf)), until])
    .apply(([facts, end]) =>
      renderStandingRecords({ accounts: facts.flat(), names, isWildcard: wildcard, caa, until: end }),
    );
  const [first] = accounts;
  if (first !== undefined) warn(first, until);
  return records.map((record, index) => {
    const pick = (part: "values" | "quotedValues") => sets.apply((all) => [...(all[index]?.[part] ?? [])]);
    const values = pick("values");
    return {
      ...record,
      values,
      quotedValues: pick("quotedValues"),
      ...(record.type === "CAA" && { properties: values.apply((all) => all.map(readProperty)) }),
    };
  });
}

/** The earliest date that was given. */
function endOf(accounts: readonly AuthorisedAccount[], { until }: ValidationRecordsOptions) {
  if (until !== undefined) return pulumi.output(until).apply((end): string | undefined => end);
  return pulumi
    .all(accounts.map(({ recordsUntil }) => recordsUntil))
    .apply((ends) => ends.filter((end) => end !== undefined && end !== "always").sort()[0]);
}

/** The account, and that of its rehearsals. */
function factsOf(account: AuthorisedAccount): pulumi.Output<StandingAccount[]> {
  const { accountUrl, thumbprint, status, caaIdentities, issuerDomainNames, accountHashPrefix, rehearsalAccount } =
    account;
  const issuers = pulumi.all([caaIdentities, issuerDomainNames, account.issuerDomainName]);
  return pulumi
    .all([accountUrl, thumbprint, status, issuers, accountHashPrefix, rehearsalAccount])
    .apply(([url, print, said, [caa, names, name], prefix, rehearsal]) => [
      {
        ...{ accountUrl: url, thumbprint: print, status: said },
        ...{ caaIdentities: caa, issuerDomainNames: names, issuerDomainName: name, accountHashPrefix: prefix },
      },
      ...(rehearsal ? [{ ...rehearsal, thumbprint: print }] : []),
    ]);
}

/** In every preview and up, on the account: nothing of ours runs when they end. */
function warn(account: AuthorisedAccount, until: pulumi.Output<string | undefined>): void {
  until.apply(async (end) => {
    const text = warnOfEnd(end, readClock());
    const resource = pulumi.Resource.isInstance(account) ? account : undefined;
    if (text !== undefined) await pulumi.log.warn(text, resource);
  });
}

function readProperty(value: string): CaaProperty {
  const [, flags = "0", tag, text = ""] = /^(\d+) (issue|issuewild) "(.*)"$/.exec(value) ?? [];
  return { flags: Number(flags), tag: tag === "issuewild" ? tag : "issue", value: text.replace(/\\(["\\])/g, "$1") };
}
