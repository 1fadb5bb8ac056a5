import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isPersistValue,
  type PersistValue,
  parsePersistValue,
  persistDomain,
  persistRecordName,
  renderPersistValue,
} from "../../../../provider/src/acme/persist/record-value";
import { withinCpuTime } from "../../../support/cpu-time";

const hash = "https://ca.example/account-hash/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw";
const plain: PersistValue = { issuerDomainName: "authority.example", accountUri: hash, isWildcard: false };

describe("a value", () => {
  it.each([
    ["figure 2", {}, ""],
    ["figure 8", { isWildcard: true }, "; policy=wildcard"],
    ["figure 9", { until: 1721952000 }, "; persistUntil=1721952000"],
    ["figure 10", { isWildcard: true, until: 1721952000 }, "; policy=wildcard; persistUntil=1721952000"],
  ])("is that of the draft, %s, and is read again", (_, more, end) => {
    const value = { ...plain, ...more };
    const text = `authority.example; accounturi=${hash}${end}`;
    expect(renderPersistValue(value)).toBe(text);
    expect(parsePersistValue(text)).toEqual(value);
  });

  it.each([
    ["issuerDomainName", "-a.example"],
    ["issuerDomainName", "a.example."],
    ["issuerDomainName", ""],
    ["accountUri", "https://ca.example/a;b"],
    ["accountUri", "https://ca.example/a b"],
    ["accountUri", "https://ca.example/é"],
    ["accountUri", ""],
  ])("is not written with the %s %j, which no record can hold", (name, found) => {
    expect(() => renderPersistValue({ ...plain, [name]: found })).toThrow(
      new RegExp(
        `^ACME_PROTOCOL: the CA's .*, "${found}", can't stand in a DNS record\\. Hint: Prove the names by another`,
      ),
    );
  });

  it("is not written with an end that is no whole second", () => {
    expect(() => renderPersistValue({ ...plain, until: 1.5 })).toThrow(TypeError);
    expect(() => renderPersistValue({ ...plain, until: Number.NaN })).toThrow(TypeError);
  });
});

describe("what is read is malformed", () => {
  it.each([
    ["ca.test; accounturi=a; AccountURI=a", "has AccountURI twice"],
    ["ca.test; accounturi=a;", "has an empty parameter, or a semicolon at its end"],
    ["ca.test; ; accounturi=a", "has an empty parameter, or a semicolon at its end"],
    ["ca.test; accounturi", 'has "accounturi", which is no tag=value'],
    ["ca.test; accounturi=a; b_c=d", 'has the tag "b_c", which is not of letters, digits and hyphens'],
    ["ca.test; accounturi=a b", "has a value of accounturi with a space or another character that can't stand there"],
    ["ca.test; accounturi=ä", "has a value of accounturi with a space or another character that can't stand there"],
    ["ca.test", "has no accounturi"],
    ["ca.test; accounturi= ", "has no accounturi"],
    ["ca.test; accounturi=a; persistUntil=1e9", 'has the persistUntil "1e9", which is no number of seconds'],
    ["ca.test; accounturi=a; persistUntil=", 'has the persistUntil "", which is no number of seconds'],
    ["ca.test; accounturi=a; persistUntil=9223372036854775808", expect.stringContaining("no number of seconds")],
  ])("%j", (text, malformed) => {
    expect(parsePersistValue(text)).toEqual({ issuerDomainName: "ca.test", malformed });
  });

  it.each(["", ";", "v=spf1 -all", "; accounturi=a", "ca.test.; accounturi=a", "ca..test; accounturi=a"])(
    "%j, and is nobody's",
    (text) => {
      expect(parsePersistValue(text)).toEqual({ malformed: "does not begin with a domain name" });
    },
  );
});

