import { describe, expect, it } from "vitest";
import { standingRecordNames, standingRecordSets } from "../../../../provider/src/acme/persist/standing-records";

// draft-ietf-acme-dns-persist-02 section 10.2
const hashed = {
  accountUrl: "https://ca.example/acct/123",
  thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
  accountHashPrefix: "https://ca.example/account-hash/",
  issuerDomainNames: ["authority.example", "ca.example.net"],
};
const ofHashed =
  "authority.example; accounturi=https://ca.example/account-hash/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw";
const plain = { accountUrl: "https://a.test/acct/1", thumbprint: "x", caaIdentities: ["a.test"] };

describe("the records of accounts", () => {
  it("are those of the draft, computed without an order", () => {
    expect(standingRecordSets({ accounts: [hashed], names: ["example.com"] })).toEqual([
      {
        name: "_validation-persist.example.com",
        type: "TXT",
        values: [ofHashed],
        quotedValues: [`"${ofHashed}"`],
      },
    ]);
  });

  it("are one set a name: a wildcard with its name, several accounts sorted, names in their order", () => {
    const names = ["*.example.com", "b.test", "example.com", "B.test."];
    const sets = standingRecordSets({ accounts: [hashed, plain, plain], names, until: new Date(1_721_952_000_999) });
    expect(sets.map(({ name, values }) => [name, values])).toEqual([
      [
        "_validation-persist.example.com",
        [
          "a.test; accounturi=https://a.test/acct/1; policy=wildcard; persistUntil=1721952000",
          `${ofHashed}; policy=wildcard; persistUntil=1721952000`,
        ],
      ],
      [
        "_validation-persist.b.test",
        [
          "a.test; accounturi=https://a.test/acct/1; persistUntil=1721952000",
          expect.stringMatching(/^authority\.example; accounturi=\S{83}; persistUntil=1721952000$/),
        ],
      ],
    ]);
  });

  it("are for wildcards everywhere if that is wanted", () => {
    const [set] = standingRecordSets({ accounts: [plain], names: ["b.test"], isWildcard: true });
    expect(set?.values).toEqual(["a.test; accounturi=https://a.test/acct/1; policy=wildcard"]);
  });

  it("hold CAA too, by the account's URL, and for wildcards where they are", () => {
    const sets = standingRecordSets({ accounts: [hashed], names: ["example.com", "*.b.test"], caa: true });
    const value = (tag: string) =>
      `0 ${tag} "authority.example; validationmethods=dns-persist-01; accounturi=https://ca.example/acct/123"`;
    expect(sets.filter(({ type }) => type === "CAA")).toEqual([
      { name: "example.com", type: "CAA", values: [value("issue")], quotedValues: [value("issue")] },
      ...[{ name: "b.test", type: "CAA" as const }].map((set) => ({
        ...set,
        values: [value("issue"), value("issuewild")],
        quotedValues: [value("issue"), value("issuewild")],
      })),
    ]);
  });

  it("have the names that are known before the accounts are", () => {
    const names = ["*.example.com", "b.test", "example.com", "*.München.de"];
    for (const caa of [false, true]) {
      const sets = standingRecordSets({ accounts: [plain], names, caa });
      expect(standingRecordNames(names, { caa })).toEqual(sets.map(({ name, type }) => ({ name, type })));
    }
    expect(standingRecordNames(names)).toHaveLength(3);
  });

  it("are cut into strings where they are long", () => {
    const long = { ...plain, accountUrl: `https://a.test/${"x".repeat(300)}` };
    const [set] = standingRecordSets({ accounts: [long], names: ["b.test"] });
    expect(set?.quotedValues[0]).toMatch(/^"a\.test; .{247}" "x+"$/);
    expect(set?.quotedValues[0]?.replaceAll('" "', "")).toBe(`"${set?.values[0]}"`);
  });

  it("are refused of a CA that does not say its name, and of a name that has none", () => {
    const nameless = { accountUrl: "https://a.test/acct/1", thumbprint: "x" };
    expect(() => standingRecordSets({ accounts: [nameless], names: ["b.test"] })).toThrow(
      /^ACME_PROTOCOL: the records for the account https:\/\/a\.test\/acct\/1 can't be written: .*Hint: Ask the CA/,
    );
    expect(() => standingRecordSets({ accounts: [plain], names: ["192.0.2.1"] })).toThrow(/^IDENTIFIER_INVALID/);
    expect(() => standingRecordSets({ accounts: [plain], names: ["b.test"], until: new Date(Number.NaN) })).toThrow(
      TypeError,
    );
  });
});

describe("the name of the CA in records", () => {
  const claimed = { ...plain, caaIdentities: ["letsencrypt.org"] };
  const texts = (account: Parameters<typeof standingRecordSets>[0]["accounts"][number]) =>
    standingRecordSets({ accounts: [account], names: ["b.test"], caa: true }).flatMap(({ values }) => values);

  // a record with this name would authorise account 1 of a stranger at Let's Encrypt
  it.each([
    ["that claims it by caaIdentities", claimed],
    ["that claims it by issuerDomainNames", { ...plain, issuerDomainNames: ["letsencrypt.org"] }],
    ["whose host only ends alike", { ...claimed, accountUrl: "https://acme.notletsencrypt.org/acct/1" }],
    ["that is expected to have it", { ...claimed, issuerDomainName: "letsencrypt.org" }],
  ])("is a public CA's at no other one: %s", (_, account) => {
    expect(() => texts(account)).toThrow('calls itself "letsencrypt.org" in the DNS, which is another CA.');
  });

  it("is a public CA's at its own servers", () => {
    const accountUrl = "https://acme-v02.api.letsencrypt.org/acme/acct/1";
    expect(texts({ ...claimed, accountUrl })).toContain(`letsencrypt.org; accounturi=${accountUrl}`);
  });

  it("is the one that the user expects, if the directory has it", () => {
    const account = { ...plain, issuerDomainNames: ["one.test", "two.test"] };
    expect(texts({ ...account, issuerDomainName: "two.test" })[0]).toMatch(/^two\.test; /);
    expect(() => texts({ ...account, issuerDomainName: "three.test" })).toThrow(
      'ACME_ACCOUNT: issuerDomainName: found "three.test", expected a name that the CA\'s directory has: one.test, two.test.',
    );
  });
});
