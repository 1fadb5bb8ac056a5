// Every state that an order can be found in, against a CA in memory: what is asked, what is saved, what is left.
import { createPrivateKey } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { ChallengeTask } from "../../../../provider/src/acme/challenge/solver";
import { makeCertificateRequest } from "../../../../provider/src/acme/order/certificate-request";
import type { OrderStep } from "../../../../provider/src/acme/order/flow";
import { readCertificates } from "../../../../provider/src/x509/chain/chain";
import { MemoryOrders, MemorySolver, namesOf, newKeyPem } from "../../../support/acme/memory-orders";

let { ca, solver, saved, said, last, run, failure, stopAt } = new MemoryOrders();
beforeEach(() => {
  ({ ca, solver, saved, said, last, run, failure, stopAt } = new MemoryOrders());
});

describe("an order from its beginning", () => {
  it("is placed, proved, finalized and downloaded in seven requests, each saved before and after", async () => {
    const issued = await run();
    expect(ca.requests).toEqual([
      ...(["new-order", "authorization", "challenge", "authorization"] as const),
      ...(["finalize", "order", "certificate"] as const),
    ]);
    expect(saved.map(({ step }) => step)).toEqual([
      ...["new-order", "ordered", "present", "presented", "answer", "answered", "clean-up"],
      ...["finalize", "finalized", "download", "downloaded"],
    ]);
    const [leaf, issuer] = readCertificates(issued.fullChainPem, "the chain");
    expect(issued.certPem + issued.issuerPem).toBe(issued.fullChainPem);
    expect(leaf?.identifiers).toEqual(namesOf("a.test"));
    expect(leaf?.x509.checkPrivateKey(createPrivateKey(issued.keyPem ?? ""))).toBe(true);
    expect(issued.issuerPem).toBe(issuer?.pem);
    expect(issued).toMatchObject({ preferredChainFound: true, chains: ["Scripted Root"], notes: [] });
    expect(issued.progress).toEqual(last());
    expect(solver.inPlace.size).toBe(0);
  });

  it("asks for a key before the first request that holds it, and saves that key before", async () => {
    await run();
    const { keyPem } = await run();
    const before = saved.findLast(({ step }) => step === "finalize")?.progress;
    expect(before?.certificateKeyPem).toBe(keyPem);
    expect(
      saved.filter(({ step }) => step === "answered").every(({ progress }) => !("certificateKeyPem" in progress)),
    ).toBe(true);
  });

  it("carries the profile", async () => {
    await run({}, { request: { identifiers: namesOf("a.test"), profile: "shortlived" } });
    expect(ca.ordered).toEqual([{ identifiers: [{ type: "dns", value: "a.test" }], profile: "shortlived" }]);
  });

  it("whose names are proved already is finalized at once, and no solver is asked", async () => {
    for (const name of ["a.test", "b.test"]) ca.proved.add(name);
    await run({}, { names: ["a.test", "b.test"] });
    expect(ca.requests).toEqual(["new-order", "finalize", "order", "certificate"]);
    expect(solver).toMatchObject({ presented: [], cleanUps: 0 });
  });

  it("passes over those of its names that are proved already", async () => {
    ca.proved.add("a.test");
    await run({}, { names: ["a.test", "b.test"] });
    expect(solver.presented.flat().map(({ identifier }) => identifier.value)).toEqual(["b.test"]);
  });

  it("presents a wildcard and its own name together, under one name, and a name of each kind by what fits it", async () => {
    const http = new MemorySolver("http-01");
    solver.refuse = ({ type }) => (type === "ip" ? "no name" : undefined);
    await run({}, { names: ["a.test", "*.a.test", "192.0.2.1"], solvers: [solver, http] });
    expect(solver.presented.map((tasks) => tasks.map((task) => [task.identifier.value, task.isWildcard]))).toEqual([
      [
        ["a.test", false],
        ["a.test", true],
      ],
    ]);
    expect(http.presented.flat().map(({ identifier }) => identifier)).toEqual([{ type: "ip", value: "192.0.2.1" }]);
    expect([solver.cleanUps, http.cleanUps]).toEqual([1, 1]);
  });

  it("of a hundred names is for all of them", async () => {
    const names = Array.from({ length: 100 }, (_, index) => `n${index}.test`);
    const { certPem } = await run({}, { names });
    expect(readCertificates(certPem, "it")[0]?.identifiers).toHaveLength(100);
    expect(ca.count("challenge")).toBe(100);
  });

  it("for a request of the user has no key", async () => {
    const key = createPrivateKey(newKeyPem());
    const der = makeCertificateRequest(key, namesOf("a.test"));
    const issued = await run({}, { csr: () => ({ der }) });
    expect(issued).not.toHaveProperty("keyPem");
    expect(JSON.stringify(saved)).not.toContain("PRIVATE KEY");
  });

  it("says nothing of keys and tokens", async () => {
    await run();
    expect(said.length).toBeGreaterThan(0);
    expect(said.join()).not.toMatch(/PRIVATE KEY|token-/);
  });
});

