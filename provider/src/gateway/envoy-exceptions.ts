import { ipOctets } from "../x509/names/ip-address";
import type { SiteData } from "./model/site";
import type { ListenerSite } from "./proxy/listeners";

/** Clients for whom the maintenance of some sites does not hold. */
export interface ExceptionGroup {
  /** Ranges of the clients, sorted; none: everybody else. */
  readonly ranges: readonly string[];
  readonly isExcepted: (site: SiteData) => boolean;
}

/**
 * The groups of clients that these sites tell apart. Envoy takes the chain with the narrowest range, and looks at no
 * other: so each range counts for every site with a range around it. Linear in the sites for each list of ranges.
 */
export function exceptionGroups(sites: readonly SiteData[]): readonly ExceptionGroup[] {
  const lists = new Map<string, readonly string[]>();
  for (const { maintenance } of sites) {
    if (maintenance?.except !== undefined) lists.set(maintenance.except.join(" "), maintenance.except);
  }
  const groups = new Map<string, string[]>();
  for (const range of new Set([...lists.values()].flat())) {
    const around = [...lists].filter(([, list]) => list.some((other) => isWithin(range, other))).map(([key]) => key);
    const key = around.sort().join("\n");
    groups.set(key, [...(groups.get(key) ?? []), range]);
  }
  const excepted = [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, ranges]) => {
      const around = new Set(key.split("\n"));
      const isExcepted = ({ maintenance }: SiteData) => around.has(maintenance?.except?.join(" ") ?? "none");
      return { ranges: ranges.sort(), isExcepted };
    });
  return [...excepted, { ranges: [], isExcepted: () => false }];
}

/** The sites of a listener that have a maintenance. */
export function sitesInMaintenance(sites: readonly ListenerSite[]): readonly SiteData[] {
  return sites.map(({ site }) => site).filter(({ maintenance }) => maintenance !== undefined);
}

/** Whether a range lies in another, both canonical. */
function isWithin(range: string, other: string): boolean {
  const [one, two] = [readRange(range), readRange(other)];
  if (one.octets.length !== two.octets.length || one.bits < two.bits) return false;
  return one.octets.every((octet, index) => {
    const mask = 0xff & ~(0xff >> Math.min(8, Math.max(0, two.bits - index * 8)));
    return (octet & mask) === (two.octets[index] ?? 0);
  });
}

function readRange(text: string): { readonly octets: Buffer; readonly bits: number } {
  const [address = "", length] = text.split("/");
  const octets = ipOctets(address) ?? Buffer.alloc(0);
  return { octets, bits: Number(length ?? octets.length * 8) };
}
