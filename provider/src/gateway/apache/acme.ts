import { ANSWER_TYPE, type AnsweringAccount, CHALLENGE_PATH, TOKEN_PATTERN } from "../proxy/options";
import { type Directive, directive, quoted, raw } from "../syntax/directives";
import { escapePattern, pattern } from "./dialect";

const VARIABLE = "tls_gateway_acme";

/** Says, to a responder that is read after a gateway, that the gateway has the port and answers. */
export function answeredPort(port: number): string {
  return `${VARIABLE}_${port}`;
}

/**
 * Answers of http-01, before all other rules of a virtual host. The request line is compared as it was sent; the answer
 * is an "error" 200, the one text of Apache's own that may hold a variable (ErrorDocument, since 2.4.13).
 */
export function challengeRules(accounts: readonly AnsweringAccount[]): readonly Directive[] {
  const named = accounts.filter(({ hostnames }) => hostnames.length > 0);
  const open = accounts.filter(({ hostnames }) => hostnames.length === 0);
  return [
    ...[...named, ...open].flatMap(accountRules),
    directive("ErrorDocument", "200", raw(`"%{reqenv:${VARIABLE}}"`)),
    directive("Header", "always", "set", "Content-Type", quoted(ANSWER_TYPE), `env=${VARIABLE}`),
    directive("Header", "always", "set", "X-Content-Type-Options", "nosniff", `env=${VARIABLE}`),
  ];
}

function accountRules({ thumbprint, hostnames }: AnsweringAccount): readonly Directive[] {
  const hosts = hostnames.map((name) => escapePattern(name)).join("|");
  return [
    ...(hosts === ""
      ? []
      : [directive("RewriteCond", raw("%{SERVER_NAME}"), pattern(`^\\[?(?:${hosts})\\]?$`), raw("[NC]"))]),
    // last, since `%1` is of the last condition
    directive("RewriteCond", raw("%{THE_REQUEST}"), pattern(`^(?:GET|HEAD) ${CHALLENGE_PATH}(${TOKEN_PATTERN}) HTTP/`)),
    directive("RewriteRule", "^", "-", raw(`[E=${VARIABLE}:%1.${thumbprint},R=200,L]`)),
  ];
}