describe("an order of an earlier run", () => {
  const steps: readonly OrderStep[] = [
    ...(["ordered", "present", "presented", "answer", "answered", "clean-up"] as const),
    ...(["finalize", "finalized", "download", "downloaded"] as const),
  ];

  it.each(steps)(
    "that was stopped at %s is gone on with: one order, one certificate, nothing left behind",
    async (step) => {
      const progress = await stopAt(step, { names: ["a.test", "*.a.test"] });
      const issued = await run(progress, { names: ["a.test", "*.a.test"] });
      expect(ca.count("new-order")).toBe(1);
      expect(issued.notes).toEqual([]);
      const [leaf] = readCertificates(issued.certPem, "it");
      expect(leaf?.x509.checkPrivateKey(createPrivateKey(issued.keyPem ?? ""))).toBe(true);
      expect(solver.inPlace.size).toBe(0);
      expect(last()).not.toHaveProperty("presented");
    },
  );

  it("that was stopped before it was placed is placed", async () => {
    await run(await stopAt("new-order"));
    expect(ca.count("new-order")).toBe(1);
  });

  it("that is valid is downloaded with two requests and the key that was saved", async () => {
    const { keyPem, progress } = await run();
    ca.requests.length = 0;
    expect((await run(progress)).keyPem).toBe(keyPem);
    expect(ca.requests).toEqual(["order", "certificate"]);
  });

  it("that is valid and whose key is lost is ordered anew, with a note", async () => {
    const { progress } = await run();
    const { certificateKeyPem: _, ...rest } = progress;
    const issued = await run(rest);
    expect(ca.count("new-order")).toBe(2);
    expect(issued.notes.join()).toMatch(
      /its key is lost or another one is wanted now, so the certificate is ordered anew/,
    );
    expect(issued.orderUrl).not.toBe(progress.orderUrl);
  });

  it("that is valid and whose certificate is gone, or has expired, is ordered anew, with a note", async () => {
    const { progress } = await run();
    ca.fail("certificate", { status: 404 });
    expect((await run(progress)).notes.join()).toMatch(/is not there any more/);
    ca.now = new Date(ca.now.getTime() + 91 * 86_400_000);
    expect((await run(progress)).notes.join()).toMatch(/has expired/);
  });

  it("that is valid for a request of the user needs no key", async () => {
    const der = makeCertificateRequest(createPrivateKey(newKeyPem()), namesOf("a.test"));
    const { progress } = await run({}, { csr: () => ({ der }) });
    expect((await run(progress, { csr: () => ({ der }) })).notes).toEqual([]);
    expect(ca.count("new-order")).toBe(1);
  });

  it("that is processing is waited for", async () => {
    ca.processing = 3;
    const progress = await stopAt("finalized");
    ca.requests.length = 0;
    await run(progress);
    expect(ca.requests).toEqual(["order", "order", "order", "certificate"]);
  });

  it("that is finalized though its answer was lost goes on, with the key it was finalized with", async () => {
    ca.fail("finalize", { status: 503, after: true });
    const error = await failure();
    const { keyPem } = await run(last());
    expect(error.code).toBe("ACME_UNREACHABLE");
    expect(keyPem).toBe(saved.find(({ step }) => step === "finalize")?.progress.certificateKeyPem);
    expect(ca.count("new-order")).toBe(1);
  });

  const gone: readonly (readonly [string, (id: string) => void, RegExp])[] = [
    ["gone (404)", (id) => void ca.orders.delete(id), /not there any more/],
    ["gone (410)", () => ca.fail("order", { status: 410 }), /not there any more/],
    [
      "another account's (403)",
      () => ca.fail("order", { status: 403, type: "unauthorized" }),
      /not one of this account/,
    ],
    ["expired", (id) => Object.assign(ca.orders.get(id) ?? {}, { expires: "2026-11-24T11:59:59Z" }), /has expired/],
    ["of an unknown status", (id) => Object.assign(ca.orders.get(id) ?? {}, { status: "revoked" }), /status "revoked"/],
  ];
  it.each(gone)("that is %s is ordered anew, with a note", async (_, change, note) => {
    const progress = await stopAt("ordered");
    change((progress.orderUrl ?? "").split("/").at(-1) ?? "");
    const issued = await run(progress);
    expect(issued.notes).toHaveLength(1);
    expect(issued.notes[0]).toMatch(note);
    expect(ca.count("new-order")).toBe(2);
    expect(issued.progress.orderUrl).not.toBe(progress.orderUrl);
  });

  it("that is not gone on with is forgotten before another is placed, and what it left in place is taken away", async () => {
    const { orderUrl = "", presented = [] } = await stopAt("presented");
    for (const { task } of presented) solver.inPlace.add(task.token);
    ca.orders.clear();
    ca.fail("new-order", { status: 503 });
    await failure({ orderUrl, presented, certificateKeyPem: newKeyPem() });
    expect(presented).toHaveLength(1);
    expect(last()).toEqual({});
    expect(solver.inPlace.size).toBe(0);
  });

  it("that the CA writes otherwise is the same: names in capitals, a wildcard by its star", async () => {
    const names = ["a.test", "*.a.test"];
    const progress = await stopAt("ordered", { names });
    for (const order of ca.orders.values()) {
      order.identifiers = order.identifiers.map((name) => ({ ...name, value: name.value.toUpperCase() }));
    }
    for (const authorization of ca.authorizations.values()) {
      if (authorization.wildcard !== true) continue;
      Object.assign(authorization, { wildcard: undefined, identifier: { type: "dns", value: "*.A.test" } });
    }
    expect((await run(progress, { names })).notes).toEqual([]);
    expect(solver.presented.flat().map((task) => [task.identifier.value, task.isWildcard])).toEqual([
      ["a.test", false],
      ["a.test", true],
    ]);
  });

  it("for other names, or of another profile, is ordered anew, with a note", async () => {
    const progress = await stopAt("ordered", { request: { identifiers: namesOf("a.test"), profile: "classic" } });
    expect((await run(progress, { names: ["a.test", "b.test"] })).notes.join()).toMatch(/for other names/);
    const request = { identifiers: namesOf("a.test"), profile: "shortlived" };
    expect((await run(progress, { request })).notes.join()).toMatch(/another profile/);
  });

  it("that is invalid is told and forgotten", async () => {
    ca.refused.set("a.test", "no TXT record found");
    const { presented: _, ...progress } = await stopAt("answered");
    // some CAs repeat it in the order
    const told = { type: "urn:ietf:params:acme:error:dns", detail: "no TXT record found" };
    for (const order of ca.orders.values()) order.error = told;
    const error = await failure(progress);
    expect(error.code).toBe("ACME_UNAUTHORIZED");
    expect(error.message.split("no TXT record found")).toHaveLength(2);
    expect(last()).toEqual({});
    ca.refused.clear();
    await run(last());
    expect(ca.count("new-order")).toBe(2);
  });

  it("that failed while what a killed run left was in place is ordered anew once: its listener was gone", async () => {
    ca.refused.set("a.test", "Connection refused");
    const progress = await stopAt("answered");
    ca.refused.clear();
    const { notes } = await run(progress);
    expect(notes.join()).toMatch(/order of a run that was killed .* has failed, so the certificate is ordered anew/);
    expect(ca.count("new-order")).toBe(2);
  });

  it("that fails again is told", async () => {
    ca.refused.set("a.test", "Connection refused");
    const error = await failure(await stopAt("answered"));
    expect(error.code).toBe("ACME_UNAUTHORIZED");
    expect(ca.count("new-order")).toBe(2);
    expect(last()).toEqual({});
  });

  it("that is invalid by itself has the reason of the order", async () => {
    const progress = await stopAt("finalize");
    const error = { type: "urn:ietf:params:acme:error:caa", detail: "CAA forbids it" };
    for (const order of ca.orders.values()) Object.assign(order, { status: "invalid", error });
    const found = await failure(progress);
    expect(found.code).toBe("ACME_ORDER_INVALID");
    expect(found.message.split("CAA forbids it")).toHaveLength(2);
    expect(last()).toEqual({});
  });

  it("takes away what a killed run left in place, also when it has nothing to prove any more", async () => {
    const task = {
      identifier: { type: "dns", value: "old.test" },
      isWildcard: false,
      token: "t1",
      keyAuthorization: "k",
    };
    solver.inPlace.add("t1");
    const { progress } = await run();
    solver.inPlace.add("t1");
    await run({ ...progress, presented: [{ type: "dns-01", task: task as ChallengeTask }] });
    expect(solver.inPlace.size).toBe(0);
    expect(last()).not.toHaveProperty("presented");
  });
});
