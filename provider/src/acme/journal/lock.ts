import { randomBytes, randomInt } from "node:crypto";
import { readdir, readFile, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as timeout } from "node:timers/promises";
import { isRunning, ownIdentity, type ProcessIdentity } from "./process-identity";

/** In milliseconds. Locks are between processes and go by the system's clock. */
export interface LockTimes {
  /** How often a holder touches its file. */
  readonly beat: number;
  /** After so long without that it is dead, though its process may be there: stopped, or hung. */
  readonly dead: number;
  /** How often one who waits looks, about. */
  readonly poll: number;
}

export const lockTimes: LockTimes = { beat: 2000, dead: 10_000, poll: 250 };

/** Who has a lock. */
export interface LockHolder {
  /** Undefined while its file is half written. */
  readonly pid: number | undefined;
  /** Since when, ISO 8601 UTC. */
  readonly since: string;
}

/** A lock that this process has. */
export interface HeldLock {
  /** False when another process has taken it for dead, or its file was removed: what it guards is not ours any more. */
  isHeld(): Promise<boolean>;
  /** Idempotent. */
  release(): Promise<void>;
}

/** How one waits for a lock. */
export interface LockWait {
  readonly signal: AbortSignal;
  /** Called for each holder that is found, before waiting for it. */
  readonly onWait: (holder: LockHolder) => void;
  readonly milliseconds: number;
}

/** Whoever holds a lock, if its file is there; `mtime` in milliseconds. */
interface Candidate {
  readonly file: string;
  readonly mtime: number;
  readonly holder: LockHolder;
  readonly identity: ProcessIdentity | undefined;
}

/**
 * The lock of one name in a folder, `<name>.<token>.lock`: process, start and namespace as content, the last beat as time
 * of modification.
 *
 * Whoever wants it writes a file of its own and then looks for others: if another live one is there it takes its own away
 * and waits. Of two that both got it each would have looked before the other one wrote, which can't be; and since no name
 * of a file comes twice, a dead one can be removed by anybody at any time. (With one file for all, two that find it dead
 * would race: the second one removes the first one's new file.)
 */
export class JournalLock {
  readonly #folder: string;
  readonly #name: string;
  readonly #times: LockTimes;
  /** When a beat was first seen here, by the clock that is never set: files may come from a machine with another clock. */
  readonly #beats = new Map<string, { readonly mtime: number; readonly seenAt: number }>();

  constructor(folder: string, name: string, times: LockTimes = lockTimes) {
    this.#folder = folder;
    this.#name = name;
    this.#times = times;
  }

  /** Takes the lock, or says who has it. @throws the system's error when the folder can't be written */
  async tryTake(): Promise<HeldLock | LockHolder> {
    const before = await this.#findLive();
    if (before !== undefined) return before.holder;
    const identity = await ownIdentity();
    const file = `${this.#name}.${randomBytes(8).toString("hex")}.lock`;
    const path = join(this.#folder, file);
    await writeFile(path, JSON.stringify(identity), { flag: "wx", mode: 0o600 });
    try {
      const dead: string[] = [];
      const after = await this.#findLive(file, dead);
      const isThere = await exists(path);
      if (after === undefined && isThere) {
        await Promise.all(dead.map((each) => removeIfThere(join(this.#folder, each))));
        return this.#hold(path);
      }
      await removeIfThere(path);
      return after?.holder ?? { pid: undefined, since: new Date().toISOString() };
    } catch (error) {
      await removeIfThere(path);
      throw error;
    }
  }

  /**
   * Takes the lock as soon as its holder ends or dies. Undefined when the time is over.
   * @throws the signal's reason; the system's error when the folder can't be written
   */
  async take(wait: LockWait): Promise<HeldLock | undefined> {
    const end = performance.now() + wait.milliseconds;
    let told: string | undefined;
    for (;;) {
      wait.signal.throwIfAborted();
      const taken = await this.tryTake();
      if (isHeldLock(taken)) return taken;
      if (performance.now() >= end) return undefined;
      // who just wants it too has no number yet
      const holder = `${taken.pid} ${taken.since}`;
      if (taken.pid !== undefined && told !== holder) wait.onWait(taken);
      told = holder;
      await pause(randomInt(Math.ceil(this.#times.poll / 2), this.#times.poll * 2), wait.signal);
    }
  }

  async #findLive(own?: string, dead: string[] = []): Promise<Candidate | undefined> {
    const prefix = `${this.#name}.`;
    const files = (await readdir(this.#folder)).filter((file) => file.startsWith(prefix) && file.endsWith(".lock"));
    let live: Candidate | undefined;
    for (const file of files) {
      if (file === own) continue;
      const candidate = await readCandidate(this.#folder, file);
      if (candidate === undefined) continue;
      if (await this.#isLive(candidate)) live ??= candidate;
      else dead.push(file);
    }
    return live;
  }

  async #isLive({ file, mtime, identity }: Candidate): Promise<boolean> {
    const { beat, dead } = this.#times;
    const running = identity === undefined ? undefined : await isRunning(identity);
    if (running === false) return false;
    const now = performance.now();
    const known = this.#beats.get(file);
    const seenAt = known?.mtime === mtime ? known.seenAt : now;
    this.#beats.set(file, { mtime, seenAt });
    const age = Date.now() - mtime;
    const silent = now - seenAt;
    // its process is there: a machine that slept wakes both, so the holder gets the time of one more beat
    if (running === true) return age <= dead || silent <= 1.25 * beat;
    // of another machine, whose clock may be minutes off, or not yet written
    return silent <= dead && age <= 60 * dead;
  }

  #hold(path: string): HeldLock {
    const timer = setInterval(() => {
      const now = new Date();
      // one that is gone is noticed by isHeld
      utimes(path, now, now).catch(() => undefined);
    }, this.#times.beat);
    timer.unref();
    return {
      isHeld: () => exists(path),
      release: async () => {
        clearInterval(timer);
        await removeIfThere(path);
      },
    };
  }
}

/** Tells a lock that was taken from the one who has it. */
export function isHeldLock(taken: HeldLock | LockHolder): taken is HeldLock {
  return "release" in taken;
}

async function readCandidate(folder: string, file: string): Promise<Candidate | undefined> {
  const path = join(folder, file);
  try {
    const [{ mtimeMs, birthtimeMs }, text] = await Promise.all([stat(path), readFile(path, "utf8")]);
    const identity = parseIdentity(text);
    const born = birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs;
    return { file, mtime: mtimeMs, identity, holder: { pid: identity?.pid, since: new Date(born).toISOString() } };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const { pid, space, started } = JSON.parse(text) as Partial<Record<keyof ProcessIdentity, unknown>>;
    if (typeof pid !== "number" || !Number.isInteger(pid) || pid < 1 || typeof space !== "string") return undefined;
    return { pid, space, ...(typeof started === "string" && { started }) };
  } catch {
    return undefined;
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await timeout(milliseconds, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Removes a file; that it is gone, or can't go, is the same to the caller: a dead file harms nobody. */
async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
