import * as peculiar from "@peculiar/x509";
import { describe, expect, it } from "vitest";
import { renderPem } from "../../../../provider/src/x509/asn1/pem";
import { readCertificateRequest } from "../../../../provider/src/x509/certificate/request";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const rsa = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-384",
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
};

/** A request by another library. */
async function request(
  names: peculiar.JsonGeneralName[],
  algorithm: typeof ecdsa | typeof rsa = ecdsa,
): Promise<Buffer> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await peculiar.Pkcs10CertificateRequestGenerator.create({
    keys,
    name: "O=Example, CN=gateway",
    signingAlgorithm: algorithm,
    extensions: names.length === 0 ? [] : [new peculiar.SubjectAlternativeNameExtension(names)],
  });
  return Buffer.from(made.rawData);
}

const read = (der: Buffer, label = "CERTIFICATE REQUEST") => readCertificateRequest(renderPem(label, der));

describe("a certificate request", () => {
  it.each([
    ["of an EC key", ecdsa],
    ["of an RSA key", rsa],
  ])("%s gives key, names and subject", async (_, algorithm) => {
    const der = await request(
      [
        { type: "dns", value: "A.Example.com" },
        { type: "ip", value: "10.0.0.1" },
      ],
      algorithm,
    );
    const found = read(der);
    expect(found.identifiers).toEqual([
      { type: "dns", value: "a.example.com" },
      { type: "ip", value: "10.0.0.1" },
    ]);
    expect(found.subject).toEqual({ organization: "Example", commonName: "gateway" });
    const other = new peculiar.Pkcs10CertificateRequest(der).publicKey.rawData;
    expect(found.publicKey.export({ type: "spki", format: "der" }).equals(Buffer.from(other))).toBe(true);
  });

  it("without alternative names asks for none: the common name is not one", async () => {
    expect(read(await request([])).identifiers).toEqual([]);
  });

  it("has either of two labels", async () => {
    const der = await request([]);
    expect(read(der, "NEW CERTIFICATE REQUEST").subject).toEqual(read(der).subject);
  });

  it("that was changed after it was signed is refused", async () => {
    const der = await request([{ type: "dns", value: "a.example.com" }]);
    der.write("b.example.com", der.indexOf("a.example.com"));
    expect(() => read(der)).toThrow(/^REQUEST_INVALID: the certificate request: its signature is not by the key in it/);
  });

  it.each([
    [{ type: "dns", value: "a_b.example.com" }, "underscore"],
    [{ type: "dns", value: "10.0.0.1" }, 'kind "dns".*kind "ip".*IP:10'],
    [{ type: "dns", value: "w*.example.com" }, "wildcard"],
  ] as const)("for a name that is none is refused: %j", async (name, found) => {
    const der = await request([name]);
    expect(() => read(der)).toThrow(new RegExp(`^REQUEST_INVALID: .*${found}`));
  });

  it("is one block of its kind", async () => {
    const pem = renderPem("CERTIFICATE REQUEST", await request([]));
    expect(() => readCertificateRequest("")).toThrow(/^REQUEST_INVALID: .*no PEM block/);
    expect(() => readCertificateRequest(pem + pem)).toThrow(/^REQUEST_INVALID: .*2 PEM blocks/);
    const other = renderPem("CERTIFICATE", Buffer.of(5, 0));
    expect(() => readCertificateRequest(other)).toThrow(/^REQUEST_INVALID: .*is a CERTIFICATE/);
  });

  it("that is damaged anywhere is refused", async () => {
    const der = await request([{ type: "dns", value: "a.example.com" }]);
    for (let at = 0; at < der.length; at += 1) {
      const damaged = Buffer.from(der);
      damaged[at] = (damaged[at] ?? 0) ^ 0x15;
      expect(() => read(damaged), `octet ${at}`).toThrow(/^(REQUEST|PEM)_INVALID: /);
    }
  });
});
