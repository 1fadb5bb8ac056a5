// What standing records say, until when, and what is said before they end.
import { describe, expect, it, test } from "vitest";
import {
  listStandingRecords,
  renderStandingRecords,
  type StandingAccount,
  warnOfEnd,
} from "../../../../provider/src/lifecycle/acme/standing-records";

const account: StandingAccount = {
  accountUrl: "https://ca.test/acct/1",
  thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
  status: "valid",
  caaIdentities: ["ca.test"],
  issuerDomainNames: null,
  accountHashPrefix: undefined,
};
const render = (more: Partial<Parameters<typeof renderStandingRecords>[0]> = {}) =>
  renderStandingRecords({
    accounts: [account],
    names: ["a.test"],
    isWildcard: false,
    caa: false,
    until: undefined,
    ...more,
  }).flatMap(({ values }) => values);

describe("standing records", () => {
  it("are those whose names were listed before, in the same order", () => {
    const names = ["b.test", "*.a.test", "a.test"];
    for (const caa of [true, false]) {
      const sets = renderStandingRecords({ accounts: [account], names, isWildcard: false, caa, until: "always" });
      expect(sets.map(({ name, type }) => ({ name, type }))).toEqual(listStandingRecords(names, caa));
    }
  });

  it("are for ever, or end at a moment", () => {
    const value = "ca.test; accounturi=https://ca.test/acct/1";
    expect(render()).toEqual([value]);
    expect(render({ until: "always" })).toEqual([value]);
    const end = Date.parse("2027-12-31T00:00:00Z") / 1000;
    expect(render({ until: "2027-12-31" })).toEqual([`${value}; persistUntil=${end}`]);
    expect(render({ until: "2027-12-31T12:00Z", isWildcard: true })).toEqual([
      `${value}; policy=wildcard; persistUntil=${end + 12 * 3600}`,
    ]);
  });

  test.each(["2027-02-30", "soon", "31.12.2027"])("can't end at %s", (until) => {
    expect(() => render({ until })).toThrow(
      `IDENTIFIER_INVALID: until: "${until}" is no date. Hint: Write it as "2027-12-31", as "2027-12-31T12:00Z", or "always".`,
    );
  });

  test.each(["deactivated", "revoked"])("authorise no account that is %s", (status) => {
    expect(() => render({ accounts: [account, { ...account, status }] })).toThrow(
      `ACME_ACCOUNT: the account https://ca.test/acct/1 is ${status}: no record authorises it. Hint: Make another account, and records for it.`,
    );
  });

  it("can't be written for an account of which an earlier release does not know the CA's name", () => {
    expect(() => render({ accounts: [{ ...account, caaIdentities: null }] })).toThrow(
      /^ACME_ACCOUNT: of the account https:\/\/ca\.test\/acct\/1 it is not known .* Hint: .*`pulumi refresh`/,
    );
  });
});

describe("the end of standing records", () => {
  const warn = (until: string | undefined) => warnOfEnd(until, new Date("2026-11-23T10:20:30Z"));
  const only = "certificates that rely on them renew only before";
  const none = "no certificate that relies on them renews";

  test.each([[undefined], ["always"], ["2026-12-24"], ["2026-12-23T10:20:30Z"]])("is no matter at %s", (until) => {
    expect(warn(until)).toBeUndefined();
  });

  test.each([
    ["2026-12-23", "the standing records are valid until 2026-12-23 00:00 UTC", only],
    ["2026-11-24T12:00Z", "the standing records are valid until 2026-11-24 12:00 UTC", only],
    ["2026-11-23", "the standing records have expired on 2026-11-23 00:00 UTC", none],
    ["2025-01-01", "the standing records have expired on 2025-01-01 00:00 UTC", none],
  ])("is warned of at %s", (until, words, consequence) => {
    expect(warn(until)).toBe(
      `${words}: ${consequence}. Give a later date as until, or as recordsUntil of the account.`,
    );
  });
});
