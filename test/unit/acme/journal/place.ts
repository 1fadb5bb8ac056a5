// Guards: a journal of orders in a folder that each test has anew, and another process that has one.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, onTestFinished } from "vitest";
import { type JournalEntry, openJournal } from "../../../../provider/src/acme/journal/journal";
import type { LockTimes } from "../../../../provider/src/acme/journal/lock";
import { type JournalKey, recordName } from "../../../../provider/src/acme/journal/record";
import type { OrderProgress } from "../../../../provider/src/acme/order/journey";
import { TestProcess } from "../child-process";
import { journalFacts, journalKey, newKeyPem } from "./fixture";

export const accountPem = newKeyPem();
export const certificateKeyPem = newKeyPem("RSA2048");
export const progress: OrderProgress = {
  orderUrl: "https://ca.example/order/1",
  finalizedAt: "2026-12-01T12:00:00Z",
  certificateKeyPem,
  presented: [
    {
      type: "http-01",
      task: {
        identifier: { type: "dns", value: "example.com" },
        isWildcard: false,
        token: "token",
        keyAuthorization: "token.thumbprint",
      },
    },
  ],
};
const { certificateKeyPem: _, ...withoutKey } = progress;

export { withoutKey };
export const quick: LockTimes = { beat: 50, dead: 400, poll: 10 };
export const never = new AbortController().signal;
export const DAY = 86_400_000;

export let home: string;
export let folder: string;
export let key: JournalKey;
let keyFile: string;

/** Before each test of the file there is a new, empty place; it is gone after it. */
export function useJournal(): void {
  beforeEach(() => {
    const base = mkdtempSync(join(tmpdir(), "tls-gateway-journal-"));
    home = join(base, "home");
    folder = join(home, "orders");
    key = journalKey(accountPem, "one");
    keyFile = join(base, "account.pem");
    writeFileSync(keyFile, accountPem);
  });
  afterEach(() => rmSync(join(home, ".."), { recursive: true, force: true }));
}

export interface Beginning {
  readonly seconds?: number;
  readonly waits?: string[];
  readonly signal?: AbortSignal;
  readonly times?: LockTimes;
  readonly key?: JournalKey;
}

export function begin(options: Beginning = {}): Promise<JournalEntry> {
  const { seconds = 30, waits = [], signal = never, times } = options;
  const journal = openJournal(home, times === undefined ? {} : { lockTimes: times });
  return journal.begin(options.key ?? key, journalFacts, { seconds, signal, onWait: (line) => waits.push(line) });
}

/** Another process that has the order, ended with the test. */
export function startOther(options: ConstructorParameters<typeof TestProcess>[2] = {}, wait = "20"): TestProcess {
  const other = new TestProcess("journal/process.ts", [home, "one", keyFile, wait], options);
  onTestFinished(async () => {
    await other.kill();
  });
  return other;
}

export const save = (step: string, what: OrderProgress) => `save ${JSON.stringify({ step, progress: what })}`;
export const recordFile = () => join(folder, `${recordName(key)}.json`);
export const filesOf = (ending: string) => readdirSync(folder).filter((file) => file.endsWith(ending));
export const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** An unfinished order on disk, of a run that is over. */
export async function leaveOrder(which = key): Promise<void> {
  const entry = await begin({ key: which });
  await entry.save("finalize", progress);
  await entry.release();
}
