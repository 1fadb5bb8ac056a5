// What a killed run leaves. Other processes are real ones, and so are kills, limits and permissions.
import { execFileSync, spawn } from "node:child_process";
import { createPrivateKey, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { HOME, type JournalEntry, journalHome, openJournal } from "../../../provider/src/acme/journal";
import { isHeldLock, JournalLock, type LockTimes } from "../../../provider/src/acme/journal-lock";
import { type JournalKey, recordName } from "../../../provider/src/acme/journal-record";
import type { OrderProgress } from "../../../provider/src/acme/order-progress";
import { isRunning, ownIdentity } from "../../../provider/src/acme/process-identity";
import { TestProcess } from "./child-process";
import { journalFacts, journalKey, newKeyPem } from "./journal-fixture";

const accountPem = newKeyPem();
const certificateKeyPem = newKeyPem("RSA2048");
const progress: OrderProgress = {
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
const quick: LockTimes = { beat: 50, dead: 400, poll: 10 };
const never = new AbortController().signal;
const DAY = 86_400_000;

let home: string;
let folder: string;
let key: JournalKey;
let keyFile: string;

beforeEach(() => {
  const base = mkdtempSync(join(tmpdir(), "tls-gateway-journal-"));
  home = join(base, "home");
  folder = join(home, "orders");
  key = journalKey(accountPem, "one");
  keyFile = join(base, "account.pem");
  writeFileSync(keyFile, accountPem);
});
afterEach(() => rmSync(join(home, ".."), { recursive: true, force: true }));

interface Beginning {
  readonly seconds?: number;
  readonly waits?: string[];
  readonly signal?: AbortSignal;
  readonly times?: LockTimes;
  readonly key?: JournalKey;
}

function begin(options: Beginning = {}): Promise<JournalEntry> {
  const { seconds = 30, waits = [], signal = never, times } = options;
  const journal = openJournal(home, times === undefined ? {} : { lockTimes: times });
  return journal.begin(options.key ?? key, journalFacts, { seconds, signal, onWait: (line) => waits.push(line) });
}

/** Another process that has the order, ended with the test. */
function startOther(options: ConstructorParameters<typeof TestProcess>[2] = {}, wait = "20"): TestProcess {
  const other = new TestProcess("journal-process.ts", [home, "one", keyFile, wait], options);
  onTestFinished(async () => {
    await other.kill();
  });
  return other;
}

const save = (step: string, what: OrderProgress) => `save ${JSON.stringify({ step, progress: what })}`;
const recordFile = () => join(folder, `${recordName(key)}.json`);
const filesOf = (ending: string) => readdirSync(folder).filter((file) => file.endsWith(ending));
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** An unfinished order on disk, of a run that is over. */
async function leaveOrder(which = key): Promise<void> {
  const entry = await begin({ key: which });
  await entry.save("finalize", progress);
  await entry.release();
}

describe("the journal", () => {
  it("lies where TLS_GATEWAY_HOME says, else in the working folder", () => {
    expect(journalHome({}, "/project")).toBe("/project/.tls-gateway");
    expect(journalHome({ [HOME]: "" }, "/project")).toBe("/project/.tls-gateway");
    expect(journalHome({ [HOME]: "/var/lib/gateway" }, "/project")).toBe("/var/lib/gateway");
    expect(journalHome({ [HOME]: "state" }, "/project")).toBe("/project/state");
  });

  it("is not there before it is needed", async () => {
    expect(await openJournal(home).find(key)).toEqual({ notes: [] });
    expect(await openJournal(home).sweep(new Date())).toEqual({ removed: 0, notes: [] });
    expect(existsSync(home)).toBe(false);
  });

  it("is for its owner alone, whatever the umask, and ignored by git", async () => {
    const before = process.umask(0);
    try {
      await leaveOrder();
      const entry = await begin();
      expect(mode(folder)).toBe("700");
      for (const file of readdirSync(folder)) expect([file, mode(join(folder, file))]).toEqual([file, "600"]);
      expect(readdirSync(folder)).toHaveLength(3);
      await entry.release();
    } finally {
      process.umask(before);
    }
    execFileSync("git", ["init", "--quiet", home]);
    expect(execFileSync("git", ["-C", home, "status", "--porcelain", "--untracked-files=all"]).toString()).toBe("");
  });

  it("closes a folder of its own that others may read, and leaves the one above as it is", async () => {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
    chmodSync(home, 0o755);
    await leaveOrder();
    expect([mode(home), mode(folder)]).toEqual(["755", "700"]);
  });

  it("gives the next run all that was saved, once, and tells a preview of it without taking it", async () => {
    await leaveOrder();
    const { order, notes } = await openJournal(home).find(key);
    expect(notes).toEqual([]);
    expect(order).toMatchObject({ ...journalFacts, step: "finalize", progress, isReturned: false });
    const entry = await begin();
    expect(entry.left).toEqual(order);
    await entry.save("downloaded", { ...withoutKey, certificateUrl: "https://ca.example/cert/1" });
    const [again] = [(await openJournal(home).find(key)).order];
    expect(again?.startedAt).toBe(order?.startedAt);
    await entry.remove();
    expect(readdirSync(folder)).toEqual([".gitignore"]);
    expect((await begin()).left).toBeUndefined();
  });

  it("finds the order by CA, account, names in any order, and resource", async () => {
    await leaveOrder();
    const find = async (other: Partial<JournalKey>) => (await openJournal(home).find({ ...key, ...other })).order;
    expect(await find({ identifiers: [...key.identifiers].reverse() })).toBeDefined();
    expect(await find({ directory: "https://staging.example/directory" })).toBeUndefined();
    expect(await find({ identifiers: ["example.com"] })).toBeUndefined();
    expect(await find({ name: "two" })).toBeUndefined();
    expect(await find({ accountKey: journalKey(newKeyPem(), "one").accountKey })).toBeUndefined();
  });

  it("loses the certificate's key when the result has gone back, and is no order to go on with then", async () => {
    const entry = await begin();
    await entry.save("finalize", progress);
    expect(readFileSync(recordFile(), "utf8")).toContain('"certificateKey"');
    await entry.markReturned();
    expect(readFileSync(recordFile(), "utf8")).not.toContain('"certificateKey"');
    expect((await openJournal(home).find(key)).order).toMatchObject({ isReturned: true, progress: withoutKey });
    const next = await begin();
    expect(next.left).toBeUndefined();
    await next.save("new-order", {});
    expect((await openJournal(home).find(key)).order).toMatchObject({ isReturned: false, progress: {} });
    await next.release();
  });

  it("does not go on with an order of another profile or account, and says so", async () => {
    await leaveOrder();
    const wait = { seconds: 1, signal: never, onWait: () => {} };
    const { profile: _profile, ...noProfile } = journalFacts;
    const other = await openJournal(home).begin(key, noProfile, wait);
    expect(other.left).toBeUndefined();
    expect(other.notes).toEqual([expect.stringContaining("is for another profile")]);
    await other.release();
    const moved = await openJournal(home).begin(
      key,
      { ...journalFacts, accountUrl: "https://ca.example/acct/2" },
      wait,
    );
    expect(moved.notes).toEqual([expect.stringContaining("is for another account")]);
    await moved.release();
  });
});

describe("the certificate's key on disk", { timeout: 60_000 }, () => {
  /** Every form in which a part of the key could stand in a file. */
  function fragments(pem: string): (readonly [string, Buffer])[] {
    const key = createPrivateKey(pem);
    const der = key.export({ type: "pkcs8", format: "der" });
    const jwk = key.export({ format: "jwk" });
    // what is public (n, e) is no secret; parts of the rest in every form and alignment
    const parts = [jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi].flatMap((part) =>
      part === undefined ? [] : [Buffer.from(part, "base64url")],
    );
    const lines = pem.split("\n").filter((line) => line !== "");
    return [
      ...lines.map((line) => ["a line of the PEM", Buffer.from(line)] as const),
      ...[der, ...parts].flatMap((bytes) =>
        [0, 1, 2].flatMap((shift) => {
          const piece = bytes.subarray(8 + shift, 8 + shift + 15);
          return [
            ["bytes", piece] as const,
            ["hex", Buffer.from(piece.toString("hex"))] as const,
            ["base64", Buffer.from(piece.toString("base64"))] as const,
            ["base64url", Buffer.from(piece.toString("base64url"))] as const,
          ];
        }),
      ),
    ];
  }
  const contents = () =>
    readdirSync(home, { recursive: true, withFileTypes: true, encoding: "utf8" })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
  const found = (pem: string) =>
    fragments(pem)
      .filter(([, piece]) => contents().some((bytes) => bytes.includes(piece)))
      .map(([form]) => form);

  it.each([
    ["RSA2048", certificateKeyPem],
    ["P256", newKeyPem()],
  ])("of type %s is never there in clear, not even after a kill in the middle of writing", async (_type, pem) => {
    const other = startOther();
    await other.line();
    other.tell(
      `save-for-ever ${JSON.stringify({ step: "finalize", progress: { ...progress, certificateKeyPem: pem } })}`,
    );
    await other.line();
    await other.line();
    await other.kill();
    expect(found(pem)).toEqual([]);
    expect(found(accountPem)).toEqual([]);
    const left = await begin();
    expect(left.left?.progress.certificateKeyPem).toBe(pem);
    await left.markReturned();
    expect(found(pem)).toEqual([]);
    // the search would find it
    writeFileSync(join(folder, "clear"), JSON.stringify({ pem: pem.split("\n")[3] }));
    expect(found(pem)).not.toEqual([]);
    writeFileSync(join(folder, "clear"), createPrivateKey(pem).export({ type: "pkcs8", format: "der" }));
    expect(found(pem)).toContain("bytes");
  });

  it("is encrypted anew by each save", async () => {
    const entry = await begin();
    const sealed = async () => {
      await entry.save("finalize", progress);
      return JSON.parse(readFileSync(recordFile(), "utf8")).certificateKey;
    };
    const [one, other] = [await sealed(), await sealed()];
    for (const part of ["salt", "iv", "data", "tag"]) expect(one[part]).not.toBe(other[part]);
    await entry.release();
  });

  it("opens under the account's key in every spelling of it", async () => {
    await leaveOrder();
    const sec1 = createPrivateKey(accountPem).export({ type: "sec1", format: "pem" }).toString();
    const entry = await begin({ key: { ...key, accountKey: { ...key.accountKey, pem: sec1 } } });
    expect(entry.left?.progress.certificateKeyPem).toBe(certificateKeyPem);
    await entry.release();
  });

  it("does not open under another key: the order is absent, with a note, and its file is set aside", async () => {
    await leaveOrder();
    const stranger = { ...key, accountKey: { ...key.accountKey, pem: newKeyPem() } };
    const { order, notes } = await openJournal(home).find(stranger);
    expect([order, notes]).toEqual([undefined, [expect.stringContaining("encrypted under another account's key")]]);
    expect(existsSync(recordFile())).toBe(true);
    const entry = await begin({ key: stranger });
    expect(entry.left).toBeUndefined();
    expect(entry.notes).toEqual([expect.stringContaining("The certificate is ordered anew.")]);
    expect(filesOf(".json")).toEqual([]);
    expect(filesOf(".set-aside")).toHaveLength(1);
    await entry.save("new-order", {});
    await entry.release();
  });

  it("does not open in the record of another order", async () => {
    await leaveOrder();
    const two = journalKey(accountPem, "two");
    writeFileSync(join(folder, `${recordName(two)}.json`), readFileSync(recordFile()));
    expect((await openJournal(home).find(two)).order).toBeUndefined();
  });
});

describe("a damaged record", () => {
  const change = (edit: (file: Record<string, unknown>) => void) => (text: string) => {
    const file = JSON.parse(text);
    edit(file);
    return JSON.stringify(file);
  };
  it.each<[string, (text: string) => string | Buffer]>([
    ["is empty", () => ""],
    ["is cut", (text) => text.slice(0, text.length / 2)],
    ["is noise", () => randomBytes(500)],
    ["is of another kind", () => "[1, 2]"],
    ["is null", () => "null"],
    ["is endless", () => Buffer.alloc(2_000_000, " ")],
    ["is of the next version", change((file) => Object.assign(file, { version: 2 }))],
    [
      "has a key with a flipped bit",
      change((file) => Object.assign(file.certificateKey as object, { data: Buffer.alloc(1704).toString("base64") })),
    ],
    ["has a key without a tag", change((file) => Object.assign(file.certificateKey as object, { tag: "" }))],
    ["has half a key", change((file) => Object.assign(file, { certificateKey: { salt: "" } }))],
    ["has a key that is a text", change((file) => Object.assign(file, { certificateKey: certificateKeyPem.length }))],
    ["has no names", change((file) => Object.assign(file, { identifiers: undefined }))],
    ["has a number for the order", change((file) => Object.assign(file.progress as object, { orderUrl: 5 }))],
    ["has a clear key", change((file) => Object.assign(file.progress as object, { certificateKeyPem: "x" }))],
    [
      "has a half challenge",
      change((file) => Object.assign(file.progress as object, { presented: [{ type: "http-01" }] })),
    ],
    ["is of another CA", change((file) => Object.assign(file, { directory: "https://other.example" }))],
    ["has no time", change((file) => Object.assign(file, { savedAt: "soon" }))],
  ])("that %s is set aside with a note and stops nothing", async (_what, edit) => {
    await leaveOrder();
    writeFileSync(recordFile(), edit(readFileSync(recordFile(), "utf8")));
    expect((await openJournal(home).find(key)).notes).toHaveLength(1);
    const entry = await begin();
    expect(entry.left).toBeUndefined();
    expect(entry.notes).toHaveLength(1);
    await entry.save("finalize", progress);
    await entry.release();
    expect((await openJournal(home).find(key)).order?.progress).toEqual(progress);
  });
});

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
    const mine = begin({ waits, seconds: 60 });
    await until(() => waits.length > 0);
    const start = performance.now();
    expect(await other.kill()).toBe("SIGKILL");
    const entry = await mine;
    // a dead beat would take ten seconds
    expect(performance.now() - start).toBeLessThan(8000);
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
    const holder = await begin({ times: quick });
    await expect(begin({ seconds: 0.2, times: quick })).rejects.toThrow(
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

  it("takes a holder for alive as long as it beats", async () => {
    const other = startOther({ env: { ...process.env, TEST_LOCK_TIMES: JSON.stringify(quick) } });
    await other.line();
    await expect(begin({ seconds: 3 * (quick.dead / 1000), times: quick })).rejects.toThrow("ACME_TIMEOUT");
  });

  it("takes over from one that hangs, whose next save fails then and changes nothing", async () => {
    const other = startOther({ env: { ...process.env, TEST_LOCK_TIMES: JSON.stringify(quick) } });
    await other.line();
    other.tell(save("ordered", progress));
    await other.line();
    other.tell("block 2000");
    expect(await other.line()).toBe("blocks");
    const entry = await begin({ times: quick });
    expect(entry.left?.step).toBe("ordered");
    await entry.save("answered", { orderUrl: "https://ca.example/order/mine" });
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
    // exec leaves the shell's child to a program that never asks for it
    const parent = spawn("sh", ["-c", "sh -c 'exit 0' & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => {
      parent.kill("SIGKILL");
    });
    const [pid] = (await once(parent.stdout, "data")).map(Number);
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

  it("because another user owns the folder above is one", async () => {
    const base = join(home, "..");
    mkdirSync(home);
    chmodSync(home, 0o555);
    chmodSync(base, 0o755);
    // root may write everywhere
    const asOther = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const other = startOther(asOther);
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

/** Looks again and again; the test's own time bounds it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
