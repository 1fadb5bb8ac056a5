import { TlsError } from "../../errors";
import { renderList } from "../../text/list";
import type { OrderProgress, OrderStep } from "../order/journey";
import type { AcmeClock } from "../run/deadline";
import { readIfThere, removeFile, replaceFile } from "./file";
import type { HeldLock } from "./lock";
import { type JournalKey, type OrderFacts, type RecordedOrder, recordName, renderRecord } from "./record";

/** The environment variable that says where the journal is kept: a folder. */
export const HOME = "TLS_GATEWAY_HOME";

/** Names that a message shows. */
export const MOST_NAMES = 3;

/** What an entry is written with. */
export interface EntryPlace {
  readonly folder: string;
  readonly key: JournalKey;
  readonly facts: OrderFacts;
  readonly clock: AcmeClock;
}

/** An order that this process has. */
export class JournalEntry {
  /** What an earlier run left, to go on with; absent also when its result was returned. */
  readonly left: RecordedOrder | undefined;
  /** Sentences for the user: what of the journal did not work. May grow by each call. */
  readonly notes: string[];
  readonly #place: EntryPlace;
  #lock: HeldLock | undefined;
  #last: RecordedOrder | undefined;

  constructor(place: EntryPlace, lock: HeldLock | undefined, left: RecordedOrder | undefined, notes: string[]) {
    this.#place = place;
    this.#lock = lock;
    this.left = left;
    this.#last = left;
    this.notes = notes;
  }

  /**
   * Writes how far the order is.
   * @throws TlsError ACME_ABORTED when another run has taken the order meanwhile, since this process gave no sign of life
   * for long
   */
  async save(step: OrderStep, progress: OrderProgress): Promise<void> {
    const { facts, clock } = this.#place;
    const savedAt = clock.now().toISOString();
    const startedAt = this.#last?.startedAt ?? savedAt;
    this.#last = { ...facts, step, progress, startedAt, savedAt, isReturned: false };
    await this.#attempt(async (lock) => {
      if (await this.#isOurs(lock)) await this.#write(this.#last);
    });
  }

  /** The result goes back to the engine: the record loses its key, and the next run removes it. Ends the entry. */
  async markReturned(): Promise<void> {
    const last = this.#last;
    await this.#attempt(async (lock) => {
      // what another run has taken is its own
      if (last === undefined || !(await lock.isHeld())) return;
      try {
        await this.#write({ ...last, isReturned: true });
      } catch (error) {
        // no key stays behind, also when nothing can be written
        await removeFile(this.#place.folder, this.#file());
        throw error;
      }
    });
    await this.release();
  }

  /** Forgets the order. Ends the entry. */
  async remove(): Promise<void> {
    await this.#attempt(async (lock) => {
      if (await lock.isHeld()) await removeFile(this.#place.folder, this.#file());
    });
    await this.release();
  }

  /** Leaves the record to the next run. Ends the entry; idempotent. */
  async release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }

  #file(): string {
    return `${recordName(this.#place.key)}.json`;
  }

  async #write(order: RecordedOrder | undefined): Promise<void> {
    const { folder, key } = this.#place;
    if (order !== undefined) await replaceFile(folder, this.#file(), renderRecord(key, order));
  }

  /** False when there is no journal any more. */
  async #isOurs(lock: HeldLock): Promise<boolean> {
    if (await lock.isHeld()) return true;
    const { folder, key } = this.#place;
    this.#lock = undefined;
    await lock.release();
    // a person who removed the folder is no other run
    if ((await readIfThere(folder, ".gitignore")) === undefined) {
      this.notes.push(`the journal ${folder} was removed meanwhile; ${LOSS}`);
      return false;
    }
    throw new TlsError(
      "ACME_ABORTED",
      `ordering ${renderList(key.identifiers, MOST_NAMES)}: this process stood still for long, and another run has taken the order over.`,
      { hint: "Let the other run end, then run again." },
    );
  }

  async #attempt(act: (lock: HeldLock) => Promise<void>): Promise<void> {
    if (this.#lock === undefined) return;
    try {
      await act(this.#lock);
    } catch (error) {
      const note = explainFailure(error, this.#place.folder);
      if (!this.notes.includes(note)) this.notes.push(note);
    }
  }
}

const LOSS =
  "if this run is killed, the next one can't go on with its order but makes a new one, and two runs at once are not noticed.";

/** A failure of the system as a sentence for the user; any other one is thrown. */
export function explainFailure(error: unknown, folder: string): string {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) throw error;
  return `the journal ${folder} can't be written or read (${String(error.code)}): ${LOSS} ${HOME} names another folder for it.`;
}
