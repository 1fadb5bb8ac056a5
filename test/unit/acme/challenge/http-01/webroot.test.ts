import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWebrootSolver } from "../../../../../provider/src/acme/challenge/http-01/webroot";
import type { ChallengeTask } from "../../../../../provider/src/acme/challenge/solver";
import { Deadline, systemClock } from "../../../../../provider/src/acme/run/deadline";
import { isTlsError, type TlsError } from "../../../../../provider/src/errors";

let top: string;
let webroot: string;
let deadline: Deadline;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "webroot-"));
  webroot = join(top, "www");
  mkdirSync(webroot);
  deadline = new Deadline(60, systemClock);
});
afterEach(() => {
  deadline.dispose();
  rmSync(top, { recursive: true });
});

const task = (token: string, keyAuthorization = `${token}.thumbprint`): ChallengeTask => ({
  identifier: { type: "dns", value: "www.example.test" },
  isWildcard: false,
  token,
  keyAuthorization,
});
const folder = () => join(webroot, ".well-known/acme-challenge");
const everything = () => readdirSync(top, { recursive: true, encoding: "utf8" }).sort();
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

async function failure(work: Promise<void>): Promise<TlsError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTlsError(error)) throw new Error(`no TlsError but ${String(error)}`);
  return error;
}

describe("an answer in a webroot", () => {
  it("is a file that others can read whatever the umask, and goes with the folders that were made", async () => {
    const before = process.umask(0o077);
    try {
      const solver = createWebrootSolver({ type: "http-01", webroot });
      await solver.present([task("one"), task("two")], deadline);
      await solver.present([task("one")], deadline);
      expect(readFileSync(join(folder(), "one"), "utf8")).toBe("one.thumbprint");
      expect([modeOf(join(folder(), "one")), modeOf(folder()), modeOf(join(folder(), ".."))]).toEqual([
        "644",
        "755",
        "755",
      ]);
      await solver.cleanUp([task("one")]);
      expect(existsSync(join(folder(), "two"))).toBe(true);
      await solver.cleanUp([task("one"), task("two")]);
      await solver.cleanUp([task("one"), task("two")]);
      expect(everything()).toEqual(["www"]);
    } finally {
      process.umask(before);
    }
  });

  it("leaves the folders and files of others as they are", async () => {
    mkdirSync(join(webroot, ".well-known"), { mode: 0o700 });
    writeFileSync(join(webroot, ".well-known/security.txt"), "x");
    const solver = createWebrootSolver({ type: "http-01", webroot });
    await solver.present([task("one")], deadline);
    writeFileSync(join(folder(), "foreign"), "y");
    writeFileSync(join(folder(), "two"), "of another client");
    await solver.cleanUp([task("one"), task("two")]);
    expect(readdirSync(folder()).sort()).toEqual([".made-by-tls-gateway", "foreign", "two"]);
    rmSync(join(folder(), "foreign"));
    rmSync(join(folder(), "two"));
    await solver.cleanUp([]);
    expect(everything()).toEqual(["www", "www/.well-known", "www/.well-known/security.txt"]);
    expect(modeOf(join(webroot, ".well-known"))).toBe("700");
  });

  it("leaves an empty folder that was there before", async () => {
    mkdirSync(join(webroot, ".well-known"));
    const solver = createWebrootSolver({ type: "http-01", webroot });
    await solver.present([task("one")], deadline);
    await solver.cleanUp([task("one")]);
    expect(everything()).toEqual(["www", "www/.well-known"]);
    mkdirSync(folder());
    await solver.present([task("one")], deadline);
    await solver.cleanUp([task("one")]);
    expect(everything()).toEqual(["www", "www/.well-known", "www/.well-known/acme-challenge"]);
  });

  it("of a killed process goes with the next one, its unfinished file too", async () => {
    await createWebrootSolver({ type: "http-01", webroot }).present([task("one")], deadline);
    writeFileSync(join(folder(), ".one.0123456789ab.tmp"), "one.thu");
    await createWebrootSolver({ type: "http-01", webroot }).cleanUp([task("one")]);
    expect(everything()).toEqual(["www"]);
  });

  it("stands there for each of many certificates at once, and all is gone after the last", async () => {
    const tasks = Array.from({ length: 40 }, (_, index) => task(`token${index}`));
    await Promise.all(
      tasks.map(async (one) => {
        const solver = createWebrootSolver({ type: "http-01", webroot });
        await solver.present([one], deadline);
        expect(readFileSync(join(folder(), one.token), "utf8")).toBe(one.keyAuthorization);
        await solver.cleanUp([one]);
      }),
    );
    expect(everything()).toEqual(["www"]);
  });

  it("is refused for a wildcard alone", () => {
    const solver = createWebrootSolver({ type: "http-01", webroot });
    expect(solver.refuse({ type: "dns", value: "example.test" }, true)).toContain("dns-01");
    expect(solver.refuse({ type: "dns", value: "example.test" }, false)).toBeUndefined();
    expect(solver.refuse({ type: "ip", value: "192.0.2.1" }, false)).toBeUndefined();
  });
});

