import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { parseDnsName, unicodeForm } from "./dns-name";
import { ipOctets, renderIp } from "./ip-address";

/** One name that a certificate can carry (RFC 5280 section 4.2.1.6), its value in canonical form. */
export interface Identifier {
  readonly type: "dns" | "ip" | "email" | "uri";
  /** Lower-case A-labels, an RFC 5952 address, an e-mail address with such a domain, or a URI as it was given. */
  readonly value: string;
}

/** RFC 5321 section 4.5.3.1. */
const LONGEST_LOCAL_PART = 64;
const LONGEST_EMAIL = 254;
/** What servers of certificates accept as a URI (SPIFFE ID, section 2.3). */
const LONGEST_URI = 2048;

/**
 * Reads a name by its form, as mkcert does: an IP address, else a URI (`scheme://host…`), else an e-mail address (has an
 * "@"), else a DNS name, where a wildcard may be the whole leftmost label. The result is canonical: parsed again it is
 * itself. Not checked: whether the name exists, and whether clients accept a wildcard right below a top-level domain.
 * @throws TlsError IDENTIFIER_INVALID
 */
export function parseIdentifier(text: string): Identifier {
  if (text.includes("://")) return { type: "uri", value: parseUri(text) };
  if (text.includes("@")) return { type: "email", value: parseEmail(text) };
  const value = parseHostName(text);
  return { type: ipOctets(value) === undefined ? "dns" : "ip", value };
}

/**
 * Reads the name of a server, a DNS name (wildcard allowed) or an IP address, into its canonical form.
 * @throws TlsError IDENTIFIER_INVALID
 */
export function parseHostName(text: string): string {
  const octets = ipOctets(text);
  if (octets !== undefined) return renderIp(octets);
  refuseNearIp(text);
  return parseDnsName(text, { wildcard: true });
}

/**
 * Whether a certificate with these names is one for `hostname` (RFC 9525 section 6.3): a wildcard stands for exactly one
 * label, an IP address is matched by the same address only, and `hostname` may be a wildcard, matched by the same one.
 * Names given as text are taken by their form. As OpenSSL, Node and the browsers do, a wildcard right below a top-level
 * domain ("*.test") covers nothing but itself. Never throws: what can't be a host name is covered by nothing.
 */
export function isCovered(hostname: string, names: readonly Identifier[] | readonly string[]): boolean {
  const host = comparable(hostname);
  const isIp = ipOctets(host) !== undefined;
  const parent = isIp || host.startsWith("*.") ? "" : host.slice(host.indexOf(".") + 1);
  const wildcard = parent.includes(".") ? `*.${parent}` : undefined;
  if (host === "") return false;
  return names.some((name: Identifier | string) => {
    if (typeof name !== "string" && name.type !== (isIp ? "ip" : "dns")) return false;
    const value = comparable(typeof name === "string" ? name : name.value);
    return value === host || value === wildcard;
  });
}

/** Renders a name for a message: a DNS name with A-labels shows its Unicode form too, `xn--mnchen-3ya.de (münchen.de)`. */
export function renderIdentifier(identifier: Identifier): string {
  const unicode = identifier.type === "dns" ? unicodeForm(identifier.value) : identifier.value;
  const isPlain = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+$/u.test(unicode);
  if (!isPlain) return renderQuoted(identifier.value);
  return unicode === identifier.value ? unicode : `${identifier.value} (${unicode})`;
}

/** Canonical where that is possible; foreign certificates hold names that we would refuse, and those match literally. */
function comparable(text: string): string {
  try {
    return parseHostName(text);
  } catch {
    return text.replace(/\.$/, "").toLowerCase();
  }
}

/** What was meant as an IP address gets a reason of its own. */
function refuseNearIp(text: string): void {
  const refuse = (found: string, hint: string): never => {
    throw new TlsError("IDENTIFIER_INVALID", `${renderQuoted(text)}: ${found}`, { hint });
  };
  if (text.length > LONGEST_URI) return;
  const [, bracketed, port] = /^\[([^\]]*)\](:\d*)?$/.exec(text) ?? [];
  if (bracketed !== undefined) {
    if (port === undefined) refuse("an IPv6 address stands without brackets here", `Write ${renderQuoted(bracketed)}.`);
    refuse("it has a port", "Leave the port and the brackets away: a certificate names a host.");
  }
  const [, address = "", rest = ""] = /^([0-9a-f:.]+)([%/].*)$/is.exec(text) ?? [];
  if (ipOctets(address) === undefined) return;
  if (rest.startsWith("/")) refuse("it is a range of addresses", `Give each address by itself, such as ${address}.`);
  refuse("an IPv6 zone means nothing on another machine", "Leave the part from % away.");
}

function parseEmail(text: string): string {
  const shown = renderQuoted(text);
  const refuse = (found: string, hint?: string): never => {
    throw new TlsError(
      "IDENTIFIER_INVALID",
      `the e-mail address ${shown}: ${found}`,
      hint === undefined ? {} : { hint },
    );
  };
  if (text.length > 4 * LONGEST_EMAIL) refuse(`it has ${text.length} characters; at most ${LONGEST_EMAIL} are allowed`);
  const at = text.lastIndexOf("@");
  const local = text.slice(0, at);
  // dot-atom of RFC 5322 section 3.2.3: an rfc822Name is ASCII, and a quoted local part is matched by nobody
  if (!/^[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*$/.test(local)) {
    refuse("the part before the @ must be ASCII letters, digits and signs, with single dots between", "Check it.");
  }
  if (local.length > LONGEST_LOCAL_PART) {
    refuse(`the part before the @ has ${local.length} octets; at most ${LONGEST_LOCAL_PART} are allowed`);
  }
  const value = `${local}@${parseDnsName(text.slice(at + 1), { what: `the e-mail address ${shown}: its domain` })}`;
  if (value.length > LONGEST_EMAIL) refuse(`it has ${value.length} octets; at most ${LONGEST_EMAIL} are allowed`);
  return value;
}

/** Checks scheme, characters and host (RFC 3986, RFC 5280 section 4.2.1.6) and keeps the text: a URI is compared whole. */
function parseUri(text: string): string {
  const shown = renderQuoted(text);
  const refuse = (found: string, hint: string): never => {
    throw new TlsError("IDENTIFIER_INVALID", `the URI ${shown}: ${found}`, { hint });
  };
  if (text.length > LONGEST_URI) refuse(`it has ${text.length} characters`, `At most ${LONGEST_URI} are allowed.`);
  if (!/^([a-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9a-f]{2})*$/i.test(text)) {
    refuse("it holds a character that no URI may", "Write it percent-encoded, a Unicode host in its xn-- form.");
  }
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(text)?.[1];
  if (authority === undefined) return refuse("it has no scheme", "Write it as https://host/path.");
  const hostAndPort = authority.slice(authority.lastIndexOf("@") + 1);
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d*)?$/.exec(hostAndPort) ?? [];
  if (bracketed !== undefined && ipOctets(bracketed)?.length === 16) return text;
  if (plain === undefined || plain === "") return refuse("it has no host", "Write it as https://host/path.");
  if (ipOctets(plain) === undefined) parseDnsName(plain, { what: `the URI ${shown}: its host` });
  return text;
}
