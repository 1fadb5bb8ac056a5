import type { AcmeIdentifier } from "../client/identifier";

/** What a CA issues under a profile. */
interface ProfileLimits {
  readonly names: number;
  readonly addresses: boolean;
}

/** https://letsencrypt.org/docs/profiles/, read 2026-08-21. Of other CAs no figures are known. */
const limitsOfLetsEncrypt: Readonly<Record<string, ProfileLimits>> = {
  classic: { names: 100, addresses: false },
  tlsserver: { names: 25, addresses: false },
  shortlived: { names: 25, addresses: true },
};

const limitsByHost: Readonly<Record<string, Readonly<Record<string, ProfileLimits>>>> = {
  "acme-v02.api.letsencrypt.org": limitsOfLetsEncrypt,
  "acme-staging-v02.api.letsencrypt.org": limitsOfLetsEncrypt,
};

/** What is wrong with a set of names under a profile; undefined when nothing is, or nothing is known. */
export function judgeProfile(
  directoryUrl: string,
  profile: string | undefined,
  identifiers: readonly AcmeIdentifier[],
): { readonly property: "profile" | "hostnames"; readonly reason: string; readonly hint: string } | undefined {
  const profiles = limitsByHost[new URL(directoryUrl).host];
  if (profiles === undefined) return undefined;
  const name = profile ?? "classic";
  const limits = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  // a CA may add profiles at any time; it says itself when there is none of this name
  if (limits === undefined) return undefined;
  if (identifiers.length > limits.names) {
    const reason = `${identifiers.length} names are more than the ${limits.names} that Let's Encrypt takes in its profile ${name}.`;
    return { property: "hostnames", reason, hint: "spread them over several certificates." };
  }
  const address = identifiers.find(({ type }) => type === "ip");
  if (address === undefined || limits.addresses) return undefined;
  const reason = `${address.value} is an address, which Let's Encrypt takes in its profile shortlived only.`;
  return { property: "profile", reason, hint: 'set profile: "shortlived", and run the pipeline at least daily.' };
}

/** From when on a CA issues for how many days, the latest first. */
type Lifetimes = readonly { readonly from: string; readonly days: number }[];

/** https://letsencrypt.org/docs/profiles/, read 2026-08-21; shortlived is of 160 hours. */
const lifetimesOfLetsEncrypt: Readonly<Record<string, Lifetimes>> = {
  classic: [
    { from: "2028-02-16", days: 45 },
    { from: "2027-02-10", days: 64 },
    { from: "", days: 90 },
  ],
  tlsserver: [{ from: "", days: 45 }],
  shortlived: [{ from: "", days: 160 / 24 }],
};

const lifetimesByHost: Readonly<Record<string, Readonly<Record<string, Lifetimes>>>> = {
  "acme-v02.api.letsencrypt.org": lifetimesOfLetsEncrypt,
  "acme-staging-v02.api.letsencrypt.org": lifetimesOfLetsEncrypt,
};

/** What most CAs issue for in 2026. */
const DEFAULT_DAYS = 90;

/** For how many days a CA will issue a certificate that is ordered at `now`, as far as it can be known before it is there. */
export function estimateLifetimeDays(directoryUrl: string, profile: string | undefined, now: Date): number {
  const profiles = lifetimesByHost[new URL(directoryUrl).host] ?? {};
  const name = profile ?? "classic";
  const lifetimes = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  return lifetimes?.find(({ from }) => now.toISOString() >= from)?.days ?? DEFAULT_DAYS;
}
