/** From when on a CA issues for how many days, the latest first. */
type Lifetimes = readonly { readonly from: string; readonly days: number }[];

/** https://letsencrypt.org/docs/profiles/, read 2026-08-21; shortlived is of 160 hours. */
const letsEncrypt: Readonly<Record<string, Lifetimes>> = {
  classic: [
    { from: "2028-02-16", days: 45 },
    { from: "2027-02-10", days: 64 },
    { from: "", days: 90 },
  ],
  tlsserver: [{ from: "", days: 45 }],
  shortlived: [{ from: "", days: 160 / 24 }],
};

const byHost: Readonly<Record<string, Readonly<Record<string, Lifetimes>>>> = {
  "acme-v02.api.letsencrypt.org": letsEncrypt,
  "acme-staging-v02.api.letsencrypt.org": letsEncrypt,
};

/** What most CAs issue for in 2026. */
const DEFAULT_DAYS = 90;

/** For how many days a CA will issue a certificate that is ordered at `now`, as far as it can be known before it is there. */
export function estimateLifetimeDays(directoryUrl: string, profile: string | undefined, now: Date): number {
  const profiles = byHost[new URL(directoryUrl).host] ?? {};
  const name = profile ?? "classic";
  const lifetimes = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  return lifetimes?.find(({ from }) => now.toISOString() >= from)?.days ?? DEFAULT_DAYS;
}
