// Who has an order of the journal, and who may remove it. Other processes are real ones, and so are kills, limits and permissions.
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openJournal } from "../../../../provider/src/acme/journal/journal";
import { recordName } from "../../../../provider/src/acme/journal/record";
import { until } from "../../../support/until";
import { journalKey } from "./fixture";
import {
  accountPem,
  begin,
  certificateKeyPem,
  DAY,
  filesOf,
  folder,
  home,
  key,
  leaveOrder,
  progress,
  quick,
  recordFile,
  save,
  startOther,
  useJournal,
} from "./place";

useJournal();

describe("two processes with one order", { timeout: 60_000 }, () => {
  it("work one after the other: the second waits, says so once, and gets what the first one left", async () => {
    const other = startOther();
    expect(await other.line()).toBe('has it: {"notes":[]}');
    other.tell(save("finalize", progress));
    expect(await other.line()).toBe("saved []");
    const waits: string[] = [];
    let isMine = false;
    const mine = begin({ waits }).then((entry) => {
      isMine = true;
      return entry;
    });
    await until(() => waits.length > 0);
    expect(waits).toEqual([
      expect.stringMatching(
        new RegExp(
          `^another run \\(process ${other.pid}, since [0-9T:-]{19}Z\\) works on the order for example\\.com, www\\.example\\.com; waiting up to 30 s`,
        ),
      ),
    ]);
    expect(isMine).toBe(false);
    other.tell("release");
    expect(await other.line()).toBe("released");
    const entry = await mine;
    expect(entry.left?.progress).toEqual(progress);
    expect(waits).toHaveLength(1);
    await entry.release();
  });

  it("lets the second go on as soon as the first one is killed, long before its beats are old", async () => {
    const other = startOther();
    await other.line();
    other.tell(save("answered", progress));
    await other.line();
    const waits: string[] = [];
    // by its beats alone it would be alive for an hour
    const mine = begin({ waits, seconds: 60, times: { ...quick, dead: 3_600_000 } });
    await until(() => waits.length > 0);
    expect(await other.kill()).toBe("SIGKILL");
    const entry = await mine;
    expect(entry.left).toMatchObject({ step: "answered", progress });
    await entry.save("finalize", progress);
    expect(filesOf(".lock")).toHaveLength(1);
    await entry.remove();
  });

  it("lets a process wait for this one, and take over what it left", async () => {
    const entry = await begin();
    await entry.save("ordered", progress);
    const other = startOther();
    expect(await other.line()).toMatch(new RegExp(`^waits: another run \\(process ${process.pid}, `));
    await entry.release();
    expect(JSON.parse((await other.line()).replace("has it: ", ""))).toEqual({
      left: progress,
      step: "ordered",
      notes: [],
    });
  });

  it("bounds the wait, and ends it when told to", async () => {
    const times = { ...quick, dead: 3_600_000 };
    const holder = await begin({ times });
    await expect(begin({ seconds: 0.2, times })).rejects.toThrow(
      /^ACME_TIMEOUT: ordering example\.com, www\.example\.com: another run still works on this order after 0\.2 s\./,
    );
    const controller = new AbortController();
    const waits: string[] = [];
    const waiting = begin({ signal: controller.signal, waits });
    await until(() => waits.length > 0);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(filesOf(".lock")).toHaveLength(1);
    await holder.release();
  });

  it("takes over from one that hangs, whose next save fails then and changes nothing", async () => {
    const other = startOther({ env: { ...process.env, TEST_LOCK_TIMES: JSON.stringify(quick) } });
    await other.line();
    other.tell(save("ordered", progress));
    await other.line();
    const free = join(home, "free");
    other.tell(`block ${free}`);
    expect(await other.line()).toBe("blocks");
    const entry = await begin({ times: quick });
    expect(entry.left?.step).toBe("ordered");
    await entry.save("answered", { orderUrl: "https://ca.example/order/mine" });
    writeFileSync(free, "");
    expect(await other.line()).toBe("goes on");
    other.tell(save("answer", progress));
    expect(await other.line()).toMatch(/^failed: TlsError: ACME_ABORTED: .*another run has taken the order over/);
    expect((await openJournal(home).find(key)).order?.progress.orderUrl).toBe("https://ca.example/order/mine");
    await entry.release();
  });

  it("leaves alone what another run has taken, also at its end", async () => {
    const first = await begin();
    await first.save("ordered", progress);
    for (const file of filesOf(".lock")) rmSync(join(folder, file));
    const entry = await begin();
    await entry.save("answered", progress);
    await first.markReturned();
    expect((await openJournal(home).find(key)).order).toMatchObject({ isReturned: false, progress });
    for (const file of filesOf(".lock")) rmSync(join(folder, file));
    const third = await begin();
    await entry.remove();
    expect((await openJournal(home).find(key)).order).toMatchObject({ step: "answered" });
    await third.remove();
    expect(readdirSync(folder)).toEqual([".gitignore"]);
  });

  it("find a whole record after a kill at any moment", async () => {
    for (let round = 0; round < 6; round += 1) {
      const other = startOther();
      expect(await other.line()).toMatch(/^has it: .*"notes":\[\]}$/);
      other.tell(`save-for-ever ${JSON.stringify({ step: "ordered", progress })}`);
      await other.line();
      if (round > 0) await other.line();
      await new Promise((resolve) => setTimeout(resolve, randomBytes(1)[0] ?? 0));
      await other.kill();
      const { order, notes } = await openJournal(home).find(key);
      expect(notes).toEqual([]);
      if (round > 0) expect(order?.progress.certificateKeyPem).toBe(certificateKeyPem);
    }
  });
});