describe("what is read", () => {
  it.each(["wildcard", "WILDCARD", "Wildcard"])("has the policy %s in any case", (policy) => {
    expect(parsePersistValue(`ca.test; accounturi=a; POLICY=${policy}`)).toMatchObject({ isWildcard: true });
  });

  it.each(["", "wildcards", "none"])("has no policy if it is %j", (policy) => {
    expect(parsePersistValue(`ca.test; accounturi=a; policy=${policy}`)).toMatchObject({ isWildcard: false });
  });

  it("keeps the case of issuer and account, and leaves out what is not known", () => {
    expect(parsePersistValue(" CA.test\t;\tAccountUri = HTTPS://a=b ; x-y=; z=1")).toEqual({
      ...{ issuerDomainName: "CA.test", accountUri: "HTTPS://a=b", isWildcard: false },
    });
  });
});

describe("whatever it is", () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
  const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  const accountUri = fc.stringMatching(/^[!-:<-~]{1,80}$/);
  // -0 is written as 0
  const until = fc.maxSafeInteger().map((seconds) => seconds + 0);

  it("a value that is written is read as it was", () => {
    const values = fc.record(
      { issuerDomainName: domain, accountUri, isWildcard: fc.boolean(), until },
      { requiredKeys: ["issuerDomainName", "accountUri", "isWildcard"] },
    );
    fc.assert(
      fc.property(values, (value) => {
        expect(parsePersistValue(renderPersistValue(value))).toEqual(value);
      }),
    );
  });

  it("the largest record that there can be is read at once", () => {
    const octets = 65_000;
    const texts = ["a-", "a.", "-", ";", "; ", "a=b;", " ", "\t"].map((part) => part.repeat(octets / part.length));
    withinCpuTime(2000, () => {
      for (const text of texts)
        for (const end of ["", "!", "\u0001"]) parsePersistValue(`ca.test; accounturi=a;b=c${text}${end}`);
      for (const text of texts) parsePersistValue(`${text}!`);
    });
  });

  it("a text is read without a failure, and what was read is written and read as the same", () => {
    const part = fc.oneof(
      fc.constantFrom(
        "ca.test",
        ";",
        "; ",
        "=",
        "accounturi=",
        "policy=wildcard",
        "persistUntil=",
        "9",
        "-",
        "\t",
        '"',
        "é",
        "\ud800",
        "\u202e",
      ),
      fc.string({ unit: "binary-ascii", maxLength: 6 }),
    );
    const texts = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        fc.oneof(
          texts,
          texts.map((text) => `ca.test; accounturi=a${text}`),
        ),
        (text) => {
          const value = parsePersistValue(text);
          if (!isPersistValue(value)) return;
          if (value.until !== undefined && !Number.isSafeInteger(value.until)) return;
          expect(parsePersistValue(renderPersistValue(value))).toEqual(value);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("the record of a name", () => {
  it.each([
    ["example.com", "_validation-persist.example.com"],
    ["*.example.com", "_validation-persist.example.com"],
    ["EXAMPLE.com.", "_validation-persist.example.com"],
    ["*.München.de", "_validation-persist.xn--mnchen-3ya.de"],
  ])("%s is %s", (hostname, name) => {
    expect(persistRecordName(hostname)).toBe(name);
    expect(name).toBe(`_validation-persist.${persistDomain(hostname)}`);
  });

  it("is refused where the label has no room before the name", () => {
    const fits = `${"a".repeat(57)}.${"b".repeat(57)}.${"c".repeat(57)}.${"d".repeat(55)}.ef`;
    expect(persistRecordName(fits)).toHaveLength(252);
    const [longer, longest] = [`a${fits}`, `ab${fits}`];
    expect(persistRecordName(longer)).toHaveLength(253);
    expect(() => persistRecordName(longest)).toThrow(
      /would have a name of 254 octets; at most 253 are allowed Hint: Prove it by http-01/,
    );
  });

  it.each(["192.0.2.1", "2001:db8::1"])("is refused for the address %s", (address) => {
    expect(() => persistRecordName(address)).toThrow(/an IP address has no record of dns-persist-01/);
  });
});
