// What the suite of all kinds asks, apart from how it asks: servers that run are asked over sockets, Envoy, which cannot run
// here, by the evaluator of its configuration.

/** Paths that the list of the site "allow-list" lets in. */
export const allowed = [
  "/public",
  "/public/",
  "/public/x/y",
  "/public?x=y",
  "/public/secretx",
  "/public/secret/open",
  "/public/secret/open/y",
];
/** Paths that it does not. */
export const denied = [
  "/",
  "/other",
  "/publicx",
  "/PUBLIC",
  "/x/public",
  "/?/public",
  "/public/secret",
  "/public/secret/",
  "/public/secret/x",
  "/public/secret/openx",
];

/** Ways to write a path that two servers read differently, below a path that is allowed. */
export function strange(open: string): readonly string[] {
  return [
    `${open}/../admin`,
    `${open}/%2e%2e/admin`,
    `${open}/%2E%2e/admin`,
    `${open}/.%2e/admin`,
    `${open}/./../admin`,
    `${open}/./x`,
    `${open}/%2e/x`,
    `${open}/..`,
    `${open}/.`,
    `${open}//x`,
    `/${open}`,
    "//admin",
    "/./admin",
    `${open}/..%2fadmin`,
    `${open}/..%2Fadmin`,
    `${open}%2f..%2fadmin`,
    `${open}%2fx`,
    `${open}/..%5cadmin`,
    `${open}/..%5Cadmin`,
    `${open}/..\\admin`,
    `${open}\\..\\admin`,
    `${open}/x%00`,
    `${open}%00/../admin`,
    `${open}/..;/admin`,
    `${open};/../admin`,
    `${open}/x;y=1`,
    `${open};x`,
  ];
}

/** Paths that the list of the site "deny-list" lets in. */
export const undenied = ["/", "/x", "/administrator", "/x/admin", "/?/admin"];

/** Paths that it does not. */
export const shut = ["/admin", "/admin/", "/admin/x", "/admin?x"];

/** The same in percent-encoding (RFC 3986 section 2.3): a server decodes it and serves the denied path. */
export const encodedShut = [
  "/%61dmin",
  "/%61dmin/",
  "/adm%69n/x",
  "/adm%69n?x",
  "/admi%6E",
  "/%61%64%6d%69%6e?x",
  "/%61%64%6D%69%6E/x",
];

/** Percent-encoding of signs that have no meaning in a path, below a path that is allowed. */
export const plainlyEncoded = [
  "/public/a%20b/%C3%A9",
  "/public/x?next=/../a//b;c&d=%2f%2e%00",
  "/public/a.b/..c/d..",
  "/public/.well-known",
];

/** What every header of these tests holds; no gateway writes it. */
export const forged = "6.6.6.6";

/** Headers by which upstreams learn who the client is, or what it asked for. */
export const identityHeaders = [
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Proto",
  "X-Forwarded-Port",
  "X-Forwarded-Prefix",
  "X-Forwarded-Server",
  "X-Forwarded-Ssl",
  "X-Forwarded-Scheme",
  "X-Forwarded-Client-Cert",
  "Forwarded",
  "X-Real-IP",
  "True-Client-IP",
  "CF-Connecting-IP",
  "X-Client-IP",
  "X-Cluster-Client-IP",
  "X-Original-URL",
  "X-Rewrite-URL",
  "X-Original-Host",
] as const;

/** Every spelling of a name that CGI maps to the same variable (RFC 3875 section 4.1.18), the name itself left out. */
export function underscored(name: string): readonly string[] {
  const [first = "", ...rest] = name.split("-");
  const spelt = rest.reduce(
    (starts, part) => starts.flatMap((start) => [`${start}-${part}`, `${start}_${part}`]),
    [first],
  );
  return spelt.filter((one) => one !== name);
}

/** Forms of Host that hold a name of a site and are no host with a port (RFC 9110 section 7.2). */
export function strangeHosts(name: string): readonly string[] {
  return [
    `${name}:443@evil.test`,
    `user@${name}`,
    `user:word@${name}`,
    `evil.test:443@${name}`,
    `${name}@evil.test`,
    `${name}:port`,
    `${name}:-1`,
    `${name}:+443`,
    `${name}:443:443`,
    `${name}:443 evil.test`,
    `${name} evil.test`,
    `${name},evil.test`,
    `${name}/x`,
    `${name}?x`,
    `${name}#x`,
    `${name}\\x`,
    `${name}%00`,
    `"${name}"`,
    `https://${name}`,
  ];
}
