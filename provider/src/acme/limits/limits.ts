import type { RequestKind } from "../client/session";

/** So many in any stretch of so many hours. */
export interface IssuanceLimit {
  readonly count: number;
  readonly hours: number;
}

/** Requests from one IP address to one endpoint. */
export interface RequestRate {
  readonly perSecond: number;
  /** What may come at once beyond that. */
  readonly burst: number;
}

/** Where figures come from. */
interface LimitSource {
  readonly url: string;
  /** The day on which the document said so, and the document's own date. */
  readonly read: string;
  readonly documentDate: string;
}

/** What a CA publishes of its limits. What is absent is not published, not unlimited. */
export interface CaLimits {
  /** For messages. */
  readonly ca: string;
  readonly sources: readonly LimitSource[];
  /** Certificates for exactly the same set of names, whoever orders them. */
  readonly exactSet?: IssuanceLimit;
  /** Certificates per registered domain (IPv4 address, IPv6 /64), whoever orders them. */
  readonly registeredDomain?: IssuanceLimit;
  readonly newOrdersPerAccount?: IssuanceLimit;
  /** Failed authorizations per name and account. */
  readonly authorizationFailures?: IssuanceLimit;
  /** The same without a success in between; beyond it a name is paused until a person ends that. */
  readonly consecutiveFailures?: IssuanceLimit;
  readonly registrationsPerIp?: IssuanceLimit;
  readonly registrationsPerIpv6Range?: IssuanceLimit;
  /** Whether an order that replaces a certificate by its renewal information (RFC 9773) is counted by none of the limits. */
  readonly exemptsAriRenewals: boolean;
  /** Whether an order for a set of names that had a certificate before is counted by neither domain nor account. */
  readonly exemptsSameSetRenewals: boolean;
  readonly requests: Readonly<Record<RequestKind, RequestRate>>;
}

const WEEK = 7 * 24;

const rateLimits: LimitSource = {
  url: "https://letsencrypt.org/docs/rate-limits/",
  read: "2026-08-21",
  documentDate: "2026-08-05",
};
const staging: LimitSource = {
  url: "https://letsencrypt.org/docs/staging-environment/#rate-limits",
  read: "2026-08-21",
  documentDate: "2026-04-10",
};

/** "Overall Requests Limit" of the first source; an excess is answered by 503 with Retry-After, not 429. */
const letsEncryptRequests: CaLimits["requests"] = {
  nonce: { perSecond: 20, burst: 10 },
  account: { perSecond: 5, burst: 15 },
  order: { perSecond: 300, burst: 200 },
  revoke: { perSecond: 10, burst: 100 },
  "renewal-info": { perSecond: 1000, burst: 100 },
  other: { perSecond: 250, burst: 125 },
  directory: { perSecond: 40, burst: 40 },
};

const letsEncrypt: CaLimits = {
  ca: "Let's Encrypt",
  sources: [rateLimits],
  exactSet: { count: 5, hours: WEEK },
  registeredDomain: { count: 50, hours: WEEK },
  newOrdersPerAccount: { count: 300, hours: 3 },
  authorizationFailures: { count: 5, hours: 1 },
  consecutiveFailures: { count: 1152, hours: 1152 * 24 },
  registrationsPerIp: { count: 10, hours: 3 },
  registrationsPerIpv6Range: { count: 500, hours: 3 },
  exemptsAriRenewals: true,
  exemptsSameSetRenewals: true,
  requests: letsEncryptRequests,
};

// 30,000 per second and registered domain, which no run of ours reaches, so that limit is left out
const { registeredDomain: _beyondReach, ...sameAsProduction } = letsEncrypt;

const letsEncryptStaging: CaLimits = {
  ...sameAsProduction,
  ca: "Let's Encrypt's staging",
  sources: [rateLimits, staging],
  exactSet: { count: 30_000, hours: WEEK },
  newOrdersPerAccount: { count: 1500, hours: 3 },
  authorizationFailures: { count: 200, hours: 1 },
  consecutiveFailures: { count: 3600, hours: 6 },
  registrationsPerIp: { count: 50, hours: 3 },
  requests: {
    ...letsEncryptRequests,
    order: { perSecond: 20, burst: 40 },
    other: { perSecond: 20, burst: 20 },
  },
};

/** Host of the directory -> limits. Other CAs publish no figures that could be relied on, see {@link defaultRequests}. */
const byHost: Readonly<Record<string, CaLimits>> = {
  "acme-v02.api.letsencrypt.org": letsEncrypt,
  "acme-staging-v02.api.letsencrypt.org": letsEncryptStaging,
};

/** The published limits of the CA with this directory; undefined where none are known. */
export function limitsOf(directoryUrl: string): CaLimits | undefined {
  const host = hostOf(directoryUrl);
  return Object.hasOwn(byHost, host) ? byHost[host] : undefined;
}

const generous: RequestRate = { perSecond: 1000, burst: 1000 };

/**
 * For a CA whose limits nobody knows: what no well-behaved run reaches, so that a private CA is not slowed down, and
 * what keeps a loop gone wild from being an attack.
 */
export const defaultRequests: CaLimits["requests"] = {
  nonce: generous,
  account: generous,
  order: generous,
  revoke: generous,
  "renewal-info": generous,
  other: generous,
  directory: generous,
};

/** The host and port of a directory, by which CAs are told apart. */
export function hostOf(directoryUrl: string): string {
  return new URL(directoryUrl).host;
}