describe("a webroot fails", () => {
  it("when it is not there, and is not made", async () => {
    const solver = createWebrootSolver({ type: "http-01", webroot: join(top, "wrong") });
    const { code, reason } = await failure(solver.present([task("one")], deadline));
    expect([code, reason]).toEqual([
      "ACME_CHALLENGE",
      expect.stringMatching(/the webroot ".*\/wrong" is no folder\.$/),
    ]);
    await solver.cleanUp([task("one")]);
    expect(everything()).toEqual(["www"]);
  });

  it("where a file stands in the way", async () => {
    writeFileSync(join(webroot, ".well-known"), "");
    const { reason } = await failure(
      createWebrootSolver({ type: "http-01", webroot }).present([task("one")], deadline),
    );
    expect(reason).toMatch(/^writing the challenge file in ".*": EEXIST\.$/);
  });

  it.skipIf(process.getuid?.() === 0)("where it may not write", async () => {
    chmodSync(webroot, 0o500);
    const { reason } = await failure(
      createWebrootSolver({ type: "http-01", webroot }).present([task("one")], deadline),
    );
    expect(reason).toContain("EACCES");
    chmodSync(webroot, 0o700);
  });

  it("for every token that is no token, and writes nothing outside of its folder for any", async () => {
    const hostile = [
      "..",
      ".",
      "",
      "/etc/passwd",
      "a/b",
      "../../x",
      "a\0b",
      "%2e%2e",
      "a\n",
      "~",
      "a b",
      "é",
      "x".repeat(201),
    ];
    const token = fc.oneof(
      fc.constantFrom(...hostile),
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({ unit: fc.constantFrom("a", "Z", "0", "-", "_", ".", "/", "\\", "\0"), maxLength: 12 }),
    );
    await fc.assert(
      fc.asyncProperty(token, async (text) => {
        const solver = createWebrootSolver({ type: "http-01", webroot });
        const isToken = /^[A-Za-z0-9_-]{1,200}$/.test(text) && !text.includes("\n");
        if (isToken) {
          await solver.present([task(text)], deadline);
          expect(everything().filter((name) => name.endsWith(`/${text}`))).toEqual([
            `www/.well-known/acme-challenge/${text}`,
          ]);
          await solver.cleanUp([task(text)]);
        } else {
          const { code, message } = await failure(solver.present([task(text)], deadline));
          expect([code, message]).toEqual(["ACME_CHALLENGE", expect.stringContaining("not base64url")]);
          expect((await failure(solver.cleanUp([task(text)]))).code).toBe("ACME_CHALLENGE");
        }
        expect(everything()).toEqual(["www"]);
      }),
      { numRuns: 300 },
    );
  });
});
