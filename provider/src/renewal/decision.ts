import { DAY, HOUR, renderDuration, renderMoment, renderTimestamp } from "../text/time";
import { chooseMoment, type RenewalWindow } from "./window";

/** The two dates of a certificate, ISO 8601 UTC; both seconds belong to the validity (RFC 5280 section 4.1.2.5). */
export interface Validity {
  /** The first second of its validity, ISO 8601 UTC. */
  readonly validFrom: string;
  /** The last second of its validity, ISO 8601 UTC. */
  readonly validTo: string;
}

/** What a user may say about renewal. Units stand in the names. */
export interface RenewalPolicy {
  /** Renew when fewer days than this are left. Default: a third of the lifetime, half when it is ten days or less. */
  readonly minDaysRemaining?: number | undefined;
  /** How often the pipeline runs. Default 24. What would fall due before the next run is renewed by this one. */
  readonly checkIntervalHours?: number | undefined;
}

/** The answer, the same for preview, up and outputs. */
export interface RenewalDecision {
  /** Whether a run at `now` renews. */
  readonly due: boolean;
  /** The first moment at which a run renews, ISO 8601 UTC. */
  readonly at: string;
  /** For a person: `"valid until 2026-12-01, 21 of 90 days left"`. */
  readonly reason: string;
}

/** How often a pipeline is thought to run when nobody says. */
const DEFAULT_CHECK_INTERVAL_HOURS = 24;

/** Lives of this many days or less renew at half, as ACME clients do for short-lived certificates (RFC 9773's rationale). */
const SHORT_LIFE_DAYS = 10;

/** Below this part of the life a certificate renews whatever the policy says. */
const FLOOR = 0.05;

/** The pipeline's interval counts for at most this part of the life, or a one-day certificate would always be due. */
const INTERVAL_SHARE = 0.1;

/** The length of a validity in milliseconds, counting the last second. */
export function lifetime(validity: Validity): number {
  return Date.parse(validity.validTo) - Date.parse(validity.validFrom) + 1000;
}

/**
 * Decides whether a certificate is to be renewed at `now`.
 *
 * The rule: `minDaysRemaining` before its end, else a third of its life (half for lives up to ten days); never later
 * than with 5 % of the life left; and earlier by the pipeline's interval (at most a tenth of the life), since a run
 * that comes too late is of no use. The CA's window, where one is known, takes the place of the days, not of the 5 %.
 */
export function decideRenewal(
  validity: Validity,
  policy: RenewalPolicy,
  now: Date,
  window?: RenewalWindow,
): RenewalDecision {
  const end = Date.parse(validity.validTo);
  const life = lifetime(validity);
  const floor = life * FLOOR;
  const lead = Math.max(
    floor,
    policy.minDaysRemaining === undefined
      ? life / (life <= SHORT_LIFE_DAYS * DAY ? 2 : 3)
      : policy.minDaysRemaining * DAY,
  );
  const interval = Math.min((policy.checkIntervalHours ?? DEFAULT_CHECK_INTERVAL_HOURS) * HOUR, life * INTERVAL_SHARE);
  const wanted = window === undefined ? end - lead : Math.min(chooseMoment(window).getTime(), end - floor);
  const at = Math.ceil((wanted - interval) / 1000) * 1000;
  return {
    due: now.getTime() >= at,
    at: renderTimestamp(new Date(at)),
    reason: describeRemaining(validity, now),
  };
}

/** When a certificate renews, for a person; says nothing of the day on which it is said, so that it is no daily change. */
export function describeRenewal(validity: Validity, decision: Pick<RenewalDecision, "at">): string {
  const life = lifetime(validity);
  const at = new Date(decision.at);
  const left = renderDuration(Date.parse(validity.validTo) - at.getTime());
  return `from ${renderMoment(at, life)} on, with ${left} of ${renderDuration(life)} left`;
}

/** What is left of a validity at `now`, for a person. */
export function describeRemaining(validity: Validity, now: Date): string {
  const end = new Date(validity.validTo);
  const life = lifetime(validity);
  const left = end.getTime() - now.getTime();
  if (left < 0) return `expired on ${renderMoment(end, life)}, ${renderDuration(-left)} ago`;
  const [count, unit] = renderDuration(left).split(" ");
  const [total, totalUnit] = renderDuration(life).split(" ");
  const of = unit === totalUnit ? `${count} of ${total} ${unit}` : `${count} ${unit} of ${total} ${totalUnit}`;
  return `valid until ${renderMoment(end, life)}, ${of} left`;
}
