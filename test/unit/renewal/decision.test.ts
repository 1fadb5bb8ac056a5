import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  decideRenewal,
  describeRemaining,
  describeRenewal,
  lifetime,
  type RenewalPolicy,
  type Validity,
} from "../../../provider/src/renewal/decision";
import { planValidity } from "../../../provider/src/renewal/validity";
import { DAY, HOUR, SECOND } from "../../../provider/src/text/time";

/** Ninety days, as planned at noon of the first day. */
const ninety: Validity = { validFrom: "2026-01-01T00:00:00Z", validTo: "2026-03-31T23:59:59Z" };
const always = { checkIntervalHours: 0 };

function at(validity: Validity, policy: RenewalPolicy): string {
  return decideRenewal(validity, policy, new Date(0)).at;
}

describe("a certificate renews", () => {
  test.each<[string, Validity, RenewalPolicy, string]>([
    ["with a third of its life left", ninety, always, "2026-03-01T23:59:59Z"],
    ["a day earlier, since the pipeline runs daily", ninety, {}, "2026-02-28T23:59:59Z"],
    ["a week earlier, when the pipeline runs weekly", ninety, { checkIntervalHours: 168 }, "2026-02-22T23:59:59Z"],
    ["by a tenth of its life earlier at most", ninety, { checkIntervalHours: 8000 }, "2026-02-20T23:59:59Z"],
    ["by the days that are asked for", ninety, { ...always, minDaysRemaining: 10 }, "2026-03-21T23:59:59Z"],
    ["with 5 % left whatever is asked", ninety, { ...always, minDaysRemaining: 1 }, "2026-03-27T11:59:59Z"],
    [
      "with 5 % left even where zero days are asked",
      ninety,
      { ...always, minDaysRemaining: 0 },
      "2026-03-27T11:59:59Z",
    ],
    ["with half left, when it lives ten days", life(10), always, "2026-01-05T23:59:59Z"],
    ["with a third left, when it lives eleven days", life(11), always, "2026-01-08T07:59:59Z"],
    ["with half left, when it lives a day", life(1), always, "2026-01-01T11:59:59Z"],
    ["a tenth before that, when the pipeline runs daily", life(1), {}, "2026-01-01T09:35:59Z"],
  ])("%s", (_, validity, policy, expected) => {
    expect(at(validity, policy)).toBe(expected);
  });
});

const days = fc.double({ min: 3 / 86_400, max: 36_525, noNaN: true });
const moment = fc.date({ min: new Date("1990-01-01"), max: new Date("2090-01-01"), noInvalidDate: true });
const hours = fc.option(fc.double({ min: 0, max: 8784, noNaN: true }), { nil: undefined });

test("a certificate that was planned this very moment is not due, by any policy that check accepts", () => {
  // three seconds: below that the rounding to whole seconds is the whole life
  fc.assert(
    fc.property(
      days,
      moment,
      hours,
      fc.option(fc.double({ min: 0, max: 0.8, maxExcluded: true, noNaN: true })),
      (validityDays, now, checkIntervalHours, share) => {
        const policy = { checkIntervalHours, minDaysRemaining: share === null ? undefined : share * validityDays };
        const planned = planValidity({ validityDays }, now);
        // the rounding of dates to seconds costs up to one at each end
        fc.pre(share === null || (0.8 - share) * lifetime(planned) > 2 * SECOND);
        expect(decideRenewal(planned, policy, now).due).toBe(false);
      },
    ),
    { numRuns: 500 },
  );
});

/** Dates and a policy as a user may have them, together with a moment of that life. */
const scene = fc
  .tuple(days, moment, hours, fc.option(fc.double({ min: 0, max: 40_000, noNaN: true }), { nil: undefined }))
  .map(([validityDays, start, checkIntervalHours, minDaysRemaining]) => ({
    validity: planValidity({ validityDays }, start),
    policy: { checkIntervalHours, minDaysRemaining },
  }));

test("at is the first second that is due", () => {
  fc.assert(
    fc.property(scene, ({ validity, policy }) => {
      const first = Date.parse(at(validity, policy));
      expect(decideRenewal(validity, policy, new Date(first)).due).toBe(true);
      expect(decideRenewal(validity, policy, new Date(first - 1)).due).toBe(false);
    }),
  );
});

test("what is due stays due, and at does not move with the clock", () => {
  fc.assert(
    fc.property(scene, moment, fc.nat(400 * DAY), ({ validity, policy }, now, later) => {
      const [one, other] = [now, new Date(now.getTime() + later)].map((each) => decideRenewal(validity, policy, each));
      expect(one?.at).toBe(other?.at);
      expect(one?.due === true && other?.due === false).toBe(false);
    }),
  );
});

test("whatever the policy, it is due before the last 5 % of the life", () => {
  fc.assert(
    fc.property(scene, ({ validity, policy }) => {
      const latest = Date.parse(validity.validTo) - 0.05 * lifetime(validity);
      expect(Date.parse(at(validity, policy))).toBeLessThan(latest + SECOND);
    }),
  );
});

test("a policy that asks for more never renews later", () => {
  fc.assert(
    fc.property(scene, fc.double({ min: 0, max: 1000, noNaN: true }), ({ validity, policy }, more) => {
      const asked = { ...policy, minDaysRemaining: policy.minDaysRemaining ?? 10 };
      const earlier = at(validity, { ...asked, minDaysRemaining: asked.minDaysRemaining + more });
      expect(Date.parse(earlier)).toBeLessThanOrEqual(Date.parse(at(validity, asked)));
    }),
  );
});

describe("the words for a person", () => {
  test.each<[string, string]>([
    ["2026-01-01T00:00:00Z", "valid until 2026-03-31, 89 of 90 days left"],
    ["2026-03-30T12:00:00Z", "valid until 2026-03-31, 35 hours of 90 days left"],
    ["2026-03-31T23:59:58Z", "valid until 2026-03-31, 1 seconds of 90 days left"],
    ["2026-04-04T00:00:00Z", "expired on 2026-03-31, 3 days ago"],
  ])("at %s say what is left", (now, words) => {
    expect(describeRemaining(ninety, new Date(now))).toBe(words);
    expect(decideRenewal(ninety, {}, new Date(now)).reason).toBe(words);
  });

  it("of an output say when, and nothing of the day on which they are said", () => {
    expect(describeRenewal(ninety, decideRenewal(ninety, always, new Date(0)))).toBe(
      "from 2026-03-01 on, with 30 days of 90 days left",
    );
    expect(describeRenewal(life(1), decideRenewal(life(1), always, new Date(0)))).toBe(
      "from 2026-01-01 11:59 UTC on, with 12 hours of 24 hours left",
    );
  });
});

test("a length of life counts its last second", () => {
  expect(lifetime(ninety)).toBe(90 * DAY);
  expect(lifetime(life(0.5))).toBe(12 * HOUR);
});

function life(validityDays: number): Validity {
  return planValidity({ validityDays }, new Date("2026-01-01T00:00:00Z"));
}
