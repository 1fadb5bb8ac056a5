import { X509Certificate } from "node:crypto";
import { domainToASCII } from "node:url";
import { X509CertificateGenerator } from "@peculiar/x509";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TlsError } from "../../../../provider/src/errors";
import {
  isCovered,
  parseHostName,
  parseIdentifier,
  renderIdentifier,
} from "../../../../provider/src/x509/names/identifier";
import { withinCpuTime } from "../../../support/cpu-time";

/** The error of a refused name; the test fails when it is accepted. */
function refusal(text: string): TlsError {
  try {
    parseIdentifier(text);
  } catch (error) {
    expect(error).toBeInstanceOf(TlsError);
    return error as TlsError;
  }
  throw new Error(`${text} was accepted`);
}

describe("a name is recognised by its form and made canonical", () => {
  it.each([
    ["Gateway.Example.COM.", "dns", "gateway.example.com"],
    ["localhost", "dns", "localhost"],
    ["*.example.com", "dns", "*.example.com"],
    ["*.test", "dns", "*.test"],
    ["3com.example", "dns", "3com.example"],
    ["1.2.3.example", "dns", "1.2.3.example"],
    ["r3---sn-abc.example.com", "dns", "r3---sn-abc.example.com"],
    ["beef.cafe", "dns", "beef.cafe"],
    // RFC 5891 and UTS 46 examples
    ["münchen.de", "dns", "xn--mnchen-3ya.de"],
    ["MÜNCHEN.DE", "dns", "xn--mnchen-3ya.de"],
    ["mu\u0308nchen.de", "dns", "xn--mnchen-3ya.de"],
    ["xn--mnchen-3ya.de", "dns", "xn--mnchen-3ya.de"],
    ["*.bücher.example", "dns", "*.xn--bcher-kva.example"],
    ["faß.de", "dns", "xn--fa-hia.de"],
    ["例え。テスト。", "dns", "xn--r8jz45g.xn--zckzah"],
    ["203.0.113.7", "ip", "203.0.113.7"],
    ["Ops@Example.COM", "email", "Ops@example.com"],
    ["a.b+c@bücher.example", "email", "a.b+c@xn--bcher-kva.example"],
    ["root@localhost", "email", "root@localhost"],
    ["https://Example.com:8443/a%20b?q#f", "uri", "https://Example.com:8443/a%20b?q#f"],
    ["spiffe://cluster.local/ns/default", "uri", "spiffe://cluster.local/ns/default"],
    ["https://user@[2001:db8::1]:443/", "uri", "https://user@[2001:db8::1]:443/"],
  ])("%s", (text, type, value) => {
    expect(parseIdentifier(text)).toEqual({ type, value });
  });

  // RFC 5952 sections 1, 2, 4 and 5
  it.each([
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"],
    ["2001:DB8::1", "2001:db8::1"],
    ["2001:db8::0:1", "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["::ffff:C000:0201", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ])("the IPv6 address %s", (text, value) => {
    expect(parseIdentifier(text)).toEqual({ type: "ip", value });
  });
});

describe("what can't be a name is refused, with what was found", () => {
  it.each([
    ["", "the name is empty"],
    [".", "a label is empty"],
    ["a..b", "a label is empty"],
    [".example.com", "a label is empty"],
    ["example.com..", "a label is empty"],
    [`${"a".repeat(64)}.example`, "64 octets; at most 63"],
    [`${"é".repeat(63)}.example`, "at most 63"],
    [`${"abcdefg.".repeat(31)}abcdef`, "254 octets; at most 253"],
    ["a".repeat(2000), "2000 characters"],
    ["a_b.example.com", "an underscore"],
    ["é_b.example.com", "an underscore"],
    ["-a.example.com", "starts or ends with a hyphen"],
    ["a-.example.com", "starts or ends with a hyphen"],
    ["*", "whole leftmost label of a longer name"],
    ["*.", "whole leftmost label of a longer name"],
    ["w*.example.com", "whole leftmost label"],
    ["a.*.example.com", "whole leftmost label"],
    ["*.*.example.com", "whole leftmost label"],
    ["é.\uff0a.example.com", "whole leftmost label"],
    ["10.0.0.1:443", "it has a port"],
    ["example.com:443", "it has a port"],
    ["[::1]:443", "it has a port"],
    ["[::1]", "without brackets"],
    ["1::2::3", "no IPv6 address"],
    ["10.0.0.0/8", "a range of addresses"],
    ["fe80::1%eth0", "zone"],
    ["1.2.3", "last label is a number"],
    ["256.1.1.1", "last label is a number"],
    ["010.1.2.3", "last label is a number"],
    ["0x7f.1", "last label is a number"],
    ["a.0x7F", "last label is a number"],
    ["127.0.0.1.", "last label is a number"],
    ["2130706433", "last label is a number"],
    ["１.２.３", "reads as the IP address 1.2.0.3"],
    ["１２７.0.0.1", "reads as the IP address 127.0.0.1"],
    ["é.１", "A-label form"],
    ["a b.example", "white space"],
    ["example.com\n", "white space"],
    ["example\u00a0.com", "white space"],
    ["exa\u00admple.com", "invisible character"],
    ["\ufeffexample.com", "white space"],
    ["exa\u0000mple.com", "invisible character"],
    ["example.com/path", '"/" can\'t stand'],
    ["\u0300a.example", "no A-label form"],
    ["xn--a.example", "no A-label"],
    ["xn--abc-.example", "hyphen"],
    ["a@b@example.com", "before the @"],
    ["@example.com", "before the @"],
    ["ünï@example.com", "before the @"],
    ["a..b@example.com", "before the @"],
    ["a@", "name is empty"],
    ["a@*.example.com", "wildcard"],
    ["a@10.0.0.1", "last label is a number"],
    [`${"a".repeat(65)}@example.com`, "at most 64"],
    ["https:///path", "no host"],
    ["://example.com", "no scheme"],
    ["https://a_b/", "underscore"],
    ["https://*.example.com/", "wildcard"],
    ["https://bücher.example/", "no URI may"],
    ["https://example.com/a b", "no URI may"],
    ["https://example.com/%zz", "no URI may"],
    ["https://[::g]/", "no host"],
    [`https://example.com/${"a".repeat(2048)}`, "at most 2048|2068 characters"],
  ])("%j", (text, found) => {
    const error = refusal(text);
    expect(error.code).toBe("IDENTIFIER_INVALID");
    expect(error.message).toMatch(new RegExp(found.replaceAll("*", "\\*")));
    expect(error.message).toMatch(/^[\P{C}]*$/u);
    expect(error.message.length).toBeLessThan(500);
  });
});

describe("any text", () => {
  const names = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 40 }),
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.stringMatching(/^[a-z0-9xn.:*@/_é１。-]{0,30}$/),
    fc.domain(),
    fc.ipV4Extended(),
    fc.ipV6(),
    fc.emailAddress(),
    fc.webUrl(),
    fc
      .array(fc.string({ unit: "grapheme-composite", minLength: 1, maxLength: 8 }), { maxLength: 4 })
      .map((labels) => labels.join(".")),
  );

  it("is refused with a TlsError or becomes a canonical form that is a fixed point", () => {
    fc.assert(
      fc.property(names, (text) => {
        try {
          const identifier = parseIdentifier(text);
          expect(parseIdentifier(identifier.value)).toEqual(identifier);
          expect(identifier.value).toMatch(/^[\x21-\x7e]+$/);
          expect(renderIdentifier(identifier)).toContain(identifier.value);
        } catch (error) {
          if (!(error instanceof TlsError)) throw error;
          expect(error.code).toBe("IDENTIFIER_INVALID");
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("is covered by itself when it is a name, and never makes isCovered throw", () => {
    fc.assert(
      fc.property(names, names, (host, name) => {
        isCovered(host, [name]);
        isCovered(host, [{ type: "dns", value: name }]);
        let canonical: string;
        try {
          canonical = parseHostName(host);
        } catch {
          return;
        }
        expect(isCovered(host, [canonical])).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it("that is a registered-style Unicode name gets the A-labels that Node's IDNA gives", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zäöüßéñçøåа-я]{1,12}$/), (label) => {
        expect(parseHostName(`${label}.example`)).toBe(domainToASCII(`${label}.example`));
      }),
    );
  });
});

it("a refused text of 10 MB takes no time and no message of 10 MB", () => {
  for (const part of ["a", "a.", "é", "1:", "@", "://", "[", "*.", " "]) {
    const text = part.repeat(10_000_000 / part.length);
    expect(withinCpuTime(1000, () => refusal(text)).message.length).toBeLessThan(600);
  }
});

describe("a name covers a host", () => {
  it.each([
    ["www.example.com", ["www.example.com"], true],
    ["WWW.Example.com.", ["www.example.COM"], true],
    ["www.example.com", ["*.example.com"], true],
    ["example.com", ["*.example.com"], false],
    ["a.b.example.com", ["*.example.com"], false],
    ["www.test", ["*.test"], false],
    ["*.test", ["*.test"], true],
    ["*.example.com", ["*.example.com"], true],
    ["*.b.example.com", ["*.example.com"], false],
    ["www.example.com", ["w*.example.com"], false],
    ["münchen.de", ["xn--mnchen-3ya.de"], true],
    ["xn--mnchen-3ya.de", ["münchen.de"], true],
    ["10.0.0.1", ["10.0.0.1"], true],
    ["10.0.0.1", ["*.0.0.1"], false],
    ["2001:db8:0::1", ["2001:DB8::1"], true],
    ["::ffff:10.0.0.1", ["10.0.0.1"], false],
    ["a_b.example.com", ["*.example.com"], true],
    ["example.com", [], false],
    ["", [""], false],
  ])("%s by %j: %s", (host, names, covered) => {
    expect(isCovered(host, names)).toBe(covered);
  });

  it("only through an identifier of its own type", () => {
    expect(isCovered("10.0.0.1", [{ type: "dns", value: "10.0.0.1" }])).toBe(false);
    expect(isCovered("example.com", [{ type: "email", value: "example.com" }])).toBe(false);
    expect(isCovered("10.0.0.1", [{ type: "ip", value: "10.0.0.1" }])).toBe(true);
  });

  it("exactly where OpenSSL says so", async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const names = ["example.com", "*.example.com", "*.test", "*.a.example.org", "xn--mnchen-3ya.de"];
    const { SubjectAlternativeNameExtension } = await import("@peculiar/x509");
    const generated = await X509CertificateGenerator.createSelfSigned({
      keys,
      extensions: [new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value })))],
    });
    const openssl = new X509Certificate(Buffer.from(generated.rawData));
    const label = fc.constantFrom("a", "www", "example", "com", "org", "test", "xn--mnchen-3ya", "de");
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), (labels) => {
        const host = labels.join(".");
        expect(isCovered(host, names)).toBe(openssl.checkHost(host, { subject: "never" }) !== undefined);
      }),
      { numRuns: 2000 },
    );
  });
});
