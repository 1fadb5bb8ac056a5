import { decideRenewal, type RenewalPolicy, type Validity } from "../renewal/decision";
import { planValidity, type ValidityRequest } from "../renewal/validity";
import { renderFailure } from "./inputs";
import type { Failure, Properties } from "./lifecycle";
import { isKnown } from "./unknown";

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

/** Refuses a policy by which a new certificate would be due at once, and so at every run. */
export function checkPolicy(policy: RenewalPolicy, validityDays: number): Failure | undefined {
  const { minDaysRemaining } = policy;
  if (minDaysRemaining === undefined || minDaysRemaining < validityDays * 0.9) return undefined;
  return renderFailure(
    "minDaysRemaining",
    `${minDaysRemaining} days before the end is at or before the start of a life of ${validityDays} days: every run would renew.`,
    "give less than nine tenths of validityDays, or leave it out.",
  );
}
