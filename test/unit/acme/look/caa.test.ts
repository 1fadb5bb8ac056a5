import { expect, it } from "vitest";
import type { CaaProperty } from "../../../../provider/src/acme/dns/query";
import { type CaaRequest, judgeCaa } from "../../../../provider/src/acme/look/caa";

const letsEncrypt: CaaRequest = {
  caaIdentities: ["letsencrypt.org"],
  accountUrl: "https://letsencrypt.org/acct/reg/123",
  challengeTypes: ["http-01"],
  isWildcard: false,
};

/** Records as a zone has them: `0 issue "ca.test"`. */
function properties(...records: readonly string[]): readonly CaaProperty[] {
  return records.map((record) => {
    const [, flags, tag = "", value = ""] = /^(\d+) (\S+) "(.*)"$/.exec(record) ?? [];
    return { flags: Number(flags), tag, value };
  });
}

const judge = (records: readonly string[], request: Partial<CaaRequest> = {}) =>
  judgeCaa({ name: "example.com", properties: properties(...records) }, { ...letsEncrypt, ...request });

const acct = "accounturi=https://letsencrypt.org/acct/reg/";

/** The table of Boulder's va/caa_test.go (TestCAAChecking, commit 2d00c8e): its records, and its verdict. */
const boulder: readonly (readonly [isAllowed: boolean, isWildcard: boolean, ...records: readonly string[]])[] = [
  [false, false, '0 issue "ca.com"'],
  [false, false, '0 iSsUe "ca.com"'],
  [false, false, '1 issue "ca.com"'],
  [true, false, '0 issue "letsencrypt.org"'],
  [true, false, '1 issue "ca.com"', '1 issue "letsencrypt.org"'],
  [false, false, '128 foo "bar"'],
  [false, false, '1 foo "bar"'],
  [true, false, '126 foo "bar"'],
  [true, true, '126 foo "bar"'],
  [true, false, '0 issue "  letsencrypt.org  ;foo=bar;baz=bar"'],
  [false, false, '0 issue "letsencrypt.org; a_b=123"'],
  [false, false, '0 issue "letsencrypt.org; ab=1 2 3"'],
  [false, false, '0 issue "letsencrypt.org; validationmethods=dns-01"'],
  [true, false, '0 issue "letsencrypt.org; validationmethods=http-01"'],
  [true, false, '0 issue "letsencrypt.org; validationmethods=http-01,dns-01"'],
  [true, false, `0 issue "letsencrypt.org; ${acct}123"`],
  [true, false, `0 issue "letsencrypt.org; ${acct}123; validationmethods=http-01"`],
  [false, false, `0 issue "letsencrypt.org; ${acct}123; validationmethods=dns-01"`],
  [false, false, `0 issue "letsencrypt.org; ${acct}321; validationmethods=http-01"`],
  [false, false, `0 issue "letsencrypt.org; ${acct}321"`],
  [true, false, `0 issue "letsencrypt.org; ${acct}321"`, `0 issue "letsencrypt.org; ${acct}123"`],
  [false, false, '0 issue ";"'],
  [false, true, '0 issue ";"'],
  [false, true, '0 issuewild ";"'],
  [false, true, '0 issue "letsencrypt.org"', '0 issuewild "ca.com"'],
  [true, true, '0 issuewild "letsencrypt.org"'],
  [true, true, '0 issuewild "ca.com"', '0 issuewild "letsencrypt.org"'],
  [true, true, '0 issue "ca.com"', '0 issuewild "letsencrypt.org"'],
];

const verdicts = boulder.map(([isAllowed, isWildcard, ...records]) => ({ isAllowed, isWildcard, records }));
it.each(verdicts)("agrees with Let's Encrypt's server on $records (wildcard: $isWildcard)", (each) => {
  const { isAllowed, isWildcard, records } = each;
  expect(judge(records, { isWildcard }).isAllowed).toBe(isAllowed);
});

/** RFC 8659 sections 4.2 to 4.5 and RFC 8657 sections 3 to 5, with the CAs of their examples. */
const rfc: readonly (readonly [
  what: string,
  isAllowed: boolean,
  records: readonly string[],
  request?: Partial<CaaRequest>,
])[] = [
  ["a name alone", true, ['0 issue "ca1.example.net"']],
  ["white space around a name", true, ['0 issue " ca1.example.net\t"']],
  ["another CA beside it", true, ['0 issue "ca2.example.org"', '0 issue "ca1.example.net"']],
  ["a parameter that nobody knows", true, ['0 issue "ca1.example.net; account=230123"']],
  ["a tag with a hyphen", true, ['0 issue "ca1.example.net; policy-of-it=ev"']],
  ["no CA", false, ['0 issue ";"']],
  ["no CA, with a malformed value", false, ['0 issue "%%%%%"']],
  ["only issuewild, for a name", true, ['0 issuewild "ca2.example.org"']],
  ["only issue, for a wildcard", true, ['0 issue "ca1.example.net"'], { isWildcard: true }],
  ["a report address", true, ['0 iodef "mailto:security@example.com"']],
  ["a critical report address", true, ['128 iodef "mailto:security@example.com"']],
  ["a critical property of mail certificates", true, ['128 issuemail ";"']],
  ["a critical property that nobody knows", false, ['0 issue "ca1.example.net"', '128 tbs "Unknown"']],
  [
    "an account that is repeated",
    false,
    ['0 issue "ca1.example.net; accounturi=a; accounturi=a"'],
    { accountUrl: "a" },
  ],
  ["an account that is empty", false, ['0 issue "ca1.example.net; accounturi="']],
  [
    "methods that are repeated",
    false,
    ['0 issue "ca1.example.net; validationmethods=http-01; validationmethods=http-01"'],
  ],
  ["methods that are none", false, ['0 issue "ca1.example.net; validationmethods="']],
  ["a method that nobody knows beside ours", true, ['0 issue "ca1.example.net; validationmethods=ca-1,http-01"']],
  ["a semicolon at the end of a parameter", false, ['0 issue "ca1.example.net; a=b;"']],
];

