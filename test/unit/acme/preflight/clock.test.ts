import { expect, it } from "vitest";
import { readClockOffset } from "../../../../provider/src/acme/client/headers";
import { judgeClock } from "../../../../provider/src/acme/preflight/preflight";

const now = new Date("2026-11-24T12:00:00Z");

it("the CA's clock is read from the header Date, and the Age of an answer from a cache", () => {
  expect(readClockOffset({ date: "Tue, 24 Nov 2026 12:10:00 GMT" }, now)).toBe(600);
  expect(readClockOffset({ date: "Tue, 24 Nov 2026 11:59:00 GMT", age: "60" }, now)).toBe(0);
  expect(readClockOffset({ date: "noon" }, now)).toBeUndefined();
  expect(readClockOffset({}, now)).toBeUndefined();
});

it("clocks that are less than 5 minutes apart, or unknown, are nothing to tell of", () => {
  for (const offset of [undefined, 0, 299, -299]) expect(judgeClock(offset)).toEqual([]);
});

it("clocks that are further apart are a warning, from an hour on an error", () => {
  const found = "the clock of this machine is 5 minutes behind the CA's, and what renews when is decided by it";
  expect(judgeClock(300)).toMatchObject([{ severity: "warning", subject: "the CA", found }]);
  expect(judgeClock(-3599)).toMatchObject([
    { severity: "warning", found: expect.stringContaining("59 minutes ahead of") },
  ]);
  expect(judgeClock(3600)).toMatchObject([{ severity: "error", found: expect.stringContaining("60 minutes behind") }]);
  expect(judgeClock(400 * 86_400)).toMatchObject([{ severity: "error", found: expect.stringContaining("400 days") }]);
});
