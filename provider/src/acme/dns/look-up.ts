import { isTlsError } from "../../errors";
import type { AcmeClock, Deadline } from "../run/deadline";
import type { Finding } from "./propagation-report";
import { type DnsAnswer, type DnsServer, query } from "./query";
import { resolversOf } from "./resolvers";
import { type Location, ZoneFinder } from "./zone";

/** Names that are looked for at once: each has up to a dozen servers. */
export const MOST_NAMES_AT_ONCE = 8;

/** How it is found out that a record is to be seen. */
export interface PropagationSettings {
  /** `address` or `address:port`, IPv6 in brackets before a port. Default: the resolvers of the machine. */
  readonly resolvers?: readonly string[];
  /** Whether every authoritative server is asked too. Default true. */
  readonly authoritative?: boolean;
  /** Default 180. */
  readonly timeoutSeconds?: number;
}

/** From where it is looked, for all names of a certificate. */
export interface Outlook {
  readonly resolvers: readonly DnsServer[];
  /** Undefined: the authoritative servers are not asked. */
  readonly finder: ZoneFinder | undefined;
  /** Whether a name that no zone is found for is a failure. */
  readonly needsZone: boolean;
}

/** What was seen at one look. */
export interface Look {
  readonly location: Location | undefined;
  readonly findings: readonly Finding[];
  /** Every server that must be asked has what was looked for. */
  readonly isDone: boolean;
}

/** What is looked for. */
export interface Target {
  /** Without trailing dot. */
  readonly name: string;
  /** Whether an answer has it. */
  readonly isIn: (answer: DnsAnswer<string>) => boolean;
}

/**
 * The servers that the settings mean: by default those of each name's zone and the resolvers of the machine.
 * @param portOf for tests: the port of a name server; default 53
 * @throws TlsError ACME_CHALLENGE: a resolver is no IP address
 */
export function openOutlook(settings: PropagationSettings, portOf?: (address: string) => number): Outlook {
  const resolvers = resolversOf(settings.resolvers, "propagation.resolvers");
  return {
    resolvers,
    finder: settings.authoritative === false ? undefined : new ZoneFinder(resolvers, portOf),
    needsZone: settings.resolvers === undefined,
  };
}

/**
 * Asks for the TXT records of a name once: all authoritative servers of the zone where its CNAMEs end, and then, when these
 * have what is looked for, the resolvers, since a resolver that is asked too early remembers for minutes that there is
 * nothing. What had it at the look before is not asked again.
 * @throws TlsError ACME_CHALLENGE: CNAMEs that end nowhere; ACME_TIMEOUT, ACME_ABORTED by the deadline
 */
async function lookUp(target: Target, outlook: Outlook, deadline: Deadline, before?: Look): Promise<Look> {
  const { finder, resolvers, needsZone } = outlook;
  const location = await finder?.locate(target.name, deadline);
  const zone = location?.zone;
  if (finder !== undefined && zone === undefined && needsZone) return { location, findings: [], isDone: false };
  const known = new Map(before?.findings.map((finding) => [finding.server.endpoint, finding]));
  const ask = async (server: DnsServer, name: string): Promise<Finding> => {
    const seen = known.get(server.endpoint);
    if (seen?.name === name && target.isIn(seen.answer)) return seen;
    return { server, name, answer: await query(server, name, "TXT", deadline) };
  };
  const byHost = await Promise.all(
    (zone?.servers ?? []).map((addresses) =>
      Promise.all(addresses.map((server) => ask(server, location?.name ?? target.name))),
    ),
  );
  const findings = byHost.flat();
  const isReady = byHost.every((host) => isHostDone(host, target)) && (zone === undefined || findings.length > 0);
  if (!isReady) return { location, findings, isDone: false };
  const resolved = await Promise.all(resolvers.map((server) => ask(server, target.name)));
  return {
    location,
    findings: [...findings, ...resolved],
    isDone: resolved.every(({ answer }) => target.isIn(answer)),
  };
}

/**
 * Looks until every server has it, or `pauseAfter` says that it was enough: the milliseconds until the next look, undefined for
 * none. Gives back the last look, also when the deadline ends during a later one: what the servers said is worth more than
 * that the time is over.
 * @throws as {@link lookUp}
 */
export async function keepLooking(
  target: Target,
  outlook: Outlook,
  { clock, deadline }: { readonly clock: AcmeClock; readonly deadline: Deadline },
  pauseAfter: (look: Look, round: number) => number | undefined,
): Promise<Look> {
  let last: Look | undefined;
  try {
    for (let round = 0; ; round += 1) {
      last = await lookUp(target, outlook, deadline, last);
      const pause = last.isDone ? undefined : pauseAfter(last, round);
      if (pause === undefined) return last;
      await clock.sleep(pause, deadline.signal);
    }
  } catch (error) {
    const ended = deadline.signal.aborted ? deadline.error(`looking for the TXT record ${target.name}`) : error;
    if (last === undefined || !isTlsError(ended) || ended.code !== "ACME_TIMEOUT") throw ended;
    return last;
  }
}

/** Where the record was looked for, for a message after its name; empty when that is under its own name. */
export function renderAlias({ name }: Target, { location }: Look): string {
  return location === undefined || location.name === name.toLowerCase() ? "" : ` (by CNAME ${location.name})`;
}

/** A host without any address is asked by nobody; one of several addresses may be silent, as IPv6 is from many machines. */
function isHostDone(findings: readonly Finding[], target: Target): boolean {
  const answered = findings.filter(({ answer }) => answer.kind !== "failure");
  if (findings.length === 0) return true;
  return answered.length > 0 && answered.every(({ answer }) => target.isIn(answer));
}
