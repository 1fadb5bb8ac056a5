import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { parseDnsName } from "../../x509/names/dns-name";
import type { DirectoryMeta } from "../client/directory";

/** The names that a CA reads records under, as far as that is known. */
export interface PersistIssuers {
  /** At least one; a record begins with any of them, ours with the first. */
  readonly names: readonly string[];
  /** Nobody said that they are for this challenge: they are those of CAA, which have been the same wherever it is offered. */
  readonly isGuess: boolean;
}

/** Draft -02, section 3.1: a list that is longer is refused. */
const MOST_NAMES = 10;

/** RFC 1035 section 2.3.4. */
const LONGEST_NAME = 253;

/**
 * By which names public CAs are known in the DNS, and the domains of their directories. Another CA that claims such a name
 * would have records authorise a stranger's account at the public one.
 */
const publicIssuers: Readonly<Record<string, readonly string[]>> = {
  "letsencrypt.org": ["letsencrypt.org"],
  "pki.goog": ["pki.goog"],
  "sectigo.com": ["sectigo.com", "zerossl.com"],
  "trust-provider.com": ["sectigo.com", "zerossl.com"],
  "usertrust.com": ["sectigo.com", "zerossl.com"],
  "comodoca.com": ["sectigo.com", "zerossl.com"],
  "comodo.com": ["sectigo.com", "zerossl.com"],
  "entrust.net": ["entrust.net", "sectigo.com"],
  "affirmtrust.com": ["entrust.net", "sectigo.com"],
  "ssl.com": ["ssl.com"],
  "digicert.com": ["digicert.com"],
  "symantec.com": ["digicert.com"],
  "geotrust.com": ["digicert.com"],
  "rapidssl.com": ["digicert.com"],
  "thawte.com": ["digicert.com"],
  "globalsign.com": ["globalsign.com"],
  "godaddy.com": ["godaddy.com"],
  "starfieldtech.com": ["godaddy.com"],
  "buypass.com": ["buypass.com"],
  "buypass.no": ["buypass.com"],
  "actalis.it": ["actalis.com", "actalis.it"],
  "certum.pl": ["certum.pl"],
  "harica.gr": ["harica.gr"],
  "identrust.com": ["identrust.com"],
  // not amazonaws.com, below which any customer has a host
  "amazon.com": ["amazontrust.com"],
  "amazontrust.com": ["amazontrust.com"],
  "awstrust.com": ["amazontrust.com"],
  "amazonaws.com": ["amazontrust.com"],
};

/**
 * Refuses the name of a public CA that another one claims as its own.
 *
 * @param url the account's at the CA, which is at the origin of the CA's directory
 * @throws TlsError ACME_ACCOUNT
 */
export function refuseForeignIssuer(name: string, url: string): void {
  const { hostname } = new URL(url);
  const domains = Object.hasOwn(publicIssuers, name) ? publicIssuers[name] : undefined;
  if (domains === undefined || domains.some((domain) => `.${hostname}`.endsWith(`.${domain}`))) return;
  throw new TlsError(
    "ACME_ACCOUNT",
    `the CA at ${renderQuoted(hostname)} calls itself ${renderQuoted(name)} in the DNS, which is another CA.`,
    {
      hint: `Records with this name would authorise an account at ${name}. Ask the operator of the CA for its own name, and do not use these records.`,
    },
  );
}

/**
 * The names before there is an order: those of the directory (draft -02, section 3.2), else those that the CA has for CAA
 * (RFC 8555 section 7.1.1), else none. A list that breaks the draft's rules counts as absent.
 */
export function issuersBeforeOrder(meta: DirectoryMeta): PersistIssuers | undefined {
  const { issuerDomainNames, caaIdentities } = meta;
  if (issuerDomainNames !== undefined && faultOf(issuerDomainNames) === undefined) {
    return { names: issuerDomainNames, isGuess: false };
  }
  const names = [...new Set((caaIdentities ?? []).map(normalized))].filter(isNormalized).slice(0, MOST_NAMES);
  return names.length === 0 ? undefined : { names, isGuess: true };
}

/**
 * The names of a challenge. Those that the directory has too come first: a record with one of these is good for any later
 * challenge (draft -02, section 3.2).
 * @throws TlsError ACME_PROTOCOL: none, more than 10, no lower-case A-labels; or, where the directory speaks draft -02, one of
 * the directory is missing, or one has no right by `caaIdentities`
 */
export function issuersOfChallenge(
  challenge: readonly string[] | undefined,
  { issuerDomainNames, caaIdentities }: DirectoryMeta,
): PersistIssuers {
  const names = challenge ?? [];
  const fault = faultOf(names);
  if (fault !== undefined) throw malformed(`its issuerDomainNames ${fault}`);
  if (issuerDomainNames === undefined || faultOf(issuerDomainNames) !== undefined) return { names, isGuess: false };
  const missing = issuerDomainNames.find((name) => !names.includes(name));
  if (missing !== undefined) {
    throw malformed(`its issuerDomainNames lack ${renderQuoted(missing)}, which the directory promises`);
  }
  const identities = (caaIdentities ?? []).map(normalized);
  const areKnown = identities.length > 0 && identities.every(isNormalized);
  const foreign = names.find((name) => !identities.includes(name));
  if (areKnown && foreign !== undefined) {
    throw malformed(`its issuerDomainNames hold ${renderQuoted(foreign)}, which the directory's caaIdentities lack`);
  }
  const others = names.filter((name) => !issuerDomainNames.includes(name));
  return { names: [...issuerDomainNames, ...others], isGuess: false };
}

/** What is wrong with a list, a clause after its name. */
function faultOf(names: readonly string[]): string | undefined {
  if (names.length === 0) return "are empty";
  if (names.length > MOST_NAMES) return `are ${names.length}, more than ${MOST_NAMES}`;
  const wrong = names.find((name) => !isNormalized(name));
  return wrong === undefined
    ? undefined
    : `hold ${renderQuoted(wrong)}, which is no domain name in lower-case A-labels`;
}

/** Draft -02, section 3.1: A-labels, lower case, no dot at the end. */
function isNormalized(name: string): boolean {
  try {
    return name.length <= LONGEST_NAME && parseDnsName(name) === name;
  } catch {
    return false;
  }
}

/** For comparisons with `caaIdentities`, whose form RFC 8555 leaves open. */
function normalized(name: string): string {
  try {
    return parseDnsName(name);
  } catch {
    return name;
  }
}

function malformed(found: string): TlsError {
  return new TlsError("ACME_PROTOCOL", `the CA's dns-persist-01 challenge is malformed: ${found}.`, {
    hint: "Tell the CA (draft-ietf-acme-dns-persist, section 3); prove the name by another challenge meanwhile.",
  });
}
