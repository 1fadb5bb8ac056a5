// The last steps of an order, against a CA in memory, and what a CA answers that it should not.
import { createPrivateKey } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { makeCertificateRequest } from "../../../../provider/src/acme/order/certificate-request";
import { revokeCertificate } from "../../../../provider/src/acme/order/flow";
import { Deadline } from "../../../../provider/src/acme/run/deadline";
import type { Asked } from "../../../support/acme/memory-ca";
import { accountUrl, MemoryOrders, namesOf, newKeyPem } from "../../../support/acme/memory-orders";

let { ca, solver, last, run, failure, stopAt } = new MemoryOrders();
beforeEach(() => {
  ({ ca, solver, last, run, failure, stopAt } = new MemoryOrders());
});

describe("finalizing", () => {
  it("an order that is not ready yet looks again", async () => {
    ca.fail("finalize", { status: 403, type: "orderNotReady", detail: "not yet" });
    await run();
    expect(ca.requests.slice(-5)).toEqual(["finalize", "order", "finalize", "order", "certificate"]);
  });

  it("an order that was finalized by a request whose answer was lost looks again", async () => {
    ca.fail("finalize", { status: 403, type: "orderNotReady", detail: "valid", after: true });
    await run();
    expect(ca.count("finalize")).toBe(1);
  });

  it("with a request that the CA refuses forgets its key alone", async () => {
    ca.fail("finalize", { status: 400, type: "badCSR", detail: "weak key" });
    const error = await failure();
    expect(error.code).toBe("ACME_REJECTED");
    expect(last()).toEqual({ orderUrl: expect.any(String) });
  });

  it("an order that the CA does not want any more forgets it, and the next run orders anew", async () => {
    ca.fail("finalize", { status: 403, type: "unauthorized", detail: "an authorization has expired" });
    expect((await failure()).reason).toContain("an authorization has expired");
    expect(last()).toEqual({});
    await run(last());
    expect(ca.count("new-order")).toBe(2);
  });

  it.each([
    [403, "unauthorized"],
    [404, "malformed"],
  ])("an order of an earlier run that the CA does not want any more (%i %s) is ordered anew", async (status, type) => {
    const progress = await stopAt("finalize");
    ca.fail("finalize", { status, type, detail: "it has expired" });
    const { notes } = await run(progress);
    expect(notes.join()).toMatch(/is not finalized any more .*it has expired/);
    expect(ca.count("new-order")).toBe(2);
  });

  it.each([
    [403, undefined],
    [403, "userActionRequired"],
    [503, undefined],
  ])("keeps an order when status %i %s is not about it", async (status, type) => {
    ca.fail("finalize", { status, ...(type !== undefined && { type }), detail: "x" });
    await failure();
    expect(last().orderUrl).toBeDefined();
    await run(last());
    expect(ca.count("new-order")).toBe(1);
  });

  it("keeps the key when it is not known whether the CA got it", async () => {
    ca.fail("finalize", { status: 429, type: "rateLimited", detail: "slow" });
    expect((await failure()).code).toBe("ACME_RATE_LIMITED");
    expect(last().certificateKeyPem).toBeDefined();
  });
});

