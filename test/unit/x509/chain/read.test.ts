import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { describe, expect, it } from "vitest";
import { readCertificates, systemRoots } from "../../../../provider/src/x509/chain/chain";

describe("systemRoots", () => {
  it("reads every root that is bundled with Node, each of which signed itself and may issue", () => {
    const roots = systemRoots();
    expect(roots.map((root) => root.fingerprintSha256)).toEqual(
      rootCertificates.map((pem) => new X509Certificate(pem).fingerprint256.replaceAll(":", "").toLowerCase()),
    );
    expect(roots.filter((root) => !root.isCa || !root.isSelfIssued)).toEqual([]);
  });
});

describe("readCertificates", () => {
  it("gives the certificates in the order of the text", () => {
    const text = rootCertificates.slice(0, 20).join("\n# comment\n");
    expect(readCertificates(text, "roots").map((certificate) => certificate.x509.raw)).toEqual(
      rootCertificates.slice(0, 20).map((pem) => new X509Certificate(pem).raw),
    );
  });

  it("gives nothing for a text without certificates", () => {
    expect(readCertificates("", "roots")).toEqual([]);
  });
});
