// Guards: a renewal that is decided twice, of which the second time a CA that has become silent keeps the old certificate.
import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AcmeSession } from "../../../../provider/src/acme/client/session";
import { acmeCertificate } from "../../../../provider/src/lifecycle/acme/certificate";
import { hashCertificateOrder } from "../../../../provider/src/lifecycle/acme/certificate-inputs";
import { acmeOrder } from "../../../../provider/src/lifecycle/acme/order";
import { hashPlacedOrder } from "../../../../provider/src/lifecycle/acme/order-inputs";
import type { Lifecycle, Properties } from "../../../../provider/src/lifecycle/lifecycle";
import { useAcmeHome } from "../../../support/acme/lifecycle";
import { MemoryCa } from "../../../support/acme/memory-ca";
import { checked, issuer, leafOf } from "../../../support/engine/lifecycle";

const now = new Date("2026-11-24T12:00:00Z");
const minutesLater = (minutes: number) => new Date(now.getTime() + minutes * 60_000);

const hostnames = ["shop.test"];
const accountKeyPem = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();
const past = { suggestedWindow: { start: "2026-11-01T00:00:00Z", end: "2026-11-02T00:00:00Z" } };

useAcmeHome();

let ca: MemoryCa;
let count = 0;
beforeEach(() => {
  ca = new MemoryCa();
  ca.proved.add("shop.test");
  const session = ca.session();
  // each session of the process leads to this CA
  vi.spyOn(AcmeSession.prototype, "directory").mockImplementation((deadline) => session.directory(deadline));
  vi.spyOn(AcmeSession.prototype, "get").mockImplementation((url, options) => session.get(url, options));
  vi.spyOn(AcmeSession.prototype, "post").mockImplementation((url, payload, options) =>
    session.post(url, payload, options),
  );
});
afterEach(() => {
  for (const method of ["directory", "get", "post"] as const) vi.mocked(AcmeSession.prototype[method]).mockRestore();
});

/** The arguments of another resource; the CA is asked whenever it may be. */
function argumentsOf(more: Properties): Properties {
  count += 1;
  const account = { accountUrl: "https://ca.test/account/1", directoryUrl: "https://ca.test/directory", accountKeyPem };
  return { ...account, name: `shop${count}`, hostnames, renewalInfoDays: 1000, preflight: { when: "off" }, ...more };
}

/** A certificate of ninety days that was issued two weeks ago. */
async function certificateOf(): Promise<Properties> {
  const day = new Date("2026-11-10T00:00:00Z");
  const { certPem } = await leafOf(await issuer({}, day), { hostnames, validityDays: 90 }, day);
  return { certPem, validFrom: "2026-11-10T00:00:00Z", validTo: "2027-02-07T23:59:59Z" };
}

async function issued(): Promise<{ inputs: Properties; state: Properties }> {
  const inputs = checked(acmeCertificate, argumentsOf({ challenge: { type: "http-01" } }), now);
  return { inputs, state: { ...inputs, ...(await certificateOf()), issuedFor: hashCertificateOrder(inputs) } };
}

async function placed(): Promise<{ inputs: Properties; state: Properties }> {
  const inputs = checked(acmeOrder, argumentsOf({}), now);
  const order = { orderUrl: "https://ca.test/order/1", orderedFor: hashPlacedOrder(inputs) };
  const estimate = { orderedAt: "2026-11-10T00:00:00Z", estimatedValidTo: "2027-02-07T23:59:59Z" };
  return { inputs, state: { ...inputs, ...order, ...estimate } };
}

const isDue = async (lifecycle: Lifecycle, { state, inputs }: Awaited<ReturnType<typeof issued>>, at = now) =>
  lifecycle.isDue?.(state, inputs, at);
const update = ({ state, inputs }: Awaited<ReturnType<typeof issued>>, at = now) =>
  acmeCertificate.update("id", state, inputs, { now: at });
const silent = Array.from({ length: 20 }, () => ({ status: 503 }));

describe("the renewal of a certificate", () => {
  it("is decided once for diff, the reason and the update of a step, and the CA asked once", async () => {
    const held = await issued();
    expect(await isDue(acmeCertificate, held)).toBe(false);
    expect(await acmeCertificate.explain?.(held.state, held.inputs, now)).toBeUndefined();
    expect(await update(held)).toMatchObject({ certPem: held.state.certPem });
    expect(ca.requests).toEqual(["renewal-info"]);
  });

  it("is asked for again by the next run, for another state, and for another policy", async () => {
    const held = await issued();
    await isDue(acmeCertificate, held);
    await isDue(acmeCertificate, held, minutesLater(2));
    expect(ca.count("renewal-info")).toBe(2);
    await isDue(acmeCertificate, { ...held, state: { ...held.state, ...(await certificateOf()) } });
    await isDue(acmeCertificate, { ...held, inputs: { ...held.inputs, minDaysRemaining: 5 } });
    expect(ca.count("renewal-info")).toBe(4);
  });

  it("happens when diff said so, though the CA is silent at the update, and however late that comes", async () => {
    const held = await issued();
    ca.renewal = past;
    expect(await isDue(acmeCertificate, held)).toBe(true);
    ca.fail("renewal-info", ...silent);
    const outputs = await update(held, minutesLater(90));
    expect(ca.ordered).toHaveLength(1);
    expect(outputs.certPem).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(outputs.certPem).not.toBe(held.state.certPem);
    // the window of the new certificate is asked for after its order
    expect(outputs.renewalWindow).toBeNull();
    expect(ca.requests[0]).toBe("renewal-info");
    expect(ca.requests.slice(1, ca.requests.indexOf("new-order"))).toEqual([]);
  });

  it("does not happen when diff said so by a CA that was silent, though it speaks at the update", async () => {
    const held = await issued();
    ca.renewal = past;
    ca.fail("renewal-info", ...silent);
    expect(await isDue(acmeCertificate, held)).toBe(false);
    const asked = ca.count("renewal-info");
    ca.forget("renewal-info");
    expect(await update(held)).toMatchObject({ certPem: held.state.certPem });
    expect(ca.count("renewal-info")).toBe(asked);
    // the next run hears it
    expect(await isDue(acmeCertificate, held, minutesLater(2))).toBe(true);
  });

  it("is decided by the update alone in a process that has seen no diff", async () => {
    const held = await issued();
    ca.renewal = past;
    await update(held);
    expect(ca.ordered).toHaveLength(1);
  });
});

describe("another order", () => {
  it("is placed when diff said so, though the CA is silent at the update", async () => {
    const { inputs, state } = await placed();
    // the CA knows no such order
    expect(await isDue(acmeOrder, { inputs, state })).toBe(true);
    expect(ca.requests).toEqual(["order"]);
    ca.fail("order", ...silent);
    const outputs = await acmeOrder.update("id", state, inputs, { now: minutesLater(90) });
    expect(outputs.orderUrl).toMatch(/^https:\/\/ca\.test\/order\//);
    expect(ca.requests[1]).toBe("new-order");
  });

  it("is decided anew by each look: an order goes on while the state stays", async () => {
    const held = await placed();
    await isDue(acmeOrder, held);
    await isDue(acmeOrder, held);
    expect(ca.count("order")).toBe(2);
  });
});
