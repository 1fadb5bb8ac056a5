import { getDomain } from "tldts";
import { HOUR, renderMinute, renderSecond } from "../../text/time";
import { ipOctets, renderIp } from "../../x509/names/ip-address";
import { identifierSetKey } from "./back-off";
import type { CaLimits, IssuanceLimit } from "./limits";

/** A certificate that a resource got; what its state keeps of it. */
export interface Issuance {
  /** When it was issued, ISO 8601 UTC. */
  readonly at: string;
  /** {@link identifierSetKey} of its names. */
  readonly names: string;
}

/** A certificate that any resource of this run got at the same CA, see {@link seeIssuance}. */
export interface SeenIssuance extends Issuance {
  /** The registered domains of its names. */
  readonly domains: readonly string[];
  /** The URL of the account that ordered it. */
  readonly account: string;
}

/** What a judgement is made from. */
export interface BudgetFacts {
  /** Of the CA; undefined where none are known: then everything is free. */
  readonly limits: CaLimits | undefined;
  /** The names of the next certificate, in canonical form. */
  readonly identifiers: readonly string[];
  readonly history: readonly Issuance[];
  /** May contain what `history` has too. */
  readonly others: readonly SeenIssuance[];
  /** The account's URL; without it the limit per account is not looked at. */
  readonly account?: string;
  /** Whether the order says which certificate it replaces, and the CA knows renewal information. */
  readonly isAriRenewal: boolean;
  readonly now: Date;
}

/** What remains of the CA's limits for one more certificate. */
export interface BudgetJudgement {
  /** `last`: this one may be ordered, and then none for a while. `spent`: the CA would refuse it. */
  readonly verdict: "free" | "last" | "spent";
  /** Which limit of {@link CaLimits} the numbers are of; absent where there is none. */
  readonly limit?: "exactSet";
  readonly used: number;
  readonly of?: number;
  /** If spent: the moment from which on the next one is possible, ISO 8601 UTC. */
  readonly freeAt?: string;
  /** The verdict in a sentence for a person. */
  readonly text: string;
  /** Limits across resources that this run alone reaches. It does not see who else uses them, so they only warn. */
  readonly warnings: readonly string[];
}

/** A resource's state keeps so many; no limit that is counted by them is higher where it matters. */
const MOST_ISSUANCES = 20;

/** The history with one more certificate: the newest 20, oldest first. */
export function addIssuance(
  history: readonly Issuance[],
  issued: { readonly at: string; readonly identifiers: readonly string[] },
): readonly Issuance[] {
  const added = { at: issued.at, names: identifierSetKey(issued.identifiers) };
  return [...history, added].sort((one, other) => Date.parse(one.at) - Date.parse(other.at)).slice(-MOST_ISSUANCES);
}

/** What is to be known of a certificate for judging the others of this run; worked out once, as they may be thousands. */
export function seeIssuance(issued: {
  readonly at: string;
  readonly identifiers: readonly string[];
  readonly account: string;
}): SeenIssuance {
  const { at, identifiers, account } = issued;
  return { at, names: identifierSetKey(identifiers), domains: registeredDomains(identifiers), account };
}

/**
 * Judges one more certificate for these names against the CA's published limits.
 *
 * It counts in a sliding window: so many within the last 7 days. Let's Encrypt has buckets that refill steadily (one in
 * 34 hours) instead. The window is the safe side: who keeps to n in every window of length w takes at most n + t·n/w in
 * any time t, which is what such a bucket gives, so no order that this allows is refused for what this resource did. The
 * bucket may give one earlier than `freeAt`, if nobody else took it: who can't wait overrides the refusal.
 */
