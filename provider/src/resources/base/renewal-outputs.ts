import * as pulumi from "@pulumi/pulumi";
import { readClock } from "../../adapter/clock";
import {
  decideRenewal,
  describeRemaining,
  describeRenewal,
  type RenewalPolicy,
  type Validity,
} from "../../renewal/decision";

import type { RenewalWindow } from "../../renewal/window";

/** The outputs that say when a certificate renews. */
export interface RenewalOutputs {
  readonly renewAt: pulumi.Output<string>;
  readonly readyForRenewal: pulumi.Output<boolean>;
  readonly renewalReason: pulumi.Output<string>;
}

/** When to renew, as arguments of a class. */
export interface RenewalArgs {
  /**
   * Renew when fewer days than this are left. Default: a third of the lifetime, half when it is ten days or less.
   * A change updates nothing by itself.
   */
  readonly minDaysRemaining?: pulumi.Input<number> | undefined;
  /**
   * How often the pipeline runs, in hours: what would fall due before the next run is renewed by this one. Default 24;
   * counts for at most a tenth of the lifetime.
   */
  readonly checkIntervalHours?: pulumi.Input<number> | undefined;
}

/**
 * Computes the renewal in the program, from the dates in the state and the policy in the arguments: a change of policy
 * alone must not update the resource, or every output of it would be unknown in the preview. Nothing is computed before
 * an output is first asked for.
 *
 * @param verb what happens then.
 */
export function renewalOutputs(
  dates: {
    readonly validFrom: pulumi.Output<string>;
    readonly validTo: pulumi.Output<string>;
    /** The CA's, where there is one. */
    readonly window?: pulumi.Output<RenewalWindow | undefined>;
  },
  args: RenewalArgs,
  verb = "renews",
): RenewalOutputs {
  const decide = () =>
    pulumi
      .all([dates.validFrom, dates.validTo, args.minDaysRemaining, args.checkIntervalHours, dates.window])
      .apply(([validFrom, validTo, minDaysRemaining, checkIntervalHours, window]) => {
        const validity: Validity = { validFrom, validTo };
        const policy: RenewalPolicy = { minDaysRemaining, checkIntervalHours };
        const decided = decideRenewal(validity, policy, readClock(), window ?? undefined);
        return { ...decided, when: describeRenewal(validity, decided) };
      });
  let decision: ReturnType<typeof decide> | undefined;
  // each output costs the program a dozen promises, and few of a thousand leaves are ever asked
  const decided = () => {
    decision ??= decide();
    return decision;
  };
  return {
    get renewAt() {
      return decided().at;
    },
    get readyForRenewal() {
      return decided().due;
    },
    get renewalReason() {
      return decided().apply(({ when }) => `${verb} ${when}`);
    },
  };
}

/** Warns on the resource, in every preview and up, of a certificate that ends soon and that nothing here can renew. */
export function warnOfExpiry(
  resource: pulumi.Resource,
  dates: { readonly validFrom: pulumi.Output<string>; readonly validTo: pulumi.Output<string> },
  args: RenewalArgs,
  what: string,
): void {
  pulumi
    .all([dates.validFrom, dates.validTo, args.minDaysRemaining, args.checkIntervalHours])
    .apply(async ([validFrom, validTo, minDaysRemaining, checkIntervalHours]) => {
      // a provider that failed leaves the dates undefined
      if (validFrom === undefined || validTo === undefined) return;
      const now = readClock();
      if (!decideRenewal({ validFrom, validTo }, { minDaysRemaining, checkIntervalHours }, now).due) return;
      await pulumi.log.warn(`${what}: ${describeRemaining({ validFrom, validTo }, now)}.`, resource);
    });
}
