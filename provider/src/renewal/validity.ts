import { DAY, HOUR, MINUTE, renderTimestamp, SECOND } from "../text/time";
import type { Validity } from "./decision";

/** What a plan of dates starts from. */
export interface ValidityRequest {
  /** Length of the life; fractions are allowed, for tests with certificates that live for minutes. */
  readonly validityDays: number;
  /** The end of the issuer, ISO 8601 UTC: no certificate outlives it. */
  readonly issuerValidTo?: string | undefined;
}

/**
 * The dates of a certificate issued at `now`: from the start of the running day (hour, minute or second for shorter
 * lives), so that plans made an hour apart are the same, to one second before `validityDays` later, since both ends
 * belong to the validity (RFC 5280 section 4.1.2.5), cut at the end of the issuer.
 */
export function planValidity(request: ValidityRequest, now: Date): Validity {
  const life = request.validityDays * DAY;
  const grain = grainOf(life);
  const from = Math.floor(now.getTime() / grain) * grain;
  const wanted = Math.floor((from + life) / SECOND) * SECOND - SECOND;
  const limit = request.issuerValidTo === undefined ? wanted : Date.parse(request.issuerValidTo);
  return {
    validFrom: renderTimestamp(new Date(from)),
    validTo: renderTimestamp(new Date(Math.min(wanted, limit))),
  };
}

/** Rounding to the day costs a short life too much: never more than a tenth of it. */
function grainOf(life: number): number {
  for (const grain of [DAY, HOUR, MINUTE]) {
    if (life >= 10 * grain) return grain;
  }
  return SECOND;
}
