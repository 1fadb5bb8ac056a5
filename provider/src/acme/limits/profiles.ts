import type { OrderIdentifier } from "../client/identifier";

/** What a CA issues under a profile. */
interface ProfileLimits {
  readonly names: number;
  readonly addresses: boolean;
}

/** https://letsencrypt.org/docs/profiles/, read 2026-08-21. Of other CAs no figures are known. */
const letsEncrypt: Readonly<Record<string, ProfileLimits>> = {
  classic: { names: 100, addresses: false },
  tlsserver: { names: 25, addresses: false },
  shortlived: { names: 25, addresses: true },
};

const byHost: Readonly<Record<string, Readonly<Record<string, ProfileLimits>>>> = {
  "acme-v02.api.letsencrypt.org": letsEncrypt,
  "acme-staging-v02.api.letsencrypt.org": letsEncrypt,
};

/** What is wrong with a set of names under a profile; undefined when nothing is, or nothing is known. */
export function judgeProfile(
  directoryUrl: string,
  profile: string | undefined,
  identifiers: readonly OrderIdentifier[],
): { readonly property: "profile" | "hostnames"; readonly reason: string; readonly hint: string } | undefined {
  const profiles = byHost[new URL(directoryUrl).host];
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