describe("an order that is processed for ever", () => {
  it("is given up at the deadline, with its URL, and gone on with by the next run", async () => {
    ca.processing = 1_000_000;
    const error = await failure({}, { seconds: 60 });
    expect(error.code).toBe("ACME_TIMEOUT");
    expect(error.message).toMatch(
      /the order for a\.test \("https:\/\/ca\.test\/order\/\d+"\) is still being processed/,
    );
    expect(ca.waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(60_000);
    expect(ca.waits.slice(0, 6)).toEqual([200, 200, 1000, 1000, 2000, 3000]);
    ca.processing = 0;
    for (const order of ca.orders.values()) order.status = "valid";
    expect((await run(last())).notes).toEqual([]);
  });

  it.each([
    ["seconds", () => "7", 7000],
    ["a date", () => "Tue, 24 Nov 2026 12:00:09 GMT", 9000],
    ["less than a second", () => "0", 1000],
  ])("is asked for again when Retry-After says, in %s", async (_, header, ms) => {
    ca.proved.add("a.test");
    ca.processingHeaders = { "retry-after": header() };
    ca.processing = 1;
    await run();
    expect(ca.waits).toEqual([ms]);
  });

  it("is given up at once when Retry-After is beyond the deadline, with the time that it says", async () => {
    ca.proved.add("a.test");
    ca.processingHeaders = { "retry-after": "86400" };
    const error = await failure({}, { seconds: 60 });
    expect(error).toMatchObject({ code: "ACME_TIMEOUT", retryAt: "2026-11-25T12:00:00Z" });
    expect(ca.waits).toEqual([]);
  });
});

describe("an order that replaces a certificate", () => {
  const request = { identifiers: namesOf("a.test"), replaces: "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE" };

  it("says so", async () => {
    const issued = await run({}, { request });
    expect(ca.ordered[0]).toMatchObject({ replaces: request.replaces });
    expect(issued.progress).not.toHaveProperty("replacesDropped");
  });

  it("does not where the CA has no renewal information", async () => {
    ca.hasRenewalInfo = false;
    await run({}, { request });
    expect(ca.ordered[0]).not.toHaveProperty("replaces");
  });

  it.each([
    [409, "alreadyReplaced", "certificate already has a replacement order"],
    [409, "conflict", "cannot indicate an order replaces certificate"],
    [409, undefined, undefined],
    [404, "malformed", "While checking ARI replacement: no order found"],
    [404, "certificateUnknown", "the certificate to be replaced is unknown"],
    [400, "malformed", "parsing ARI CertID failed: unrecognised AKI"],
    [403, "unauthorized", "requester account did not request the certificate being replaced by this order"],
    [500, "serverInternal", "could not find an order for the given certificate: unknown"],
    [500, "serverInternal", "at least one identifier in the new order and existing order must match"],
  ])("is placed without, once, when the CA answers %i %s: %s", async (status, type, detail) => {
    ca.fail("new-order", { status, ...(type !== undefined && { type }), ...(detail !== undefined && { detail }) });
    const issued = await run({}, { request });
    expect(ca.count("new-order")).toBe(2);
    expect(ca.ordered).toEqual([{ identifiers: request.identifiers }]);
    expect(issued.progress.replacesDropped).toBe(true);
    expect(issued.notes.join()).toMatch(/does not take this order for a replacement/);
  });

  it.each([
    [429, "rateLimited", "too many replacement orders"],
    [400, "rejectedIdentifier", "policy forbids issuing"],
    [400, "malformed", "an identifier is malformed"],
    [500, "serverInternal", "database"],
  ])("is not placed again when the CA answers %i %s: %s", async (status, type, detail) => {
    ca.fail("new-order", { status, type, detail });
    await failure({}, { request });
    expect(ca.count("new-order")).toBe(1);
  });

  it("is not asked for again once that was dropped, also by the next run", async () => {
    ca.fail("new-order", { status: 409, type: "conflict" }, { status: 503 });
    await failure({}, { request });
    expect(last()).toEqual({ replacesDropped: true });
    await run(last(), { request });
    expect(ca.ordered).toEqual([{ identifiers: request.identifiers }]);
  });
});

describe("the certificate that comes", () => {
  const wrong: readonly (readonly [string, () => void, RegExp])[] = [
    ["nothing", () => (ca.chainOf = () => ""), /no certificate/],
    ["a web page", () => (ca.chainOf = () => "<html>"), /no certificate/],
    ["a private key too", () => (ca.chainOf = (leaf) => leaf + newKeyPem()), /private key/],
    ["half a block", () => (ca.chainOf = (leaf) => leaf.slice(0, 200)), /cut short/],
    ["the issuer first", () => (ca.chainOf = (leaf, issuer) => issuer + leaf), /is no chain/],
    ["the issuer alone", () => (ca.chainOf = (_, issuer) => issuer), /certificate of a CA/],
    ["another issuer", () => (ca.chainOf = (leaf) => leaf + leaf), /is no chain/],
  ];
  it.each(wrong)("as %s is refused", async (_, change, found) => {
    change();
    const error = await failure();
    expect(error.code).toBe("ACME_PROTOCOL");
    expect(error.reason).toMatch(found);
    expect(error.message).not.toMatch(/BEGIN|MI[IG]/);
  });

  it("for another key, or for other names, is refused", async () => {
    const other = createPrivateKey(newKeyPem());
    let made = 0;
    const csr = () => ({
      der: makeCertificateRequest(made++ === 0 ? other : createPrivateKey(newKeyPem()), namesOf("b.test")),
    });
    expect((await failure({}, { csr })).reason).toMatch(/the certificate is for b\.test/);
    const { certPem } = await run();
    ca.chainOf = () => certPem;
    expect((await failure()).reason).toMatch(/not for the key of the request/);
  });
});

describe("revoking", () => {
  const revoke = async () => {
    const { certPem } = await run();
    const deadline = new Deadline(60, ca.clock);
    await revokeCertificate(ca.session(), accountUrl, certPem, "superseded", deadline).finally(() =>
      deadline.dispose(),
    );
  };

  it("asks the CA", async () => {
    await revoke();
    expect(ca.count("revoke")).toBe(1);
  });

  it("a certificate that is revoked already is a success", async () => {
    ca.fail("revoke", { status: 400, type: "alreadyRevoked", detail: "already" });
    await revoke();
  });

  it("that is refused is an error", async () => {
    ca.fail("revoke", { status: 403, type: "unauthorized", detail: "not yours" });
    await expect(revoke()).rejects.toThrow(/not yours/);
  });
});

it("each kind of request that fails by a limit leaves a run that goes on", async () => {
  const kinds: readonly Asked[] = ["new-order", "order", "authorization", "challenge", "finalize", "certificate"];
  for (const kind of kinds) {
    ({ ca, solver, last, run, failure } = new MemoryOrders());
    ca.fail(kind, { status: 429, type: "rateLimited", detail: "too many", headers: { "retry-after": "60" } });
    const error = await failure();
    expect(error, kind).toMatchObject({ code: "ACME_RATE_LIMITED" });
    // some looks before it took a second
    expect(error.retryAt, kind).toMatch(/^2026-11-24T12:01:0[0-2]Z$/);
    const { notes } = await run(last());
    expect(notes).toEqual([]);
    expect(ca.count("new-order"), kind).toBe(kind === "new-order" ? 2 : 1);
    expect(solver.inPlace.size).toBe(0);
  }
});
