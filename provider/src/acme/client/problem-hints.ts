import type { AcmeProblem, AcmeSubproblem } from "./problem-types";

/** A kind (of any of several with `|`), what its text is recognised by, and what to do. The first that fits is taken. */
type HintRule = readonly [kinds: string, text: RegExp | undefined, hint: string];

/** What to do about a binding that the CA refuses. */
export const BINDING_HINT =
  "Key identifier or HMAC key of externalAccountBinding is wrong or used up: get new ones in the CA's console, and look whether they are for this directory.";

const UNPAUSE =
  "The CA has paused these names after months of failures: open the link in its text, unpause them there, and run it again.";

const rules: readonly HintRule[] = [
  // Boulder's ratelimits package words each limit in its own way; https://letsencrypt.org/docs/rate-limits/
  ["rateLimited", /paused|unpause|temporarily prevented/i, UNPAUSE],
  [
    "rateLimited",
    /exact set/i,
    "This very set of names had its certificates of the week: use the one that exists, or wait. A certificate that is asked for with one name more or less has a count of its own.",
  ],
  [
    "rateLimited",
    /failed (authorizations|validations)/i,
    "Too many validations of a name failed within the hour: find out why the last one failed, with the CA's staging directory, before the next try.",
  ],
  [
    "rateLimited",
    /new (registrations|accounts)/i,
    "Too many accounts were made from this address: keep one account key and use it again.",
  ],
  ["rateLimited", /new orders/i, "This account placed too many orders: join names into fewer certificates, or wait."],
  [
    "rateLimited",
    /certificates? .*already issued/i,
    "The registered domain had its certificates of the week: join its names into fewer certificates or a wildcard, or wait.",
  ],
  ["rateLimited", undefined, "The CA wants fewer requests: wait, and do not run it in a loop."],

  [
    "externalAccountRequired",
    undefined,
    "This CA ties accounts to a customer: get a key identifier and an HMAC key in its console and give them as externalAccountBinding.",
  ],
  ["unauthorized|malformed", /external account|\beab\b|\bMAC\b/i, BINDING_HINT],
  [
    "unauthorized|accountDoesNotExist",
    /deactivated|revoked/i,
    "An account that is deactivated does not come back: leave accountKeyPem out or give another key, and a new account is made.",
  ],
  [
    "accountDoesNotExist",
    undefined,
    "The CA does not know this account: look whether the directory is the one that it was made at; staging and production have accounts of their own.",
  ],
  [
    "userActionRequired",
    undefined,
    "The CA's terms of service have changed: read them at its link, agree with acceptTermsOfService, and run it again.",
  ],
  [
    "invalidContact|unsupportedContact",
    undefined,
    "Give contacts as mail addresses that can receive mail, ops@example.com, or none.",
  ],
  ["badPublicKey", /in use|already|compromised|blocked|weak/i, "The CA refuses this key: have a new one made."],
  [
    "badPublicKey",
    undefined,
    "Use a key of type P256, P384 or RSA2048 to RSA4096, another for each account and certificate.",
  ],
  [
    "badNonce",
    undefined,
    "The CA refuses every nonce that it gives: look whether a proxy between this machine and the CA keeps answers.",
  ],
  ["badSignatureAlgorithm", undefined, "Use an account key of another type: P256 is taken by every public CA."],
  [
    "badCSR",
    undefined,
    "The certificate request does not fit the order: its names must be exactly those of the certificate, its key one that the CA takes and not the account's.",
  ],
  ["orderNotReady", undefined, "Not every name is validated yet, or the order is finalized already: run it again."],
  [
    "alreadyReplaced|conflict",
    undefined,
    "The certificate that this one is to replace was replaced before: run it again, the order is then placed without the reference.",
  ],
  ["alreadyRevoked", undefined, "There is nothing left to do."],
  [
    "rejectedIdentifier",
    undefined,
    "The CA never issues for such a name (its list of blocked names, or no public suffix): remove it from the names.",
  ],
  [
    "unsupportedIdentifier",
    undefined,
    "This CA, or the profile, has no certificates for such names: IP addresses need a profile that allows them, at Let's Encrypt shortlived.",
  ],
  ["invalidProfile", undefined, "The CA has no such profile: the outputs of AcmeAccount list those it offers."],
  ["badRevocationReason", undefined, "Give another reason of RFC 5280 section 5.3.1, or none."],

  [
    "caa",
    undefined,
    'A CAA record of the name or of a parent forbids this CA: add `0 issue "<CA>"` with the CA\'s name, or remove the record. Try: dig CAA <name>.',
  ],
  [
    "dns|unauthorized",
    /(no|incorrect) TXT record|value not found for DNS|TXT records? .*(not found|incorrect)|_acme-challenge/i,
    "The CA saw another TXT record than ours: look whether every authoritative server of the zone has it (dig TXT _acme-challenge.<name> @<server>), and whether _acme-challenge is a CNAME to another zone.",
  ],
  [
    "dns",
    /NXDOMAIN|no valid A+ records?|not exist|no such host/i,
    "The name is not in the public DNS: add its A or AAAA record, look whether the zone is delegated, or remove the name.",
  ],
  [
    "dns",
    /SERVFAIL|DNSSEC|DNSKEY|bogus/i,
    "The zone's servers fail or its DNSSEC is broken: look at the zone with a public checker of DNSSEC.",
  ],
  [
    "dns",
    undefined,
    "The CA's resolver got no answer: look whether all name servers of the zone answer from outside, over UDP and TCP.",
  ],
  [
    "connection",
    /timeout|timed out|firewall|deadline/i,
    "The CA did not get through: let port 80 (http-01) or 443 (tls-alpn-01) in from everywhere, over IPv6 too if the name has an AAAA record.",
  ],
  [
    "connection",
    /refused/i,
    "Nothing listens where the name points to: look whether its A and AAAA records are this server's and whether port 80 (http-01) or 443 (tls-alpn-01) is forwarded to it.",
  ],
  [
    "connection",
    undefined,
    "The CA reached the address but the connection failed: look at the A and AAAA records, and at proxies and filters in front of the server.",
  ],
  [
    "tls|unauthorized",
    /ALPN|acme-tls|tls-alpn/i,
    "What answers at port 443 does not know acme-tls/1: no proxy that ends TLS may stand in front of it; use http-01 or dns-01 there.",
  ],
  [
    "tls",
    undefined,
    "The TLS handshake with the server of the name failed: look at port 443 from outside, openssl s_client -connect <name>:443.",
  ],
  [
    "unauthorized|incorrectResponse",
    /\b(404|403|401|400|5\d\d)\b|well-known|key authorization|invalid response/i,
    "Another server, or another site of it, answered for the name: look whether A and AAAA records point to this one and /.well-known/acme-challenge/ is served without redirection to a login.",
  ],
  [
    "unauthorized",
    undefined,
    "Look whether the name points to this server, for IPv6 too, and whether the account is the one that placed the order.",
  ],
  [
    "malformed",
    undefined,
    "The CA does not understand the request: look at its text; if nothing there is of your making, report it.",
  ],
  ["serverInternal", undefined, "The CA has a fault: look at its status page, and run it again later."],
  [
    "about:blank",
    undefined,
    "This is not how an ACME server answers: look whether the directory's URL is right and no proxy stands in between; with a 5xx status, run it again later.",
  ],
];

/** What to do about a problem; of a compound one, about its first part. */
export function hintOf(problem: AcmeProblem): string | undefined {
  const parts: readonly AcmeSubproblem[] = [problem, ...problem.subproblems];
  for (const part of parts) {
    const found = rules.find(
      ([kinds, text]) => kinds.split("|").includes(part.kind) && (text?.test(part.detail) ?? true),
    );
    if (found !== undefined) return found[2];
  }
  return undefined;
}
