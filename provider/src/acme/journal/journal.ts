import { join, resolve } from "node:path";
import { TlsError } from "../../errors";
import { renderList } from "../../text/list";
import { type AcmeClock, systemClock } from "../run/deadline";
import { explainFailure, HOME, JournalEntry, MOST_NAMES } from "./entry";
import { ensureFolder, hasCode, readIfThere, renameFile } from "./file";
import { type HeldLock, JournalLock, type LockTimes, lockTimes } from "./lock";
import { type JournalKey, type OrderFacts, type RecordedOrder, readRecord, recordName } from "./record";
import { type Sweep, sweepFolder } from "./sweep";

export { HOME, type JournalEntry } from "./entry";

/** How one waits for another run that works on the same order. */
export interface JournalWait {
  readonly signal: AbortSignal;
  readonly seconds: number;
  /** Gets a sentence for the user, once for each other run. */
  readonly onWait: (line: string) => void;
}

export interface JournalOptions {
  readonly clock?: AcmeClock;
  readonly lockTimes?: LockTimes;
}

/** The folder of the journal: what `TLS_GATEWAY_HOME` says, else `.tls-gateway` in the working folder. */
export function journalHome(environment: NodeJS.ProcessEnv, workingFolder: string): string {
  const home = environment[HOME];
  return resolve(workingFolder, home === undefined || home === "" ? ".tls-gateway" : home);
}

/**
 * What a killed run leaves for the next: nothing of it reaches Pulumi's state. One file an order in `<home>/orders`, for
 * the owner alone and ignored by git, written before each request that changes something at the CA; the certificate's
 * key in it is encrypted under the account's. Opening touches nothing.
 *
 * A journal that can't be written or read never stops a certificate: `notes` say what is lost by that.
 */
export function openJournal(home: string, options: JournalOptions = {}): Journal {
  return new Journal(join(home, "orders"), options.clock ?? systemClock, options.lockTimes ?? lockTimes);
}

/** See {@link openJournal}. */
export class Journal {
  readonly #folder: string;
  readonly #clock: AcmeClock;
  readonly #times: LockTimes;

  constructor(folder: string, clock: AcmeClock, times: LockTimes) {
    this.#folder = folder;
    this.#clock = clock;
    this.#times = times;
  }

  /**
   * Takes an order for this process, waiting for another one that has it, and reads what was left of it. Nothing is
   * written of the order until `save`. The entry is to be ended by `markReturned`, `remove` or `release`.
   * @throws TlsError ACME_TIMEOUT when another run has the order all the time; the signal's reason
   */
  async begin(key: JournalKey, facts: OrderFacts, wait: JournalWait): Promise<JournalEntry> {
    const notes: string[] = [];
    const place = { folder: this.#folder, key, facts, clock: this.#clock };
    let lock: HeldLock | undefined;
    try {
      await ensureFolder(this.#folder);
      lock = await this.#take(key, wait);
      const found = await this.#read(key, true);
      if (found.note !== undefined) notes.push(found.note);
      return new JournalEntry(place, lock, usable(found.order, facts, notes), notes);
    } catch (error) {
      await lock?.release();
      notes.push(explainFailure(error, this.#folder));
      return new JournalEntry(place, undefined, undefined, notes);
    }
  }

  /** What is recorded of an order, without taking it: for a preview. A file that can't be read is absent, with a note. */
  async find(key: JournalKey): Promise<{ readonly order?: RecordedOrder; readonly notes: readonly string[] }> {
    try {
      const { order, note } = await this.#read(key, false);
      return { ...(order !== undefined && { order }), notes: note === undefined ? [] : [note] };
    } catch (error) {
      return { notes: [explainFailure(error, this.#folder)] };
    }
  }

  /**
   * Removes what nobody needs any more: records whose result went back to the engine, those last saved more than a day
   * ago, files that were set aside then, and the locks and half written files of dead processes. Never what a living process works
   * on.
   */
  async sweep(now: Date): Promise<Sweep> {
    try {
      return await sweepFolder(this.#folder, now, this.#times);
    } catch (error) {
      if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return { removed: 0, notes: [] };
      return { removed: 0, notes: [explainFailure(error, this.#folder)] };
    }
  }

  async #take(key: JournalKey, { signal, seconds, onWait }: JournalWait): Promise<HeldLock> {
    const names = renderList(key.identifiers, MOST_NAMES);
    const lock = await new JournalLock(this.#folder, recordName(key), this.#times).take({
      signal,
      milliseconds: seconds * 1000,
      onWait: ({ pid, since }) => {
        onWait(
          `another run (process ${pid}, since ${since.slice(0, 19)}Z) works on the order for ${names}; waiting up to ${seconds} s for it to end.`,
        );
      },
    });
    if (lock !== undefined) return lock;
    throw new TlsError("ACME_TIMEOUT", `ordering ${names}: another run still works on this order after ${seconds} s.`, {
      hint: "Let it end, or end its process, and run again: what it did is not lost.",
    });
  }

  async #read(key: JournalKey, setAside: boolean): Promise<{ readonly order?: RecordedOrder; readonly note?: string }> {
    const name = recordName(key);
    const text = await readIfThere(this.#folder, `${name}.json`);
    if (text === undefined) return {};
    const order = readRecord(text, key);
    if (order !== undefined) return { order };
    if (setAside) await renameFile(this.#folder, `${name}.json`, `${name}.set-aside`);
    const place = join(this.#folder, `${name}.${setAside ? "set-aside" : "json"}`);
    return {
      note: `the record of an earlier order for ${renderList(key.identifiers, MOST_NAMES)} can't be used: it is damaged, of another version, or encrypted under another account's key (${place}). The certificate is ordered anew.`,
    };
  }
}

/** What goes to the next run: the order must be for what is wanted now. */
function usable(order: RecordedOrder | undefined, facts: OrderFacts, notes: string[]): RecordedOrder | undefined {
  if (order === undefined || order.isReturned) return undefined;
  if (order.accountUrl === facts.accountUrl && order.profile === facts.profile) return order;
  const differs = order.accountUrl === facts.accountUrl ? "profile" : "account";
  notes.push(`an order that an earlier run left is for another ${differs}, so the certificate is ordered anew.`);
  return undefined;
}
