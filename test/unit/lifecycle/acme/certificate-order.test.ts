// What a certificate that is taken from an order decides by its state: the order alone decides when there is another one.
import { describe, expect, it } from "vitest";
import { identifierSetKey } from "../../../../provider/src/acme/limits/back-off";
import { acmeCertificate } from "../../../../provider/src/lifecycle/acme/certificate";
import { hashCertificateOrder } from "../../../../provider/src/lifecycle/acme/certificate-inputs";
import { type Properties, UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { checked, issuer, leafOf, TODAY } from "../../../support/engine/lifecycle";

const directoryUrl = "https://acme-v02.api.letsencrypt.org/directory";
const inputs = checked(acmeCertificate, {
  name: "shop",
  accountUrl: "https://ca.test/account/1",
  accountKeyPem: UNKNOWN,
  directoryUrl,
  hostnames: ["shop.example.com"],
  fromOrderUrl: "https://ca.test/order/1",
  challenge: { type: "dns-01", via: "order" },
});
const renewed = { ...inputs, fromOrderUrl: "https://ca.test/order/2" };
const explain = async (state: Properties | undefined, given = inputs, now = TODAY) =>
  acmeCertificate.explain?.(state, given, now);
const isDue = async (state: Properties, given = inputs, now = TODAY) => acmeCertificate.isDue?.(state, given, now);
const issued = async (more: Properties = {}): Promise<Properties> => {
  const { certPem } = await leafOf(await issuer(), { hostnames: ["shop.example.com"], validityDays: 90 });
  const dates = { validFrom: "2026-11-23T00:00:00Z", validTo: "2027-02-20T23:59:59Z" };
  return { ...inputs, certPem, ...dates, issuedFor: hashCertificateOrder(inputs), ...more };
};

describe("a certificate of an order", () => {
  it("is taken from it: no limit is spent by that, and nothing is rehearsed", async () => {
    const from = "takes the certificate for shop.example.com from its order; at letsencrypt by dns-01 (its order)";
    expect(await explain(undefined)).toBe(from);
    expect(await explain(undefined, { ...inputs, fromOrderUrl: UNKNOWN })).toBe(from);
    const { certPem: _, ...failed } = await issued({ pendingOrderUrl: inputs.fromOrderUrl });
    expect([await explain(failed), await isDue(failed)]).toEqual([from, true]);
  });

  it("is left alone whatever its own dates say, and is another one when the order is", async () => {
    const state = await issued();
    const end = new Date("2027-02-20T00:00:00Z");
    expect([await explain(state), await isDue(state)]).toEqual([undefined, false]);
    expect([await explain(state, inputs, end), await isDue(state, inputs, end)]).toEqual([undefined, false]);
    for (const fromOrderUrl of [renewed.fromOrderUrl, UNKNOWN]) {
      const given = { ...inputs, fromOrderUrl };
      expect(await explain(state, given)).toMatch(
        /^takes the certificate for shop\.example\.com from the new order; at/,
      );
      // the engine sees that the URL differs, and lists it
      expect(await isDue(state, given)).toBe(false);
    }
  });

  it("is due by itself when the new order's could not be taken, and where a difference was lost", async () => {
    const failed = await issued({ ...renewed, progress: JSON.stringify({ orderUrl: renewed.fromOrderUrl }) });
    expect(await isDue(failed, renewed)).toBe(true);
    const lost = await issued(renewed);
    expect(await isDue(lost, renewed)).toBe(true);
    expect(await explain(lost, renewed)).toMatch(/^takes the certificate for shop\.example\.com from its order; at/);
  });

  it("that ordered by itself before is taken anew", async () => {
    const { fromOrderUrl: _, ...own } = await issued();
    const state = { ...own, issuedFor: hashCertificateOrder(own) };
    expect(await explain(state)).toMatch(/^takes the certificate for shop\.example\.com from the new order; at/);
  });

  it("backs off after a proof that failed, in the preview", async () => {
    const names = `${identifierSetKey([directoryUrl])}:${identifierSetKey(["shop.example.com"])}`;
    const failure = { count: 1, lastAt: "2026-11-23T10:20:00Z", code: "ACME_UNAUTHORIZED", reason: "DNS", names };
    await expect(explain(await issued({ ...renewed, failure }), renewed)).rejects.toThrow(
      /^ACME_BACKOFF: takes the certificate for shop\.example\.com from its order; but the CA is not asked: the last attempt/,
    );
  });
});
