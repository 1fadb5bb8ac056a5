import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { renderFailure } from "../../../../provider/src/adapter/failures";
import { UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import {
  checkPolicy,
  isPlannable,
  keepOrPlanValidity,
  readPolicy,
  readValidity,
} from "../../../../provider/src/lifecycle/local/planned-validity";
import { decideRenewal } from "../../../../provider/src/renewal/decision";
import { DAY } from "../../../../provider/src/text/time";

const start = new Date("2026-01-01T12:00:00Z");
const daysLater = (days: number) => new Date(start.getTime() + days * DAY);
const request = { validityDays: 90, policy: {}, reissued: false };
const kept = { validFrom: "2026-01-01T00:00:00Z", validTo: "2026-03-31T23:59:59Z" };

describe("the dates of the last run", () => {
  it("are kept until the renewal is due", () => {
    expect(keepOrPlanValidity(kept, request, daysLater(58))).toEqual(kept);
    expect(keepOrPlanValidity(kept, request, daysLater(59))).toEqual({
      validFrom: "2026-03-01T00:00:00Z",
      validTo: "2026-05-29T23:59:59Z",
    });
  });

  it("are planned where there are none, or where the certificate is issued anew anyway", () => {
    const planned = { validFrom: "2026-01-03T00:00:00Z", validTo: "2026-04-02T23:59:59Z" };
    expect(keepOrPlanValidity({}, request, daysLater(2))).toEqual(planned);
    expect(keepOrPlanValidity(kept, { ...request, reissued: true }, daysLater(2))).toEqual(planned);
  });

  it("stay when a renewal would end no later, because the issuer ends: no endless renewal", () => {
    const ending = { ...request, issuerValidTo: kept.validTo };
    for (const days of [60, 70, 80, 89]) expect(keepOrPlanValidity(kept, ending, daysLater(days))).toEqual(kept);
  });
});

test("planning again with what was planned changes nothing, at any moment of the same day", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 10, max: 3650, noNaN: true }),
      fc.nat(DAY - 1),
      fc.nat(4000),
      (validityDays, moment, age) => {
        const now = new Date(Date.UTC(2026, 0, 1) + age * DAY);
        const life = { ...request, validityDays };
        const one = keepOrPlanValidity(kept, life, now);
        const later = new Date(now.getTime() + moment);
        expect(keepOrPlanValidity({ ...one }, life, now)).toEqual(one);
        fc.pre(!decideRenewal(one, {}, later).due);
        expect(keepOrPlanValidity({ ...one }, life, later)).toEqual(one);
      },
    ),
  );
});

describe("a policy", () => {
  test.each([
    [72, true],
    [71.9, false],
    [undefined, false],
    [0, false],
  ])("of %s days before the end of ninety is refused: %s", (minDaysRemaining, isRefused) => {
    expect(checkPolicy({ minDaysRemaining }, 90) !== undefined).toBe(isRefused);
  });

  it("that is refused is told with both numbers and what to do", () => {
    const failure = checkPolicy({ minDaysRemaining: 100 }, 90);
    expect(failure && renderFailure(failure)).toMatch(
      /^minDaysRemaining: found 100 days, expected less than eight tenths of the life of 90 days: .* every run\. Hint: /,
    );
  });
});

test("dates and policy are read where they are, and nothing else is taken for them", () => {
  expect(readValidity(kept)).toEqual(kept);
  expect(readValidity({ validFrom: kept.validFrom })).toBeUndefined();
  expect(readValidity({ ...kept, validTo: UNKNOWN })).toBeUndefined();
  expect(readPolicy({ minDaysRemaining: 5, checkIntervalHours: UNKNOWN })).toEqual({ minDaysRemaining: 5 });
});

test("dates are planned only where all that they depend on is known", () => {
  expect(isPlannable({ validityDays: 5 })).toBe(true);
  for (const name of ["validityDays", "minDaysRemaining", "checkIntervalHours"]) {
    expect(isPlannable({ [name]: UNKNOWN })).toBe(false);
  }
});
