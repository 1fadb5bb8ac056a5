// The standing records of accounts, as resources of a DNS provider take them.
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { AcmeAccount, type AuthorisedAccount, validationRecords } from "../../../../provider/src/index";
import { recordResources, resolved } from "../../../support/engine/mocks";

const engine = recordResources();
const thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
/** An account as its outputs have it. */
function account(host: string, more: Readonly<Record<string, unknown>> = {}): AuthorisedAccount {
  const facts = {
    accountUrl: `https://${host}/acct/1`,
    thumbprint,
    status: "valid",
    caaIdentities: [host],
    issuerDomainNames: undefined,
    accountHashPrefix: undefined,
    rehearsalAccount: undefined,
    recordsUntil: undefined,
    ...more,
  };
  const outputs = Object.entries(facts).map(([name, value]) => [name, pulumi.output(value)]);
  return Object.fromEntries(outputs) as unknown as AuthorisedAccount;
}
const of = (host: string) => `${host}; accounturi=https://${host}/acct/1`;

describe("the records of several accounts", () => {
  it("are one set a name, with the values of each, sorted", async () => {
    const sets = validationRecords([account("z.test"), account("b.test")], ["example.com", "*.www.example.com"]);
    expect(sets.map(({ name, type }) => [name, type])).toEqual([
      ["_validation-persist.example.com", "TXT"],
      ["_validation-persist.www.example.com", "TXT"],
    ]);
    expect(await Promise.all(sets.map(({ values }) => resolved(values)))).toEqual([
      [of("b.test"), of("z.test")],
      [`${of("b.test")}; policy=wildcard`, `${of("z.test")}; policy=wildcard`],
    ]);
    expect(await resolved(sets[0]?.quotedValues as pulumi.Output<string[]>)).toEqual([
      `"${of("b.test")}"`,
      `"${of("z.test")}"`,
    ]);
    expect(sets[0]).not.toHaveProperty("properties");
  });

  it("are for the account of the rehearsals, too", async () => {
    const rehearsalAccount = { accountUrl: "https://staging.test/acct/7", caaIdentities: ["b.test"] };
    const [set] = validationRecords([account("b.test", { rehearsalAccount })], ["a.test"]);
    expect(await resolved(set?.values as pulumi.Output<string[]>)).toEqual([
      of("b.test"),
      "b.test; accounturi=https://staging.test/acct/7",
    ]);
  });

  it("hold CAA with its parts, for providers that want them apart", async () => {
    const sets = validationRecords([account("b.test")], ["a.test", "*.a.test"], { caa: true });
    expect(sets.map(({ name, type }) => [name, type])).toEqual([
      ["_validation-persist.a.test", "TXT"],
      ["a.test", "CAA"],
    ]);
    const value = "b.test; validationmethods=dns-persist-01; accounturi=https://b.test/acct/1";
    const properties = await resolved(sets[1]?.properties as NonNullable<(typeof sets)[1]["properties"]>);
    expect(properties).toContainEqual({ flags: 0, tag: "issue", value });
    const values = await resolved(sets[1]?.values as pulumi.Output<string[]>);
    expect(properties.map(({ flags, tag, value: text }) => `${flags} ${tag} "${text}"`)).toEqual(values);
  });

  it("end where it is said, else with the first of the accounts that has an end", async () => {
    const accounts = [
      account("b.test", { recordsUntil: "2999-12-31" }),
      account("c.test", { recordsUntil: "2998-01-01" }),
      account("d.test", { recordsUntil: "always" }),
      account("e.test"),
    ];
    const endOf = async (options = {}) => {
      const [set] = validationRecords(accounts, ["a.test"], options);
      const values = await resolved(set?.values as pulumi.Output<string[]>);
      return [...new Set(values.map((value) => /persistUntil=(\d+)$/.exec(value)?.[1]))];
    };
    const seconds = (day: string) => String(Date.parse(day) / 1000);
    expect(await endOf()).toEqual([seconds("2998-01-01")]);
    expect(await endOf({ until: pulumi.output("2999-01-01") })).toEqual([seconds("2999-01-01")]);
    expect(await endOf({ until: "always" })).toEqual([undefined]);
    const always = validationRecords([accounts[2] as AuthorisedAccount], ["a.test"]);
    expect(await resolved(always[0]?.values as pulumi.Output<string[]>)).toEqual([of("d.test")]);
  });

  it("refuse at once a name that is none", () => {
    expect(() => validationRecords([account("b.test")], ["192.0.2.1"])).toThrow(/^IDENTIFIER_INVALID: /);
    expect(() => validationRecords([account("b.test")], ["a_b.test"])).toThrow(/^IDENTIFIER_INVALID: /);
  });
});

describe("the records of an account", () => {
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const make = async (recordsUntil: string, options = {}) => {
    engine.answer(() => ({
      accountUrl: "https://b.test/acct/1",
      thumbprint,
      status: "valid",
      caaIdentities: ["b.test"],
    }));
    let values: pulumi.Output<string[]> | undefined;
    await engine.of(() => {
      const args = { directory: "https://b.test/dir", acceptTermsOfService: true, recordsUntil };
      values = new AcmeAccount("ca", args).validationRecords(["a.test"], options)[0]?.values;
    });
    return resolved(values as pulumi.Output<string[]>);
  };

  it("are of that account, and say nothing while they are good for long", async () => {
    expect(await make("always")).toEqual([of("b.test")]);
    expect(await make(day(60))).toEqual([expect.stringMatching(/; persistUntil=\d+$/)]);
    expect(engine.log()).toEqual([]);
  });

  it("are warned of before their end, and after it", async () => {
    await make(day(20));
    expect(engine.log()).toEqual([
      expect.stringMatching(
        /^warn: the standing records are valid until \d.* Give a later date as until, or as recordsUntil/,
      ),
    ]);
  });

  it("are warned of after their end, by the date that counts", async () => {
    await make("always", { until: "2026-01-01" });
    expect(engine.log()).toEqual([expect.stringMatching(/^warn: the standing records have expired on 2026-01-01/)]);
  });
});
