import { createHash } from "node:crypto";
import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";

/** Whom a record is for. */
export interface PersistAccount {
  readonly accountUrl: string;
  /** RFC 7638, base64url of SHA-256: that of the present key, then those of earlier ones, the latest first. */
  readonly thumbprints: readonly string[];
  /** Of the directory; absent: the CA speaks the drafts -00 or -01. */
  readonly accountHashPrefix?: string;
}

/** Stands for every domain: a record made so is good at any name (draft -02, section 4.1, item 3). */
const ANY_DOMAIN = "*";

/** The one hash that every CA takes: its name in RFC 6920 section 9.4. */
const HASH_NAME = "sha-256";

/** base64url of the 32 octets. */
const hashForm = /^[A-Za-z0-9_-]{43}$/;

/** RFC 3986: what a URI is written in, without the semicolon, which ends the parameter in a record. */
const uriForm = /^[a-z][a-z0-9+.-]*:[\w.~:/?#[\]@!$&'()*+,=%-]+$/i;

/**
 * Every `accounturi` that the CA takes for the account at a domain; the first is the one to be published. With a prefix these
 * are hashes of the domain, the key and the account's URL, of each key in turn for the domain and for any (draft -02); without
 * one the account's URL (drafts -00 and -01).
 * `domain` is in lower-case A-labels, without `*.` and without the record's own label.
 * @throws TlsError ACME_PROTOCOL: the prefix makes no URI
 */
export function persistAccountUris({
  accountUrl,
  thumbprints,
  accountHashPrefix: prefix,
  domain,
}: PersistAccount & { readonly domain: string }): readonly [string, ...string[]] {
  if (prefix === undefined) return [accountUrl];
  const [first, ...more] = thumbprints.flatMap((thumbprint) =>
    [domain, ANY_DOMAIN].map((name) => hashAccount({ prefix, accountUrl, thumbprint, domain: name })),
  );
  if (first === undefined) throw new TypeError("an account has a key");
  return [first, ...more];
}

/** Whether it has the form of a hash by this CA: of an earlier key, of another domain or account, nobody else can say. */
export function isHashedUri(uri: string, accountHashPrefix: string): boolean {
  const start = `${accountHashPrefix}${HASH_NAME}/`;
  return uri.startsWith(start) && hashForm.test(uri.slice(start.length));
}

interface Hashed {
  readonly prefix: string;
  readonly accountUrl: string;
  readonly thumbprint: string;
  readonly domain: string;
}

/** Draft -02, section 4.1: H(length_of_domain || domain_name || key || account_URL). */
function hashAccount({ prefix, accountUrl, thumbprint, domain }: Hashed): string {
  const octets = Buffer.from(domain, "latin1");
  const hash = createHash("sha256")
    .update(Buffer.of(octets.length))
    .update(octets)
    .update(`${thumbprint}${accountUrl}`, "latin1");
  const uri = `${prefix}${HASH_NAME}/${hash.digest("base64url")}`;
  if (uriForm.test(uri) && URL.canParse(uri)) return uri;
  throw new TlsError(
    "ACME_PROTOCOL",
    `accountHashPrefix in the CA's directory, ${renderQuoted(prefix)}, makes no URI that a record of dns-persist-01 can hold.`,
    { hint: "Tell the CA; prove the names by another challenge meanwhile." },
  );
}
