// Guards: a user who can change the webroot, such as the web server's, and has root overwrite a file of its own by a link.
// The built module is tested: root starts a process that loads it and takes the rights of the folder's owner.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWebrootSolver } from "../../../provider/dist/acme/challenge/http-01/webroot";
import { Deadline, systemClock } from "../../../provider/dist/acme/run/deadline";
import type { ChallengeTask } from "../../../provider/src/acme/challenge/solver";
import { rejection } from "../../support/rejection";
import { fuzzRuns } from "../../support/tier";

const nobody = 65534;
const isRoot = process.getuid?.() === 0;

let top: string;
let webroot: string;
/** A folder of root, which no challenge file has any business in. */
let precious: string;
let deadline: Deadline;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "webroot-"));
  chmodSync(top, 0o755);
  webroot = join(top, "www");
  precious = join(top, "precious");
  for (const folder of [webroot, precious]) mkdirSync(folder, { mode: 0o755 });
  writeFileSync(join(precious, "file"), "precious");
  deadline = new Deadline(60, systemClock);
});
afterEach(() => {
  deadline.dispose();
  expect(readdirSync(precious)).toEqual(["file"]);
  expect(readFileSync(join(precious, "file"), "utf8")).toBe("precious");
  expect(statSync(precious).mode & 0o777).toBe(0o755);
  rmSync(top, { recursive: true });
});

const task = (token: string): ChallengeTask => ({
  identifier: { type: "dns", value: "www.example.test" },
  isWildcard: false,
  token,
  keyAuthorization: `${token}.thumbprint`,
});
const solver = () => createWebrootSolver({ type: "http-01", webroot });
const inner = () => join(webroot, ".well-known/acme-challenge");

describe("a link in the webroot", () => {
  it.each([".well-known", ".well-known/acme-challenge"])("leads nothing elsewhere: %s", async (path) => {
    if (path.includes("/")) mkdirSync(join(webroot, ".well-known"));
    symlinkSync(precious, join(webroot, path));
    expect(await rejection(solver().present([task("one")], deadline))).toMatchObject({ code: "ACME_CHALLENGE" });
    await solver().cleanUp([task("one")]);
  });

  it("in place of the answer is replaced, and what it leads to stays", async () => {
    mkdirSync(inner(), { recursive: true });
    symlinkSync(join(precious, "file"), join(inner(), "one"));
    await solver().present([task("one")], deadline);
    expect(lstatSync(join(inner(), "one")).isFile()).toBe(true);
    await solver().cleanUp([task("one")]);
  });

  it("to the webroot itself is followed", async () => {
    const link = join(top, "current");
    symlinkSync(webroot, link);
    const linked = createWebrootSolver({ type: "http-01", webroot: link });
    await linked.present([task("one")], deadline);
    expect(readFileSync(join(inner(), "one"), "utf8")).toBe("one.thumbprint");
    await linked.cleanUp([task("one")]);
    expect(readdirSync(webroot)).toEqual([]);
  });
});

describe.skipIf(!isRoot)("root", () => {
  it("works in a folder of another user with the rights of that user", async () => {
    chownSync(webroot, nobody, nobody);
    await solver().present([task("one")], deadline);
    for (const path of [join(inner(), "one"), inner()]) expect(statSync(path)).toMatchObject({ uid: nobody });
    expect(statSync(join(inner(), "one")).mode & 0o777).toBe(0o644);
    await solver().cleanUp([task("one")]);
    expect(readdirSync(webroot)).toEqual([]);
  });

  it("can do no more there than that user", async () => {
    chownSync(webroot, nobody, nobody);
    chmodSync(webroot, 0o500);
    expect((await rejection(solver().present([task("one")], deadline))).message).toContain("EACCES");
  });

  it("does not write in a folder of its own that others may change", async () => {
    chmodSync(webroot, 0o777);
    const error = await rejection(solver().present([task("one")], deadline));
    expect(error.message).toBe(
      `ACME_CHALLENGE: root writes no challenge file: others than root may change "${webroot}", and could lead it to any file. Hint: Give the webroot and the folders in it to one user, for instance that of the web server: its rights are used then. Or take from group and others the right to write there.`,
    );
  });

  it("does not choose between two users", async () => {
    mkdirSync(inner(), { recursive: true });
    chownSync(webroot, nobody, nobody);
    chownSync(inner(), 65533, 65533);
    expect((await rejection(solver().present([task("one")], deadline))).message).toContain("is of another user than");
  });

  it("loses no race against the owner of the folder", async () => {
    chownSync(webroot, nobody, nobody);
    // swaps the folder of the answers for a link as fast as it can
    const program = `const fs = require("fs"); process.setgid(${nobody}); process.setuid(${nobody});
      const [outer, precious] = process.argv.slice(1); const inner = outer + "/acme-challenge";
      console.log("ready");
      for (;;) {
        try { fs.mkdirSync(outer, { recursive: true }); fs.symlinkSync(precious, inner); } catch {}
        try { fs.unlinkSync(inner); } catch {}
        try { fs.mkdirSync(inner); } catch {}
        try { fs.rmSync(inner, { recursive: true }); } catch {}
      }`;
    const rival = spawn(process.execPath, ["-e", program, join(webroot, ".well-known"), precious], { timeout: 60_000 });
    const ended = once(rival, "close");
    await once(rival.stdout, "data");
    try {
      for (let run = 0; run < fuzzRuns(5, 200); run += 1) {
        await solver()
          .present([task(`token${run}`)], deadline)
          .catch(() => {});
        await solver()
          .cleanUp([task(`token${run}`)])
          .catch(() => {});
      }
    } finally {
      rival.kill("SIGKILL");
      await ended;
    }
  });
});
