import { ANSWER_TYPE, type AnsweringAccount, CHALLENGE_PATH, hostOf, TOKEN_PATTERN } from "../proxy/options";
import type { Directive, Word } from "../syntax/directives";
import { expression, test, when } from "./dialect";

/** Hosts in one line; HAProxy takes 64 words. */
const HOSTS_PER_LINE = 30;

/** Answers of http-01, first of all in a frontend: path and query are compared as they were sent. */
export function challengeAnswers(accounts: readonly AnsweringAccount[]): readonly Directive[] {
  // HEAD too (section 7.4 of the manual)
  const isAsked = ["METH_GET", ...test("pathq", "-m", "reg", expression(`^${CHALLENGE_PATH}${TOKEN_PATTERN}$`))];
  const answer = ({ thumbprint }: AnsweringAccount, ...hosts: readonly (readonly Word[])[]): Directive => {
    const words = ["http-request", "return", "status", "200", "content-type", ANSWER_TYPE, "lf-string"];
    const text = expression(`%[path,field(4,/)].${thumbprint}`);
    return when([...words, text, "hdr", "X-Content-Type-Options", "nosniff"], isAsked, ...hosts);
  };
  const isNamed = ({ hostnames }: AnsweringAccount) => hostnames.length > 0;
  return [
    ...accounts.filter(isNamed).flatMap((account) => hostTests(account).map((hosts) => answer(account, hosts))),
    ...accounts.filter((account) => !isNamed(account)).map((account) => answer(account)),
  ];
}

function hostTests({ hostnames }: AnsweringAccount): readonly (readonly Word[])[] {
  const tests: (readonly Word[])[] = [];
  for (let first = 0; first < hostnames.length; first += HOSTS_PER_LINE) {
    const hosts = hostnames.slice(first, first + HOSTS_PER_LINE).map(hostOf);
    tests.push(test("req.fhdr(host),host_only,lower", "-m", "str", ...hosts));
  }
  return tests;
}
