// What a killed run leaves: the record, the certificate's key in it, and what is damaged.
import { execFileSync } from "node:child_process";
import { createPrivateKey, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HOME, journalHome, openJournal } from "../../../../provider/src/acme/journal/journal";
import { type JournalKey, recordName } from "../../../../provider/src/acme/journal/record";
import { journalFacts, journalKey, newKeyPem } from "./fixture";
import {
  accountPem,
  begin,
  certificateKeyPem,
  filesOf,
  folder,
  home,
  key,
  leaveOrder,
  mode,
  never,
  progress,
  recordFile,
  startOther,
  useJournal,
  withoutKey,
} from "./place";

useJournal();

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

  it("is not kept where a link stands in its place, and what the link leads to keeps its mode", async () => {
    const other = join(home, "other");
    mkdirSync(other, { recursive: true });
    chmodSync(other, 0o755);
    symlinkSync(other, folder);
    const entry = await begin();
    expect(entry.notes.join()).toContain("journal");
    await entry.release();
    expect([mode(other), readdirSync(other)]).toEqual(["755", []]);
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
