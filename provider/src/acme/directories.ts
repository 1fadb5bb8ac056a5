import { TlsError } from "../errors";
import { renderQuoted } from "../text/quoted";
import { parseAcmeUrl } from "./client/url";

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
