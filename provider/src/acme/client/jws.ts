import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import type { Client, FlattenedJws } from "acme-client";
import { TlsError } from "../../errors";
import { describeKey, readPrivateKey, renderPrivateKey } from "../../x509/keys/private-key";

/** The key of an account, and what a CA and a gateway know of it. */
export interface AccountKey {
  /** Secret: PKCS#8. */
  readonly pem: string;
  /** RFC 7638, base64url of SHA-256. */
  readonly thumbprint: string;
  /** The public half, RFC 7517, its members in the order of RFC 7638. */
  readonly jwk: Readonly<Record<string, string>>;
}

/** What is signed. */
export interface JwsRequest {
  readonly url: string;
  /** An object, or "" for POST-as-GET. */
  readonly payload: unknown;
  readonly nonce?: string;
  /** The account's URL; absent: the key itself is sent. */
  readonly kid?: string;
}

/** The members of a thumbprint, RFC 7638 section 3.2, sorted. */
const thumbprintMembers: Readonly<Record<string, readonly string[]>> = {
  EC: ["crv", "kty", "x", "y"],
  RSA: ["e", "kty", "n"],
};

const base64Pattern = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** One signer a key: acme-client reads the key and derives the public half once. */
const signers = new WeakMap<AccountKey, Client["http"]>();

/**
 * Reads the private key of an account, PKCS#8, PKCS#1 or SEC 1 in PEM, not encrypted: P256, P384, or RSA from 2048 to
 * 4096 bits, which every public CA takes.
 * @throws TlsError KEY_INVALID, KEY_ENCRYPTED, PEM_INVALID
 */
export function readAccountKey(pem: string): AccountKey {
  const key = readPrivateKey(pem, { what: "accountKeyPem" });
  const kind = describeKey(key);
  const bits = key.asymmetricKeyType === "rsa" ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0;
  if (kind !== "P256" && kind !== "P384" && !(bits >= 2048 && bits <= 4096)) {
    throw new TlsError(
      "KEY_INVALID",
      `accountKeyPem: is ${kind}, an account's key is P256, P384, or RSA2048 to RSA4096`,
      {
        hint: "Leave accountKeyPem out, and a P256 key is made.",
      },
    );
  }
  const jwk = publicJwk(key);
  return { pem: renderPrivateKey(key), jwk, thumbprint: sha256(JSON.stringify(jwk)) };
}

/**
 * Signs a request, RFC 8555 section 6.2, into the JSON text of a flattened JWS. Without a nonce it is the inner one of
 * a key change. Loads acme-client when first called (0.1 s, 40 MB).
 */
export function signJws(key: AccountKey, { url, payload, nonce, kid }: JwsRequest): string {
  return JSON.stringify(
    signerOf(key).createSignedBody(url, payload, { ...given("nonce", nonce), ...given("kid", kid) }),
  );
}

/**
 * Signs the account's key by the MAC key that the CA gave beforehand, HS256, RFC 8555 section 7.3.4.
 * @param request `url` is the directory's newAccount, `hmacBase64` base64url or base64
 * @throws TlsError ACME_ACCOUNT: the MAC key is not base64
 */
export function signExternalAccountBinding(
  key: AccountKey,
  request: { readonly url: string; readonly keyId: string; readonly hmacBase64: string },
): FlattenedJws {
  const hmac = request.hmacBase64.trim();
  if (!base64Pattern.test(hmac)) {
    throw new TlsError("ACME_ACCOUNT", "externalAccountBinding.hmacBase64: is not base64url", {
      hint: "Copy the HMAC key as the CA shows it, without quotes and line ends; the key identifier is another value.",
    });
  }
  return signerOf(key).createSignedHmacBody(hmac, request.url, key.jwk, { kid: request.keyId });
}

/** What a challenge is answered with, RFC 8555 section 8.1. */
export function keyAuthorization(key: AccountKey, token: string): string {
  return `${token}.${key.thumbprint}`;
}

/** The content of the TXT record `_acme-challenge`, RFC 8555 section 8.4. */
export function dns01Value(keyAuthorizationText: string): string {
  return sha256(keyAuthorizationText);
}

function signerOf(key: AccountKey): Client["http"] {
  const known = signers.get(key);
  if (known !== undefined) return known;
  const { Client } = require("acme-client") as typeof import("acme-client");
  // it asks the directory for nothing when it only signs
  const { http } = new Client({ directoryUrl: "", accountKey: key.pem });
  signers.set(key, http);
  return http;
}

function publicJwk(key: KeyObject): Readonly<Record<string, string>> {
  const jwk = createPublicKey(key).export({ format: "jwk" });
  const members = thumbprintMembers[jwk.kty ?? ""] ?? [];
  return Object.fromEntries(members.map((member) => [member, String(jwk[member])]));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function given<N extends string>(name: N, value: string | undefined): Partial<Record<N, string>> {
  return value === undefined ? {} : ({ [name]: value } as Record<N, string>);
}
