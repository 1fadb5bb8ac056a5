// Texts that try to end their word, their line or their block in some language that a gateway or its machine speaks.
import fc from "fast-check";

/** What means something to some server, format, template, expression or shell. */
const hostileTexts: readonly string[] = [
  // quotes and what ends them
  ...['"', "'", "`", "''", '"`\\', '\\"', "\\'", "'\\''", "\\`", '"; return 200 pwned; #', "'; return 200 pwned; #"],
  ...['", "x": "', "' if TRUE", "`) || Host(`evil.test`", '" "', 'a" env=x', '"; rm -rf / #', "\\u0022", "\\x27"],
  // backslashes, which may stand before a quote or the end of a line
  ...["\\", "a\\", "\\\\", "\\n", "\\r\\n", "\\n  server evil 127.0.0.1:1", "a\\n $1"],
  // blocks and comments
  ...["} server { listen 127.0.0.1:1; ", "{", "}", "{}", '" {', "<If", "</VirtualHost>", "*/", "-->", "#", "# x", " #"],
  ...[";", "a;b", ": x", "a: b - c", "- x", "? x", "---", "---\n", "...", "&a", "*a", "!!js/function x", "| x", "> x"],
  // variables and formats
  ...[
    "$host",
    "a$",
    "$",
    `\${host}`,
    "$1",
    "$HOME",
    "$(id)",
    "$(x)",
    "`id`",
    "{$HOME}",
    "{env.HOME}",
    "{{ env `HOME` }}",
  ],
  ...[
    "{http.request.host}",
    "%{host}",
    "%[src]",
    "%%[src]",
    "%[env(HOME)]",
    "%[str(x)",
    "%]",
    "%",
    "%%",
    "%ci",
    "%{+Q}o",
  ],
  ...["%REQ(:path)%", "%DYNAMIC_METADATA(x)%", "%00", "%n", "%t", "%D %l", "a%", "%(x)e", "$tls_gateway_dollar"],
  // words that are more than a word
  ...["if", "unless", "if { always_true }", "or", "||", "{ path / }", "!", "-m", "-f /etc/passwd", "--", "= x", "~.*"],
  ...["include /etc/passwd;", "import x", "(snippet)", "@maintenance", "@file", "default", "volatile", "global"],
  ...["default-server", "expr=abc", "expr=%", "expr=-z", "early", "env=!x", "-Server", "+X", "?X", ">X", "!x", "^.*$"],
  ...[
    "(?i)",
    ".*",
    "[x]",
    "<<END",
    "<<",
    "null",
    "true",
    "~",
    "1e3",
    "0x1",
    "../",
    "=41=",
    "<h>",
    "*",
    ",",
    "(",
    "a  b",
  ],
  // what no line can hold
  ...["a\nb", "a\nb: c", "a\r\nX-Evil: 1", "a\nbackend evil\n", '"\nrespond pwned', "`\n}\nimport /etc/passwd\n"],
  ...["a\u0000b", "a\u2028b", "\u202e", "é", "\ud800", "\t"],
];

/** Values of headers that the schema of a site takes, every visible sign among them. */
export const hostileValues: readonly string[] = [
  ...new Set([...hostileTexts, ` !"#$%&'()*+,-./09:;<=>?@AZ[\\]^_\`az|~`].filter((text) => /^[ -z|~]+$/.test(text))),
].map((text) => text.trim());

const listed = fc.constantFrom(...hostileTexts);

/** Anything, allowed or not. */
export const hostile = fc.oneof(
  listed,
  fc.stringMatching(/^[ -~]{1,40}$/),
  fc.tuple(listed, listed).map((pair) => pair.join("")),
);

/** What may stand in a header's value or in a name. */
export const visible = hostile.map((text) => text.replace(/[^ -~]|[{}]/g, "").trim()).filter((text) => text !== "");

/** Mostly what is taken, so that most sites get through. */
export function seldomHostile(usual: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: hostile });
}

/** Name of a file on the server, which may hold nearly all signs. */
export const fileNames = fc.oneof(
  { weight: 30, arbitrary: hostile.map((text) => `f${text.replace(/[^ -~é]|[{}"`$/]/g, "_").replace(/\\$/, "_")}`) },
  { weight: 1, arbitrary: hostile.map((text) => `f${text.replaceAll("/", "_")}`) },
);

/** Names of headers: such as are words of a server, such as a server has for itself, and any. */
export const headerNames = seldomHostile(
  fc.oneof(
    { weight: 4, arbitrary: fc.stringMatching(/^X-[A-Za-z0-9_.-]{1,20}$/) },
    { weight: 2, arbitrary: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,20}$/) },
    { weight: 1, arbitrary: fc.constantFrom("if", "unless", "or", "set-header", "null", "true", "1e3") },
    { weight: 1, arbitrary: fc.constantFrom("Host", "X-Forwarded-For", "x-forwarded-proto", "Server", "Set-Cookie") },
  ),
);
