// Keys of accounts and what they sign: against node:crypto and the vectors of the RFCs.
import { createHmac, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  dns01Value,
  keyAuthorization,
  readAccountKey,
  signExternalAccountBinding,
  signJws,
} from "../../../../provider/src/acme/client/jws";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";

function keyOf(kind: string): string {
  const { privateKey } = kind.startsWith("RSA")
    ? generateKeyPairSync("rsa", { modulusLength: Number(kind.slice(3)) })
    : kind === "Ed25519"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("ec", { namedCurve: kind });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function failure(action: () => unknown): TlsError {
  try {
    action();
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

function decode(part: string): unknown {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}

describe("readAccountKey", () => {
  it("has the thumbprint of RFC 7638 section 3.1", () => {
    // the RFC gives the public half only, so the key is put together from it
    const n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    const key = {
      pem: "",
      jwk: { e: "AQAB", kty: "RSA", n },
      thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    };
    expect(dns01Value(JSON.stringify(key.jwk))).toBe(key.thumbprint);
    const made = readAccountKey(keyOf("RSA2048"));
    expect(Object.keys(made.jwk)).toEqual(["e", "kty", "n"]);
    expect(made.thumbprint).toBe(dns01Value(JSON.stringify(made.jwk)));
  });

  it.each([
    ["prime256v1", "P-256"],
    ["secp384r1", "P-384"],
  ])("reads %s, its public half alone", (curve, crv) => {
    const pem = keyOf(curve);
    const { jwk } = readAccountKey(pem);
    expect(Object.keys(jwk)).toEqual(["crv", "kty", "x", "y"]);
    expect(jwk).toMatchObject({ crv, kty: "EC" });
    expect(createPublicKey(pem).export({ format: "jwk" })).toEqual(jwk);
  });

  it.each(["RSA1024", "secp521r1", "secp256k1", "Ed25519"])("refuses %s", (kind) => {
    const error = failure(() => readAccountKey(keyOf(kind)));
    expect(error).toMatchObject({ code: "KEY_INVALID" });
    expect(error.message).toMatch(/accountKeyPem: is .*, an account's key is P256, P384, or RSA2048 to RSA4096/);
  });
});

describe("signJws", () => {
  const request = { url: "https://ca.test/new-order", payload: { identifiers: [] }, nonce: "abc" };

  it.each([
    ["prime256v1", "ES256", "sha256"],
    ["secp384r1", "ES384", "sha384"],
    ["RSA2048", "RS256", "sha256"],
  ])("signs with %s what node:crypto verifies as %s", (kind, alg, hash) => {
    const pem = keyOf(kind);
    const key = readAccountKey(pem);
    const jws = JSON.parse(signJws(key, { ...request, kid: "https://ca.test/acct/1" })) as Record<string, string>;
    expect(Object.keys(jws).sort()).toEqual(["payload", "protected", "signature"]);
    expect(decode(jws.protected as string)).toEqual({
      alg,
      url: request.url,
      nonce: "abc",
      kid: "https://ca.test/acct/1",
    });
    expect(decode(jws.payload as string)).toEqual(request.payload);
    const signed = Buffer.from(`${jws.protected}.${jws.payload}`);
    const publicKey = { key: createPublicKey(pem), dsaEncoding: "ieee-p1363" } as const;
    expect(verify(hash, signed, publicKey, Buffer.from(jws.signature as string, "base64url"))).toBe(true);
  });

  it("carries the key itself without a kid, an empty payload for POST-as-GET, and no nonce where none is given", () => {
    const key = readAccountKey(keyOf("prime256v1"));
    const jws = JSON.parse(signJws(key, { url: request.url, payload: "" })) as Record<string, string>;
    expect(decode(jws.protected as string)).toEqual({ alg: "ES256", url: request.url, jwk: key.jwk });
    expect(jws.payload).toBe("");
  });

  it("sends an empty object as one: it answers a challenge", () => {
    const jws = JSON.parse(signJws(readAccountKey(keyOf("prime256v1")), { ...request, payload: {} }));
    expect(Buffer.from(jws.payload, "base64url").toString()).toBe("{}");
  });
});

describe("signExternalAccountBinding", () => {
  const key = readAccountKey(keyOf("prime256v1"));
  // both alphabets differ for these octets
  const hmac = Buffer.from("fbeffbeffbeffbeffbeffbeffbeffbeffbeffbeffbeffbeffbeffbeffbeffbef", "hex");

  it.each(["base64url", "base64"] as const)("signs the account's key by an HMAC key in %s", (encoding) => {
    const url = "https://ca.test/new-account";
    const binding = signExternalAccountBinding(key, { url, keyId: "kid-1", hmacBase64: hmac.toString(encoding) });
    expect(decode(binding.protected)).toEqual({ alg: "HS256", url, kid: "kid-1" });
    expect(decode(binding.payload)).toEqual(key.jwk);
    const expected = createHmac("sha256", hmac).update(`${binding.protected}.${binding.payload}`).digest("base64url");
    expect(binding.signature).toBe(expected);
  });

  it.each(["", "not base64!", '"quoted"'])("refuses %s without quoting it", (hmacBase64) => {
    const error = failure(() => signExternalAccountBinding(key, { url: "https://ca.test", keyId: "k", hmacBase64 }));
    expect(error).toMatchObject({ code: "ACME_ACCOUNT" });
    expect(error.message).toMatch(/hmacBase64: is not base64url/);
    if (hmacBase64 !== "") expect(error.message).not.toContain(hmacBase64);
  });
});

it("a key authorization and its TXT value are those of RFC 8555 section 8", () => {
  const key = { pem: "", jwk: {}, thumbprint: "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI" };
  const text = keyAuthorization(key, "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0");
  expect(text).toBe("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI");
  expect(dns01Value(text)).toMatch(/^[A-Za-z0-9_-]{43}$/);
});
