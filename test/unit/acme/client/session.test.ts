// Signed requests over a scripted CA: nonces, the directory, limits, and what is tried again. Real connections and a
// real CA stand in test/peers/acme/account.test.ts.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readAccountKey } from "../../../../provider/src/acme/client/jws";
import { NoncePool } from "../../../../provider/src/acme/client/nonces";
import { decideRetry, type Outcome } from "../../../../provider/src/acme/client/retry";
import { AcmeSession, type SessionOptions } from "../../../../provider/src/acme/client/session";
import { Deadline, systemClock } from "../../../../provider/src/acme/run/deadline";
import { TlsError } from "../../../../provider/src/errors";
import { testClock } from "../../../support/acme/clock";
import { ScriptedTransport, scriptedDirectory, scriptUrl } from "../../../support/acme/script";
import { rejection } from "../../../support/rejection";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const key = readAccountKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const [ca, directory] = [scriptUrl, scriptedDirectory];
const badNonce = { type: "urn:ietf:params:acme:error:badNonce", detail: "unknown nonce" };

function sessionOf(transport: ScriptedTransport, options: Partial<SessionOptions> = {}) {
  const clock = testClock();
  const session = new AcmeSession({ directoryUrl: `${ca}/dir`, key, transport, clock, ...options });
  return { session, transport, clock, deadline: deadlineOf(60, clock) };
}

function deadlineOf(seconds: number, clock = testClock(), parent?: AbortSignal): Deadline {
  const deadline = new Deadline(seconds, clock, parent);
  // its timer need not keep the test alive
  deadline.dispose();
  return deadline;
}

function noncesOf(transport: ScriptedTransport): unknown[] {
  return transport.signed().map(({ header }) => header.nonce);
}

const unreachable = (message = "cut") => new TlsError("ACME_UNREACHABLE", message);

