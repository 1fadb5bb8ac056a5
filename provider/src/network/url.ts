import { TlsError } from "../errors";
import { renderQuoted } from "../text/quoted";

/** Longer than the URL of any CA (80 characters), shorter than what fills a screen. */
const LONGEST_SHOWN = 200;

const protocols: readonly string[] = ["http:", "https:"];

/**
 * Reads the URL of an issuer's certificate, or with a base the place that it was redirected to, into its normal form:
 * a host in one of the odd spellings of an address is that address then. `what` begins the message.
 * @throws TlsError AIA_REFUSED: no URL, another scheme than http and https, user information in it
 */
export function parseIssuerUrl(text: string, what: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null) {
    throw refused(`${what}: ${renderQuoted(text)} is no URL.`, "Append the issuer's certificate by hand.");
  }
  if (!protocols.includes(url.protocol)) {
    throw refused(
      `${what}: ${renderUrl(url)} has the scheme ${renderQuoted(url.protocol.slice(0, -1))}, only http and https are fetched.`,
      "Get the certificate with a client of that scheme, and append it by hand.",
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw refused(
      `${what}: ${renderUrl(url)} carries a user name or password, which is never sent.`,
      "An issuer's certificate is public: append it by hand, or ask the CA for a URL without them.",
    );
  }
  return url;
}

/**
 * Renders a URL for a message: quoted, cut at 200 characters, without what may be secret in it (user information, the
 * query, which in a redirection is often a signature). Printable as it is: the URL standard escapes everything else.
 */
export function renderUrl(url: URL): string {
  const shown = new URL(url);
  [shown.username, shown.password, shown.search, shown.hash] = ["", "", "", ""];
  const text = `${shown.href}${url.search === "" ? "" : "?…"}`;
  return `"${text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text}"`;
}

function refused(reason: string, hint: string): TlsError {
  return new TlsError("AIA_REFUSED", reason, { hint });
}
