import { ANSWER_TYPE, type AnsweringAccount, CHALLENGE_PATH, hostOf, TOKEN_PATTERN } from "../proxy/options";
import { type Directive, directive, raw, type Word } from "../syntax/directives";
import { pattern, returnIf } from "./dialect";
import type { NginxVariables } from "./variables";

const empty = raw('""');

/**
 * Answers of http-01 on a port, first of all in a server: what is asked for is compared as it was sent, so that nothing
 * that nginx would decode, join or cut is answered.
 */
export function challengeAnswer(
  accounts: readonly AnsweringAccount[],
  port: number,
  variables: NginxVariables,
): readonly Directive[] {
  const answer = answerVariable(accounts, port, variables);
  const nosniff = variables.map(answer, [
    [empty, empty],
    ["default", "nosniff"],
  ]);
  return [
    directive("default_type", ANSWER_TYPE),
    // without a value it is not sent: other answers of the server don't change
    directive("add_header", "X-Content-Type-Options", raw(nosniff)),
    returnIf(answer, "200", raw(answer)),
  ];
}

/** The name of the variable that is the answer, or empty. */
function answerVariable(accounts: readonly AnsweringAccount[], port: number, variables: NginxVariables): string {
  const request = `(?:GET|HEAD) ${CHALLENGE_PATH}(${TOKEN_PATTERN})$`;
  const open = accounts.find(({ hostnames }) => hostnames.length === 0)?.thumbprint;
  const named = accounts.filter(({ hostnames }) => hostnames.length > 0);
  if (named.length === 0) {
    const entry: readonly [Word, Word] = [pattern(`^${port} ${request}`), raw(`"$1.${open}"`)];
    return variables.map('"$server_port $request_method $request_uri"', [entry, ["default", empty]]);
  }
  // patterns: a table of names would need a setting of nginx for long ones
  const hosts = named.flatMap(({ thumbprint, hostnames }) =>
    hostnames.map((name): readonly [Word, Word] => [
      pattern(`^${hostOf(name).replace(/[[\].]/g, "\\$&")}$`),
      thumbprint,
    ]),
  );
  const thumbprint = variables.map("$host", [...hosts, ["default", open ?? empty]]);
  return variables.map(`"$server_port ${thumbprint} $request_method $request_uri"`, [
    [pattern(`^${port} ([A-Za-z0-9_-]{43}) ${request}`), raw('"$2.$1"')],
    ["default", empty],
  ]);
}