describe("a session", () => {
  it("asks for the directory once, however many need it", async () => {
    const transport = new ScriptedTransport();
    const { session, deadline } = sessionOf(transport);
    const all = await Promise.all(Array.from({ length: 10 }, () => session.directory(deadline)));
    expect(new Set(all).size).toBe(1);
    expect(all[0]).toEqual({ ...directory, meta: {} });
    await session.withKey(key).directory(deadline);
    expect(transport.count(`${ca}/dir`)).toBe(1);
  });

  it("asks again after a failure, and one deadline is not another's", async () => {
    const transport = new ScriptedTransport((_, at) => {
      if (at === 1) throw unreachable();
      return undefined;
    });
    const { session, deadline, clock } = sessionOf(transport);
    const short = deadlineOf(0.5, clock);
    const [first, second] = await Promise.allSettled([session.directory(short), session.directory(deadline)]);
    expect(first).toMatchObject({ status: "rejected", reason: { code: "ACME_UNREACHABLE" } });
    expect(second.status).toBe("fulfilled");
  });

  it("refuses what is no directory, and does not keep it", async () => {
    const transport = new ScriptedTransport((_, at) => (at === 1 ? { body: { newOrder: 5 } } : undefined));
    const { session, deadline } = sessionOf(transport);
    expect(await rejection(session.directory(deadline))).toMatchObject({ code: "ACME_PROTOCOL" });
    expect(await session.directory(deadline)).toMatchObject(directory);
  });

  it("waits for a place before each request, by its kind", async () => {
    const kinds: string[] = [];
    const throttle = (kind: string) => {
      kinds.push(kind);
      return Promise.resolve();
    };
    const { session, deadline } = sessionOf(new ScriptedTransport(), { throttle });
    const doing = "asking";
    await session.post(`${ca}/newAccount`, {}, { doing, deadline });
    await session.post(`${ca}/newOrder`, {}, { doing, deadline, kid: "k" });
    await session.post(`${ca}/order/1`, "", { doing, deadline, kid: "k" });
    await session.get(`${ca}/renewalInfo/a.b`, { doing, deadline });
    // a place is taken before a nonce, which others could use meanwhile
    expect(kinds).toEqual(["directory", "account", "nonce", "order", "other", "renewal-info"]);
  });

  it("sends nothing when there is no place", async () => {
    const transport = new ScriptedTransport();
    const full = new TlsError("ACME_BUDGET", "full");
    const throttle = (kind: string) => (kind === "order" ? Promise.reject(full) : Promise.resolve());
    const { session, deadline } = sessionOf(transport, { throttle });
    const options = { doing: "ordering", deadline };
    expect(await rejection(session.post(`${ca}/newOrder`, {}, options))).toBe(full);
    expect(transport.count(`${ca}/newOrder`)).toBe(0);
  });

  it("signs a refused nonce's request anew with the nonce that came with the refusal, 20 times", async () => {
    const refuse = (times: number) =>
      new ScriptedTransport(({ url }, at) =>
        url === `${ca}/newOrder` && at <= times ? { status: 400, body: badNonce } : undefined,
      );
    const transport = refuse(20);
    const { session, deadline, clock } = sessionOf(transport);
    const options = { doing: "ordering", deadline };
    await session.post(`${ca}/newOrder`, {}, options);
    expect(noncesOf(transport)).toEqual(Array.from({ length: 21 }, (_, at) => `nonce-${at + 1}`));
    expect(clock.sleeps).toEqual([]);
    const never = sessionOf(refuse(99));
    const error = await rejection(never.session.post(`${ca}/newOrder`, {}, { ...options, deadline: never.deadline }));
    expect(error).toMatchObject({ code: "ACME_REJECTED", problem: { kind: "badNonce" } });
    // the last one is kept for the next request
    await never.session.post(`${ca}/other`, {}, { ...options, deadline: never.deadline });
    expect(noncesOf(never.transport).at(-1)).toBe("nonce-22");
    expect(never.transport.count(`${ca}/newNonce`)).toBe(1);
  });

  it("keeps the nonce that came with a refusal for the request that was refused, however many wait for one", async () => {
    const [refused, fresh] = [`${ca}/refused`, { "replay-nonce": "of-the-refusal" }];
    const { session, transport, deadline } = sessionOf(
      new ScriptedTransport(({ url }, at) =>
        url === refused && at === 1 ? { status: 400, body: badNonce, headers: fresh } : undefined,
      ),
    );
    const urls = [refused, ...Array.from({ length: 40 }, (_, at) => `${ca}/${at}`)];
    await Promise.all(urls.map((url) => session.post(url, {}, { doing: "asking", deadline })));
    expect(transport.signed(refused)[1]?.header.nonce).toBe("of-the-refusal");
    expect(new Set(noncesOf(transport)).size, "none is used twice").toBe(42);
  });

  it("does not use the nonce of a refusal again when the repetition is cut", async () => {
    const { session, transport, deadline } = sessionOf(
      new ScriptedTransport(({ method }, at) => {
        if (method !== "POST") return undefined;
        if (at === 2) throw unreachable();
        return at === 1 ? { status: 400, body: badNonce } : undefined;
      }),
    );
    await session.post(`${ca}/newOrder`, {}, { doing: "ordering", deadline });
    expect(noncesOf(transport)).toHaveLength(3);
    expect(new Set(noncesOf(transport)).size).toBe(3);
  });

  // with time for another try, and without
  it.each([60, 0.5])(
    "tells the end of the step, not that of the connection which it cut, %s s before",
    async (seconds) => {
      const stop = new AbortController();
      const { session, clock } = sessionOf(
        new ScriptedTransport(({ method }) => {
          if (method !== "POST") return undefined;
          stop.abort("SIGTERM");
          throw unreachable();
        }),
      );
      const deadline = new Deadline(seconds, clock, stop.signal);
      const error = await rejection(session.post(`${ca}/newOrder`, {}, { doing: "ordering", deadline }));
      deadline.dispose();
      expect(error.message).toBe("ACME_ABORTED: ordering: stopped (SIGTERM).");
    },
  );

  it("a refusal without a nonce, or with one that is none, costs another newNonce", async () => {
    for (const nonce of ["", "not a nonce"]) {
      const transport = new ScriptedTransport(({ method }, at) =>
        method === "POST" && at === 1 ? { status: 400, body: badNonce, headers: { "replay-nonce": nonce } } : undefined,
      );
      const { session, deadline } = sessionOf(transport);
      await session.post(`${ca}/newOrder`, {}, { doing: "ordering", deadline });
      expect(transport.count(`${ca}/newNonce`)).toBe(2);
    }
  });

  it("says so when newNonce gives none", async () => {
    const transport = new ScriptedTransport(({ method }) =>
      method === "HEAD" ? { headers: { "replay-nonce": "" } } : undefined,
    );
    const { session, deadline } = sessionOf(transport);
    const error = await rejection(session.post(`${ca}/newOrder`, {}, { doing: "ordering", deadline }));
    expect(error.message).toMatch(/ACME_PROTOCOL: ordering: asking for a nonce: .*Replay-Nonce/);
  });

  it("takes newNonce's failure for final, so tries do not multiply", async () => {
    const transport = new ScriptedTransport(({ method }) => {
      if (method === "HEAD") throw unreachable();
      return undefined;
    });
    const { session, deadline, clock } = sessionOf(transport);
    await rejection(session.post(`${ca}/newOrder`, {}, { doing: "ordering", deadline }));
    expect(transport.count(`${ca}/newNonce`)).toBe(4);
    expect(clock.sleeps).toEqual([1000, 2000, 4000]);
  });

  it("fetches nonces anew after all were lost with their connections", async () => {
    const transport = new ScriptedTransport(({ url }) => {
      if (url.endsWith("lost")) throw unreachable();
      return undefined;
    });
    const { session, deadline } = sessionOf(transport);
    for (let count = 0; count < 20; count++) {
      await rejection(session.post(`${ca}/lost`, {}, { doing: "asking", deadline: deadlineOf(1) }));
    }
    await session.post(`${ca}/found`, {}, { doing: "asking", deadline });
  });

  it("gives a mistake of ours as it is, at once", async () => {
    const mistake = new TypeError("a mistake");
    const transport = new ScriptedTransport(({ method }) => {
      if (method === "POST") throw mistake;
      return undefined;
    });
    const { session, deadline } = sessionOf(transport);
    await expect(session.post(`${ca}/newOrder`, {}, { doing: "ordering", deadline })).rejects.toBe(mistake);
    expect(transport.count(`${ca}/newOrder`)).toBe(1);
  });

  it("asks nothing after the deadline, and says what was not done", async () => {
    const transport = new ScriptedTransport();
    const { session, deadline, clock } = sessionOf(transport);
    clock.advance(60_000);
    const error = await rejection(session.post(`${ca}/newOrder`, {}, { doing: "ordering for a.test", deadline }));
    expect(error).toMatchObject({ code: "ACME_TIMEOUT" });
    expect(error.message).toMatch(/within 60 s.*timeoutSeconds/);
    expect(transport.asked).toEqual([]);
  });
});

