// What a person sees of an inspection: tables whose columns stand in line, findings with what to do, the verdict last.
import { expect, it } from "vitest";
import { renderInspection } from "../../../provider/src/cli/inspection-text";
import type { InspectedCertificate, Inspection } from "../../../provider/src/files/inspection";

const leaf: InspectedCertificate = {
  role: "leaf",
  file: "shop.pem",
  subject: "CN=shop.test",
  issuer: "CN=Intermediate",
  validFrom: "2026-11-01T00:00:00Z",
  validTo: "2027-01-30T00:00:00Z",
  serialNumber: "0a1b",
  fingerprintSha256: "c3".repeat(32),
  keyType: "P256",
  names: ["shop.test", "10.0.0.5"],
};
const { names: _, ...ca } = { ...leaf, role: "intermediate", subject: "CN=Größe 日本", issuer: "CN=Root" } as const;
const inspection: Inspection = {
  isAccepted: true,
  asOf: "2026-12-31T00:00:00Z",
  files: [{ path: "shop.pem", format: "PEM", certificates: 2, privateKeys: 1 }],
  certificates: [leaf, ca],
  privateKeys: [{ file: "shop.pem", keyType: "P256", fits: true }],
  findings: [],
};

it("renders an accepted chain", () => {
  expect(renderInspection(inspection)).toBe(`files:
  file      format  certificates  keys
  shop.pem  PEM     2             1

certificates:
  role          subject       key   valid from            valid to              left     issuer
  leaf          CN=shop.test  P256  2026-11-01T00:00:00Z  2027-01-30T00:00:00Z  30 days  CN=Intermediate
  intermediate  CN=Größe 日本   P256  2026-11-01T00:00:00Z  2027-01-30T00:00:00Z  30 days  CN=Root

  role          serial number  SHA-256 fingerprint
  leaf          0a1b           ${"c3".repeat(32)}
  intermediate  0a1b           ${"c3".repeat(32)}

names:
  subject       names
  CN=shop.test  shop.test, 10.0.0.5

private keys:
  file      key   belongs to the certificate
  shop.pem  P256  yes

accepted as of 2026-12-31T00:00:00Z: nothing to report
`);
});

it("renders findings with their hint, counts them, and leaves out what is empty", () => {
  const finding = {
    severity: "error",
    code: "KEY_ENCRYPTED",
    reason: "a.key: is encrypted",
    hint: "Open it.",
  } as const;
  const text = renderInspection({
    ...inspection,
    isAccepted: false,
    files: [{ path: "a.key", certificates: 0, privateKeys: 0 }],
    certificates: [],
    privateKeys: [],
    findings: [
      finding,
      { ...finding, severity: "warning", code: "CHAIN_INCOMPLETE", reason: "No issuer.", hint: "Append it." },
      { ...finding, severity: "warning", code: "CHAIN_INVALID", reason: "No place", hint: "Remove it." },
    ],
  });
  expect(text).toBe(`files:
  file   format      certificates  keys
  a.key  unreadable  0             0

findings:
  error KEY_ENCRYPTED: a.key: is encrypted.
      Open it.
      Here it comes from the first line of --passphrase-file <file>, or from TLS_GATEWAY_PASSPHRASE.
  warning CHAIN_INCOMPLETE: No issuer.
      Append it.
  warning CHAIN_INVALID: No place.
      Remove it.

refused as of 2026-12-31T00:00:00Z: 1 error, 2 warnings
`);
});

it("says in words what has ended or not begun", () => {
  const at = (asOf: string) => renderInspection({ ...inspection, asOf }).match(/30T00:00:00Z {2}(.*?) {2,}CN=Int/)?.[1];
  expect(at("2026-10-31T23:59:59Z")).toBe("not yet valid");
  expect(at("2027-01-29T23:00:00Z")).toBe("60 minutes");
  expect(at("2027-01-30T00:00:00Z")).toBe("expired");
});

it("escapes what a stranger's certificate may do to a terminal", () => {
  const name = "\u202Etset.pohs\n\u001b[31m";
  const text = renderInspection({
    ...inspection,
    files: [{ path: "a\u001b[2Jb", certificates: 0, privateKeys: 0 }],
    certificates: [{ ...leaf, subject: "", names: [name] }],
  });
  expect(text).toContain('(empty)  "\\u{202e}tset.pohs\\u{a}\\u{1b}[31m"');
  expect(text).toContain('"a\\u{1b}[2Jb"');
  expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
});
