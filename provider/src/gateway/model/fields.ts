import { isTlsError, TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { parseHostName, parseIdentifier } from "../../x509/names/identifier";
import { ipOctets, renderIp } from "../../x509/names/ip-address";

function refuse(what: string, text: string, found: string, hint: string): never {
  throw new TlsError("SITE_INVALID", `${what} ${renderQuoted(text)}: ${found}`, { hint });
}

/** Everything invisible: control and format characters, line and paragraph separators, lone surrogates. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/**
 * Checks the name of a site or of a resource that it refers to.
 * @throws TlsError SITE_INVALID
 */
export function parseName(text: string): string {
  const hint = "Give a name of up to 128 visible characters.";
  if (text === "" || text.length > 128) refuse("the name", text, `it has ${text.length} characters`, hint);
  if (invisible.test(text)) refuse("the name", text, "it holds an invisible character", hint);
  if (text.trim() !== text) refuse("the name", text, "it starts or ends with a space", "Leave the space away.");
  return text;
}

/**
 * Reads the URL by which users reach a site into `scheme://host[:port]`, without the scheme's default port.
 * @throws TlsError SITE_INVALID, IDENTIFIER_INVALID
 */
export function parseExternalUrl(text: string): string {
  const stop = (found: string, hint = "Write it as https://share.example.com.") => refuse("the URL", text, found, hint);
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  if (scheme === undefined) return stop("it has no scheme");
  if (!/^https?$/i.test(scheme)) return stop("its scheme is neither http nor https");
  const authority = rest.replace(/\/$/, "");
  if (/[/?#]/.test(authority)) return stop("it has a path, query or fragment", "Give scheme, host and port only.");
  if (authority.includes("@")) return stop("it holds a user name", "Leave the part up to the @ away.");
  const [, host, port] = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  if (host === undefined || host === "") return stop("it has no host, or its port is not a number");
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) return stop(`${port} is not a port`);
  const name = host.startsWith("[") ? host.slice(1, -1) : host;
  const canonical = parseHostName(name);
  if (canonical.startsWith("*.")) return stop("a wildcard is not a host to go to");
  const shown = canonical.includes(":") ? `[${canonical}]` : canonical;
  const isDefault = port === undefined || Number(port) === (/^https$/i.test(scheme) ? 443 : 80);
  return `${scheme.toLowerCase()}://${shown}${isDefault ? "" : `:${Number(port)}`}`;
}

/**
 * Reads the URL of an upstream into `scheme://host:port` with scheme http, https or h2c (HTTP/2 without TLS, RFC 9113
 * section 3.3); the port is 80, or 443 for https, where none is given.
 * @throws TlsError SITE_INVALID, IDENTIFIER_INVALID
 */
export function parseUpstreamUrl(text: string): string {
  const stop = (found: string, hint = "Write it as http://10.0.0.5:8080, https://cells.internal:8443 or h2c://…") =>
    refuse("the upstream", text, found, hint);
  const [, scheme = "", rest = ""] = /^(https?|h2c):\/\/(.*)$/is.exec(text) ?? [];
  if (scheme === "") return stop("its scheme is none of http, https and h2c");
  const authority = rest.replace(/\/$/, "");
  if (/[/?#]/.test(authority)) return stop("it has a path, query or fragment", "Give scheme, host and port only.");
  if (authority.includes("@")) return stop("it holds a user name", "Leave the part up to the @ away.");
  const [, host, port] = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  if (host === undefined || host === "") return stop("it has no host, or its port is not a number");
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) return stop(`${port} is not a port`);
  const canonical = parseHostName(host.startsWith("[") ? host.slice(1, -1) : host);
  if (canonical.startsWith("*.")) return stop("a wildcard is not a host to go to");
  const shown = canonical.includes(":") ? `[${canonical}]` : canonical;
  const lower = scheme.toLowerCase();
  return `${lower}://${shown}:${Number(port ?? (lower === "https" ? 443 : 80))}`;
}

/** Takes an upstream's URL in canonical form apart; an IPv6 host comes without brackets. */
export function readUpstreamUrl(canonical: string): { scheme: "http" | "https" | "h2c"; host: string; port: number } {
  const {
    scheme = "",
    host = "",
    port,
  } = /^(?<scheme>\w+):\/\/(?<host>.*):(?<port>\d+)$/.exec(canonical)?.groups ?? {};
  return { scheme: scheme as "http" | "https" | "h2c", host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/**
 * Reads an e-mail address for an account at a certificate authority. Stricter than RFC 5322: no signs that mean something
 * to a shell or in a server's configuration.
 * @throws TlsError SITE_INVALID, IDENTIFIER_INVALID
 */
export function parseEmailAddress(text: string): string {
  const hint = "Write it as admin@example.com.";
  if (!text.includes("@")) return refuse("the e-mail address", text, "it has no @", hint);
  const { type, value } = parseIdentifier(text);
  if (type !== "email") return refuse("the e-mail address", text, "it is none", hint);
  if (/[{}`#"$\\]/.test(value)) return refuse("the e-mail address", text, 'it holds one of {}`#"$\\', hint);
  if (!value.slice(value.indexOf("@")).includes(".")) {
    return refuse("the e-mail address", text, "its domain has no dot", hint);
  }
  return value;
}

/**
 * Reads an IP address or a range in CIDR notation (RFC 4632) into canonical form; a range of one address is the address.
 * @throws TlsError SITE_INVALID
 */
export function parseAddressRange(text: string): string {
  const [address = "", length, ...more] = text.split("/");
  const octets = text.length > 64 ? undefined : ipOctets(address);
  const hint = "Write an address such as 10.0.0.5 or a range such as 10.0.0.0/8.";
  if (octets === undefined || more.length > 0) return refuse("the address range", text, "it is none", hint);
  const bits = octets.length * 8;
  if (length === undefined) return renderIp(octets);
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > bits) {
    return refuse("the address range", text, `the prefix length must be a number from 0 to ${bits}`, hint);
  }
  const network = Buffer.from(
    octets.map((octet, index) => octet & (0xff << Math.max(0, 8 - Math.max(0, Number(length) - index * 8)))),
  );
  if (!network.equals(octets)) {
    const range = `${renderIp(network)}/${length}`;
    return refuse("the address range", text, "it has bits beyond its prefix", `The range is ${range}.`);
  }
  return Number(length) === bits ? renderIp(octets) : `${renderIp(octets)}/${length}`;
}

/**
 * Checks a header's name: a token of RFC 9110 section 5.6.2, without the signs that mean something to Caddy.
 * @throws TlsError SITE_INVALID
 */
export function parseHeaderName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(text)) return text;
  return refuse("the header name", text, "it is none", "Use letters, digits and hyphens, as in X-Frame-Options.");
}

/**
 * Checks a header's value (RFC 9110 section 5.5): visible ASCII and single spaces inside, no braces, which every gateway
 * would read as placeholders.
 * @throws TlsError SITE_INVALID
 */
export function parseHeaderValue(text: string): string {
  const stop = (found: string, hint: string) => refuse("the header value", text, found, hint);
  if (text === "") return stop("it is empty", 'Use the action "remove" to take a header away.');
  if (/[\r\n]/.test(text)) return stop("it holds a line break", "Write it in one line.");
  if (/[{}]/.test(text)) return stop("it holds a brace", "Gateways read braces as placeholders: leave them away.");
  if (!/^[\x20-\x7e]*$/.test(text)) return stop("it holds a character that is not visible ASCII", "Encode it.");
  if (text.trim() !== text) return stop("it starts or ends with a space", "Leave the space away.");
  return text;
}

/**
 * Checks the path of a file on the server: absolute, POSIX or Windows, without signs that end a quoted text.
 * @throws TlsError SITE_INVALID
 */
export function parseServerPath(text: string): string {
  const stop = (found: string, hint: string) => refuse("the path", text, found, hint);
  if (!/^(\/|[A-Za-z]:[\\/])/.test(text))
    return stop("it is not absolute", "Write it from the root of the server's files.");
  if (invisible.test(text)) return stop("it holds an invisible character", "Check it.");
  if (/[{}"`$]/.test(text)) return stop('it holds one of {}"`$', "Choose a path without these signs.");
  if (/[\\/]$/.test(text)) return stop("it is a folder", "Give the path of a file.");
  return text;
}

/**
 * Checks a route: the id of one of Cells ("public"), a path ("/public", RFC 3986 unreserved characters, without a slash at
 * the end), or "*" for every route.
 * @throws TlsError SITE_INVALID
 */
export function parseRoute(text: string): string {
  if (/^(\*|[A-Za-z0-9][A-Za-z0-9_.:-]{0,127})$/.test(text)) return text;
  const hint = 'Give an id such as "public" for Cells, a path such as "/public" for a proxy, or "*" for all.';
  if (!/^(\/[A-Za-z0-9._~-]{1,128}){1,32}$/.test(text)) return refuse("the route", text, "it is none", hint);
  if (/\/\.{1,2}(\/|$)/.test(text)) return refuse("the route", text, 'it holds "." or ".." as a step', hint);
  return text;
}

/**
 * Checks the path under which a route is served instead of its own.
 * @throws TlsError SITE_INVALID
 */
export function parseRewrite(text: string): string {
  const hint = "Write it as /path, without a slash at the end.";
  if (!/^(\/[A-Za-z0-9._~-]+)+$/.test(text)) return refuse("the rewrite", text, "it is no plain path", hint);
  if (/\/\.{1,2}(\/|$)/.test(text)) return refuse("the rewrite", text, 'it holds "." or ".." as a step', hint);
  return text;
}

/**
 * Reads a host name or address, telling those apart from binds.
 * @throws TlsError IDENTIFIER_INVALID
 */
export function parseSiteHostname(text: string): string {
  try {
    return parseHostName(text);
  } catch (error) {
    if (!isTlsError(error) || !/:\d+$/.test(text)) throw error;
    throw new TlsError("IDENTIFIER_INVALID", error.reason, {
      hint: `${error.hint ?? ""} Ports belong into binds.`.trim(),
    });
  }
}
