import { isIPv6 } from "node:net";
import { TlsError } from "../../errors";
import type { Deadline } from "../run/deadline";
import { type DnsAnswer, type DnsServer, query } from "./query";

/** The authoritative servers of a zone, one list a name of theirs, one entry an address. */
export interface Zone {
  readonly name: string;
  readonly servers: readonly (readonly DnsServer[])[];
}

/** Where a name ends up. */
export interface Location {
  /** The name after the last CNAME. */
  readonly name: string;
  /** Undefined: the resolvers know of none. Without servers: they could not say. */
  readonly zone: Zone | undefined;
}

/** A chain that is longer is a loop, or a mistake: resolvers stop at 8 to 16. */
const MOST_ALIASES = 8;

/** Finds zones by the resolvers, each zone once. */
export class ZoneFinder {
  readonly #resolvers: readonly DnsServer[];
  readonly #portOf: (address: string) => number;
  readonly #zones = new Map<string, Zone>();

  /** `portOf` is for tests: the servers of one machine can't share port 53. */
  constructor(resolvers: readonly DnsServer[], portOf: (address: string) => number = () => 53) {
    this.#resolvers = resolvers;
    this.#portOf = portOf;
  }

  /**
   * Follows the CNAMEs of a name to the end and finds the zone that it is in there, however deep it is delegated.
   *
   * A resolver that is asked for a name before it exists remembers that for minutes. So from the top down each zone's own
   * servers are asked for the next name first, and the resolvers for its NS only when they say that it exists.
   * @throws TlsError ACME_CHALLENGE: more than 8 CNAMEs, or a loop; ACME_TIMEOUT, ACME_ABORTED by the deadline
   */
  async locate(name: string, deadline: Deadline): Promise<Location> {
    const chain = [name.toLowerCase()];
    for (;;) {
      const current = chain.at(-1) ?? name;
      const { zone, alias } = await this.#descend(current, deadline);
      if (alias === undefined) return { name: current, zone };
      const isLoop = chain.includes(alias);
      chain.push(alias);
      if (isLoop || chain.length > MOST_ALIASES + 1) {
        const found = isLoop ? "lead back to themselves" : `are more than ${MOST_ALIASES}`;
        throw new TlsError("ACME_CHALLENGE", `the CNAME records of ${name} ${found}: ${chain.join(" -> ")}.`, {
          hint: "Let it lead to the name that holds the TXT record.",
        });
      }
    }
  }

  /** From the registered name down to the whole one; `alias` is the target of its CNAME. */
  async #descend(name: string, deadline: Deadline): Promise<{ zone: Zone | undefined; alias?: string }> {
    const labels = name.split(".");
    const names = labels.map((_, index) => labels.slice(index).join(".")).reverse();
    let zone: Zone | undefined;
    for (const candidate of names.slice(1)) {
      if (zone !== undefined) {
        const answer = await askFirst(zone, candidate, deadline);
        // of a name that is not there, or that nobody says is there, no resolver is asked
        if (answer.kind === "no-name" || answer.kind === "failure") break;
        if (answer.kind === "records" && candidate === name) {
          const [alias] = answer.records;
          if (alias !== undefined) return { zone, alias: alias.toLowerCase().replace(/\.$/, "") };
        }
      }
      zone = (await this.#zoneAt(candidate, deadline)) ?? zone;
    }
    return { zone: zone ?? (await this.#zoneAt(names[0] ?? name, deadline)) };
  }

  async #zoneAt(name: string, deadline: Deadline): Promise<Zone | undefined> {
    const known = this.#zones.get(name);
    if (known !== undefined) return known;
    const hosts = await this.#resolve(name, "NS", deadline);
    if (hosts === undefined) return { name, servers: [] };
    if (hosts.length === 0) return undefined;
    const servers = await Promise.all([...hosts].sort().map((host) => this.#serversOf(host, deadline)));
    const zone = { name, servers };
    // a name server whose address was not to be had is asked for again
    if (servers.every((addresses) => addresses.length > 0)) this.#zones.set(name, zone);
    return zone;
  }

  async #serversOf(host: string, deadline: Deadline): Promise<readonly DnsServer[]> {
    const [four, six] = await Promise.all([this.#resolve(host, "A", deadline), this.#resolve(host, "AAAA", deadline)]);
    return [...(four ?? []), ...(six ?? [])].map((address) => ({
      role: "authoritative",
      label: `${host} (${address})`,
      endpoint: `${isIPv6(address) ? `[${address}]` : address}:${this.#portOf(address)}`,
    }));
  }

  /** What the first resolver that answers at all says; undefined when none does. */
  async #resolve(name: string, type: "A" | "AAAA" | "NS", deadline: Deadline): Promise<readonly string[] | undefined> {
    for (const resolver of this.#resolvers) {
      const answer = await query(resolver, name, type, deadline);
      if (answer.kind === "records") return answer.records;
      if (answer.kind !== "failure") return [];
    }
    return undefined;
  }
}

/** So many are asked at once for the way down; that one answers is enough. */
const MOST_ASKED = 4;

/** What the first server that answers at all says of the CNAME of a name; `no-record` also for what is delegated. */
async function askFirst(zone: Zone, name: string, deadline: Deadline): Promise<DnsAnswer<string>> {
  const servers = zone.servers.flat().slice(0, MOST_ASKED);
  const answers = servers.map(async (server) => {
    const answer = await query(server, name, "CNAME", deadline);
    if (answer.kind === "failure") throw new Error(answer.code);
    return answer;
  });
  try {
    return await Promise.any(answers);
  } catch {
    deadline.check(`looking for the CNAME records of ${name}`);
    return { kind: "failure", code: "ETIMEOUT" };
  }
}
