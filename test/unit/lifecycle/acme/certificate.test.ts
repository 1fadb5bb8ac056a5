// What the arguments of an ACME certificate may be, and what its state decides without the CA: back-off, budget, rehearsal.
import { afterEach, describe, expect, it, test, vi } from "vitest";
import { identifierSetKey, RETRY_NOW } from "../../../../provider/src/acme/limits/back-off";
import { acmeCertificate } from "../../../../provider/src/lifecycle/acme/certificate";
import { hashCertificateOrder } from "../../../../provider/src/lifecycle/acme/certificate-inputs";
import { type Properties, UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { checked, issuer, leafOf, refused, TODAY } from "../../../support/engine/lifecycle";
import { OpensslPki } from "../../../support/x509/openssl-pki";

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";
const account = {
  accountUrl: "https://ca.test/account/1",
  accountKeyPem: "-----BEGIN PRIVATE KEY-----\n…",
  directoryUrl: letsEncrypt,
  rehearsalDirectoryUrl: "https://acme-staging-v02.api.letsencrypt.org/directory",
  rehearsalAccountKeyPem: "-----BEGIN PRIVATE KEY-----\n…",
};
const dns = { type: "dns-01", command: "/usr/local/bin/hook" };
const base = { ...account, name: "shop", hostnames: ["shop.example.com"], challenge: { type: "http-01" } };

const namesKey = identifierSetKey(["shop.example.com"]);
const failureKey = `${identifierSetKey([letsEncrypt])}:${namesKey}`;

afterEach(() => vi.unstubAllEnvs());

describe("a certificate", () => {
  it("has its names in one form and order", () => {
    const hostnames = ["WWW.example.com", "münchen.example", "www.example.com", "*.a.example"];
    expect(checked(acmeCertificate, { ...base, hostnames, challenge: dns }).hostnames).toEqual([
      "*.a.example",
      "www.example.com",
      "xn--mnchen-3ya.example",
    ]);
  });

  it("takes the names of a request, and refuses others beside it", () => {
    const pki = new OpensslPki();
    try {
      pki.run(
        "req -new -newkey rsa:2048 -nodes -keyout k.pem -out r.pem -subj / -addext subjectAltName=DNS:b.test,DNS:a.test -config ca.cnf".split(
          " ",
        ),
      );
      const certificateRequestPem = pki.run(["req", "-in", "r.pem"]);
      const { hostnames: _, ...rest } = base;
      expect(checked(acmeCertificate, { ...rest, certificateRequestPem }).hostnames).toEqual(["a.test", "b.test"]);
      expect(refused(acmeCertificate, { ...base, certificateRequestPem })).toEqual([
        expect.stringMatching(/^hostnames: are not those of the certificate request, which is for a\.test, b\.test/),
      ]);
      expect(refused(acmeCertificate, { ...rest, certificateRequestPem, keyType: "P256" })).toEqual([
        expect.stringMatching(/^keyType: is given beside certificateRequestPem/),
      ]);
    } finally {
      pki.remove();
    }
  });

  it("is another order for other names, another profile, key, request or CA, and for nothing else", () => {
    const order = hashCertificateOrder(checked(acmeCertificate, base));
    const same = [{ timeoutSeconds: 60 }, { challenge: dns }, { hostnames: ["SHOP.example.com"] }, { reuseKey: true }];
    for (const change of same)
      expect(hashCertificateOrder(checked(acmeCertificate, { ...base, ...change }))).toBe(order);
    const others = [
      { hostnames: ["a.example"] },
      { profile: "tlsserver" },
      { keyType: "P384" },
      { directoryUrl: "https://ca.test/dir" },
    ];
    for (const change of others)
      expect(hashCertificateOrder(checked(acmeCertificate, { ...base, ...change }))).not.toBe(order);
  });

  it("is unknown while its account is", () => {
    const inputs = checked(acmeCertificate, { ...base, accountUrl: UNKNOWN, accountKeyPem: UNKNOWN });
    expect(inputs).toMatchObject({ accountUrl: UNKNOWN, hostnames: ["shop.example.com"] });
  });
});

describe("bad input gets one failure that begins with its property", () => {
  test.each<[string, object, RegExp]>([
    ["no name", { hostnames: [] }, /^hostnames: is empty/],
    ["no names at all", { hostnames: undefined }, /^hostnames: is missing.* Hint: give the names/],
    ["a name that is none", { hostnames: ["a_b.example"] }, /^hostnames\[0\]: "a_b\.example": .*underscore/],
    [
      "a wildcard by http-01",
      { hostnames: ["*.example.com"] },
      /^hostnames\[0\]: \*\.example\.com can't be proved by http-01/,
    ],
    [
      "an address by dns-01",
      { hostnames: ["192.0.2.1"], challenge: dns, profile: "shortlived" },
      /^hostnames\[0\]: 192\.0\.2\.1 can't be proved by dns-01/,
    ],
    [
      "an address in another profile",
      { hostnames: ["192.0.2.1"] },
      /^profile: 192\.0\.2\.1 is an address, .*shortlived only.* Hint: set profile/,
    ],
    [
      "more names than the profile takes",
      { hostnames: names(26), profile: "tlsserver" },
      /^hostnames: 26 names are more than the 25/,
    ],
    ["101 names", { hostnames: names(101) }, /^hostnames: has more than 100 names/],
    ["no challenge", { challenge: undefined }, /^challenge: is missing/],
    [
      "a challenge that is none",
      { challenge: { type: "http" } },
      /^challenge.*"http-01", "tls-alpn-01", "dns-01", "dns-persist-01" or "auto"/,
    ],
    ["dns-01 without a command", { challenge: { type: "dns-01" } }, /^challenge\.command: is missing/],
    [
      "a port that is none",
      { challenge: { type: "http-01", port: 99999 } },
      /^challenge\.port: found 99999, expected 1 to 65535/,
    ],
    ["an unknown key", { keyType: "Ed25519" }, /^keyType: found "Ed25519"/],
    ["a rehearsal that is none", { rehearsal: "yes" }, /^rehearsal: found "yes", expected first, always or off/],
    [
      "a required chain without a name",
      { requirePreferredChain: true },
      /^requirePreferredChain: is given without preferredChain/,
    ],
    ["no account", { accountUrl: undefined }, /^accountUrl: is missing/],
    ["a misspelt property", { hostname: "a" }, /^hostname: there is no such property; did you mean hostnames\?/],
  ])("%s", (_, change, failure) => {
    expect(refused(acmeCertificate, { ...base, ...change })).toEqual([expect.stringMatching(failure)]);
  });
});

describe("the reason of a step", () => {
  const inputs = checked(acmeCertificate, base);
  const explain = async (state: Properties | undefined, given = inputs) =>
    acmeCertificate.explain?.(state, given, TODAY);
  const issued = async (more: Properties = {}): Promise<Properties> => {
    const { certPem } = await leafOf(await issuer(), { hostnames: ["shop.example.com"] });
    const dates = { validFrom: "2026-11-23T00:00:00Z", validTo: "2027-02-20T23:59:59Z" };
    return { ...inputs, certPem, ...dates, issuedFor: hashCertificateOrder(inputs), ...more };
  };
  const week = (count: number, directory = letsEncrypt) =>
    Array.from({ length: count }, (_, at) => ({ at: `2026-11-2${at}T00:00:00Z`, names: namesKey, directory }));

  it("says what is ordered, where, how, whether rehearsed, and what remains of the limits", async () => {
    expect(await explain(undefined)).toBe(
      "orders a certificate for shop.example.com; at letsencrypt by http-01 (a listener); rehearsed at letsencrypt-staging first; 0 of 5 certificates for exactly these names were issued in the last 7 days",
    );
    const rehearsed = await issued({ certPem: undefined, rehearsedFor: hashCertificateOrder(inputs) });
    expect(await explain(rehearsed)).not.toContain("rehearsed");
  });

  it("is none while the certificate is as it should be", async () => {
    expect(await explain(await issued())).toBeUndefined();
    expect(await acmeCertificate.isDue?.(await issued(), inputs, TODAY)).toBe(false);
  });

  it("warns at the last certificate of a set of names, and refuses beyond it, in the preview", async () => {
    const other = checked(acmeCertificate, { ...base, keyType: "P384" });
    expect(await explain(await issued({ issuances: week(4) }), other)).toMatch(
      /4 of 5 certificates for exactly these names were issued in the last 7 days; the next one is the last until/,
    );
    await expect(explain(await issued({ issuances: week(5) }), other)).rejects.toThrow(
      /^ACME_BUDGET: orders another certificate, .*5 of 5 certificates .*; the next one is possible from 2026-11-27/,
    );
    vi.stubEnv(RETRY_NOW, "1");
    expect(await explain(await issued({ issuances: week(5) }), other)).toContain("orders another certificate");
  });

  it("does not count what staging issued against production", async () => {
    const { rehearsalDirectoryUrl } = account;
    const other = checked(acmeCertificate, { ...base, keyType: "P384" });
    expect(await explain(await issued({ issuances: week(5, rehearsalDirectoryUrl) }), other)).toContain("0 of 5");
  });

  it("warns of limits that resources share, over all that this run would order", async () => {
    const reasons = [];
    for (let index = 0; index < 51; index++) {
      const hostnames = [`n${index}.shared.example`];
      reasons.push(await explain(undefined, checked(acmeCertificate, { ...base, name: `n${index}`, hostnames })));
      // the second time that a resource is looked at it counts no more
      await explain(undefined, checked(acmeCertificate, { ...base, name: `n${index}`, hostnames }));
    }
    expect(reasons[48]).not.toContain("this run alone");
    expect(reasons[49]).toMatch(
      /this run alone makes 50 certificates for shared\.example, of which Let's Encrypt allows 50/,
    );
    expect(reasons[50]).toMatch(/this run alone makes 51 certificates .* It will refuse this one/);
  });

  it("refuses within the back-off after a failure, in the preview", async () => {
    const failure = {
      count: 2,
      lastAt: "2026-11-23T10:15:00Z",
      code: "ACME_UNAUTHORIZED",
      reason: "DNS",
      names: failureKey,
    };
    const state = await issued({ certPem: undefined, failure });
    await expect(explain(state)).rejects.toThrow(
      /^ACME_BACKOFF: orders a certificate for shop\.example\.com; but the CA is not asked: each of the last 2 attempts .* Hint: .*TLS_GATEWAY_RETRY_NOW/,
    );
    const later = await acmeCertificate.explain?.(state, inputs, new Date("2026-11-23T10:26:00Z"));
    expect(later).toMatch(/rehearsed at letsencrypt-staging first/);
  });

  it("goes on with an order, which costs nothing more", async () => {
    const pendingOrderUrl = "https://ca.test/order/7";
    const progress = JSON.stringify({ orderUrl: pendingOrderUrl });
    const state = await issued({ progress, pendingOrderUrl, issuances: week(5) });
    expect(await explain(state)).toBe(
      "goes on with the order for shop.example.com that an earlier run left; at letsencrypt by http-01 (a listener)",
    );
    // a hook is shown no secret
    expect(await explain({ ...state, progress: UNKNOWN })).toMatch(/^goes on with the order/);
    expect(await acmeCertificate.isDue?.(state, inputs, TODAY)).toBe(true);
  });

  it("takes a secret that a hook is not shown for no order", async () => {
    expect(await explain(await issued({ progress: UNKNOWN, pendingOrderUrl: null }))).toBeUndefined();
  });
});

function names(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `n${at}.example.com`);
}
