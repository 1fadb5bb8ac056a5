// What the arguments of an account may be, and what is known of it before the CA is asked.
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, it, test } from "vitest";
import { acmeAccount } from "../../../../provider/src/lifecycle/acme/account";
import { UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { checked, refused, TODAY } from "../../../support/engine/lifecycle";

const base = { directory: "letsencrypt", acceptTermsOfService: true };
const pem = (curve: string) =>
  generateKeyPairSync("ec", { namedCurve: curve }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const key = pem("P-256");

describe("an account", () => {
  it("is at the CA of that name, and rehearses at its staging", () => {
    expect(checked(acmeAccount, base)).toMatchObject({
      directoryUrl: "https://acme-v02.api.letsencrypt.org/directory",
      rehearsalDirectoryUrl: "https://acme-staging-v02.api.letsencrypt.org/directory",
      keyType: "P256",
    });
    const staging = checked(acmeAccount, { ...base, directory: "letsencrypt-staging" });
    expect(staging).not.toHaveProperty("rehearsalDirectoryUrl");
    const own = { ...base, directory: "https://ca.test/acme", rehearsalDirectory: "https://ca.test/staging" };
    expect(checked(acmeAccount, own)).toMatchObject({
      directoryUrl: "https://ca.test/acme",
      rehearsalDirectoryUrl: "https://ca.test/staging",
    });
  });

  it("has its contacts in one form and order", () => {
    const contacts = ["mailto:ops@B.example", "a@example.com", "ops@b.example"];
    expect(checked(acmeAccount, { ...base, contacts }).contacts).toEqual(["a@example.com", "ops@b.example"]);
  });

  it("keeps the kind of key that was made at first, and knows the thumbprint of one that is given", () => {
    const olds = checked(acmeAccount, { ...base, keyType: "P384" });
    expect(checked(acmeAccount, base, TODAY, olds).keyType).toBe("P384");
    const { thumbprint } = checked(acmeAccount, { ...base, accountKeyPem: key });
    expect(thumbprint).toMatch(/^[\w-]{43}$/);
    const sec1 = createPrivateKey(key).export({ type: "sec1", format: "pem" }).toString();
    expect(checked(acmeAccount, { ...base, accountKeyPem: sec1 })).toMatchObject({ thumbprint, accountKeyPem: key });
  });

  it("is another one at another CA, and the same one under another key", () => {
    const state = checked(acmeAccount, { ...base, accountKeyPem: key });
    const moved = checked(acmeAccount, { ...base, directory: "zerossl", accountKeyPem: key });
    expect(acmeAccount.replaces?.(state, moved)).toEqual(["directory"]);
    const rolled = checked(acmeAccount, { ...base, accountKeyPem: pem("P-384") });
    expect(acmeAccount.replaces?.(state, rolled)).toEqual([]);
    expect(acmeAccount.explain?.({ ...state, accountUrl: "https://ca.test/1" }, rolled, TODAY)).toBe(
      "rolls the account at letsencrypt over to the new key",
    );
  });

  it("is checked while parts of it are unknown", () => {
    expect(checked(acmeAccount, { ...base, directory: UNKNOWN, accountKeyPem: UNKNOWN })).toMatchObject({
      directoryUrl: UNKNOWN,
      thumbprint: UNKNOWN,
    });
  });
});

describe("bad input gets one failure that begins with its property", () => {
  test.each<[string, object, RegExp]>([
    ["no CA", { directory: undefined }, /^directory: is missing/],
    ["a misspelt CA", { directory: "letsencrpyt" }, /^directory: .*letsencrypt/],
    ["a directory without https", { directory: "http://ca.example.com/dir" }, /^directory: .*https/],
    ["no consent", { acceptTermsOfService: undefined }, /^acceptTermsOfService: is not true.*Hint: read what the CA/],
    ["no consent", { acceptTermsOfService: false }, /^acceptTermsOfService: is not true/],
    ["a contact that is none", { contacts: ["example.com"] }, /^contacts\[0\]: "example\.com" is no e-mail address/],
    ["half a binding", { externalAccountKeyId: "kid" }, /^externalAccountBinding: needs both keyId and hmacBase64/],
    ["a key of another kind", { accountKeyPem: pem("secp256k1") }, /^accountKeyPem: is secp256k1/],
    ["garbage for a key", { accountKeyPem: "garbage" }, /^accountKeyPem: holds no private key/],
    ["two kinds of key", { accountKeyPem: key, keyType: "P256" }, /^keyType: is given beside accountKeyPem/],
    ["a key that no CA takes", { keyType: "Ed25519" }, /^keyType: found "Ed25519", expected one of P256/],
    ["no time", { requestTimeoutSeconds: 0 }, /^requestTimeoutSeconds: found 0 seconds, expected at least 1/],
  ])("%s", (_, change, failure) => {
    const failures = refused(acmeAccount, { ...base, ...change });
    expect(failures).toEqual([expect.stringMatching(failure)]);
    expect(failures.join()).not.toContain(key.split("\n")[1]?.slice(0, 20));
  });

  it("another kind of key for an account that has one", () => {
    const olds = checked(acmeAccount, base);
    expect(refused(acmeAccount, { ...base, keyType: "P384" }, TODAY, olds)).toEqual([
      expect.stringMatching(/^keyType: .* Hint: keep the old one, or give a new key as accountKeyPem/),
    ]);
  });
});
