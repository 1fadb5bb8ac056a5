// Pins, TLSA records and the table of a chain, against what openssl says of the same certificates.
import { execFileSync } from "node:child_process";
import { afterAll, describe, expect, it } from "vitest";
import { hashPublicKey, listTlsaRecords, readMembers } from "../../../../provider/src/resources/certificate/facts";
import { caExtensions, leafExtensions, OpensslPki } from "../../../support/x509/openssl-pki";

const pki = new OpensslPki();
afterAll(() => pki.remove());

describe("facts of a chain", () => {
  const root = pki.issue("/O=Example, Inc./CN=Root", { extensions: caExtensions() });
  const leaf = pki.issue("shop", { issuer: root, extensions: leafExtensions("DNS:shop.test") });

  it("are rows as openssl shows them", () => {
    const shown = [leaf, root].map(({ file }) => {
      const text = pki.run(
        "x509 -noout -subject -issuer -dates -serial -fingerprint -sha256 -dateopt iso_8601"
          .split(" ")
          .concat("-nameopt", "RFC2253,sep_comma_plus_space", "-in", file),
      );
      const field = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
      return {
        subject: field("subject"),
        issuer: field("issuer"),
        validFrom: field("notBefore").replace(" ", "T"),
        validTo: field("notAfter").replace(" ", "T"),
        serialNumber: field("serial").toLowerCase(),
        fingerprintSha256: field("sha256 Fingerprint").replaceAll(":", "").toLowerCase(),
      };
    });
    expect(readMembers(leaf.pem + root.pem)).toEqual(shown);
  });

  it.each(["-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "-algorithm RSA", "-algorithm ED25519"])(
    "hash the public key of %s as openssl does for a pin",
    (key) => {
      const { pem, file } = pki.issue("pinned", { extensions: leafExtensions("DNS:a.test"), key });
      const script = `openssl x509 -in ${file} -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary`;
      expect(hashPublicKey(pem)).toEqual(execFileSync("sh", ["-c", script], { cwd: pki.folder }));
    },
  );
});

describe("TLSA records", () => {
  const hash = Buffer.from("00ff", "hex");

  it("stand at the port of each DNS name, and at no wildcard, address, e-mail address or URI", () => {
    const names = ["shop.test", "*.shop.test", "10.0.0.1", "2001:db8::1", "me@shop.test", "spiffe://shop.test/a"];
    expect(listTlsaRecords([...names, "xn--mnchen-3ya.de"], hash, {})).toEqual([
      {
        name: "_443._tcp.shop.test",
        type: "TLSA",
        usage: 3,
        selector: 1,
        matchingType: 1,
        data: "00ff",
        value: "3 1 1 00ff",
      },
      expect.objectContaining({ name: "_443._tcp.xn--mnchen-3ya.de" }),
    ]);
  });

  it("may be for another port and protocol", () => {
    expect(listTlsaRecords(["shop.test"], hash, { port: 8443, protocol: "udp" })).toMatchObject([
      { name: "_8443._udp.shop.test" },
    ]);
  });
});
