// What a CA's published limits leave, judged from our own history; a token bucket as CAs have it is the oracle.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { directories } from "../../../../provider/src/acme/client/directory";
import { identifierSetKey } from "../../../../provider/src/acme/limits/back-off";
import {
  addIssuance,
  type BudgetFacts,
  type Issuance,
  judgeBudget,
  registeredDomain,
  registeredDomains,
  type SeenIssuance,
  seeIssuance,
} from "../../../../provider/src/acme/limits/budget";
import { type CaLimits, limitsOf } from "../../../../provider/src/acme/limits/limits";

const HOUR = 3_600_000;
const production = limitsOf(directories.letsencrypt?.url ?? "") as CaLimits;
const staging = limitsOf(directories["letsencrypt-staging"]?.url ?? "") as CaLimits;
const names = ["example.com", "www.example.com"];
const now = new Date("2026-12-01T12:00:00Z");
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * HOUR).toISOString();
const got = (...hours: number[]): readonly Issuance[] =>
  hours.reduce<readonly Issuance[]>((all, each) => addIssuance(all, { at: hoursAgo(each), identifiers: names }), []);
const judge = (facts: Partial<BudgetFacts>) =>
  judgeBudget({ limits: production, identifiers: names, history: [], others: [], isAriRenewal: false, now, ...facts });

describe("judgeBudget", () => {
  it("is free for the first four certificates of the same names in a week, the fifth is the last", () => {
    expect(judge({})).toMatchObject({ verdict: "free", limit: "exactSet", used: 0, of: 5 });
    expect(judge({ history: got(1, 2, 3) })).toMatchObject({
      verdict: "free",
      used: 3,
      text: "3 of 5 certificates for exactly these names were issued in the last 7 days.",
    });
    expect(judge({ history: got(4, 3, 2, 1) })).toMatchObject({
      verdict: "last",
      text: "4 of 5 certificates for exactly these names were issued in the last 7 days; the next one is the last until 2026-12-08T08:00Z.",
    });
  });

  it("is spent after five, and says from when on the next one is possible", () => {
    const history = got(160.5, 100, 50, 2, 1);
    const judged = judge({ history });
    expect(judged).toEqual({
      verdict: "spent",
      limit: "exactSet",
      used: 5,
      of: 5,
      freeAt: "2026-12-01T19:30:00Z",
      text: "5 of 5 certificates for exactly these names were issued in the last 7 days; the next one is possible from 2026-12-01T19:30Z.",
      warnings: [],
    });
    const freeAt = new Date(judged.freeAt ?? "");
    expect(judge({ history, now: new Date(freeAt.getTime() - 1000) }).verdict).toBe("spent");
    expect(judge({ history, now: freeAt }).verdict).toBe("last");
  });

  it("names no moment that is too early, whatever the fraction of a minute", () => {
    const history = [1, 2, 3, 4, 5].map((ms) => ({
      at: `2026-12-01T11:59:59.${ms}01Z`,
      names: identifierSetKey(names),
    }));
    expect(judge({ history }).freeAt).toBe("2026-12-08T12:00:00Z");
    expect(judge({ history }).text).toContain("from 2026-12-08T12:00Z");
  });

  it("waits for enough of them to leave the window when more than allowed were made", () => {
    const history = got(100, 90, 80, 70, 60, 50, 40);
    // two must leave beside the one that makes room
    expect(judge({ history }).freeAt).toBe(
      new Date(Date.parse(hoursAgo(80)) + 168 * HOUR).toISOString().replace(".000", ""),
    );
  });

  it("counts the set, whatever its order and case, and no other set", () => {
    const history = got(5, 4, 3, 2, 1);
    expect(judge({ history, identifiers: ["WWW.example.com", "example.com"] }).verdict).toBe("spent");
    expect(judge({ history, identifiers: ["example.com"] })).toMatchObject({ verdict: "free", used: 0 });
    expect(judge({ history, identifiers: [...names, "a.example.com"] })).toMatchObject({ verdict: "free", used: 0 });
  });

  it("is free for a renewal by ARI, which Let's Encrypt does not count", () => {
    const judged = judge({ history: got(5, 4, 3, 2, 1), isAriRenewal: true });
    expect(judged).toMatchObject({ verdict: "free", used: 5 });
    expect(judged.text).toContain("announced by ARI, which Let's Encrypt does not count");
    const countsAri = { ...production, exemptsAriRenewals: false };
    expect(judge({ limits: countsAri, history: got(5, 4, 3, 2, 1), isAriRenewal: true }).verdict).toBe("spent");
  });

  it("counts another resource of this run with the same names, and what stands in both lists once", () => {
    const history = got(4, 3, 2, 1);
    const own = history.map(({ at }) => seeIssuance({ at, identifiers: names, account: "a" }));
    expect(judge({ history, others: own })).toMatchObject({ verdict: "last", used: 4 });
    // a state holds whole seconds
    const inState = history.map(({ at, names: set }) => ({ at: at.replace(".000", ""), names: set }));
    const seen = own.map((each) => ({ ...each, at: each.at.replace(".000", ".789") }));
    expect(judge({ history: inState, others: seen })).toMatchObject({ verdict: "last", used: 4 });
    const another = seeIssuance({ at: hoursAgo(0.5), identifiers: [...names].reverse(), account: "a" });
    expect(judge({ history, others: [...own, another] })).toMatchObject({ verdict: "spent", used: 5 });
    expect(judge({ others: [another, another, another] })).toMatchObject({ used: 3 });
  });

  it("takes a moment that lies ahead for now, and ignores what is no moment", () => {
    const history = [...got(3, 2, 1, -10_000), { at: "yesterday", names: identifierSetKey(names) }];
    expect(judge({ history })).toMatchObject({ verdict: "last", used: 4 });
  });

  it("has nothing to say of a CA that publishes no limits", () => {
    const history = got(5, 4, 3, 2, 1);
    expect(judge({ limits: undefined, history })).toMatchObject({ verdict: "free", used: 0, warnings: [] });
    expect(limitsOf("https://ca.example/directory")).toBeUndefined();
  });

  it("lets staging do what production does not", () => {
    expect(judge({ limits: staging, history: got(5, 4, 3, 2, 1) })).toMatchObject({ verdict: "free", of: 30_000 });
  });

  it("never allows what a token bucket of the same size refuses", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 80 * HOUR }), { minLength: 1, maxLength: 60 });
    let allowed = 0;
    fc.assert(
      fc.property(gaps, (steps) => {
        let history: readonly Issuance[] = [];
        let [moment, tokens] = [now.getTime(), 5];
        for (const step of steps) {
          moment += step;
          tokens = Math.min(5, tokens + (step * 5) / (168 * HOUR));
          if (judge({ history, now: new Date(moment) }).verdict === "spent") continue;
          allowed += 1;
          // what was allowed is issued, and the bucket had it
          expect(tokens).toBeGreaterThan(1 - 1e-9);
          tokens -= 1;
          history = addIssuance(history, { at: new Date(moment).toISOString(), identifiers: names });
        }
      }),
    );
    expect(allowed).toBeGreaterThan(100);
  });

  describe("warns of limits that resources share", () => {
    const seen = (count: number, of: (index: number) => string[], account = "https://ca/acct/1"): SeenIssuance[] =>
      Array.from({ length: count }, (_, index) =>
        seeIssuance({ at: hoursAgo(index / 120), identifiers: of(index), account }),
      );

    it("from the last certificate of a registered domain on, counting all names under it", () => {
      const under = (count: number) => seen(count, (index) => [`${index}.example.com`, `${index}.example.org`]);
      expect(judge({ others: under(48) }).warnings).toEqual([]);
      const [last, ...rest] = judge({ others: under(49) }).warnings;
      expect(rest).toEqual([]);
      expect(last).toMatch(
        /^this run alone makes 50 certificates for example\.com, of which Let's Encrypt allows 50 in 7 days\. This one is the last/,
      );
      expect(judge({ others: under(50) }).warnings[0]).toContain("It will refuse this one");
      expect(judge({ others: under(50), identifiers: ["a.example.com", "b.example.org"] }).warnings).toHaveLength(2);
      expect(judge({ others: under(50), identifiers: ["example.net"] }).warnings).toEqual([]);
      expect(judge({ others: under(50) }).verdict).toBe("free");
    });

    it("from the last order of an account on", () => {
      const many = seen(299, (index) => [`x${index}.com`]);
      expect(judge({ others: many, account: "https://ca/acct/1" }).warnings[0]).toContain(
        "300 orders of one account, of which Let's Encrypt allows 300 in 3 hours",
      );
      expect(judge({ others: many, account: "https://ca/acct/2" }).warnings).toEqual([]);
      expect(judge({ others: many }).warnings).toEqual([]);
    });

    it("not for names that had a certificate before, nor for a renewal by ARI", () => {
      const others = seen(60, (index) => [`${index}.example.com`]);
      expect(judge({ others, history: got(2000) }).warnings).toEqual([]);
      expect(judge({ others, isAriRenewal: true }).warnings).toEqual([]);
      expect(judge({ others }).warnings).toHaveLength(1);
    });
  });
});

