import { describe, expect, it } from "vitest";
import {
  type BackOff,
  type BackOffRecord,
  isCostlyFailure,
  judgeBackOff,
  readBackOffRecord,
  recordFailure,
} from "../../../../provider/src/acme/limits/back-off";
import { type ErrorCode, errorCodes } from "../../../../provider/src/errors";

const subject = { directory: "https://ca.example/directory", identifiers: ["example.com", "www.example.com"] };
const start = new Date("2026-12-01T12:00:00Z");
const later = (minutes: number) => new Date(start.getTime() + minutes * 60_000);
const failure = { ...subject, now: start, code: "ACME_UNAUTHORIZED" as ErrorCode, reason: "example.com: not found." };
const failed = (times: number, more: Partial<typeof failure & { retryAt: string }> = {}): BackOffRecord => {
  let record: BackOffRecord | undefined;
  for (let count = 0; count < times; count += 1) record = recordFailure(record, { ...failure, ...more });
  if (record === undefined) throw new Error("at least one");
  return record;
};
const until = (record: BackOffRecord, now = start): BackOff["until"] => judgeBackOff(record, subject, now).until;

describe("judgeBackOff", () => {
  it("lets go what never failed", () => {
    expect(judgeBackOff(undefined, subject, start)).toEqual({ count: 0, text: "nothing failed before." });
  });

  it.each([
    [1, 1],
    [2, 10],
    [3, 100],
    [4, 24 * 60],
    [5, 24 * 60],
    [500, 24 * 60],
  ])("waits after failure %i for %i minutes, and no longer", (times, minutes) => {
    const record = failed(times);
    expect(until(record)).toBe(later(minutes).toISOString().replace(".000", ""));
    expect(until(record, new Date(later(minutes).getTime() - 1000))).toBeDefined();
    expect(until(record, later(minutes))).toBeUndefined();
    expect(judgeBackOff(record, subject, later(minutes)).count).toBe(times);
  });

  it("says what failed and until when, for one and for many", () => {
    expect(judgeBackOff(failed(1), subject, start).text).toBe(
      "the last attempt for exactly these names failed, at 2026-12-01T12:00:00Z (ACME_UNAUTHORIZED: example.com: not found); the next one is made from 2026-12-01T12:01Z.",
    );
    expect(judgeBackOff(failed(3), subject, start).text).toBe(
      "each of the last 3 attempts for exactly these names failed, the latest at 2026-12-01T12:00:00Z (ACME_UNAUTHORIZED: example.com: not found); the next one is made from 2026-12-01T13:40Z.",
    );
  });

  it("holds the CA's own time if that is later, up to a week", () => {
    const code = "ACME_RATE_LIMITED";
    const told = failed(1, { code, retryAt: "2026-12-02T22:00:00Z" });
    expect(until(told)).toBe("2026-12-02T22:00:00Z");
    expect(judgeBackOff(told, subject, start).text).toContain("the CA takes the next one from 2026-12-02T22:00Z");
    expect(until(failed(3, { code, retryAt: "2026-12-01T12:05:00Z" }))).toBe("2026-12-01T13:40:00Z");
    expect(until(failed(1, { code, retryAt: "9999-01-01T00:00:00Z" }))).toBe("2026-12-08T12:00:00Z");
    expect(until(failed(1, { code, retryAt: "soon" }))).toBe("2026-12-01T12:01:00Z");
  });

  it("is of exactly these names at this CA", () => {
    const record = failed(3);
    expect(judgeBackOff(record, { ...subject, identifiers: ["www.example.com", "example.com"] }, start).count).toBe(3);
    for (const other of [
      { ...subject, identifiers: ["example.com"] },
      { ...subject, identifiers: [...subject.identifiers, "a.example.com"] },
      { ...subject, directory: "https://staging.example/directory" },
    ]) {
      expect(judgeBackOff(record, other, start)).toEqual({ count: 0, text: "nothing failed before." });
      expect(recordFailure(record, { ...failure, ...other }).count).toBe(1);
    }
  });

  it("is not held for ever by a clock that was a year ahead", () => {
    expect(until(failed(4, { now: new Date("2027-12-01T12:00:00Z") }))).toBeUndefined();
    expect(until(failed(1, { now: later(5) }))).toBe("2026-12-01T12:06:00Z");
  });
});

describe("isCostlyFailure", () => {
  it("is one that the CA counts, and none of ours or of the way to it", () => {
    const acme = Object.keys(errorCodes).filter((code) => code.startsWith("ACME_")) as ErrorCode[];
    expect(acme.filter(isCostlyFailure).sort()).toEqual([
      "ACME_ORDER_INVALID",
      "ACME_RATE_LIMITED",
      "ACME_REJECTED",
      "ACME_UNAUTHORIZED",
    ]);
  });
});

describe("a back-off record", () => {
  it("is small, and read from a state as it was written", () => {
    const record = failed(2, { reason: "x".repeat(5000), retryAt: "2026-12-02T22:00:00Z" });
    const text = JSON.stringify(record);
    expect(text.length).toBeLessThan(500);
    expect(readBackOffRecord(JSON.parse(text))).toEqual(record);
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["a text", "failed"],
    ["no count", { ...failed(1), count: undefined }],
    ["a negative count", { ...failed(1), count: -1 }],
    ["no moment", { ...failed(1), lastAt: "yesterday" }],
    ["another code", { ...failed(1), code: "ACME_BACKOFF" }],
    ["no names", { ...failed(1), names: 5 }],
  ])("is forgotten when a state holds %s", (_, value) => {
    expect(readBackOffRecord(value)).toBeUndefined();
  });
});
