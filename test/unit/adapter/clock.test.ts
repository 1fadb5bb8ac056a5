import { afterEach, expect, test, vi } from "vitest";
import { AS_OF, readClock, requireWallClock } from "../../../provider/src/adapter/clock";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

test.each([undefined, ""])("without TLS_GATEWAY_AS_OF (%o) it is the wall clock, and effects are allowed", (value) => {
  vi.stubEnv(AS_OF, value);
  vi.useFakeTimers({ now: new Date("2026-11-23T10:20:30Z") });
  expect(readClock()).toEqual(new Date("2026-11-23T10:20:30Z"));
  expect(() => requireWallClock("creating a Site")).not.toThrow();
});

test.each([
  ["2027-03-01", "2027-03-01T00:00:00.000Z"],
  ["2027-03-01T12:00Z", "2027-03-01T12:00:00.000Z"],
  ["2027-03-01T12:00:30Z", "2027-03-01T12:00:30.000Z"],
])("%s is a moment", (value, moment) => {
  vi.stubEnv(AS_OF, value);
  expect(readClock().toISOString()).toBe(moment);
});

test.each(["tomorrow", "2027-13-01", "2027-3-1", "2027-02-30", "2027-03-01T12:00", "01.03.2027", "1e9", "2027-03-01 "])(
  "%s is refused, with what to write",
  (value) => {
    vi.stubEnv(AS_OF, value);
    expect(() => readClock()).toThrow(
      /^CLOCK_SET: TLS_GATEWAY_AS_OF is ".*Hint: write it as TLS_GATEWAY_AS_OF=2027-03-01/,
    );
  },
);

test("while it is set nothing is made", () => {
  vi.stubEnv(AS_OF, "2027-03-01");
  expect(() => requireWallClock("creating a Site")).toThrow(/^CLOCK_SET: creating a Site: refused while .*=2027-03-01/);
});
