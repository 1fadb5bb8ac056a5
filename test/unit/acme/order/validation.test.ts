// The proof of names, against a CA in memory: which challenge, what is told, what is taken away and when.
import { beforeEach, describe, expect, it } from "vitest";
import { TlsError } from "../../../../provider/src/errors";
import { MemoryOrders, MemorySolver } from "../../../support/acme/memory-orders";

let { ca, solver, last, run, failure, stopAt } = new MemoryOrders();
beforeEach(() => {
  ({ ca, solver, last, run, failure, stopAt } = new MemoryOrders());
});

describe("a proof", () => {
  it("that fails is told name by name with the CA's reason, and the order forgotten", async () => {
    ca.refused.set("a.test", "no TXT record at _acme-challenge.a.test").set("*.b.test", "SERVFAIL looking up TXT");
    const error = await failure({}, { names: ["a.test", "*.b.test", "c.test"] });
    expect(error.code).toBe("ACME_UNAUTHORIZED");
    expect(error.reason).toContain("a.test by dns-01: the CA answered dns");
    expect(error.reason).toContain("no TXT record at _acme-challenge.a.test");
    expect(error.reason).toContain("*.b.test by dns-01");
    expect(error.reason).not.toContain("c.test by");
    expect(error.hint).toBeDefined();
    expect(last()).toEqual({});
    expect(solver).toMatchObject({ cleanUps: 1 });
    expect(solver.inPlace.size).toBe(0);
  });

  it.each(["deactivated", "expired", "revoked"])("of an authorization that is %s ends the order", async (status) => {
    const progress = await stopAt("ordered");
    for (const authorization of ca.authorizations.values()) authorization.status = status;
    // a CA that has not heard of it in its order yet
    ca.isOrderSlow = true;
    const error = await failure(progress);
    expect(error.code).toBe("ACME_UNAUTHORIZED");
    expect(error.reason).toContain(`a.test: its authorization is ${status}`);
    expect(last()).toEqual({});
  });

  it("that no solver fits says what the CA offers and what is configured", async () => {
    ca.offered = ["tls-alpn-01", "http-01"];
    const error = await failure({}, { names: ["a.test"] });
    expect(error.code).toBe("ACME_CHALLENGE");
    expect(error.reason).toContain("a.test: no challenge fits: the CA offers http-01, tls-alpn-01; configured: dns-01");
    // the order is fine: with another solver the next run goes on
    await run(last(), { solvers: [new MemorySolver("http-01")] });
    expect(ca.count("new-order")).toBe(1);
  });

  it("that a solver refuses says why", async () => {
    solver.refusal = "an address has no record";
    expect((await failure({}, { names: ["192.0.2.1"] })).reason).toContain("(dns-01: an address has no record)");
  });

  it("whose answer the CA has already is not told twice", async () => {
    ca.fail("challenge", { status: 500, type: "serverInternal", detail: "lost", after: true });
    await run();
    expect(ca.count("challenge")).toBe(1);
    expect(ca.count("new-order")).toBe(1);
  });

  it("whose answer the CA refuses ends the run, and the order is kept", async () => {
    ca.fail("challenge", { status: 400, type: "malformed", detail: "no" });
    expect((await failure()).code).toBe("ACME_REJECTED");
    // there is nothing that it could be deciding
    expect(ca.waits).toEqual([]);
    expect(last().orderUrl).toBeDefined();
    expect(solver.inPlace.size).toBe(0);
  });

  it("whose solver fails is cleaned up, once, and the order is kept", async () => {
    solver.failure = new TlsError("ACME_CHALLENGE", "the command ended with status 1");
    expect(await failure()).toBe(solver.failure);
    expect(ca.count("challenge")).toBe(0);
    expect(solver).toMatchObject({ cleanUps: 1 });
    expect(last()).toEqual({ orderUrl: expect.any(String) });
  });

  it("that the engine's end stops is cleaned up", async () => {
    const orphaned = new TlsError("ACME_ORPHANED", "the engine is gone");
    const checkAlive = async () => {
      if (solver.inPlace.size > 0) throw orphaned;
    };
    expect(await failure({}, { checkAlive })).toBe(orphaned);
    expect(ca.count("challenge")).toBe(0);
    expect(solver.inPlace.size).toBe(0);
  });

  it.each(["answer", "answered"] as const)(
    "that a stop at %s leaves to a CA that is just looking, waits for it",
    async (step) => {
      ca.looks = 4;
      const inPlace: number[] = [];
      ca.whenDecided = () => void inPlace.push(solver.inPlace.size);
      const progress = await stopAt(step, { names: ["a.test", "b.test"] });
      expect(inPlace).toEqual(step === "answer" ? [] : [2, 2]);
      expect(solver.inPlace.size).toBe(0);
      await run(progress, { names: ["a.test", "b.test"] });
      expect(ca.count("new-order")).toBe(1);
    },
  );

  it("that the CA does not decide in time after a stop is left alone", async () => {
    ca.looks = 1_000;
    await stopAt("answered");
    expect(ca.waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(5000);
    expect(solver.inPlace.size).toBe(0);
  });

  it("that the CA is at work on is not told again, and goes on by the same challenge", async () => {
    ca.looks = 1_000;
    const progress = await stopAt("answered");
    for (const authorization of ca.authorizations.values()) expect(authorization.status).toBe("pending");
    const http = new MemorySolver("http-01");
    const ended = run(progress, { solvers: [http, solver], seconds: 1e6 });
    expect((await ended).notes).toEqual([]);
    expect(ca.count("challenge")).toBe(1);
    expect(http.presented).toEqual([]);
  });

  it("of a name that nobody ordered is refused", async () => {
    const progress = await stopAt("ordered");
    for (const one of ca.authorizations.values())
      Object.assign(one, { identifier: { type: "dns", value: "$(id).test" } });
    expect((await failure(progress)).reason).toBe(
      'asking for an authorization: it is for "$(id).test", which was not ordered.',
    );
    expect(solver.presented).toEqual([]);
  });

  it("of a wildcard that the CA does not call one is a wildcard's", async () => {
    const progress = await stopAt("ordered", { names: ["*.a.test"] });
    for (const authorization of ca.authorizations.values()) Object.assign(authorization, { wildcard: undefined });
    await run(progress, { names: ["*.a.test"] });
    expect(solver.presented.flat()).toMatchObject([{ identifier: { value: "a.test" }, isWildcard: true }]);
  });

  it("with a token that could lead out of a folder is refused", async () => {
    const progress = await stopAt("ordered");
    for (const { challenges } of ca.authorizations.values()) {
      for (const challenge of challenges) Object.assign(challenge, { token: "../../etc/passwd" });
    }
    expect(await failure(progress)).toMatchObject({ code: "ACME_PROTOCOL" });
    expect(solver.presented).toEqual([]);
  });

  it("of a hundred names stops asking at the first failure", async () => {
    ca.fail("authorization", { status: 429, type: "rateLimited", detail: "slow" });
    await failure({}, { names: Array.from({ length: 100 }, (_, index) => `n${index}.test`) });
    expect(ca.count("authorization")).toBeLessThanOrEqual(8);
  });

  it("that takes its time is waited for", async () => {
    ca.looks = 3;
    await run();
    expect(ca.waits.slice(0, 3)).toEqual([200, 1000, 1000]);
    expect(ca.count("authorization")).toBe(4);
  });

  it("by two solvers of one kind goes to the one that fits the name, and is taken away by it", async () => {
    const other = new MemorySolver("dns-01");
    solver.refuse = ({ value }) => (value === "b.test" ? "not mine" : undefined);
    await run({}, { names: ["a.test", "b.test"], solvers: [solver, other] });
    const valuesOf = (one: MemorySolver) => one.presented.flat().map(({ identifier }) => identifier.value);
    expect([valuesOf(solver), valuesOf(other)]).toEqual([["a.test"], ["b.test"]]);
    expect([solver.cleanUps, other.cleanUps, solver.inPlace.size, other.inPlace.size]).toEqual([1, 1, 0, 0]);
  });

  it("that was answered by what is configured no more is noted", async () => {
    const { progress } = await run();
    const task = {
      identifier: { type: "dns", value: "a.test" },
      isWildcard: false,
      token: "t",
      keyAuthorization: "k",
    } as const;
    const { notes } = await run({ ...progress, presented: [{ type: "http-01", task }] });
    expect(notes.join()).toMatch(/put 1 answers to challenges in place by what is configured no more/);
    expect(last()).not.toHaveProperty("presented");
  });

  it("whose clean-up fails keeps no certificate back: it is noted, and tried by the next run", async () => {
    solver.cleanUpFailure = new TlsError("ACME_CHALLENGE", "the command ended with status 2");
    const { notes, progress } = await run();
    expect(notes.join()).toContain("was not taken away: the command ended with status 2");
    expect(progress.presented).toHaveLength(1);
    solver.cleanUpFailure = undefined;
    expect((await run(progress)).progress).not.toHaveProperty("presented");
    expect(solver.inPlace.size).toBe(0);
  });

  it("that never ends, ends by the deadline with the order's URL", async () => {
    ca.looks = 1_000_000;
    const error = await failure({}, { seconds: 60 });
    expect(error.code).toBe("ACME_TIMEOUT");
    expect(error.message).toMatch(/a\.test by dns-01 .*order "https:\/\/ca\.test\/order\/\d+" is pending/);
    expect(last().orderUrl).toBeDefined();
  });
});
