import { type AcmeIdentifier, toAcmeIdentifier } from "../../acme/client/identifier";
import { dns01Value } from "../../acme/client/jws";
import { renderTxt } from "../../acme/dns/txt-strings";
import type { NameChallenge } from "../../acme/order/name-challenge";
import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { parseHostName } from "../../x509/names/identifier";

export type { NameChallenge };

/** One set of TXT records that a CA looks for, as far as it is known before there is an order. */
export interface ChallengeRecordName {
  /** Absolute, without the dot at the end: `_acme-challenge.example.com`. */
  readonly name: string;
  /** The type of the DNS records. */
  readonly type: "TXT";
  /** The names of the certificate that it proves, sorted: an apex and its wildcard share one. */
  readonly hostnames: readonly string[];
}

/** For a name that the CA has proved already and asks for nothing: the number of values comes from the names alone. */
const PROVED_ALREADY = "proved already:";

/**
 * The records of dns-01 (RFC 8555 section 8.4) by the names alone, sorted, one a name: what a program makes records from. IP
 * addresses have none.
 * @throws TlsError IDENTIFIER_INVALID
 */
export function listRecordNames(hostnames: readonly string[]): readonly ChallengeRecordName[] {
  const sets = new Map<string, Set<string>>();
  for (const { type, value } of hostnames.map(identifierOf)) {
    if (type === "ip") continue;
    const name = recordNameOf(value);
    sets.set(name, (sets.get(name) ?? new Set()).add(value));
  }
  return [...sets]
    .map(([name, covered]) => ({ name, type: "TXT" as const, hostnames: [...covered].sort() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The name of the TXT records for one name of a certificate, a wildcard or not.
 * @throws TlsError IDENTIFIER_INVALID
 */
export function challengeRecordName(hostname: string): string {
  const { type, value } = identifierOf(hostname);
  if (type === "dns") return recordNameOf(value);
  throw new TlsError("IDENTIFIER_INVALID", `${value} is an address: no record in the DNS proves it.`, {
    hint: "Use the order's httpResources for it.",
  });
}

/** Of a text that nobody has checked yet. */
function identifierOf(hostname: string): AcmeIdentifier {
  return toAcmeIdentifier(parseHostName(hostname));
}

function recordNameOf(name: string): string {
  return `_acme-challenge.${name.replace(/^\*\./, "")}`;
}

/**
 * The values of the record set of this name, sorted: one for each of its names, so that their number is known before the order
 * is, also to DNS providers that make a resource of each value.
 * @throws TlsError ACME_CHALLENGE: the order is for no such name, or the CA offers no dns-01
 */
export function valuesOf(recordName: string, challenges: readonly NameChallenge[]): readonly string[] {
  const own = challenges.filter(({ hostname }) => recordNameOf(hostname) === recordName);
  if (own.length === 0) {
    throw new TlsError("ACME_CHALLENGE", `no name of the order is proved by ${renderQuoted(recordName)}.`, {
      hint: `The order is for ${challenges.map(({ hostname }) => hostname).join(", ")}.`,
    });
  }
  const values = own.flatMap(({ hostname, isProved, dnsKeyAuthorization: text }) => {
    if (isProved) return [`${PROVED_ALREADY} ${hostname}`];
    return text === undefined ? [] : [dns01Value(text)];
  });
  if (values.length === own.length) return values.sort();
  throw new TlsError(
    "ACME_CHALLENGE",
    `the CA offers no dns-01 for ${own.map(({ hostname }) => hostname).join(", ")}.`,
    {
      hint: 'Use the order\'s httpResources, and AcmeCertificate with challenge: "http-01".',
    },
  );
}

/** A value as zone files have it: in quotes, cut into strings of at most 255 octets. */
export function renderQuotedTxt(value: string): string {
  return renderTxt(value);
}
