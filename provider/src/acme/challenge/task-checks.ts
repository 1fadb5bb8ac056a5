import { TlsError } from "../../errors";
import type { ChallengeIdentifier } from "./solver";

/** RFC 8555 section 8.3: base64url and nothing else. Real ones have 43 characters; a file name has at most 255. */
const tokenPattern = /^[A-Za-z0-9_-]{1,200}$/;

/**
 * The token, when it is one: it becomes a path or an argument, and comes from another machine.
 * @throws TlsError ACME_CHALLENGE
 */
export function checkToken(token: string): string {
  if (tokenPattern.test(token)) return token;
  throw new TlsError("ACME_CHALLENGE", "the CA sent a token that is not base64url, which is used nowhere.", {
    hint: "No CA that keeps to RFC 8555 does so: check the directory's URL.",
  });
}

/** http-01 and tls-alpn-01 prove one host: RFC 8555 section 7.1.3, RFC 8737 section 3. */
export function refuseWildcard(_identifier: ChallengeIdentifier, isWildcard: boolean): string | undefined {
  return isWildcard ? "a wildcard can be proved by dns-01 or dns-persist-01 alone" : undefined;
}