const rules = rfc.map(([what, isAllowed, records, request = {}]) => ({ what, isAllowed, records, request }));
it.each(rules)("by RFC 8659 and RFC 8657, $what: $isAllowed", ({ isAllowed, records, request }) => {
  expect(judge(records, { caaIdentities: ["ca1.example.net"], ...request }).isAllowed).toBe(isAllowed);
});

const refusal = (records: readonly string[], request: Partial<CaaRequest> = {}) => {
  const verdict = judge(records, request);
  if (verdict.isAllowed) throw new Error("it is allowed");
  return verdict;
};

it("says which record forbids it, and which one to add", () => {
  expect(refusal(['0 issue "ca.com"', '0 issue "ca.net"'])).toEqual({
    isAllowed: false,
    found: 'the CAA records of example.com do not allow letsencrypt.org: 0 issue "ca.com", 0 issue "ca.net"',
    hint: 'Add the record `example.com. CAA 0 issue "letsencrypt.org"`, or remove the others.',
  });
  expect(refusal(['0 issue ";"']).found).toBe('the CAA record 0 issue ";" of example.com forbids every CA');
  expect(refusal(['0 issue "letsencrypt.org; a_b=1"']).found).toContain("1 of them can't be read, and allow nobody");
  expect(refusal(['128 tbs "x"'])).toMatchObject({
    found:
      'the CAA record 128 tbs "x" of example.com is critical and of a kind that CAs do not know, so none may issue',
    hint: "Remove that record, or set its flags to 0.",
  });
});

it("keeps the fence of a record for another account or method in what it says to add", () => {
  expect(refusal([`0 issue "letsencrypt.org; ${acct}321; validationmethods=dns-01"`])).toMatchObject({
    found: expect.stringMatching(/ is for another account than this one, https:\/\/letsencrypt\.org\/acct\/reg\/123$/),
    hint: `Add the record \`example.com. CAA 0 issue "letsencrypt.org; ${acct}123; validationmethods=http-01"\`, or remove the others.`,
  });
  const wild = { isWildcard: true, challengeTypes: ["dns-persist-01"] } as const;
  expect(refusal(['0 issuewild "letsencrypt.org; validationmethods=dns-01"'], wild)).toMatchObject({
    found: expect.stringMatching(/ is for other methods than dns-persist-01$/),
    hint: 'Add the record `example.com. CAA 0 issuewild "letsencrypt.org; validationmethods=dns-persist-01"`, or remove the others.',
  });
});

it("what it says to add is allowed then", () => {
  const forbidding = [
    ['0 issue ";"'],
    [`0 issue "letsencrypt.org; ${acct}321"`],
    ['0 issue "ca.com"'],
    ['0 issuewild ";"'],
  ];
  for (const records of forbidding) {
    const request = { isWildcard: records[0]?.includes("wild") === true, challengeTypes: ["dns-01"] } as const;
    const [, added = ""] = /`example\.com\. CAA (.*)`/.exec(refusal(records, request).hint) ?? [];
    expect(judge([...records, added], request).isAllowed).toBe(true);
  }
});

it("of several challenges those are allowed that a record names", () => {
  const request = { challengeTypes: ["http-01", "dns-01"] } as const;
  expect(judge(['0 issue "letsencrypt.org; validationmethods=dns-01"'], request)).toEqual({
    isAllowed: true,
    challengeTypes: ["dns-01"],
  });
});

it("an account of Let's Encrypt has its number under a second URL too, and no other one", () => {
  const request = { accountUrl: "https://acme-v02.api.letsencrypt.org/acme/acct/42" };
  const uri = (text: string) => [`0 issue "letsencrypt.org; accounturi=${text}"`];
  expect(judge(uri("https://acme-v01.api.letsencrypt.org/acme/reg/42"), request).isAllowed).toBe(true);
  expect(judge(uri("https://acme-v01.api.letsencrypt.org/acme/reg/142"), request).isAllowed).toBe(false);
  expect(judge(uri("https://acme.example.net/acct/42"), request).isAllowed).toBe(false);
});

it("a CA that does not say its names is forbidden by what forbids all alone", () => {
  expect(judge(['0 issue "ca.com"'], { caaIdentities: [] }).isAllowed).toBe(true);
  expect(judge(['0 issue ";"'], { caaIdentities: [] }).isAllowed).toBe(false);
});