describe("NoncePool", () => {
  const signal = new AbortController().signal;
  const none = () => Promise.reject(new Error("fetched"));

  it("fetches only what is wanted, up to its bound; others wait for what comes back", async () => {
    const pool = new NoncePool(3);
    let fetched = 0;
    const fetch = () => Promise.resolve(`n${++fetched}`);
    const taken: string[] = [];
    const takes = Array.from({ length: 10 }, () => pool.take(fetch, signal).then((nonce) => taken.push(nonce)));
    await new Promise(setImmediate);
    expect([taken, fetched]).toEqual([["n1", "n2", "n3"], 3]);
    for (let count = 0; count < 7; count++) pool.giveBack(`back${count}`);
    await Promise.all(takes);
    expect(taken.slice(3)).toEqual(Array.from({ length: 7 }, (_, at) => `back${at}`));
    expect(fetched).toBe(3);
  });

  it("fetches once for each request that waits", async () => {
    const pool = new NoncePool(10);
    let fetched = 0;
    const fetch = () => Promise.resolve(`n${++fetched}`);
    await Promise.all([pool.take(fetch, signal), pool.take(fetch, signal), pool.take(fetch, signal)]);
    expect(fetched).toBe(3);
  });

  it("gives the newest first, and fetches nothing while one is kept", async () => {
    const pool = new NoncePool(2);
    const fetch = () => Promise.resolve("first");
    await Promise.all([pool.take(fetch, signal), pool.take(fetch, signal)]);
    pool.giveBack("old");
    pool.giveBack("new");
    expect(await pool.take(none, signal)).toBe("new");
    expect(await pool.take(none, signal)).toBe("old");
  });

  it("a nonce that is lost is replaced by a fetch of who waits", async () => {
    const pool = new NoncePool(1);
    await pool.take(() => Promise.resolve("a"), signal);
    const waiting = pool.take(() => Promise.resolve("b"), signal);
    pool.giveBack(undefined);
    expect(await waiting).toBe("b");
  });

  it("a fetch that fails fails who asked for it; the next one fetches itself", async () => {
    const pool = new NoncePool(1);
    const first = pool.take(none, signal);
    const second = pool.take(() => Promise.resolve("b"), signal);
    await expect(first).rejects.toThrow("fetched");
    expect(await second).toBe("b");
  });

  it("who stops waiting leaves, and what was fetched for him serves the next", async () => {
    const pool = new NoncePool(1);
    const stop = new AbortController();
    let arrive: (nonce: string) => void = () => {};
    const fetch = () =>
      new Promise<string>((resolve) => {
        arrive = resolve;
      });
    const first = pool.take(fetch, stop.signal);
    const second = pool.take(none, signal);
    stop.abort(new Error("stopped"));
    await expect(first).rejects.toThrow("stopped");
    arrive("a");
    expect(await second).toBe("a");
    await expect(pool.take(none, stop.signal)).rejects.toThrow("stopped");
  });
});

