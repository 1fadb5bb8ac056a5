import { expect, test } from "vitest";
import {
  DAY,
  HOUR,
  MINUTE,
  renderDuration,
  renderMoment,
  renderTimestamp,
  SECOND,
} from "../../../provider/src/text/time";

test.each<[number, string]>([
  [90 * DAY, "90 days"],
  [3 * DAY - 1, "2 days"],
  [2 * DAY, "2 days"],
  [2 * DAY - 1, "47 hours"],
  [2 * HOUR, "2 hours"],
  [2 * HOUR - 1, "119 minutes"],
  [2 * MINUTE, "2 minutes"],
  [2 * MINUTE - 1, "119 seconds"],
  [SECOND, "1 seconds"],
  [0, "0 seconds"],
  [-DAY, "0 seconds"],
])("a length of %i ms reads %s: the largest unit of which there are two", (length, text) => {
  expect(renderDuration(length)).toBe(text);
});

test("a moment is told to the day for long lives, to the minute for short ones, always in UTC", () => {
  const moment = new Date("2026-11-23T10:20:30.400Z");
  expect(renderMoment(moment, 10 * DAY)).toBe("2026-11-23");
  expect(renderMoment(moment, 10 * DAY - 1)).toBe("2026-11-23 10:20 UTC");
});

test("a timestamp has whole seconds, cut and not rounded", () => {
  expect(renderTimestamp(new Date("2026-11-23T10:20:30.999Z"))).toBe("2026-11-23T10:20:30Z");
});
