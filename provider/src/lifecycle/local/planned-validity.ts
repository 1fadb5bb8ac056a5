import { decideRenewal, type RenewalPolicy, type Validity } from "../../renewal/decision";
import { planValidity, type ValidityRequest } from "../../renewal/validity";
import { failureOf } from "../input/parse";
import { type Failure, isKnown, type Properties } from "../lifecycle";

/** What the dates of a locally issued certificate depend on. */
export interface PlanRequest extends ValidityRequest {
  readonly policy: RenewalPolicy;
  /** Whether the certificate is issued anew for another reason, so that it gets a whole new life. */
  readonly reissued: boolean;
}

/**
 * Plans the dates in `check`, so that a preview shows a renewal as a difference of dates: those of the last run are
 * kept until the renewal is due or the certificate is issued anew.
 *
 * A renewal that would not end later, because the issuer ends, is no renewal: the old dates stay.
 */
export function keepOrPlanValidity(olds: Properties, request: PlanRequest, now: Date): Validity {
  const kept = readValidity(olds);
  const planned = planValidity(request, now);
  if (kept === undefined || request.reissued) return planned;
  if (!decideRenewal(kept, request.policy, now).due) return kept;
  return planned.validTo > kept.validTo ? planned : kept;
}

/** Whether all that dates depend on is known; a preview may not know it yet. */
export function isPlannable(values: Readonly<Record<string, unknown>>): boolean {
  return ["validityDays", "minDaysRemaining", "checkIntervalHours"].every((name) => isKnown(values[name]));
}

/** The dates in a state or in old inputs, if they are there. */
export function readValidity(properties: Properties): Validity | undefined {
  const { validFrom, validTo } = properties;
  return typeof validFrom === "string" && typeof validTo === "string" ? { validFrom, validTo } : undefined;
}

/** The part of the inputs that says when to renew. */
export function readPolicy(properties: Properties): RenewalPolicy {
  const { minDaysRemaining, checkIntervalHours } = properties;
  return {
    minDaysRemaining: typeof minDaysRemaining === "number" ? minDaysRemaining : undefined,
    checkIntervalHours: typeof checkIntervalHours === "number" ? checkIntervalHours : undefined,
  };
}

/**
 * What is left of a life after the pipeline's interval (at most a tenth, decision.ts) and the rounding of its start (at
 * most a tenth, validity.ts).
 */
const LONGEST_LEAD = 0.8;

/** Refuses a policy by which a new certificate would be due at once, and so at every run. */
export function checkPolicy(policy: RenewalPolicy, lifeDays: number): Failure | undefined {
  const { minDaysRemaining } = policy;
  if (minDaysRemaining === undefined || minDaysRemaining < lifeDays * LONGEST_LEAD) return undefined;
  const days = Number(lifeDays.toFixed(2));
  return failureOf(
    "minDaysRemaining",
    `found ${minDaysRemaining} days, expected less than eight tenths of the life of ${days} days: a new certificate would be due at once, and so at every run.`,
    "give less, or leave it out for a third of the life.",
  );
}
