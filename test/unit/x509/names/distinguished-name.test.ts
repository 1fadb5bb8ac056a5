import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { Name } from "@peculiar/x509";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TlsError } from "../../../../provider/src/errors";
import { type Asn1, bytes, der, readDer } from "../../../../provider/src/x509/asn1/der";
import { readCertificate } from "../../../../provider/src/x509/certificate/certificate";
import {
  type DistinguishedName,
  encodeName,
  readName,
  renderName,
} from "../../../../provider/src/x509/names/distinguished-name";

const whole: DistinguishedName = {
  country: "DE",
  province: "Bayern",
  locality: "München",
  streetAddress: "Marienplatz 1",
  postalCode: "80331",
  organization: 'Test, Inc. "x"',
  organizationalUnit: "R+D; <Ops>",
  commonName: "#1 CA",
  serialNumber: "HRB 1",
  emailAddress: "ca@example.com",
};

describe("a distinguished name", () => {
  it("is read back as it was encoded", () => {
    expect(readName(readDer(bytes(encodeName(whole))))).toEqual(whole);
  });

  it("has in the eyes of another library the same attributes", () => {
    const attributes = new Name(bytes(encodeName(whole))).toJSON();
    expect(Object.assign({}, ...attributes)).toEqual({
      C: ["DE"],
      ST: ["Bayern"],
      L: ["München"],
      "2.5.4.9": ["Marienplatz 1"],
      "2.5.4.17": ["80331"],
      O: ['Test, Inc. "x"'],
      OU: ["R+D; <Ops>"],
      CN: ["#1 CA"],
      "2.5.4.5": ["HRB 1"],
      E: ["ca@example.com"],
    });
  });

  it("is rendered as RFC 4514 says", () => {
    expect(renderName(encodeName(whole))).toBe(
      'emailAddress=ca@example.com, serialNumber=HRB 1, CN=\\#1 CA, OU=R\\+D\\; \\<Ops\\>, O=Test\\, Inc. \\"x\\", postalCode=80331, STREET=Marienplatz 1, L=München, ST=Bayern, C=DE',
    );
    expect(renderName(encodeName({}))).toBe("");
    expect(renderName(encodeName({ commonName: " a\u202eb " }))).toBe("CN=\\ a\\e2\\80\\aeb\\ ");
  });

  describe("of the examples of RFC 4514 section 4", () => {
    const dc = "0.9.2342.19200300.100.1.25";
    const level = (oid: string, value: Asn1) => der.set(der.sequence(der.oid(oid), value));
    const name = (commonName: string) =>
      der.sequence(level(dc, der.ia5("net")), level(dc, der.ia5("example")), level("2.5.4.3", der.utf8(commonName)));

    it("is rendered with escapes", () => {
      expect(renderName(name('James "Jim" Smith, III'))).toBe('CN=James \\"Jim\\" Smith\\, III, DC=example, DC=net');
      expect(renderName(name("Before\rAfter"))).toBe("CN=Before\\0dAfter, DC=example, DC=net");
      expect(renderName(der.sequence(level("1.3.6.1.4.1.1466.0", der.octetString(Buffer.from("Hi")))))).toBe(
        "1.3.6.1.4.1.1466.0=#04024869",
      );
    });

    it("is rendered with several values of a level", () => {
      // openssl asn1parse -genconf with DC=net, DC=example, and one set of OU and CN
      const encoded =
        "305031133011060a0992268993f22c64011916036e657431173015060a0992268993f22c64011916076578616d706c65" +
        "3120300c060355040b0c0553616c6573301006035504030c094a2e2020536d697468";
      const text = renderName(readDer(Buffer.from(encoded, "hex")));
      expect(text).toBe("OU=Sales+CN=J.  Smith, DC=example, DC=net");
    });
  });

  it("of every root of Mozilla is rendered with the attributes that OpenSSL finds", () => {
    for (const pem of rootCertificates) {
      const x509 = new X509Certificate(pem);
      const lines = x509.subject.split("\n").reverse().join(", ");
      expect(readCertificate(x509.raw).subject).toBe(lines);
    }
  });

  it.each<[DistinguishedName, string]>([
    [{ commonName: "" }, "commonName"],
    [{ commonName: "  " }, "commonName"],
    [{ commonName: "a".repeat(65) }, "longer than 64"],
    [{ organization: "a\nb" }, "control character"],
    [{ country: "Germany" }, "longer than 2"],
    [{ country: "de" }, "two capital letters"],
    [{ serialNumber: "ü" }, "other than ASCII letters"],
    [{ emailAddress: "ü@example.com" }, "other than ASCII"],
  ])("%j is refused", (name, found) => {
    expect(() => encodeName(name)).toThrow(new RegExp(`^NAME_INVALID: .*${found}`));
  });

  it("of any text is refused with a TlsError or read back", () => {
    const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 80 }), fc.string({ unit: "binary", maxLength: 80 }));
    fc.assert(
      fc.property(text, fc.constantFrom(...(Object.keys(whole) as (keyof DistinguishedName)[])), (value, field) => {
        try {
          const name = encodeName({ [field]: value });
          expect(readName(readDer(bytes(name)))).toEqual({ [field]: value });
          expect(renderName(name)).toMatch(/^[^\p{Cc}\p{Cf}]+$/u);
        } catch (error) {
          if (!(error instanceof TlsError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});
