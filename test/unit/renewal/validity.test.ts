import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { lifetime } from "../../../provider/src/renewal/decision";
import { planValidity } from "../../../provider/src/renewal/validity";
import { DAY, HOUR, MINUTE, SECOND } from "../../../provider/src/text/time";

const now = new Date("2026-11-23T10:20:30.400Z");

test.each<[string, number, string, string]>([
  ["ninety days start at midnight", 90, "2026-11-23T00:00:00Z", "2027-02-20T23:59:59Z"],
  ["ten days too", 10, "2026-11-23T00:00:00Z", "2026-12-02T23:59:59Z"],
  ["nine days start at the hour", 9, "2026-11-23T10:00:00Z", "2026-12-02T09:59:59Z"],
  ["half a day too", 0.5, "2026-11-23T10:00:00Z", "2026-11-23T21:59:59Z"],
  ["an hour starts at the minute", 1 / 24, "2026-11-23T10:20:00Z", "2026-11-23T11:19:59Z"],
  ["a minute starts at the second", 1 / 1440, "2026-11-23T10:20:30Z", "2026-11-23T10:21:29Z"],
  ["a second is its own end", 1 / 86_400, "2026-11-23T10:20:30Z", "2026-11-23T10:20:30Z"],
])("%s", (_, validityDays, validFrom, validTo) => {
  expect(planValidity({ validityDays }, now)).toEqual({ validFrom, validTo });
});

describe("the end of the issuer", () => {
  it("cuts the life", () => {
    const planned = planValidity({ validityDays: 90, issuerValidTo: "2026-12-24T12:00:00Z" }, now);
    expect(planned).toEqual({ validFrom: "2026-11-23T00:00:00Z", validTo: "2026-12-24T12:00:00Z" });
  });

  it("does not lengthen it", () => {
    const planned = planValidity({ validityDays: 90, issuerValidTo: "2036-01-01T00:00:00Z" }, now);
    expect(planned.validTo).toBe("2027-02-20T23:59:59Z");
  });
});

const moment = fc.date({ min: new Date("1990-01-01"), max: new Date("2090-01-01"), noInvalidDate: true });
const days = fc.double({ min: 1 / 86_400, max: 36_525, noNaN: true });

test("a plan has begun, lives as long as asked to the second, and never starts more than a tenth of its life ago", () => {
  fc.assert(
    fc.property(days, moment, (validityDays, at) => {
      const planned = planValidity({ validityDays }, at);
      const age = at.getTime() - Date.parse(planned.validFrom);
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(Math.max(SECOND, (validityDays * DAY) / 10));
      expect(lifetime(planned)).toBeGreaterThan(validityDays * DAY - SECOND);
      // a fraction of a day has more digits than a double
      expect(lifetime(planned)).toBeLessThan(validityDays * DAY + 1);
    }),
  );
});

test("two plans of one day, hour or minute are the same, by the length of the life", () => {
  fc.assert(
    fc.property(
      days,
      moment,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (validityDays, at, part) => {
        const grain = [DAY, HOUR, MINUTE].find((unit) => validityDays * DAY >= 10 * unit) ?? SECOND;
        const start = Math.floor(at.getTime() / grain) * grain;
        const [one, other] = [new Date(start), new Date(start + Math.floor(part * grain))];
        expect(planValidity({ validityDays }, one)).toEqual(planValidity({ validityDays }, other));
      },
    ),
  );
});