describe("decideRetry", () => {
  const now = new Date("2026-12-01T06:00:00Z");
  const endsAt = new Date("2026-12-01T06:01:00Z");
  const answered = (status: number, problem: object = {}): Outcome => ({
    response: { status, headers: {}, body: Buffer.alloc(0) },
    problem: { type: "x", kind: "x", detail: "", subproblems: [], links: [], ...problem },
  });
  const at = (time: string) => ({ retryAfter: new Date(`2026-12-01T${time}Z`) });
  const stop = { again: false };
  const wait = (counts: string, waitMs: number) => ({ again: true, counts, waitMs });

  it.each<[string, Outcome, number, object]>([
    ["a cut connection", { failure: unreachable() }, 0, wait("failed", 1000)],
    ["a third one", { failure: unreachable() }, 2, wait("failed", 4000)],
    ["a fourth one", { failure: unreachable() }, 3, stop],
    ["a server that is not trusted", { failure: new TlsError("ACME_PROTOCOL", "x") }, 0, stop],
    ["500", answered(500), 1, wait("failed", 2000)],
    ["501, which is for ever", answered(501), 0, stop],
    ["503 with a time", answered(503, at("06:00:30")), 3, wait("none", 30_000)],
    ["429 with a time", answered(429, at("06:00:30")), 3, wait("none", 30_000)],
    ["429 with the last moment", answered(429, at("06:01:00")), 0, stop],
    ["429 with this moment", answered(429, at("06:00:00")), 0, wait("none", 1000)],
    ["429 without a time", answered(429), 0, stop],
    [
      "a limit under another status",
      answered(403, { kind: "rateLimited", ...at("06:00:30") }),
      0,
      wait("none", 30_000),
    ],
    ["400", answered(400), 0, stop],
    ["400 with a time", answered(400, at("06:00:30")), 0, stop],
    ["302", answered(302), 0, stop],
  ])("%s", (_, outcome, failed, expected) => {
    expect(decideRetry(outcome, { badNonce: 0, failed }, now, endsAt)).toEqual(expected);
  });

  it("waits for nothing that would be after the end", () => {
    const soon = new Date(now.getTime() + 1000);
    expect(decideRetry({ failure: unreachable() }, { badNonce: 0, failed: 0 }, now, soon)).toEqual(stop);
  });
});

describe("Deadline", () => {
  it("aborts by the system's timer, or as soon as the clock is seen to be over", async () => {
    const real = new Deadline(0.02, systemClock);
    await new Promise((resolve) => real.signal.addEventListener("abort", resolve));
    expect(real.remainingSeconds()).toBe(0);
    const clock = testClock();
    const deadline = deadlineOf(10, clock);
    expect(deadline.remainingSeconds()).toBe(10);
    clock.advance(10_000);
    expect([deadline.remainingSeconds(), deadline.signal.aborted]).toEqual([0, true]);
    expect(() => deadline.check("ordering")).toThrow("ACME_TIMEOUT: ordering: not done within 10 s.");
  });

  it("waits only what fits", async () => {
    const clock = testClock();
    const deadline = deadlineOf(10, clock);
    await deadline.wait(4000, "polling");
    expect(await rejection(deadline.wait(6000, "polling"))).toMatchObject({ code: "ACME_TIMEOUT" });
    expect(clock.sleeps).toEqual([4000]);
  });

  it("ends with its parent, and tells why", async () => {
    const stop = new AbortController();
    const deadline = new Deadline(10, systemClock, stop.signal);
    const waiting = rejection(deadline.wait(5000, "polling"));
    stop.abort("SIGINT");
    expect((await waiting).message).toBe("ACME_ABORTED: polling: stopped (SIGINT).");
    deadline.dispose();
    const orphaned = new TlsError("ACME_ORPHANED", "the engine is gone");
    expect(deadlineOf(10, testClock(), AbortSignal.abort(orphaned)).error("x")).toBe(orphaned);
    expect(deadlineOf(10, testClock(), AbortSignal.abort()).remainingSeconds()).toBe(0);
  });
});
