import { isIP } from "node:net";
import { TlsError } from "../../errors";
import { renderUrl } from "../../network/url";
import { renderQuoted } from "../../text/quoted";

/**
 * Reads a URL that a CA is spoken to at: https, or http on loopback alone, since http would let anyone on the way
 * answer for the CA (RFC 8555 section 6.1). `what` begins the message.
 * @throws TlsError ACME_PROTOCOL, or `code`
 */
export function parseAcmeUrl(
  text: string,
  what: string,
  code: "ACME_PROTOCOL" | "ACME_DIRECTORY_UNKNOWN" = "ACME_PROTOCOL",
): URL {
  const url = URL.parse(text);
  if (url === null) throw new TlsError(code, `${what}: ${renderQuoted(text)} is no URL.`);
  if (url.username !== "" || url.password !== "") {
    throw new TlsError(code, `${what}: ${renderUrl(url)} carries a user name or password, which is never sent.`);
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    throw new TlsError(code, `${what}: ${renderUrl(url)} is not https.`, {
      hint: "A CA is spoken to over https; http is for a test server on this machine (localhost, 127.0.0.1) alone.",
    });
  }
  return url;
}

/** Where the links of a CA may lead. */
export interface LinkScope {
  readonly directoryUrl: string;
  /** Origins beside that of the directory, as the user names them. */
  readonly linkOrigins?: readonly string[] | undefined;
}

/**
 * Reads a link that a CA gives, relative to `base` if it is. It must stay at the origin of the directory, or at one that
 * the user names: a CA could else have this machine send signed requests to any server, and name the account of a
 * stranger at another CA as its own.
 * @throws TlsError ACME_PROTOCOL
 */
export function parseLink(text: string, what: string, scope: LinkScope, base?: string): URL {
  const url = parseAcmeUrl(URL.parse(text, base)?.href ?? text, what);
  const { origin } = new URL(scope.directoryUrl);
  if (url.origin === origin || scope.linkOrigins?.includes(url.origin) === true) return url;
  throw new TlsError("ACME_PROTOCOL", `${what}: ${renderUrl(url)} is not at ${origin}, where the CA's directory is.`, {
    hint: `A CA's links stay at its own origin. If this CA really uses another one, name it in the account: linkOrigins: [${JSON.stringify(url.origin)}].`,
  });
}

/** RFC 6761 section 6.3, RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3. */
function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "::1" ||
    (isIP(host) === 4 && host.startsWith("127."))
  );
}
