import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { decideRenewal, lifetime, type Validity } from "../../../provider/src/renewal/decision";
import { chooseMoment, describeWindow, type RenewalWindow } from "../../../provider/src/renewal/window";
import { DAY } from "../../../provider/src/text/time";

const ninety: Validity = { validFrom: "2026-01-01T00:00:00Z", validTo: "2026-03-31T23:59:59Z" };
const always = { checkIntervalHours: 0 };
const windowOf = (start: string, end: string, id = "aYhb.AIdl"): RenewalWindow => ({ id, start, end });

const scene = fc
  .tuple(fc.date({ min: new Date("2020-01-01"), max: new Date("2040-01-01"), noInvalidDate: true }), fc.nat(30 * DAY))
  .map(([start, length]) => ({
    start: start.toISOString(),
    end: new Date(start.getTime() + 1000 + length).toISOString(),
  }));

test("a moment is chosen inside of the window, always the same one, another for another certificate", () => {
  fc.assert(
    fc.property(scene, fc.string(), ({ start, end }, id) => {
      const chosen = chooseMoment({ id, start, end });
      expect(chosen.getTime()).toBeGreaterThan(Date.parse(start) - 1000);
      expect(chosen.getTime()).toBeLessThanOrEqual(Date.parse(end));
      expect(chooseMoment({ id, start, end })).toEqual(chosen);
    }),
  );
});

test("certificates spread over the window", () => {
  const [start, end] = ["2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"];
  const quarters = [0, 0, 0, 0];
  for (let count = 0; count < 1000; count++) {
    const share = (chooseMoment({ id: `${count}`, start, end }).getTime() - Date.parse(start)) / (2 * DAY);
    const quarter = Math.floor(share * 4);
    quarters[quarter] = (quarters[quarter] ?? 0) + 1;
  }
  for (const count of quarters) expect(count).toBeGreaterThan(200);
});

describe("a renewal by the CA's window", () => {
  it("takes the place of the third of the life, and of minDaysRemaining", () => {
    const late = windowOf("2026-03-20T00:00:00Z", "2026-03-21T00:00:00Z");
    for (const policy of [always, { ...always, minDaysRemaining: 60 }]) {
      expect(decideRenewal(ninety, policy, new Date(0), late).at).toBe(
        chooseMoment(late).toISOString().replace(".000", ""),
      );
    }
  });

  it("is due at once when the window is past, as after an incident", () => {
    const past = windowOf("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
    expect(decideRenewal(ninety, {}, new Date("2026-01-02T00:00:00Z"), past).due).toBe(true);
  });

  it("never waits beyond the last 5 % of the life, and comes before the next run", () => {
    fc.assert(
      fc.property(scene, fc.nat(1000), ({ start, end }, checkIntervalHours) => {
        const window = windowOf(start, end);
        const at = Date.parse(decideRenewal(ninety, { checkIntervalHours }, new Date(0), window).at);
        expect(at).toBeLessThan(Date.parse(ninety.validTo) - 0.05 * lifetime(ninety) + 1000);
        expect(at).toBeLessThanOrEqual(chooseMoment(window).getTime());
      }),
    );
  });

  it("is told with its reason", () => {
    const window = {
      ...windowOf("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"),
      explanationUrl: "https://ca.test/why",
    };
    expect(describeWindow(window, lifetime(ninety))).toMatch(
      /^the CA's window from 2026-03-01 to 2026-03-03, chosen 2026-03-0[12]T\d\d:\d\d:\d\dZ \(why: https:\/\/ca\.test\/why\)$/,
    );
  });
});