export function judgeBudget(facts: BudgetFacts): BudgetJudgement {
  const { limits, identifiers, history, isAriRenewal, now } = facts;
  const limit = limits?.exactSet;
  if (limits === undefined || limit === undefined) {
    return { verdict: "free", used: 0, text: "no limits of this CA are known.", warnings: [] };
  }
  const set = identifierSetKey(identifiers);
  const same = momentsWithin(limit, now, [
    ...history.filter(({ names }) => names === set),
    ...notOf(history, facts.others).filter(({ names }) => names === set),
  ]);
  const counted = { limit: "exactSet", used: same.length, of: limit.count } as const;
  const were = `${same.length} of ${limit.count} certificates for exactly these names ${same.length === 1 ? "was" : "were"} issued in the last ${renderHours(limit.hours)}`;
  if (isAriRenewal && limits.exemptsAriRenewals) {
    const text = `${were}; this renewal is announced by ARI, which ${limits.ca} does not count.`;
    return { verdict: "free", ...counted, text, warnings: [] };
  }
  const isSameSet = limits.exemptsSameSetRenewals && history.some(({ names }) => names === set);
  const warnings = isSameSet ? [] : warnOfShared(facts, limits);
  const left = limit.count - same.length;
  if (left > 1) return { verdict: "free", ...counted, text: `${were}.`, warnings };
  if (left === 1) {
    const until = renderMinute((same[0] ?? now.getTime()) + limit.hours * HOUR);
    const text = `${were}; the next one is the last until ${until}.`;
    return { verdict: "last", ...counted, text, warnings };
  }
  // one is free when all but count - 1 have left the window
  const freeAt = (same[same.length - limit.count] ?? now.getTime()) + limit.hours * HOUR;
  const text = `${were}; the next one is possible from ${renderMinute(freeAt)}.`;
  return { verdict: "spent", ...counted, freeAt: renderSecond(freeAt), text, warnings };
}

/** The limits that resources share, as far as this run has seen. */
function warnOfShared({ identifiers, others, account, now }: BudgetFacts, limits: CaLimits): readonly string[] {
  const { registeredDomain: perDomain, newOrdersPerAccount: perAccount } = limits;
  const warnings: string[] = [];
  for (const domain of perDomain === undefined ? [] : registeredDomains(identifiers)) {
    const seen = others.filter(({ domains }) => domains.includes(domain));
    warnings.push(...warnOf(`certificates for ${domain}`, perDomain as IssuanceLimit, limits, now, seen));
  }
  if (perAccount === undefined || account === undefined) return warnings;
  const seen = others.filter((other) => other.account === account);
  return [...warnings, ...warnOf("orders of one account", perAccount, limits, now, seen)];
}

function warnOf(
  what: string,
  limit: IssuanceLimit,
  { ca }: CaLimits,
  now: Date,
  seen: readonly SeenIssuance[],
): readonly string[] {
  const used = momentsWithin(limit, now, seen).length;
  if (used < limit.count - 1) return [];
  const next = used < limit.count ? "This one is the last that it allows" : "It will refuse this one";
  return [
    `this run alone makes ${used + 1} ${what}, of which ${ca} allows ${limit.count} in ${renderHours(limit.hours)}. ${next}, unless it has granted you more or counts it as a renewal.`,
  ];
}

/** What other resources got: what this one got in this run stands in its history too, there to the second. */
function notOf(history: readonly Issuance[], others: readonly SeenIssuance[]): readonly SeenIssuance[] {
  const keyOf = ({ at, names }: Issuance) => `${Math.floor(Date.parse(at) / 1000)} ${names}`;
  const own = new Set(history.map(keyOf));
  return others.filter((other) => !own.has(keyOf(other)));
}

/** The moments inside the window that ends now, oldest first. One that lies ahead (a clock was wrong) counts as now. */
function momentsWithin({ hours }: IssuanceLimit, now: Date, issued: readonly Issuance[]): readonly number[] {
  const start = now.getTime() - hours * HOUR;
  return issued
    .map(({ at }) => Math.min(Date.parse(at), now.getTime()))
    .filter((moment) => moment > start)
    .sort((one, other) => one - other);
}

function renderHours(hours: number): string {
  return hours % 24 === 0 ? `${hours / 24} days` : `${hours} hours`;
}

/** The names are canonical already, and a suffix such as github.io parts its customers as a registry does. */
const domainOptions = { allowPrivateDomains: true, validateHostname: false, detectIp: false, extractHostname: false };

/**
 * What a CA counts certificates by: of a DNS name the label below the public suffix (publicsuffix.org, its private part
 * included, as Let's Encrypt's server has it), of a public suffix itself the suffix, of an IPv4 address the address, of
 * an IPv6 address its /64: `example.co.uk`, `203.0.113.7`, `2001:db8:0:1::/64`. A wildcard counts as the name under it.
 *
 * @param name in canonical form, see `parseHostName`
 */
export function registeredDomain(name: string): string {
  const octets = ipOctets(name);
  if (octets?.length === 4) return renderIp(octets);
  if (octets !== undefined) return `${renderIp(Buffer.concat([octets.subarray(0, 8), Buffer.alloc(8)]))}/64`;
  const base = name.replace(/^\*\./, "").toLowerCase();
  return getDomain(base, domainOptions) ?? base;
}

/** The registered domains of these names, each once, sorted. */
export function registeredDomains(names: readonly string[]): readonly string[] {
  return [...new Set(names.map(registeredDomain))].sort();
}
