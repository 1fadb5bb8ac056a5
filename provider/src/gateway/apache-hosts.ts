import type { Listener, ListenerRedirect, ListenerSite } from "./proxy/listeners";

/** A site, or the redirect to it, as it stands in one or more virtual hosts. */
export type HostedSite = (ListenerSite | ListenerRedirect) & { readonly isRedirect: boolean };

/** One virtual host of a listener: Apache takes the first that has the name, and the first of all for any other. */
export interface ApacheHost {
  /** Undefined: nobody is served there. */
  readonly hosted?: HostedSite;
  /** Names and wildcards, sorted; none in the host that is there for all others. */
  readonly names: readonly string[];
  readonly isWildcard: boolean;
}

/**
 * The virtual hosts of listeners that are one for Apache, in their order. Its wildcards match several labels, so before a
 * `*.x` stands what takes names of more labels away, and exact names stand before all wildcards, long ones before short.
 */
export function apacheHosts({ sites, redirects }: Pick<Listener, "sites" | "redirects">): readonly ApacheHost[] {
  const all: readonly HostedSite[] = [
    ...sites.map((one) => ({ ...one, isRedirect: false })),
    ...redirects.map((one) => ({ ...one, isRedirect: true })),
  ];
  const hosted = all.find(({ names }) => names.length === 0);
  const fallback = { ...(hosted !== undefined && { hosted }), isWildcard: false };
  const exact: ApacheHost[] = [];
  const byDepth = new Map<number, ApacheHost[]>();
  const wildcards = new Map<number, string[]>();
  for (const one of all) {
    const plain = one.names.filter((name) => !name.startsWith("*."));
    if (plain.length > 0) exact.push({ hosted: one, names: plain, isWildcard: false });
    const depths = new Map<number, string[]>();
    for (const name of one.names) if (name.startsWith("*.")) listOf(depths, depthOf(name)).push(name);
    for (const [depth, names] of depths) {
      listOf(byDepth, depth).push({ hosted: one, names, isWildcard: true });
      for (const name of names) listOf(wildcards, depth + 1).push(`*.${name}`);
    }
  }
  const hosts: ApacheHost[] = [{ ...fallback, names: [] }, ...exact];
  for (const depth of [...new Set([...byDepth.keys(), ...wildcards.keys()])].sort((one, other) => other - one)) {
    for (const host of byDepth.get(depth) ?? []) hosts.push(host);
    const longer = wildcards.get(depth);
    if (longer !== undefined) hosts.push({ ...fallback, names: longer.sort() });
  }
  return hosts;
}

function depthOf(name: string): number {
  return name.split(".").length;
}

function listOf<Item>(lists: Map<number, Item[]>, key: number): Item[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
