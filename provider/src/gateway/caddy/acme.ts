import { ANSWER_TYPE, type AnsweringAccount, CHALLENGE_PATH, TOKEN_PATTERN } from "../proxy/options";
import { answer, type Route, terminalRoute } from "./json";

/** What a challenge is told by: path and query as they were sent, which Caddy's matcher of paths would decode and clean. */
const CHALLENGE_PATTERN = `^${CHALLENGE_PATH}(${TOKEN_PATTERN})$`;

/** The answer; the matcher that found the token is called `acme`. */
function challengeText({ thumbprint }: Pick<AnsweringAccount, "thumbprint">): string {
  return `{http.regexp.acme.1}.${thumbprint}`;
}

/** Routes that answer http-01, before all others of a server. */
export function challengeRoutes(accounts: readonly AnsweringAccount[]): readonly Route[] {
  const named = accounts.filter(({ hostnames }) => hostnames.length > 0);
  const open = accounts.filter(({ hostnames }) => hostnames.length === 0);
  return [...named, ...open].map((account) => {
    const match = {
      method: ["GET", "HEAD"],
      ...(account.hostnames.length > 0 && { host: account.hostnames }),
      vars_regexp: { "{http.request.uri}": { name: "acme", pattern: CHALLENGE_PATTERN } },
    };
    const headers = { "Content-Type": ANSWER_TYPE, "X-Content-Type-Options": "nosniff" };
    return terminalRoute([match], [answer(200, headers, challengeText(account))]);
  });
}
