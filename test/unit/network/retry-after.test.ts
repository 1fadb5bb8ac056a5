import { expect, test } from "vitest";
import { readRetryAfter } from "../../../provider/src/network/retry-after";

const now = new Date("2026-11-24T15:00:00.500Z");

test.each([
  ["0", "2026-11-24T15:00:00Z"],
  ["120", "2026-11-24T15:02:00Z"],
  [" 3600 ", "2026-11-24T16:00:00Z"],
  ["99999999", "2030-01-25T00:46:39Z"],
  // the three forms of RFC 9110 section 5.6.7
  ["Sun, 06 Nov 2044 08:49:37 GMT", "2044-11-06T08:49:37Z"],
  ["Sunday, 06-Nov-44 08:49:37 GMT", "2044-11-06T08:49:37Z"],
  ["Sun Nov  6 08:49:37 2044", "2044-11-06T08:49:37Z"],
])("Retry-After %j is %s", (header, expected) => {
  expect(readRetryAfter(header, now)).toBe(expected);
});

test.each([
  undefined,
  "",
  "soon",
  "-5",
  "1e3",
  "1.5",
  "999999999",
  "2044-11-06T08:49:37Z",
  "Sun, 06 Nov 1994 08:49:37 GMT",
  "Sun, 99 Nov 2044 08:49:37 GMT",
  "Sun, 06 Nov 2044 08:49:37 +0100",
])("Retry-After %j says nothing", (header) => {
  expect(readRetryAfter(header, now)).toBeUndefined();
});
