import { TlsError } from "../../errors";
import type { AcmeClock, Deadline } from "../run/deadline";
import { Turns } from "../run/turns";
import {
  keepLooking,
  MOST_NAMES_AT_ONCE,
  type Outlook,
  openOutlook,
  type PropagationSettings,
  renderAlias,
  type Target,
} from "./look-up";
import { describeMissing, hasAll } from "./propagation-report";

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
  /** What puts the records there, for a message; default "the command". */
  readonly madeBy?: string;
}

const DEFAULT_TIMEOUT_SECONDS = 180;

/** Seconds between two looks; the last one is repeated. */
const pauses = [1, 2, 4, 8, 10];

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
  const { clock, deadline, portOf, madeBy = "the command" } = context;
  const outlook = openOutlook(settings, portOf);
  const turns = new Turns(MOST_NAMES_AT_ONCE);
  const seconds = settings.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  const watch: Watch = {
    clock,
    deadline,
    madeBy,
    outlook,
    endsAt: Math.min(clock.now().getTime() + seconds * 1000, deadline.endsAt.getTime()),
    startedAt: clock.now().getTime(),
  };
  const outcomes = await Promise.allSettled(records.map((record) => turns.take(() => awaitRecord(record, watch))));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

interface Watch {
  readonly clock: AcmeClock;
  readonly deadline: Deadline;
  readonly madeBy: string;
  readonly outlook: Outlook;
  readonly startedAt: number;
  readonly endsAt: number;
}

async function awaitRecord({ name, values }: ExpectedRecord, watch: Watch): Promise<void> {
  const { clock, outlook, startedAt, endsAt } = watch;
  const target: Target = { name, isIn: (answer) => hasAll(answer, values) };
  const last = await keepLooking(target, outlook, watch, (_, round) => {
    const left = endsAt - clock.now().getTime();
    const pause = (pauses[Math.min(round, pauses.length - 1)] ?? 1) * 1000;
    return left <= 0 ? undefined : Math.min(pause, left);
  });
  if (last.isDone) return;
  const seconds = Math.round((clock.now().getTime() - startedAt) / 1000);
  const { found, hint } = describeMissing(last.findings, values, watch.madeBy);
  throw new TlsError(
    "ACME_CHALLENGE",
    `the TXT record ${name}${renderAlias(target, last)} is not to be seen after ${seconds} s: ${found}.`,
    { hint },
  );
}
