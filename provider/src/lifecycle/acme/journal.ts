import { readAccountKey } from "../../acme/client/jws";
import { type Journal, type JournalEntry, journalHome, openJournal } from "../../acme/journal/journal";
import type { OrderProgress, OrderStep } from "../../acme/order/journey";
import { isTlsError } from "../../errors";
import { isEngineAlive } from "./engine";
import type { OrderingInputs } from "./ordering-state";

/** Another run that has the same order has the time that its order may take. */
const WAIT_SECONDS = 300;

let swept: Promise<unknown> | undefined;

/** Removes what earlier runs left and nobody needs any more, once in a process. */
export function sweepJournal(now: Date): Promise<unknown> {
  swept ??= journalOf().sweep(now);
  return swept;
}

/** What a state holds of an order that came to no end. */
interface ResumedRecord {
  readonly progress?: OrderProgress | undefined;
}

/** What a run that is killed leaves of one order for the next. */
export class OrderJournal {
  /** Where to go on: what a killed run left, else what the state of a failed one holds. */
  readonly progress: OrderProgress;
  readonly #entry: JournalEntry;
  readonly #say: (line: string) => void;
  #told = 0;

  private constructor(entry: JournalEntry, record: ResumedRecord, say: (line: string) => void) {
    this.#entry = entry;
    this.#say = say;
    this.progress = entry.left?.progress ?? record.progress ?? {};
    if (entry.left !== undefined) say(`going on with an order that a run of ${entry.left.savedAt} left`);
    this.#tell();
  }

  /**
   * Takes the order for this process.
   * @throws TlsError `ACME_TIMEOUT` when another run works on it all the time
   */
  static async open(inputs: OrderingInputs, record: ResumedRecord, say: (line: string) => void): Promise<OrderJournal> {
    const { pem, thumbprint } = readAccountKey(inputs.accountKeyPem);
    const key = {
      directory: inputs.directoryUrl,
      accountKey: { pem, thumbprint },
      identifiers: inputs.hostnames,
      name: inputs.name ?? "",
    };
    const { accountUrl, profile } = inputs;
    const facts = { accountUrl, ...(profile !== undefined && { profile }) };
    // it ends by itself, with words of its own
    const wait = { signal: new AbortController().signal, seconds: WAIT_SECONDS, onWait: say };
    return new OrderJournal(await journalOf().begin(key, facts, wait), record, say);
  }

  /** Before each request that changes something at the CA. */
  async save(step: OrderStep, progress: OrderProgress): Promise<void> {
    await this.#entry.save(step, progress);
    this.#tell();
  }

  /** The result, good or bad, goes back to the engine, if there is one: else the next run goes on from here. */
  async end(error?: unknown): Promise<void> {
    const isOurs = isTlsError(error) && (error.code === "ACME_ORPHANED" || error.code === "ACME_ABORTED");
    if (isOurs || !(await isEngineAlive())) await this.#entry.release();
    else await this.#entry.markReturned();
    this.#tell();
  }

  #tell(): void {
    for (const note of this.#entry.notes.slice(this.#told)) this.#say(note);
    this.#told = this.#entry.notes.length;
  }
}

function journalOf(): Journal {
  return openJournal(journalHome(process.env, process.cwd()));
}
