import {
  keepLooking,
  type Look,
  MOST_NAMES_AT_ONCE,
  type Outlook,
  openOutlook,
  type PropagationSettings,
  renderAlias,
} from "../../dns/look-up";
import type { DnsAnswer } from "../../dns/query";
import type { PersistExpectation } from "../../persist/judge";
import { judgeAnswer, type PersistReport, reportPersistRecord } from "../../persist/report";
import type { AcmeClock, Deadline } from "../../run/deadline";
import { Turns } from "../../run/turns";

/** One record, for a name, its wildcard, or both. */
export interface SoughtRecord {
  readonly recordName: string;
  /** As it is ordered. */
  readonly subject: string;
  readonly expected: PersistExpectation;
  /** What is expected may not be all that the CA takes. */
  readonly isGuess: boolean;
}

/** How long it is waited for what is not there. */
export interface Patience {
  readonly looks: number;
  /** Seconds from the beginning in place of a number of looks, when nothing is there, and when a part of the servers has it. */
  readonly missingSeconds: number | undefined;
  readonly spreadingSeconds: number | undefined;
}

/** What is to be said of one record. */
export interface StandingReport extends PersistReport {
  readonly subject: string;
  /** A part of the servers has it. */
  readonly isSpreading: boolean;
}

export interface StandingContext {
  readonly clock: AcmeClock;
  readonly deadline: Deadline;
  /** For tests: the port of a name server; default 53. */
  readonly portOf: ((address: string) => number) | undefined;
}

/** Seconds between two looks; the last one is repeated. Three looks take 9 s. */
const pauses = [3, 6, 10];

/**
 * Looks for records that somebody has put into the DNS for good, at the servers that `dns/look-up.ts` says, again while patience
 * lasts. Records about which nothing is to be said are left out.
 * @throws TlsError ACME_CHALLENGE: a resolver is no IP address, CNAMEs end nowhere; ACME_TIMEOUT when the deadline ends before
 * the first answers, ACME_ABORTED
 */
export async function lookForStanding(
  records: readonly SoughtRecord[],
  settings: PropagationSettings,
  patience: Patience,
  context: StandingContext,
): Promise<readonly StandingReport[]> {
  const outlook = openOutlook(settings, context.portOf);
  const turns = new Turns(MOST_NAMES_AT_ONCE);
  const outcomes = await Promise.allSettled(
    records.map((record) => turns.take(() => lookForOne(record, outlook, patience, context))),
  );
  return outcomes.flatMap((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value ?? [];
  });
}

async function lookForOne(
  { recordName, subject, expected, isGuess }: SoughtRecord,
  outlook: Outlook,
  patience: Patience,
  { clock, deadline }: StandingContext,
): Promise<StandingReport | undefined> {
  // a hash of perhaps an earlier key does not change by waiting
  const isIn = (answer: DnsAnswer<string>) => judgeAnswer(answer, expected).kind !== "bad";
  const target = { name: recordName, isIn };
  const startedAt = clock.now().getTime();
  const look = await keepLooking(target, outlook, { clock, deadline }, (seen, round) => {
    const state = stateOf(seen, isIn);
    if (state === "there") return undefined;
    const pause = (pauses[Math.min(round, pauses.length - 1)] ?? 1) * 1000;
    const seconds = state === "spreading" ? patience.spreadingSeconds : patience.missingSeconds;
    if (seconds === undefined) return round + 1 < patience.looks ? pause : undefined;
    const left = startedAt + seconds * 1000 - clock.now().getTime();
    return left <= 0 ? undefined : Math.min(pause, left);
  });
  const shownName = `${recordName}${renderAlias(target, look)}`;
  const report = reportPersistRecord(look.findings, { ...expected, shownName, isGuess });
  return report && { ...report, subject, isSpreading: stateOf(look, isIn) === "spreading" };
}

/** Silent servers do not count, as long as one answers. "spreading": some have it, or all but the resolvers. */
function stateOf({ findings }: Look, isIn: (answer: DnsAnswer<string>) => boolean): "there" | "spreading" | "missing" {
  const answered = findings.filter(({ answer }) => answer.kind !== "failure");
  const having = answered.filter(({ answer }) => isIn(answer)).length;
  if (having === 0) return "missing";
  return having === answered.length ? "there" : "spreading";
}
