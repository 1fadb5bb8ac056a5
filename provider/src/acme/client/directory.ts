import { TlsError } from "../../errors";
import { renderUrl } from "../../network/url";
import { renderQuoted } from "../../text/quoted";
import { parseAcmeUrl, parseLink } from "./url";

/** Where a CA takes which request, RFC 8555 section 7.1.1. */
export interface AcmeDirectory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly revokeCert: string;
  readonly keyChange: string;
  /** RFC 9773 section 4; absent: the CA says no windows of renewal. */
  readonly renewalInfo?: string;
  readonly meta: DirectoryMeta;
}

/** What a CA says of itself; each is absent if it is not said, or is not what it should be. */
export interface DirectoryMeta {
  /** A URL. */
  readonly termsOfService?: string;
  readonly website?: string;
  /** The names that a CAA record may allow. */
  readonly caaIdentities?: readonly string[];
  readonly externalAccountRequired?: boolean;
  /** Name to description, draft-ietf-acme-profiles. */
  readonly profiles?: Readonly<Record<string, string>>;
  /** What the hashed URI of an account begins with, draft-ietf-acme-dns-persist-02; absent with earlier drafts. */
  readonly accountHashPrefix?: string;
  /** The names that records of dns-persist-01 may begin with, as told: draft-ietf-acme-dns-persist-02. */
  readonly issuerDomainNames?: readonly string[];
}

const required = ["newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"] as const;

/**
 * Reads the answer to a directory's URL. What is not known is ignored; a URL in it must be where the CA's links may lead.
 * @throws TlsError ACME_PROTOCOL: it is no directory
 */
export function parseDirectory(body: Buffer, directoryUrl: string, linkOrigins: readonly string[] = []): AcmeDirectory {
  const what = `reading the directory ${renderUrl(new URL(directoryUrl))}`;
  const scope = { directoryUrl, linkOrigins };
  const json = parseObject(body);
  if (json === undefined) throw notDirectory(what, "the answer is no JSON object");
  for (const name of required) {
    // RFC 8555 has no optional ones but newAuthz; some small CAs can't change keys (step-ca answers 501 there)
    if (typeof json[name] !== "string") throw notDirectory(what, `the answer has no URL ${name}`);
    parseLink(json[name], `${what}: ${name}`, scope);
  }
  const { newNonce, newAccount, newOrder, revokeCert, keyChange, renewalInfo, meta } = json;
  if (typeof renewalInfo === "string") parseLink(renewalInfo, `${what}: renewalInfo`, scope);
  const urls = { newNonce, newAccount, newOrder, revokeCert, keyChange } as Record<(typeof required)[number], string>;
  return { ...urls, ...(typeof renewalInfo === "string" ? { renewalInfo } : {}), meta: readMeta(meta) };
}

function readMeta(value: unknown): DirectoryMeta {
  const meta = isObject(value) ? value : {};
  const { termsOfService, website, caaIdentities, externalAccountRequired, profiles } = meta;
  const { accountHashPrefix, issuerDomainNames } = meta;
  return {
    ...(typeof termsOfService === "string" ? { termsOfService } : {}),
    ...(typeof website === "string" ? { website } : {}),
    ...(Array.isArray(caaIdentities)
      ? { caaIdentities: caaIdentities.filter((name) => typeof name === "string") }
      : {}),
    ...(typeof externalAccountRequired === "boolean" ? { externalAccountRequired } : {}),
    ...(isObject(profiles) ? { profiles: textsOf(profiles) } : {}),
    ...(typeof accountHashPrefix === "string" ? { accountHashPrefix } : {}),
    ...(Array.isArray(issuerDomainNames)
      ? { issuerDomainNames: issuerDomainNames.filter((name) => typeof name === "string") }
      : {}),
  };
}

/** A profile whose description is something else is still a profile. */
function textsOf(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, text]) => [name, typeof text === "string" ? text : ""]));
}

function notDirectory(what: string, found: string): TlsError {
  return new TlsError("ACME_PROTOCOL", `${what}: ${found}.`, {
    hint: "Give the URL of the CA's ACME directory (RFC 8555), as its documentation names it; it often ends in /directory.",
  });
}

/** The JSON object of an answer, undefined when it is anything else. */
export function parseObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A public CA's directory. */
export interface DirectoryEntry {
  readonly url: string;
  /** The name of the directory at which an order is rehearsed. */
  readonly staging?: string;
}

/** The directories that are known by name, as their CAs document them. */
export const directories: Readonly<Record<string, DirectoryEntry>> = {
  // https://letsencrypt.org/docs/client-options/ and https://letsencrypt.org/docs/staging-environment/
  letsencrypt: { url: "https://acme-v02.api.letsencrypt.org/directory", staging: "letsencrypt-staging" },
  "letsencrypt-staging": { url: "https://acme-staging-v02.api.letsencrypt.org/directory" },
  // https://zerossl.com/documentation/acme/
  zerossl: { url: "https://acme.zerossl.com/v2/DV90" },
  // https://cloud.google.com/certificate-manager/docs/public-ca-tutorial; an EAB key is of one of both alone
  google: { url: "https://dv.acme-v02.api.pki.goog/directory" },
  "google-staging": { url: "https://dv.acme-v02.test-api.pki.goog/directory" },
  // https://www.ssl.com/guide/ssl-tls-certificate-issuance-and-revocation-with-acme/
  "sslcom-rsa": { url: "https://acme.ssl.com/sslcom-dv-rsa" },
  "sslcom-ecc": { url: "https://acme.ssl.com/sslcom-dv-ecc" },
};

/**
 * The URL of a directory that is given by its name or as a URL, in its normal form.
 * @throws TlsError ACME_DIRECTORY_UNKNOWN: neither a known name nor a URL with https (http on loopback)
 */
export function resolveDirectory(nameOrUrl: string): string {
  if (Object.hasOwn(directories, nameOrUrl)) return (directories[nameOrUrl] as DirectoryEntry).url;
  if (nameOrUrl.includes("://")) return parseAcmeUrl(nameOrUrl, "directory", "ACME_DIRECTORY_UNKNOWN").href;
  const names = Object.keys(directories);
  const near = names.filter((name) => isNear(nameOrUrl, name));
  throw new TlsError("ACME_DIRECTORY_UNKNOWN", `directory: ${renderQuoted(nameOrUrl)} is no known CA and no URL.`, {
    hint: `${near.length === 0 ? "" : `Did you mean ${near.join(" or ")}? `}Give one of ${names.join(", ")}, or the URL of the directory, https://….`,
  });
}

/** The name of the directory of this URL, if it is a known one. */
export function nameOfDirectory(url: string): string | undefined {
  return Object.keys(directories).find((name) => directories[name]?.url === url);
}

/** One holds the other, whatever the case and the signs between the words: "Lets-Encrypt", "ssl.com". */
function isNear(text: string, name: string): boolean {
  const [one, other] = [text, name].map((word) => word.toLowerCase().replace(/[^a-z0-9]/g, "")) as [string, string];
  return one.length >= 3 && (one.includes(other) || other.includes(one));
}
