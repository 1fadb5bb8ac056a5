// Which records an order wants: by its names alone, and with their values.
import { describe, expect, it, test } from "vitest";
import { dns01Value } from "../../../../provider/src/acme/client/jws";
import {
  challengeRecordName,
  listRecordNames,
  renderQuotedTxt,
  valuesOf,
} from "../../../../provider/src/lifecycle/acme/order-records";

const digest = /^[\w-]{43}$/;
const open = (hostname: string, token = hostname) => ({
  hostname,
  isProved: false,
  dnsKeyAuthorization: `${token}.thumbprint`,
});

describe("the records of an order", () => {
  it("are one a name, sorted: an apex and its wildcard share one, and an address has none", () => {
    const names = [
      "www.Shop.example",
      "*.shop.example",
      "192.0.2.1",
      "shop.example",
      "2001:db8::1",
      "*.münchen.example",
    ];
    expect(listRecordNames(names)).toEqual([
      { name: "_acme-challenge.shop.example", type: "TXT", hostnames: ["*.shop.example", "shop.example"] },
      { name: "_acme-challenge.www.shop.example", type: "TXT", hostnames: ["www.shop.example"] },
      { name: "_acme-challenge.xn--mnchen-3ya.example", type: "TXT", hostnames: ["*.xn--mnchen-3ya.example"] },
    ]);
    expect(listRecordNames(["192.0.2.1"])).toEqual([]);
  });

  it("have their names before anything else is known", () => {
    for (const name of ["shop.example", "*.shop.example", "SHOP.example."]) {
      expect(challengeRecordName(name)).toBe("_acme-challenge.shop.example");
    }
  });

  test.each([
    ["192.0.2.1", /^IDENTIFIER_INVALID: 192\.0\.2\.1 is an address: no record .* Hint: Use the order's httpResources/],
    ["a_b.example", /^IDENTIFIER_INVALID: "a_b\.example": it contains an underscore/],
    ["ops@example.com", /^IDENTIFIER_INVALID: "ops@example\.com": "@" can't stand in a host name/],
    ["https://example.com", /^IDENTIFIER_INVALID: "https:\/\/example\.com": /],
  ])("have no name for %s", (hostname, message) => {
    expect(() => challengeRecordName(hostname)).toThrow(message);
    if (!hostname.startsWith("192")) expect(() => listRecordNames([hostname])).toThrow(message);
  });

  it("hold one value for each name that they prove, sorted, as the CA compares them", () => {
    const challenges = [open("*.a.example", "t1"), open("a.example", "t2"), open("b.example", "t3")];
    const values = valuesOf("_acme-challenge.a.example", challenges);
    expect(values).toEqual([dns01Value("t1.thumbprint"), dns01Value("t2.thumbprint")].sort());
    for (const value of values) expect(value).toMatch(digest);
    expect(valuesOf("_acme-challenge.b.example", challenges)).toEqual([dns01Value("t3.thumbprint")]);
    expect(renderQuotedTxt(values[0] ?? "")).toBe(`"${values[0]}"`);
  });

  it("hold a word in the place of each name that is proved already, so that their number does not change", () => {
    const proved = { hostname: "a.example", isProved: true };
    expect(valuesOf("_acme-challenge.a.example", [proved])).toEqual(["proved already: a.example"]);
    expect(valuesOf("_acme-challenge.a.example", [open("*.a.example", "t1"), proved])).toEqual(
      [dns01Value("t1.thumbprint"), "proved already: a.example"].sort(),
    );
  });

  it("can't be had for a name of another order, nor where the CA offers no dns-01", () => {
    expect(() => valuesOf("_acme-challenge.c.example", [open("a.example"), open("b.example")])).toThrow(
      'ACME_CHALLENGE: no name of the order is proved by "_acme-challenge.c.example". Hint: The order is for a.example, b.example.',
    );
    const http = { token: "t", keyAuthorization: "t.thumbprint" };
    expect(() => valuesOf("_acme-challenge.a.example", [{ hostname: "a.example", isProved: false, http }])).toThrow(
      /^ACME_CHALLENGE: the CA offers no dns-01 for a\.example\. Hint: .* challenge: "http-01"/,
    );
  });
});
