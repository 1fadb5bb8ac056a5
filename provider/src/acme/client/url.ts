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
