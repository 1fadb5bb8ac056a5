import {
  type StandingRecordName,
  type StandingRecordSet,
  type StandingRecordsAccount,
  standingRecordNames,
  standingRecordSets,
} from "../../acme/persist/standing-records";
import { TlsError } from "../../errors";
import { describeRemaining } from "../../renewal/decision";
import { renderQuoted } from "../../text/quoted";
import { DAY, readMoment, renderTimestamp } from "../../text/time";

export type { StandingRecordName, StandingRecordSet };

/** Standing records without an end. */
export const ALWAYS = "always";

/** How long before their end records are warned of: a certificate lives shorter, and a person needs time. */
const WARNING_DAYS = 30;

/** What is asked of {@link renderStandingRecords}; an account as its state has it, where absent is `undefined`. */
export interface StandingRecordsRequest {
  readonly accounts: readonly StandingAccount[];
  readonly names: readonly string[];
  readonly isWildcard: boolean;
  readonly caa: boolean;
  /** A date, a moment, or `always`. */
  readonly until: string | undefined;
}

/** An account, with what may be absent. */
export interface StandingAccount {
  readonly accountUrl: string;
  readonly thumbprint: string;
  readonly status?: string | undefined;
  readonly caaIdentities?: readonly string[] | undefined | null;
  readonly issuerDomainNames?: readonly string[] | undefined | null;
  readonly accountHashPrefix?: string | undefined | null;
  readonly issuerDomainName?: string | undefined | null;
}

/** The record sets of these names, by the names alone. @throws TlsError IDENTIFIER_INVALID */
export function listStandingRecords(names: readonly string[], caa: boolean): readonly StandingRecordName[] {
  return standingRecordNames(names, { caa });
}

/**
 * The record sets with their values, those of {@link listStandingRecords} in the same order.
 * @throws TlsError ACME_ACCOUNT: an account that is not valid authorises nothing; IDENTIFIER_INVALID, ACME_PROTOCOL
 */
export function renderStandingRecords(request: StandingRecordsRequest): readonly StandingRecordSet[] {
  const { accounts, names, isWildcard, caa, until } = request;
  const end = readEnd(until);
  return standingRecordSets({
    accounts: accounts.map(toRecordsAccount),
    names,
    isWildcard,
    caa,
    ...(end !== undefined && { until: end }),
  });
}

/** What is to be said of records that end soon, or have ended; undefined when there is nothing. */
export function warnOfEnd(until: string | undefined, now: Date): string | undefined {
  const end = readEnd(until);
  if (end === undefined || end.getTime() - now.getTime() >= WARNING_DAYS * DAY) return undefined;
  const validTo = renderTimestamp(end);
  const remaining = describeRemaining({ validFrom: renderTimestamp(new Date(end.getTime() - DAY)), validTo }, now);
  const [what] = remaining.split(",");
  const state =
    end <= now
      ? `have ${what}: no certificate that relies on them renews`
      : `are ${what}: certificates that rely on them renew only before`;
  return `the standing records ${state}. Give a later date as until, or as recordsUntil of the account.`;
}

/** @throws TlsError IDENTIFIER_INVALID: it is no date */
function readEnd(until: string | undefined): Date | undefined {
  if (until === undefined || until === ALWAYS) return undefined;
  const end = readMoment(until);
  if (end !== undefined) return end;
  throw new TlsError("IDENTIFIER_INVALID", `until: ${renderQuoted(until)} is no date.`, {
    hint: 'Write it as "2027-12-31", as "2027-12-31T12:00Z", or "always".',
  });
}

function toRecordsAccount(account: StandingAccount): StandingRecordsAccount {
  const {
    accountUrl,
    thumbprint,
    status = "valid",
    caaIdentities,
    issuerDomainNames,
    accountHashPrefix,
    issuerDomainName,
  } = account;
  if (status !== "valid") {
    throw new TlsError("ACME_ACCOUNT", `the account ${accountUrl} is ${status}: no record authorises it.`, {
      hint: "Make another account, and records for it.",
    });
  }
  if (!caaIdentities && !issuerDomainNames) {
    throw new TlsError(
      "ACME_ACCOUNT",
      `of the account ${accountUrl} it is not known by which name records call its CA.`,
      {
        hint: "If an earlier release of this package made the account, run `pulumi refresh` once. Else the CA's directory names itself neither by issuerDomainNames nor by caaIdentities, and the CA does not offer dns-persist-01.",
      },
    );
  }
  return {
    accountUrl,
    thumbprint,
    ...(caaIdentities && { caaIdentities }),
    ...(issuerDomainNames && { issuerDomainNames }),
    ...(accountHashPrefix && { accountHashPrefix }),
    ...(issuerDomainName && { issuerDomainName }),
  };
}