describe("sweep", { timeout: 60_000 }, () => {
  it("removes what was returned, and unfinished orders after a day, with a word", async () => {
    const returned = await begin({ key: journalKey(accountPem, "returned") });
    await returned.save("downloaded", progress);
    await returned.markReturned();
    await leaveOrder();
    const journal = openJournal(home);
    expect(await journal.sweep(new Date())).toEqual({ removed: 1, notes: [] });
    expect(filesOf(".json")).toEqual([`${recordName(key)}.json`]);
    expect(await journal.sweep(new Date(Date.now() + DAY - 60_000))).toEqual({ removed: 0, notes: [] });
    const { removed, notes } = await journal.sweep(new Date(Date.now() + DAY + 60_000));
    expect(removed).toBe(1);
    expect(notes).toEqual([
      expect.stringMatching(
        /^an unfinished order for example\.com, www\.example\.com, last touched at .*Z, is given up\. Answers to its challenges may still be in place\.$/,
      ),
    ]);
    expect(readdirSync(folder)).toEqual([".gitignore"]);
  });

  it("never removes what a living process works on, and does what it left after its death", async () => {
    const other = startOther();
    await other.line();
    other.tell(save("finalize", progress));
    await other.line();
    const journal = openJournal(home);
    const later = new Date(Date.now() + 3 * DAY);
    expect(await journal.sweep(later)).toEqual({ removed: 0, notes: [] });
    expect(filesOf(".lock")).toHaveLength(1);
    await other.kill();
    expect((await journal.sweep(later)).removed).toBe(1);
    expect(readdirSync(folder)).toEqual([".gitignore"]);
  });

  it("removes locks and half written files of the dead, keeps a young order beside them, and touches no other file", async () => {
    const other = startOther();
    await other.line();
    other.tell(`save-for-ever ${JSON.stringify({ step: "ordered", progress })}`);
    await other.line();
    await other.line();
    await other.kill();
    const name = recordName(key);
    writeFileSync(join(folder, `${name}.0123456789abcdef.tmp`), "half");
    writeFileSync(join(folder, "README"), "not ours");
    expect(await openJournal(home).sweep(new Date())).toEqual({ removed: 0, notes: [] });
    expect(readdirSync(folder).sort()).toEqual([".gitignore", "README", `${name}.json`].sort());
  });

  it("removes after a day what was set aside or can't be read", async () => {
    await leaveOrder();
    writeFileSync(recordFile(), "damaged");
    await (await begin()).release();
    writeFileSync(join(folder, `${recordName(journalKey(accountPem, "two"))}.json`), "damaged");
    expect(readdirSync(folder)).toHaveLength(3);
    await openJournal(home).sweep(new Date());
    expect(readdirSync(folder)).toHaveLength(3);
    await openJournal(home).sweep(new Date(Date.now() + DAY + 60_000));
    expect(readdirSync(folder)).toEqual([".gitignore"]);
  });
});

describe("a journal that can't be written", { timeout: 60_000 }, () => {
  const lost =
    /^the journal .* can't be written or read \((\w+)\): if this run is killed, the next one can't go on with its order .* TLS_GATEWAY_HOME names another folder/;

  it("stops nothing: the note says what is lost", async () => {
    mkdirSync(join(home, ".."), { recursive: true });
    writeFileSync(home, "a file");
    const entry = await begin();
    expect(entry.notes).toEqual([expect.stringMatching(lost)]);
    expect(entry.left).toBeUndefined();
    await entry.save("ordered", progress);
    await entry.markReturned();
    await entry.remove();
    expect(entry.notes).toHaveLength(1);
    expect(await openJournal(home).sweep(new Date())).toEqual({ removed: 0, notes: [] });
    expect(await openJournal(home).find(key)).toEqual({ notes: [] });
  });

  it("because the folder above may not be written is one", async () => {
    mkdirSync(home);
    chmodSync(home, 0o555);
    // root may write everywhere, unless it gives that right away; another user might not reach the files of this project
    const asPlainUser = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"];
    const other = startOther(process.getuid?.() === 0 ? { wrap: asPlainUser } : {});
    expect(await other.line()).toMatch(/^has it: {"notes":\["the journal .* \(EACCES\)/);
    other.tell(save("ordered", progress));
    expect(await other.line()).toMatch(/^saved \["the journal/);
    chmodSync(home, 0o755);
  });

  it("because the disk is full keeps the last whole record, tells it once, and leaves no key behind", async () => {
    await leaveOrder();
    const before = readFileSync(recordFile());
    // the lock has 100 bytes, a record more than 2 kB
    const other = startOther({ wrap: ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash"] });
    expect(await other.line()).toMatch(/^has it: .*"notes":\[\]}$/);
    for (const step of ["answered", "finalize"]) {
      other.tell(save(step, progress));
      expect(JSON.parse((await other.line()).replace("saved ", ""))).toEqual([expect.stringMatching(lost)]);
    }
    expect(readFileSync(recordFile()).equals(before)).toBe(true);
    expect(filesOf(".tmp")).toEqual([]);
    other.tell("returned");
    await other.line();
    expect(
      filesOf(".json").filter((file) => readFileSync(join(folder, file), "utf8").includes('"certificateKey"')),
    ).toEqual([]);
  });

  it("since somebody removed it in the middle goes on without, and says so", async () => {
    const entry = await begin();
    await entry.save("ordered", progress);
    rmSync(home, { recursive: true });
    await entry.save("answered", progress);
    expect(entry.notes).toEqual([expect.stringContaining("was removed meanwhile; if this run is killed")]);
    await entry.save("finalize", progress);
    await entry.markReturned();
    expect(existsSync(home)).toBe(false);
  });
});
