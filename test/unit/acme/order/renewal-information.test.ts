import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  askRenewalInformation,
  readRenewalInformation,
  renewalInfoId,
} from "../../../../provider/src/acme/order/renewal-information";
import { Deadline } from "../../../../provider/src/acme/run/deadline";
import { bytes, der, readDer } from "../../../../provider/src/x509/asn1/der";
import { encodeExtension, extensionId } from "../../../../provider/src/x509/asn1/extension";
import { type Certificate, readCertificate } from "../../../../provider/src/x509/certificate/certificate";
import { MemoryCa } from "../../../support/acme/memory-ca";

const keyPem = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });

/** A certificate with this serial number and authority key identifier, hexadecimal. */
function certificate(serial: string, authorityKeyId?: string): Certificate {
  const key = createPrivateKey(keyPem);
  const algorithm = der.sequence(der.oid("1.2.840.10045.4.3.2"));
  const keyId = Buffer.from(authorityKeyId ?? "", "hex");
  const extension =
    authorityKeyId === undefined
      ? encodeExtension(extensionId.subjectKeyId, false, der.octetString(Buffer.of(1)))
      : encodeExtension(extensionId.authorityKeyId, false, der.sequence(der.implicit(0, keyId)));
  const body = der.sequence(
    der.tagged(0, der.integer(2)),
    der.integer(Buffer.from(serial, "hex")),
    algorithm,
    der.sequence(),
    der.sequence(der.time(new Date("2026-01-01T00:00:00Z")), der.time(new Date("2027-01-01T00:00:00Z"))),
    der.sequence(),
    readDer(createPublicKey(key).export({ type: "spki", format: "der" })),
    der.tagged(3, der.sequence(extension)),
  );
  const signature = sign("sha256", bytes(body), key);
  return readCertificate(bytes(der.sequence(body, algorithm, der.bitString(signature))));
}

