import { describe, expect, it } from "vitest";
import {
  judgePersistRecords,
  type PersistExpectation,
  renderUnixSeconds,
} from "../../../../provider/src/acme/persist/judge";

const now = new Date("2026-11-28T12:00:00Z");
const second = now.getTime() / 1000;
const url = "https://ca.test/acct/1";
const expected: PersistExpectation = { issuerDomainNames: ["ca.test"], accountUris: [url], isWildcard: false, now };
const mine = `ca.test; accounturi=${url}`;
const faultsOf = (values: readonly string[], more: Partial<PersistExpectation> = {}) => {
  const judgement = judgePersistRecords(values, { ...expected, ...more });
  if (judgement.kind === "good") throw new Error("it is good");
  return [judgement.kind, ...judgement.faults.map(({ fault }) => fault)];
};

describe("records are good", () => {
  it("with one good value, whatever stands beside it", () => {
    const values = ["ca2.test; accounturi=x", "ca.test;", mine, "v=spf1"];
    expect(judgePersistRecords(values, expected)).toEqual({ kind: "good" });
  });

  it("until the value ends that ends last, in its very last second too", () => {
    const ending = (until: number) => `${mine}; persistUntil=${until}`;
    expect(judgePersistRecords([ending(second)], expected)).toEqual({ kind: "good", earliest: second, latest: second });
    const several = [ending(second + 5), ending(second - 1), ending(second + 9)];
    expect(judgePersistRecords(several, expected)).toEqual({ kind: "good", earliest: second + 5, latest: second + 9 });
    expect(judgePersistRecords([...several, mine], expected)).toEqual({ kind: "good", earliest: second + 5 });
  });

  it("by any name of the CA and any URI of the account", () => {
    const more = { issuerDomainNames: ["b.test", "ca.test"], accountUris: ["x", url] };
    expect(judgePersistRecords([mine], { ...expected, ...more }).kind).toBe("good");
  });
});

describe("records are bad, and it is said why", () => {
  it.each([
    ["ca2.test; accounturi=x", 'is for another CA, "ca2.test"'],
    ["CA.test; accounturi=x", 'is for "CA.test", and the CA reads only "ca.test", in lower case'],
    ["v=spf1 -all", "is no record of this challenge"],
    [`${mine};`, "is malformed: it has an empty parameter, or a semicolon at its end"],
    ["ca.test; accounturi=https://ca.test/acct/2", 'is for another account, "https://ca.test/acct/2"'],
    [`${mine}; persistUntil=${second - 1}`, "has expired: its persistUntil is 2026-11-28T11:59:59Z"],
  ])("%s", (value, fault) => {
    expect(faultsOf([value])).toEqual(["bad", fault]);
  });

  it("without the policy for a wildcard, with it for the name", () => {
    expect(faultsOf([mine], { isWildcard: true })).toEqual(["bad", "is for the name alone: it lacks policy=wildcard"]);
    expect(judgePersistRecords([`${mine}; policy=wildcard`], { ...expected, isWildcard: true }).kind).toBe("good");
    expect(judgePersistRecords([`${mine}; policy=wildcard`], expected).kind).toBe("good");
  });

  it("when there are none", () => {
    expect(faultsOf([])).toEqual(["bad"]);
  });
});

describe("where accounts are hashed", () => {
  const accountHashPrefix = "https://ca.test/hash/";
  const hash = (letter: string) => `${accountHashPrefix}sha-256/${letter.repeat(43)}`;
  const more = { accountHashPrefix, accountUris: [hash("a"), hash("b")] };
  const value = (uri: string) => `ca.test; accounturi=${uri}`;

  it("each hash of a known key is good, and the account's URL is not", () => {
    expect(judgePersistRecords([value(hash("b"))], { ...expected, ...more }).kind).toBe("good");
    expect(faultsOf([value(url)], more)).toEqual(["bad", `has an accounturi that is no hash of this CA, "${url}"`]);
  });

  it("another hash is perhaps that of an earlier key, unless the value is bad for another reason", () => {
    expect(faultsOf([value(hash("c"))], more)).toEqual([
      "unsure",
      expect.stringContaining("if an earlier key of it does"),
    ]);
    expect(faultsOf([`${value(hash("c"))}; persistUntil=1`], more)[0]).toBe("bad");
    expect(faultsOf([value(hash("c"))], { ...more, isWildcard: true })[0]).toBe("bad");
    expect(faultsOf([value(hash("c").slice(0, -1))], more)[0]).toBe("bad");
  });
});

it("renders a moment that no calendar has as its number", () => {
  expect(renderUnixSeconds(0)).toBe("1970-01-01T00:00:00Z");
  expect(renderUnixSeconds(2 ** 60)).toBe("1152921504606847000");
});
