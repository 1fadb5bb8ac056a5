import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DAY } from "../../text/time";
import { readIfThere, removeFile } from "./file";
import { isHeldLock, JournalLock, type LockTimes } from "./lock";
import { readOutline } from "./record";

/** What a sweep did. */
export interface Sweep {
  /** How many orders are gone. */
  readonly removed: number;
  /** Sentences for the user: unfinished orders that were given up. */
  readonly notes: readonly string[];
}

/** `<name>.json`, `<name>.set-aside`, `<name>.<token>.lock`, `<name>.<token>.tmp` */
const filePattern = /^([0-9a-f]{32})\.(?:json|set-aside|[0-9a-f]{16}\.(?:lock|tmp))$/;

/** See `Journal.sweep`. @throws the system's error */
export async function sweepFolder(folder: string, now: Date, times: LockTimes): Promise<Sweep> {
  const filesByName = new Map<string, string[]>();
  for (const file of await readdir(folder)) {
    const name = filePattern.exec(file)?.[1];
    if (name !== undefined) filesByName.set(name, [...(filesByName.get(name) ?? []), file]);
  }
  let removed = 0;
  const notes: string[] = [];
  for (const [name, files] of filesByName) {
    if ((await findDoomed(folder, files, now)).size === 0) continue;
    const lock = await new JournalLock(folder, name, times).tryTake();
    if (!isHeldLock(lock)) continue;
    try {
      // looked at again: another run may have gone on with it until now
      for (const [file, note] of await findDoomed(folder, files, now)) {
        if ((await removeFile(folder, file)) && file.endsWith(".json")) removed += 1;
        if (note !== undefined) notes.push(note);
      }
    } finally {
      await lock.release();
    }
  }
  return { removed, notes };
}

/** Which of the files of one order are to go, and what the user is told of each. */
async function findDoomed(
  folder: string,
  files: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, string | undefined>> {
  const doomed = new Map<string, string | undefined>();
  for (const file of files) {
    // nobody writes without the lock, which is asked for before any of these goes
    if (file.endsWith(".tmp") || file.endsWith(".lock")) doomed.set(file, undefined);
    if (file.endsWith(".set-aside") && (await isOld(folder, file, now))) doomed.set(file, undefined);
    if (!file.endsWith(".json")) continue;
    const text = await readIfThere(folder, file);
    if (text === undefined) continue;
    const outline = readOutline(text);
    if (outline === undefined) {
      if (await isOld(folder, file, now)) doomed.set(file, undefined);
    } else if (outline.isReturned) {
      doomed.set(file, undefined);
    } else if (now.getTime() - Date.parse(outline.savedAt) > DAY) {
      const rest = outline.hasPresented ? " Answers to its challenges may still be in place." : "";
      const names = outline.identifiers.slice(0, 3).join(", ");
      doomed.set(file, `an unfinished order for ${names}, last touched at ${outline.savedAt}, is given up.${rest}`);
    }
  }
  return doomed;
}

async function isOld(folder: string, file: string, now: Date): Promise<boolean> {
  try {
    return now.getTime() - (await stat(join(folder, file))).mtimeMs > DAY;
  } catch {
    return false;
  }
}
