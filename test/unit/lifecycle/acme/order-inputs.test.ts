// FROZEN: what a certificate is of stands in the state of every user. Another text for the same would order all of them anew.
import { createHash } from "node:crypto";
import { describe, expect, it, test } from "vitest";
import { createDynamicProvider } from "../../../../provider/src/adapter/dynamic-provider";
import { acmeCertificate } from "../../../../provider/src/lifecycle/acme/certificate";
import { hashCertificateOrder } from "../../../../provider/src/lifecycle/acme/certificate-inputs";
import { hashPlacedOrder } from "../../../../provider/src/lifecycle/acme/order-inputs";
import type { Properties } from "../../../../provider/src/lifecycle/lifecycle";
import { issuer, leafOf } from "../../../support/engine/lifecycle";
import { opened } from "../../../support/engine/mocks";

const directoryUrl = "https://acme-v02.api.letsencrypt.org/directory";

describe("what a certificate is of", () => {
  // made by the release before there were orders (0.1.0)
  test.each<[string, Properties]>([
    ["57fe8fa6ab5c7cade62131d3f159f67c", { hostnames: ["shop.example.com"] }],
    [
      "532a5b4e91336ef75a162ed1f77fcb0a",
      { hostnames: ["*.a.example", "xn--mnchen-3ya.example"], profile: "tlsserver", keyType: "P384" },
    ],
    ["42272129ebdea2502221935f66fe437c", { hostnames: ["a.test"], certificateRequestPem: "REQUEST" }],
  ])("is still %s", (text, inputs) => {
    expect(hashCertificateOrder({ ...inputs, directoryUrl })).toBe(text);
    expect(hashCertificateOrder({ ...inputs, directoryUrl, accountUrl: "https://ca.test/1", reuseKey: true })).toBe(
      text,
    );
  });

  it("is the order alone, where it is taken from one", () => {
    const fromOrderUrl = "https://ca.test/order/1";
    const text = hashCertificateOrder({ hostnames: ["a.test"], directoryUrl, fromOrderUrl });
    const others = { hostnames: ["b.test"], keyType: "P384", profile: "x", certificateRequestPem: "REQUEST" };
    expect(hashCertificateOrder({ ...others, directoryUrl, fromOrderUrl })).toBe(text);
    expect(hashCertificateOrder({ hostnames: ["a.test"], directoryUrl, fromOrderUrl: `${fromOrderUrl}0` })).not.toBe(
      text,
    );
  });
});

it("a state that was made before there were orders shows no difference", async () => {
  const { certPem, privateKeyPem } = await leafOf(await issuer({}, new Date()), { validityDays: 90 }, new Date());
  const dates = {
    validFrom: new Date().toISOString(),
    validTo: new Date(Date.now() + 90 * 86_400_000).toISOString(),
  };
  const args = {
    ...{ name: "a", accountUrl: "https://ca.test/1", accountKeyPem: "x", directoryUrl, hostnames: ["a.test"] },
    challenge: { type: "http-01" },
  };
  const provider = createDynamicProvider(() => acmeCertificate);
  const inputs = opened((await provider.check({}, args)).inputs ?? {});
  const { accountKeyPem: _, challenge: __, ...shown } = inputs;
  const made = {
    certPem,
    privateKeyPem,
    ...dates,
    orderUrl: "https://ca.test/order/1",
    certificateUrl: "https://ca.test/c/1",
  };
  // as `hashCertificateOrder` was then
  const issuedFor = createHash("sha256")
    .update(JSON.stringify([["a.test"], null, null, null, directoryUrl]))
    .digest("hex")
    .slice(0, 32);
  const state = { ...shown, ...made, issuedFor, progress: null, pendingOrderUrl: null, failure: null, issuances: [] };
  expect(await provider.diff("id", state, inputs)).toEqual({ changes: false, replaces: [] });
  const other = { ...state, issuedFor: issuedFor.replace(/.$/, "-") };
  expect(await provider.diff("id", other, inputs)).toEqual({ changes: true, replaces: [] });
});

describe("what an order is of", () => {
  it("is its names, profile and CA", () => {
    const names = ["a.test", "b.test"];
    const expected = createHash("sha256")
      .update(JSON.stringify([names, null, directoryUrl]))
      .digest("hex")
      .slice(0, 32);
    expect(hashPlacedOrder({ hostnames: names, directoryUrl, timeoutSeconds: 5, accountUrl: "x" })).toBe(expected);
    for (const other of [{ hostnames: ["a.test"] }, { profile: "x" }, { directoryUrl: "https://ca.test/dir" }]) {
      expect(hashPlacedOrder({ hostnames: names, directoryUrl, ...other })).not.toBe(expected);
    }
  });
});
