import { Resolver } from "node:dns";
import { isTlsError, TlsError } from "../../errors";
import { renderQuoted } from "../../x509/quoted-text";
import type { PropagationSettings } from "../challenge/solver";
import { Turns } from "../challenge/turn";
import type { AcmeClock } from "../clock";
import type { Deadline } from "../deadline";
import { describeMissing, type Finding, hasAll } from "./propagation-report";
import { type DnsServer, query } from "./query";
import { type Location, ZoneFinder } from "./zone";

/** A TXT record that shall be seen. */
export interface ExpectedRecord {
  /** Without trailing dot. */
  readonly name: string;
  /** All of them; what else stands there does not matter. */
  readonly values: readonly string[];
}

export interface PropagationContext {
  readonly clock: AcmeClock;
  readonly deadline: Deadline;
  /** For tests: the port of a name server; default 53. */
  readonly portOf?: (address: string) => number;
}

const defaultTimeoutSeconds = 180;

/** Seconds between two looks; the last one is repeated. */
const pauses = [1, 2, 4, 8, 10];

/** Names that are looked for at once: each has up to a dozen servers. */
const mostAtOnce = 8;

/**
 * Waits until every record is seen: by all authoritative servers of the zone where the name's CNAMEs end, found anew at
 * each look, and then by the resolvers. Those come last, since a resolver that is asked too early remembers for
 * minutes that there is nothing. A name server with an IPv4 and an IPv6 address is done when one of them has all and
 * none has something else. With `resolvers` given they are also asked for the zone; if they know of none, they alone decide.
 * @throws TlsError ACME_CHALLENGE at the end of the time, with what each server said; ACME_TIMEOUT, ACME_ABORTED by the
 * deadline. RFC 8555 section 8.4.
 */
export async function awaitPropagation(
  records: readonly ExpectedRecord[],
  settings: PropagationSettings,
  context: PropagationContext,
): Promise<void> {
  const { clock, deadline, portOf } = context;
  const resolvers = resolversOf(settings);
  const turns = new Turns(mostAtOnce);
  const seconds = settings.timeoutSeconds ?? defaultTimeoutSeconds;
  const watch: Watch = {
    clock,
    deadline,
    resolvers,
    finder: settings.authoritative === false ? undefined : new ZoneFinder(resolvers, portOf),
    needsZone: settings.resolvers === undefined,
    endsAt: Math.min(clock.now().getTime() + seconds * 1000, deadline.endsAt.getTime()),
    startedAt: clock.now().getTime(),
  };
  const outcomes = await Promise.allSettled(records.map((record) => turns.take(() => awaitRecord(record, watch))));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

interface Watch {
  readonly clock: AcmeClock;
  readonly deadline: Deadline;
  readonly resolvers: readonly DnsServer[];
  /** Undefined: the authoritative servers are not asked. */
  readonly finder: ZoneFinder | undefined;
  /** Whether a name that no zone is found for is a failure. */
  readonly needsZone: boolean;
  readonly startedAt: number;
  readonly endsAt: number;
}

/** What was seen at the last look. */
interface Look {
  readonly location: Location | undefined;
  readonly findings: readonly Finding[];
  readonly isDone: boolean;
}

async function awaitRecord(record: ExpectedRecord, watch: Watch): Promise<void> {
  const { clock, deadline, endsAt } = watch;
  let last: Look | undefined;
  try {
    for (let round = 0; ; round += 1) {
      last = await lookAt(record, watch, last);
      if (last.isDone) return;
      const left = endsAt - clock.now().getTime();
      if (left <= 0) break;
      const pause = (pauses[Math.min(round, pauses.length - 1)] ?? 1) * 1000;
      await clock.sleep(Math.min(pause, left), deadline.signal);
    }
  } catch (error) {
    const ended = deadline.signal.aborted ? deadline.error(`looking for the TXT record ${record.name}`) : error;
    // what the servers said is worth more than that the time is over
    if (last === undefined || !isTlsError(ended) || ended.code !== "ACME_TIMEOUT") throw ended;
  }
  throw notSeen(record, watch, last);
}

async function lookAt(record: ExpectedRecord, watch: Watch, before: Look | undefined): Promise<Look> {
  const { finder, resolvers, needsZone, deadline } = watch;
  const location = await finder?.locate(record.name, deadline);
  const zone = location?.zone;
  if (finder !== undefined && zone === undefined && needsZone) return { location, findings: [], isDone: false };
  // what has had the record is not asked again
  const known = new Map(before?.findings.map((finding) => [finding.server.endpoint, finding]));
  const ask = async (server: DnsServer, name: string): Promise<Finding> => {
    const seen = known.get(server.endpoint);
    if (seen?.name === name && hasAll(seen.answer, record.values)) return seen;
    return { server, name, answer: await query(server, name, "TXT", deadline) };
  };
  const byHost = await Promise.all(
    (zone?.servers ?? []).map((addresses) =>
      Promise.all(addresses.map((server) => ask(server, location?.name ?? record.name))),
    ),
  );
  const findings = byHost.flat();
  const isReady =
    byHost.every((host) => isHostDone(host, record.values)) && (zone === undefined || findings.length > 0);
  if (!isReady) return { location, findings, isDone: false };
  const resolved = await Promise.all(resolvers.map((server) => ask(server, record.name)));
  const isDone = resolved.every(({ answer }) => hasAll(answer, record.values));
  return { location, findings: [...findings, ...resolved], isDone };
}

/** A host without any address is asked by nobody; one of several addresses may be silent, as IPv6 is from many machines. */
function isHostDone(findings: readonly Finding[], values: readonly string[]): boolean {
  const answered = findings.filter(({ answer }) => answer.kind !== "failure");
  if (findings.length === 0) return true;
  return answered.length > 0 && answered.every(({ answer }) => hasAll(answer, values));
}

function notSeen(record: ExpectedRecord, watch: Watch, look: Look): TlsError {
  const { name } = record;
  const seconds = Math.round((watch.clock.now().getTime() - watch.startedAt) / 1000);
  const { location } = look;
  const alias = location === undefined || location.name === name.toLowerCase() ? "" : ` (by CNAME ${location.name})`;
  const { found, hint } = describeMissing(look.findings, record.values);
  return new TlsError(
    "ACME_CHALLENGE",
    `the TXT record ${name}${alias} is not to be seen after ${seconds} s: ${found}.`,
    {
      hint,
    },
  );
}

function resolversOf({ resolvers }: PropagationSettings): readonly DnsServer[] {
  if (resolvers === undefined)
    return [{ role: "resolver", label: "the resolver of this machine", endpoint: undefined }];
  return resolvers.map((endpoint) => {
    try {
      new Resolver().setServers([endpoint]);
    } catch (cause) {
      throw new TlsError("ACME_CHALLENGE", `propagation.resolvers: ${renderQuoted(endpoint)} is no IP address.`, {
        hint: 'Write 192.0.2.53, "192.0.2.53:5353" or "[2001:db8::53]:5353".',
        cause,
      });
    }
    return { role: "resolver", label: `the resolver ${endpoint}`, endpoint };
  });
}
