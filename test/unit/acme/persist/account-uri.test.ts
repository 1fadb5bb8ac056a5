import { describe, expect, it } from "vitest";
import { isHashedUri, persistAccountUris } from "../../../../provider/src/acme/persist/account-uri";

// draft-ietf-acme-dns-persist-02 section 10.2; the thumbprint is that of RFC 7638 section 3.1
const accountUrl = "https://ca.example/acct/123";
const thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
const accountHashPrefix = "https://ca.example/account-hash/";
const ofDomain = `${accountHashPrefix}sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw`;
const ofAny = `${accountHashPrefix}sha-256/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug`;
const earlier = "A".repeat(43);

describe("the URIs of an account", () => {
  it("are its URL where the directory has no prefix (drafts -00 and -01)", () => {
    const uris = persistAccountUris({ accountUrl, thumbprints: [thumbprint, earlier], domain: "example.com" });
    expect(uris).toEqual([accountUrl]);
  });

  it("are the hashes of draft -02 where it has one: both of its vectors, that of the domain first", () => {
    const uris = persistAccountUris({
      accountUrl,
      thumbprints: [thumbprint],
      accountHashPrefix,
      domain: "example.com",
    });
    expect(uris).toEqual([ofDomain, ofAny]);
  });

  it("go on with those of earlier keys", () => {
    const uris = persistAccountUris({
      ...{ accountUrl, thumbprints: [thumbprint, earlier], accountHashPrefix, domain: "example.com" },
    });
    expect(uris.slice(0, 2)).toEqual([ofDomain, ofAny]);
    expect(uris).toHaveLength(4);
    expect(new Set(uris).size).toBe(4);
  });

  it("differ by domain, but for that of any domain", () => {
    const at = (domain: string) =>
      persistAccountUris({ accountUrl, thumbprints: [thumbprint], accountHashPrefix, domain });
    expect(at("example.org")[0]).not.toBe(ofDomain);
    expect(at("example.org")[1]).toBe(ofAny);
  });

  it.each(["", "account-hash/", "https://ca.example/a;b/", "https://ca.example/a b/", "https://ca.example/é/"])(
    "are refused with the prefix %j, which makes no URI that a record can hold",
    (prefix) => {
      expect(() =>
        persistAccountUris({ accountUrl, thumbprints: [thumbprint], accountHashPrefix: prefix, domain: "a.test" }),
      ).toThrow(/^ACME_PROTOCOL: accountHashPrefix in the CA's directory, ".*", makes no URI/);
    },
  );
});

it.each([
  [ofDomain, true],
  [ofAny, true],
  [`${ofAny}a`, false],
  [`${ofAny.slice(0, -1)}=`, false],
  [ofAny.replace("sha-256", "sha-512"), false],
  [ofAny.replace("ca.example", "ca2.example"), false],
  [accountUrl, false],
])("%s has the form of a hash by this CA: %s", (uri, is) => {
  expect(isHashedUri(uri, accountHashPrefix)).toBe(is);
});