describe("addIssuance", () => {
  it("keeps the newest 20, oldest first, and no names", () => {
    const history = got(...Array.from({ length: 30 }, (_, index) => index + 1));
    expect(history).toHaveLength(20);
    expect(history[0]?.at).toBe(hoursAgo(20));
    expect(history[19]?.at).toBe(hoursAgo(1));
    expect(JSON.stringify(history)).not.toContain("example");
  });
});

describe("registeredDomain", () => {
  it.each([
    ["www.example.com", "example.com"],
    ["example.com", "example.com"],
    ["*.example.com", "example.com"],
    ["new.blog.example.co.uk", "example.co.uk"],
    ["co.uk", "co.uk"],
    ["a.b.github.io", "b.github.io"],
    ["github.io", "github.io"],
    ["*.xn--mnchen-3ya.de", "xn--mnchen-3ya.de"],
    ["_a.b.example.com", "example.com"],
    ["a.b.internal", "b.internal"],
    ["localhost", "localhost"],
    ["203.0.113.7", "203.0.113.7"],
    ["2001:db8:0:1:aaaa::1", "2001:db8:0:1::/64"],
    ["2001:db8::1", "2001:db8::/64"],
  ])("counts %s under %s", (name, domain) => {
    expect(registeredDomain(name)).toBe(domain);
  });

  it("names each domain once", () => {
    expect(registeredDomains(["b.example.org", "www.example.com", "example.com"])).toEqual([
      "example.com",
      "example.org",
    ]);
  });
});

describe("limitsOf", () => {
  it("has source and date for each table, and a rate for each kind of request", () => {
    for (const limits of [production, staging]) {
      expect(limits.sources.length).toBeGreaterThan(0);
      for (const { url, read, documentDate } of limits.sources) {
        expect(url).toMatch(/^https:\/\/letsencrypt\.org\/docs\//);
        expect(Date.parse(documentDate)).toBeLessThanOrEqual(Date.parse(read));
      }
      for (const { perSecond, burst } of Object.values(limits.requests)) {
        expect(perSecond).toBeGreaterThan(0);
        expect(burst).toBeGreaterThan(0);
      }
    }
  });
});
