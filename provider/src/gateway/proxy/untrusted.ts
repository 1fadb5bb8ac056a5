/**
 * Request headers by which upstreams learn who the client is, how it came or what it asked for. Every gateway removes what
 * the client wrote there. `X-Forwarded-For`, `-Proto` and `-Host` are not listed: every gateway sets them.
 */
export const identityHeaders: readonly string[] = [
  "Forwarded",
  "Forwarded-For",
  "X-Forwarded",
  "X-Forwarded-By",
  "X-Forwarded-Client-Cert",
  "X-Forwarded-Path",
  "X-Forwarded-Port",
  "X-Forwarded-Prefix",
  "X-Forwarded-Protocol",
  "X-Forwarded-Scheme",
  "X-Forwarded-Server",
  "X-Forwarded-Ssl",
  "X-Forwarded-Uri",
  "X-Original-Forwarded-For",
  "X-Original-Host",
  "X-Original-URL",
  "X-Rewrite-URL",
  "X-Real-IP",
  "X-Client-IP",
  "X-Cluster-Client-IP",
  "X-Envoy-External-Address",
  "X-Scheme",
  "X-Url-Scheme",
  "Front-End-Https",
  "True-Client-IP",
  "CF-Connecting-IP",
  "CF-Connecting-IPv6",
  "Fastly-Client-IP",
];

/** What every gateway sets by what it knows itself. */
const forwardedHeaders = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"];

/**
 * The other spellings of these headers, which CGI and its descendants (WSGI, Rack, PHP) map to the same variable as the
 * name with hyphens (RFC 3875 section 4.1.18). For servers that cannot remove every name with an underscore.
 */
export function underscoredHeaders(): readonly string[] {
  return [...forwardedHeaders, ...identityHeaders].flatMap((name) => {
    const [first = "", ...rest] = name.split("-");
    const spelt = rest.reduce(
      (starts, part) => starts.flatMap((start) => [`${start}-${part}`, `${start}_${part}`]),
      [first],
    );
    return spelt.filter((one) => one !== name);
  });
}

/**
 * The form of Host and of an authority: a name or an address, with a port or without (RFC 9110 section 7.2). Servers and
 * upstreams read any other form differently, such as `shop.test:443@evil.test`. A pattern for the whole text, in the syntax
 * that PCRE and RE2 share.
 */
export const HOST_FORM = String.raw`(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?`;

/** TRACE tells what a proxy added to the request, and CONNECT asks for a tunnel to anywhere. */
export const refusedMethods = ["TRACE", "CONNECT"] as const;

/**
 * Matches every value of Upgrade but `websocket`. Any other protocol, such as h2c, would be a tunnel in which requests reach
 * the upstream past all rules of the site. RE2 has no negation, so the pattern spells where a value begins to differ.
 */
export const OTHER_UPGRADE = differingFrom("websocket");

function differingFrom(word: string): string {
  const differing = [...word].map((sign, index) => `${word.slice(0, index)}(?:$|[^${sign}])`);
  return `(?i)^(?:${differing.join("|")}|${word}.)`;
}
