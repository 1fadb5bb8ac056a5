// What the arguments of an order may be, and what its state decides without the CA.
import { afterEach, describe, expect, it, test, vi } from "vitest";
import { identifierSetKey, RETRY_NOW } from "../../../../provider/src/acme/limits/back-off";
import { acmeOrder } from "../../../../provider/src/lifecycle/acme/order";
import { hashPlacedOrder } from "../../../../provider/src/lifecycle/acme/order-inputs";
import { type Properties, UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { checked, issuer, leafOf, refused, TODAY } from "../../../support/engine/lifecycle";

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";
const base = {
  accountUrl: "https://ca.test/account/orders",
  // unknown, so that no CA is asked; a hook has it as soon as it is known
  accountKeyPem: UNKNOWN,
  directoryUrl: letsEncrypt,
  name: "shop",
  hostnames: ["shop.orders.example"],
};
const explain = (state: Properties | undefined, args: Properties = {}, now = TODAY) => {
  const inputs = checked(acmeOrder, { ...base, ...args });
  return Promise.resolve(acmeOrder.explain?.(state, inputs, now));
};

afterEach(() => vi.unstubAllEnvs());

describe("an order", () => {
  it("has its names in one form and order", () => {
    const hostnames = ["WWW.a.example", "2001:DB8::1", "*.a.example", "www.a.example", "münchen.example"];
    expect(checked(acmeOrder, { ...base, directoryUrl: "https://ca.test/dir", hostnames }).hostnames).toEqual([
      "*.a.example",
      "2001:db8::1",
      "www.a.example",
      "xn--mnchen-3ya.example",
    ]);
  });

  it("is checked while its account, its names or its profile are unknown", () => {
    const unknown = { accountUrl: UNKNOWN, directoryUrl: UNKNOWN, profile: UNKNOWN };
    expect(checked(acmeOrder, { ...base, ...unknown })).toMatchObject({ ...unknown, hostnames: base.hostnames });
    expect(checked(acmeOrder, { ...base, hostnames: UNKNOWN }).hostnames).toBe(UNKNOWN);
    expect(refused(acmeOrder, { ...base, hostnames: UNKNOWN, timeoutSeconds: 0 })).toHaveLength(1);
  });

  it("is no replacement of anything, and shows no key", () => {
    expect(acmeOrder.replaces).toBeUndefined();
    expect(acmeOrder.secretProperties).toEqual(["accountKeyPem", "orderKeyPem"]);
    expect(acmeOrder.policyProperties).toContain("accountKeyPem");
  });
});

describe("bad input gets one failure that begins with its property", () => {
  test.each<[string, object, RegExp]>([
    ["no name", { hostnames: [] }, /^hostnames: is empty: a certificate has at least one name\.$/],
    ["no names", { hostnames: undefined }, /^hostnames: is missing, expected a list of names\.$/],
    ["a text for names", { hostnames: "a.example" }, /^hostnames: found a text, expected a list of names\.$/],
    [
      "a name that is none",
      { hostnames: ["a.example", "a_b.example"] },
      /^hostnames\[1\]: "a_b\.example": .*underscore/,
    ],
    ["an e-mail address", { hostnames: ["ops@example.com"] }, /^hostnames\[0\]: "ops@example\.com": "@" can't stand/],
    ["a wildcard in the middle", { hostnames: ["a.*.example"] }, /^hostnames\[0\]: "a\.\*\.example": a wildcard must/],
    ["101 names", { hostnames: names(101) }, /^hostnames: has more than 100 names/],
    [
      "26 names of a profile",
      { hostnames: names(26), profile: "tlsserver" },
      /^hostnames: 26 names are more than the 25/,
    ],
    [
      "an address in another profile",
      { hostnames: ["192.0.2.1"] },
      /^profile: 192\.0\.2\.1 is an address, .*shortlived/,
    ],
    ["no account", { accountUrl: undefined }, /^accountUrl: is missing/],
    ["a profile without a name", { profile: "" }, /^profile: is empty/],
    ["no time", { timeoutSeconds: 0 }, /^timeoutSeconds: found 0 seconds, expected at least 1/],
    ["days before", { renewalInfoDays: -1 }, /^renewalInfoDays: found -1 days, expected 0 or more/],
    [
      "a look that is none",
      { preflight: { when: "now" } },
      /^preflight\.when: found "now", expected up, preview or off/,
    ],
    ["no resolver", { preflight: { resolvers: [] } }, /^preflight\.resolvers: is empty/],
    ["a challenge", { challenge: { type: "dns-01" } }, /^challenge: there is no such property/],
    ["a misspelt property", { hostname: "a" }, /^hostname: there is no such property; did you mean hostnames\?/],
  ])("%s", (_, change, failure) => {
    expect(refused(acmeOrder, { ...base, ...change })).toEqual([expect.stringMatching(failure)]);
  });
});

describe("the reason of a step", () => {
  const inputs = checked(acmeOrder, base);
  const placed = (more: Properties = {}): Properties => ({
    ...inputs,
    orderUrl: "https://ca.test/order/1",
    orderedFor: hashPlacedOrder(inputs),
    orderedAt: "2026-11-22T00:00:00Z",
    estimatedValidTo: "2027-02-20T00:00:00Z",
    ...more,
  });
  /** An order of which a refresh has learnt the certificate. */
  const issued = async (more: Properties = {}): Promise<Properties> => {
    const day = new Date("2026-11-22T00:00:00Z");
    const { certPem } = await leafOf(await issuer({}, day), { hostnames: base.hostnames, validityDays: 90 }, day);
    return placed({ certPem, validFrom: "2026-11-22T00:00:00Z", validTo: "2027-02-19T23:59:59Z", ...more });
  };
  const week = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      at: `2026-11-2${at}T00:00:00Z`,
      names: identifierSetKey(base.hostnames),
      directory: letsEncrypt,
    }));

  it("says what is placed and where, and what remains of the limits; not all of a hundred names", async () => {
    expect(await explain(undefined)).toBe(
      "places an order for shop.orders.example; at letsencrypt; 0 of 5 certificates for exactly these names were issued in the last 7 days",
    );
    expect(await explain(undefined, { profile: "tlsserver", hostnames: names(7) })).toMatch(
      /^places an order for n0\.example\.com, .*, n4\.example\.com and 2 more; at letsencrypt, profile tlsserver; /,
    );
    expect(await explain(undefined, { hostnames: UNKNOWN })).toBeUndefined();
    expect(await explain(undefined, { directoryUrl: UNKNOWN })).toBeUndefined();
  });

  it("is none while nothing is due, as far as can be known without the CA", async () => {
    for (const state of [placed(), await issued()]) {
      expect(await explain(state)).toBeUndefined();
      expect(await acmeOrder.isDue?.(state, inputs, TODAY)).toBe(false);
    }
  });

  it("is the estimate where the CA can't be asked, and the certificate's own end where that is known", async () => {
    const late = new Date("2027-01-25T00:00:00Z");
    expect(await explain(placed(), {}, late)).toMatch(
      /^renews with another order: the CA does not answer; by an estimate of 90 days its certificate is valid until 2027-02-20, 26 of 90 days left; at letsencrypt; /,
    );
    const nextAskAt = "2027-03-01T00:00:00Z";
    const renewalWindow = { id: "x", start: nextAskAt, end: nextAskAt, nextAskAt };
    const state = await issued({ renewalWindow });
    // what is not a window of this certificate says nothing
    expect(await explain(state, { renewalInfoDays: 0 }, new Date("2026-12-01T00:00:00Z"))).toBeUndefined();
  });

  it("is another set of names, another profile, another CA", async () => {
    const state = await issued();
    expect(await explain(state, { hostnames: ["other.orders.example"] })).toMatch(
      /^places another order, for other\.orders\.example; at letsencrypt; 0 of 5 /,
    );
    expect(await explain(state, { profile: "tlsserver" })).toMatch(
      /^places another order, for shop\.orders\.example; at/,
    );
    expect(await explain(state, { directoryUrl: "https://ca.test/dir" })).toBe(
      "places another order, for shop.orders.example; at https://ca.test/dir",
    );
    // the engine lists what differs
    const other = checked(acmeOrder, { ...base, profile: "tlsserver" });
    expect(await acmeOrder.isDue?.(state, other, TODAY)).toBe(false);
    const { orderUrl: _, ...failed } = placed();
    expect(await acmeOrder.isDue?.(failed, inputs, TODAY)).toBe(true);
  });

  it("counts the certificate that the last order came to, with those before, and refuses what the CA would", async () => {
    const other = { profile: "tlsserver" };
    expect(await explain(await issued(), other)).toContain("1 of 5 certificates for exactly these names was issued");
    expect(await explain(await issued({ issuances: week(3) }), other)).toContain("4 of 5 certificates");
    await expect(explain(await issued({ issuances: week(4) }), other)).rejects.toThrow(
      /^ACME_BUDGET: places another order, for shop\.orders\.example; but the CA is not asked: 5 of 5 certificates .*; the next one is possible from 2026-11-27/,
    );
    vi.stubEnv(RETRY_NOW, "1");
    expect(await explain(await issued({ issuances: week(4) }), other)).toContain("places another order");
  });

  it("does not count at one CA what another one issued", async () => {
    const state = await issued({ directoryUrl: "https://ca.test/dir" });
    expect(await explain(state)).toMatch(/^places another order, for shop.*; 0 of 5 certificates/);
  });

  it("is a refusal within the back-off after an order that was refused, in the preview", async () => {
    const failure = {
      count: 1,
      lastAt: "2026-11-23T10:20:00Z",
      code: "ACME_REJECTED",
      reason: "no",
      names: `${identifierSetKey([letsEncrypt])}:${identifierSetKey(base.hostnames)}`,
    };
    await expect(explain({ ...inputs, failure })).rejects.toThrow(
      /^ACME_BACKOFF: places an order for shop\.orders\.example; but the CA is not asked: the last attempt .* Hint: .*TLS_GATEWAY_RETRY_NOW/,
    );
    expect(await explain({ ...inputs, failure }, {}, new Date("2026-11-23T10:21:01Z"))).toContain(
      "places an order for",
    );
    expect(await explain({ ...inputs, failure }, { hostnames: ["fine.orders.example"] })).toContain("places an order");
  });

  it("goes on with an order whose challenges could not be asked for", async () => {
    const pendingOrderUrl = "https://ca.test/order/7";
    expect(await explain({ ...inputs, pendingOrderUrl })).toMatch(
      /^goes on with the order for shop\.orders\.example that an earlier run left; at letsencrypt; /,
    );
    for (const other of [
      { hostnames: ["b.orders.example"] },
      { profile: "x" },
      { directoryUrl: "https://ca.test/dir" },
    ]) {
      expect(await explain({ ...inputs, pendingOrderUrl }, other)).toMatch(/^places an order for /);
    }
  });
});

function names(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `n${at}.example.com`);
}
