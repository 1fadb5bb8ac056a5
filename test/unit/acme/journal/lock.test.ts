// Who holds a lock of the journal, and who may take it over. Other processes are real ones; the time is the test's where it decides.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { isHeldLock, JournalLock, lockTimes } from "../../../../provider/src/acme/journal/lock";
import { isRunning, ownIdentity } from "../../../../provider/src/acme/journal/process-identity";
import { until } from "../../../support/until";
import { folder, never, quick, useJournal } from "./place";

useJournal();

describe("the lock", { timeout: 60_000 }, () => {
  const path = (file: string) => join(folder, file);
  beforeEach(() => mkdirSync(folder, { recursive: true }));

  it("is held by one at a time, however many want it at once and however many dead ones lie there", async () => {
    const { space } = await ownIdentity();
    for (let index = 0; index < 3; index += 1) {
      const dead = { pid: 2 ** 22 + 1 + index, space, started: "1" };
      writeFileSync(path(`x.${index}.lock`), JSON.stringify(dead));
    }
    let [inside, most, times] = [0, 0, 0];
    const contender = async () => {
      for (let round = 0; round < 4; round += 1) {
        const lock = await new JournalLock(folder, "x", { ...quick, dead: 60_000 }).take({
          signal: never,
          milliseconds: 60_000,
          onWait: () => {},
        });
        if (lock === undefined) throw new Error("the time was over");
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        times += 1;
        inside -= 1;
        await lock.release();
      }
    };
    await Promise.all(Array.from({ length: 10 }, contender));
    expect({ most, times }).toEqual({ most: 1, times: 40 });
    expect(readdirSync(folder)).toEqual([]);
  });

  const tryWith = async (identity: object | string, age = 0) => {
    writeFileSync(path("x.0.lock"), typeof identity === "string" ? identity : JSON.stringify(identity));
    const then = new Date(Date.now() - age);
    utimesSync(path("x.0.lock"), then, then);
    const taken = await new JournalLock(folder, "x").tryTake();
    if (!isHeldLock(taken)) return "alive";
    await taken.release();
    return "dead";
  };

  it("beats as long as it is held", async () => {
    const lock = await new JournalLock(folder, "x", quick).tryTake();
    if (!isHeldLock(lock)) throw new Error("nobody else is there");
    const [file = ""] = readdirSync(folder);
    const beat = () => statSync(path(file)).mtimeMs;
    for (let count = 0, last = beat(); count < 3; count += 1, last = beat()) await until(() => beat() > last);
    await lock.release();
  });

  it("takes a holder for alive as long as it beats, and no longer", async () => {
    vi.useFakeTimers({ toFake: ["Date", "performance"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const lock = new JournalLock(folder, "x");
    writeFileSync(path("x.0.lock"), JSON.stringify(await ownIdentity()));
    for (let count = 0; count < 5; count += 1) {
      utimesSync(path("x.0.lock"), new Date(), new Date());
      expect(await lock.tryTake()).toMatchObject({ pid: process.pid });
      vi.advanceTimersByTime(lockTimes.dead);
      expect(await lock.tryTake()).toMatchObject({ pid: process.pid });
    }
    vi.advanceTimersByTime(1000);
    const taken = await lock.tryTake();
    if (!isHeldLock(taken)) throw new Error("it is taken for alive");
    await taken.release();
  });

  it("goes by the start of a process, since its number may be another's now", async () => {
    const self = await ownIdentity();
    expect(await tryWith(self)).toBe("alive");
    expect(await tryWith({ ...self, started: "long ago" })).toBe("dead");
    // the runner that started this worker
    expect(await tryWith({ ...self, pid: process.ppid, started: "long ago" })).toBe("dead");
    expect(await tryWith({ pid: process.ppid, space: self.space })).toBe("alive");
    expect(await tryWith({ ...self, pid: 2 ** 22 + 1 })).toBe("dead");
  });

  it("goes by beats alone for a process of another machine or container, and for a file that is half written", async () => {
    const foreign = { pid: process.pid, space: "elsewhere", started: "1" };
    expect(await tryWith(foreign)).toBe("alive");
    expect(await tryWith(foreign, 3_600_000)).toBe("dead");
    expect(await tryWith("")).toBe("alive");
    expect(await tryWith('{"pid":', 3_600_000)).toBe("dead");
    writeFileSync(path("x.0.lock"), JSON.stringify(foreign));
    const lock = await new JournalLock(folder, "x", quick).take({
      signal: never,
      milliseconds: 20_000,
      onWait: () => {},
    });
    expect(lock).toBeDefined();
    await lock?.release();
  });

  it.runIf(process.platform === "linux")("is not held by a process that has ended and was not collected", async () => {
    // exec leaves the shell's child to a program that never asks for it; the child ends when that is so
    const parent = spawn("sh", ["-c", "head -n 1 <&3 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore", "pipe"],
    });
    onTestFinished(() => {
      parent.kill("SIGKILL");
    });
    const [pid] = (await once(parent.stdout as Readable, "data")).map(Number);
    await until(() => readFileSync(`/proc/${parent.pid}/cmdline`, "utf8").startsWith("sleep"));
    (parent.stdio[3] as Writable).end("\n");
    await until(() => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "));
    expect(() => process.kill(pid ?? 0, 0)).not.toThrow();
    expect(await isRunning({ ...(await ownIdentity()), pid: pid ?? 0, started: undefined } as never)).toBe(false);
  });

  it("is not held any more when its file is gone", async () => {
    const lock = await new JournalLock(folder, "x").tryTake();
    if (!isHeldLock(lock)) throw new Error("nobody else is there");
    expect(await lock.isHeld()).toBe(true);
    for (const file of readdirSync(folder)) rmSync(path(file));
    expect(await lock.isHeld()).toBe(false);
    await lock.release();
    await lock.release();
  });
});
