import type { AcmeIdentifier, ChallengeType } from "../client/identifier";
import { LONGEST_NAME, PERSIST_RECORD_PREFIX } from "../persist/record-value";

const ADDRESS_REFUSAL = "an IP address can be proved by http-01 or tls-alpn-01 alone";

/**
 * Why this identifier can't be proved by a challenge of this type, for a message after "because"; undefined when it can.
 * Depends on nothing else, neither on an account nor on how the challenge is answered.
 */
export function refuseChallenge(
  challenge: ChallengeType,
  { type, value }: AcmeIdentifier,
  isWildcard: boolean,
): string | undefined {
  switch (challenge) {
    case "http-01":
    case "tls-alpn-01":
      // they prove one host: RFC 8555 section 7.1.3, RFC 8737 section 3
      return isWildcard ? "a wildcard can be proved by dns-01 or dns-persist-01 alone" : undefined;
    case "dns-01":
      // RFC 8738 section 7: the DNS proves names
      return type === "ip" ? ADDRESS_REFUSAL : undefined;
    case "dns-persist-01":
      return type === "ip" ? ADDRESS_REFUSAL : refuseLongName(value);
  }
}

function refuseLongName(value: string): string | undefined {
  const { length } = PERSIST_RECORD_PREFIX + value;
  return length > LONGEST_NAME
    ? `its TXT record would have a name of ${length} octets, more than ${LONGEST_NAME}`
    : undefined;
}

/** {@link refuseChallenge} of one type, as a solver has it. */
export function refusalsOf(
  challenge: ChallengeType,
): (identifier: AcmeIdentifier, isWildcard: boolean) => string | undefined {
  return (identifier, isWildcard) => refuseChallenge(challenge, identifier, isWildcard);
}