describe("the identifier for renewal information", () => {
  it("is that of RFC 9773 section 4.1, with the leading 00 of the serial number", () => {
    const example = certificate("87654321", "69885B6B87464041E1B37B847BA0AE2CDE01C8D4");
    expect(example.serialNumber).toBe("87654321");
    expect(renewalInfoId(example)).toBe("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
  });

  it("has no 00 where the serial number needs none", () => {
    expect(renewalInfoId(certificate("17654321", "01"))).toBe("AQ.F2VDIQ");
  });

  it("is none without an authority key identifier", () => {
    expect(renewalInfoId(certificate("01"))).toBeUndefined();
  });
});

describe("renewal information", () => {
  const now = new Date("2026-11-24T12:00:00.500Z");
  const read = (answer: unknown, retryAfter?: string) =>
    readRenewalInformation(Buffer.from(typeof answer === "string" ? answer : JSON.stringify(answer)), {
      id: "a.b",
      retryAfter,
      now,
    });
  const suggestedWindow = { start: "2026-12-01T00:00:00Z", end: "2026-12-02T00:00:00Z" };

  it("is the window, the page that explains it, and when to ask again", () => {
    const explanationURL = "https://ca.test/docs/incident";
    expect(read({ suggestedWindow, explanationURL, more: 1 }, "21600")).toEqual({
      id: "a.b",
      start: "2026-12-01T00:00:00Z",
      end: "2026-12-02T00:00:00Z",
      explanationUrl: explanationURL,
      nextAskAt: "2026-11-24T18:00:00Z",
    });
  });

  it("is read in every form of RFC 3339, into whole seconds of UTC", () => {
    const window = { start: "2026-12-01t01:00:00.999+01:00", end: "2026-12-02T00:00:00.123456789Z" };
    expect(read({ suggestedWindow: window })).toMatchObject({ start: suggestedWindow.start, end: suggestedWindow.end });
  });

  it("in the past is kept: it says that the certificate is to be renewed now", () => {
    const past = { start: "2026-01-01T00:00:00Z", end: "2026-01-01T00:00:01Z" };
    expect(read({ suggestedWindow: past })).toMatchObject(past);
  });

  it.each([
    ["not JSON", "hello"],
    ["no object", "[]"],
    ["null", "null"],
    ["nothing", ""],
    ["without a window", {}],
    ["with a window of null", { suggestedWindow: null }],
    ["without an end", { suggestedWindow: { start: suggestedWindow.start } }],
    ["with an end before the start", { suggestedWindow: { start: suggestedWindow.end, end: suggestedWindow.start } }],
    ["with an end at the start", { suggestedWindow: { start: suggestedWindow.start, end: suggestedWindow.start } }],
    ["with numbers", { suggestedWindow: { start: 1, end: 2 } }],
    ["with days", { suggestedWindow: { start: "2026-12-01", end: "2026-12-02" } }],
    ["with dates that are none", { suggestedWindow: { start: "2026-13-01T00:00:00Z", end: "2026-14-01T00:00:00Z" } }],
    ["with times of no zone", { suggestedWindow: { start: "2026-12-01T00:00:00", end: "2026-12-02T00:00:00" } }],
  ])("%s is none", (_, answer) => {
    expect(read(answer)).toBeUndefined();
  });

  it.each([
    ["is absent", undefined, "2026-11-24T18:00:00Z"],
    ["is neither seconds nor a date", "soon", "2026-11-24T18:00:00Z"],
    ["is a date", "Tue, 24 Nov 2026 13:00:00 GMT", "2026-11-24T13:00:00Z"],
    ["is shorter than a minute", "1", "2026-11-24T12:01:00Z"],
    ["is longer than a day", "99999999", "2026-11-25T12:00:00Z"],
  ])("is asked for again, when Retry-After %s, at the right moment", (_, retryAfter, nextAskAt) => {
    expect(read({ suggestedWindow }, retryAfter)?.nextAskAt).toBe(nextAskAt);
  });

  it.each([
    ["javascript:alert(1)"],
    ["https://ca.test/\u202egpj"],
    ["https://ca.test/a b"],
    [`https://ca.test/${"a".repeat(2048)}`],
    [7],
    [null],
  ])("has no page that is %j", (explanationURL) => {
    expect(read({ suggestedWindow, explanationURL })).not.toHaveProperty("explanationUrl");
  });
});

describe("asking a CA when to renew", () => {
  const ask = async (ca: MemoryCa, authorityKeyId?: string) => {
    const deadline = new Deadline(60, ca.clock);
    const asked = askRenewalInformation(ca.session(), certificate("87654321", authorityKeyId), deadline);
    return await asked.finally(() => deadline.dispose());
  };

  it("is one request, and its answer is kept under the certificate's own identifier", async () => {
    const ca = new MemoryCa();
    expect(await ask(ca, "01")).toEqual({
      id: "AQ.AIdlQyE",
      start: "2027-01-01T00:00:00Z",
      end: "2027-01-02T00:00:00Z",
      nextAskAt: "2026-11-24T13:00:00Z",
    });
    expect(ca.requests).toEqual(["renewal-info"]);
  });

  it("is not done where the CA has none, or the certificate no identifier", async () => {
    const ca = new MemoryCa();
    expect(await ask(ca)).toBeUndefined();
    ca.hasRenewalInfo = false;
    expect(await ask(ca, "01")).toBeUndefined();
    expect(ca.requests).toEqual([]);
  });

  it.each([400, 404, 410])("has no answer for a certificate that the CA does not know (%i)", async (status) => {
    const ca = new MemoryCa();
    ca.fail("renewal-info", { status });
    expect(await ask(ca, "01")).toBeUndefined();
  });

  it.each([429, 500, 503])("fails when the CA does (%i), which is for the caller to bear", async (status) => {
    const ca = new MemoryCa();
    ca.fail("renewal-info", { status, type: "serverInternal", detail: "x" });
    await expect(ask(ca, "01")).rejects.toMatchObject({ name: "TlsError" });
  });
});
