import { BlockList, isIPv4 } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TlsError } from "../../../../provider/src/errors";
import { bytes, readDer } from "../../../../provider/src/x509/asn1/der";
import {
  encodeNameConstraints,
  findViolation,
  type NameConstraints,
  parseNameConstraints,
  readNameConstraints,
} from "../../../../provider/src/x509/names/constraints";
import { parseIdentifier } from "../../../../provider/src/x509/names/identifier";
import { ipOctets, isInside, parseIpRange } from "../../../../provider/src/x509/names/ip-address";

const violation = (constraints: NameConstraints, ...names: string[]) =>
  findViolation(constraints, names.map(parseIdentifier));

describe("constraints become canonical", () => {
  it("in case, IDNA, order and duplicates; empty lists go", () => {
    expect(
      parseNameConstraints({
        permittedDnsDomains: ["Example.COM.", "bücher.example", "example.com"],
        excludedDnsDomains: [],
        permittedIpRanges: ["2001:DB8:0::/32", "10.0.0.0/8", "0.0.0.0/0"],
      }),
    ).toEqual({
      permittedDnsDomains: ["example.com", "xn--bcher-kva.example"],
      permittedIpRanges: ["0.0.0.0/0", "10.0.0.0/8", "2001:db8::/32"],
    });
  });

  it.each<[NameConstraints, string]>([
    [{ permittedDnsDomains: [".example.com"] }, 'permittedDnsDomains: ".example.com" starts with a dot.*"example.com"'],
    [{ excludedDnsDomains: ["*.example.com"] }, 'excludedDnsDomains: "\\*.example.com" starts with a wildcard'],
    [{ permittedDnsDomains: [""] }, "permittedDnsDomains.*empty"],
    [{ permittedDnsDomains: ["a_b"] }, "permittedDnsDomains.*underscore"],
    [{ permittedDnsDomains: ["10.0.0.1"] }, "permittedDnsDomains.*number"],
    [{ permittedIpRanges: ["10.0.0.1/8"] }, 'permittedIpRanges: "10.0.0.1/8".*"10.0.0.0/8"'],
    [{ permittedIpRanges: ["2001:db8::1/32"] }, '"2001:db8::/32"'],
    [{ excludedIpRanges: ["10.0.0.1"] }, 'no prefix length.*"10.0.0.1/32"'],
    [{ excludedIpRanges: ["10.0.0.0/33"] }, "prefix length of 33.*32 at most"],
    [{ excludedIpRanges: ["10.0.0.0/"] }, "no range"],
    [{ excludedIpRanges: ["10.0.0.0/-1"] }, "no range"],
    [{ excludedIpRanges: ["10.0.0.0/255.0.0.0"] }, "no range"],
    [{ excludedIpRanges: ["example.com/8"] }, "no range"],
  ])("or are refused by name: %j", (constraints, found) => {
    expect(() => parseNameConstraints(constraints)).toThrow(new RegExp(`^IDENTIFIER_INVALID: .*${found}`));
  });
});

// RFC 5280 section 4.2.1.10
describe("a name is forbidden", () => {
  const permitted = { permittedDnsDomains: ["example.com"] };
  const excluded = { excludedDnsDomains: ["secret.example.com"] };
  it.each<[NameConstraints, string, string | undefined]>([
    [permitted, "example.com", undefined],
    [permitted, "a.b.example.com", undefined],
    [permitted, "*.example.com", undefined],
    [permitted, "notexample.com", "is outside the permitted domains (example.com)"],
    [permitted, "com", "is outside the permitted domains (example.com)"],
    [permitted, "*.com", "is outside the permitted domains (example.com)"],
    [permitted, "10.0.0.1", undefined],
    [permitted, "ops@elsewhere.org", undefined],
    [permitted, "https://elsewhere.org/", undefined],
    [excluded, "secret.example.com", "is inside the excluded domain secret.example.com"],
    [excluded, "a.secret.example.com", "is inside the excluded domain secret.example.com"],
    [excluded, "*.secret.example.com", "is inside the excluded domain secret.example.com"],
    [excluded, "*.example.com", "is inside the excluded domain secret.example.com"],
    [excluded, "example.com", undefined],
    [excluded, "*.com", undefined],
    [{ ...permitted, ...excluded }, "secret.example.com", "is inside the excluded domain secret.example.com"],
    [{ permittedDnsDomains: [".example.com"] }, "example.com", "is outside the permitted domains (.example.com)"],
    [{ permittedDnsDomains: [".example.com"] }, "a.example.com", undefined],
    [{ excludedDnsDomains: [""] }, "example.com", 'is inside the excluded domain ""'],
    [{ permittedIpRanges: ["10.0.0.0/8"] }, "10.255.255.255", undefined],
    [{ permittedIpRanges: ["10.0.0.0/8"] }, "11.0.0.0", "is outside the permitted ranges (10.0.0.0/8)"],
    [{ permittedIpRanges: ["10.0.0.0/8"] }, "::1", "is outside the permitted ranges (10.0.0.0/8)"],
    [{ permittedIpRanges: ["10.0.0.0/8"] }, "::ffff:10.0.0.1", "is outside the permitted ranges (10.0.0.0/8)"],
    [{ excludedIpRanges: ["2001:db8::/33"] }, "2001:db8:7fff::1", "is inside the excluded range 2001:db8::/33"],
    [{ excludedIpRanges: ["2001:db8::/33"] }, "2001:db8:8000::1", undefined],
    [{ excludedIpRanges: ["0.0.0.0/0"] }, "1.2.3.4", "is inside the excluded range 0.0.0.0/0"],
    [{ excludedIpRanges: ["0.0.0.0/0"] }, "::", undefined],
  ])("%j: %s", (constraints, name, reason) => {
    expect(violation(constraints, name)?.reason).toBe(reason);
  });

  it("as the first one of several that is", () => {
    expect(violation(permitted, "a.example.com", "b.example.org", "c.example.org")?.identifier.value).toBe(
      "b.example.org",
    );
  });
});

const label = fc.constantFrom("a", "b", "example", "com", "test");
const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const range = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([ip, prefix]) => ({ ip, prefix })),
  fc.tuple(fc.ipV6(), fc.nat(128)).map(([ip, prefix]) => ({ ip, prefix })),
);
const canonicalRange = range.map(({ ip, prefix }) => {
  try {
    return parseIpRange(`${ip}/${prefix}`, "range");
  } catch (error) {
    return /"([^"]*)"\.$/.exec((error as TlsError).message)?.[1] ?? "10.0.0.0/8";
  }
});
const constraints = fc
  .record(
    {
      permittedDnsDomains: fc.array(domain, { maxLength: 3 }),
      excludedDnsDomains: fc.array(domain, { maxLength: 3 }),
      permittedIpRanges: fc.array(canonicalRange, { maxLength: 3 }),
      excludedIpRanges: fc.array(canonicalRange, { maxLength: 3 }),
    },
    { requiredKeys: [] },
  )
  .map(parseNameConstraints);

describe("any constraints", () => {
  it("are a fixed point of the canonical form, and come back from the extension", () => {
    fc.assert(
      fc.property(constraints, (value) => {
        expect(parseNameConstraints(value)).toEqual(value);
        const extension = encodeNameConstraints(value);
        expect(extension === undefined ? {} : readNameConstraints(readDer(bytes(extension)))).toEqual(value);
      }),
    );
  });

  it("that allow a wildcard allow every name that it stands for", () => {
    fc.assert(
      fc.property(constraints, domain, label, (value, parent, leftmost) => {
        fc.pre(violation(value, `*.${parent}`) === undefined);
        expect(violation(value, `${leftmost}.${parent}`)).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  it("of any text are refused with a TlsError or accepted", () => {
    const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.stringMatching(/^[0-9a-f.:*/]{0,20}$/), domain);
    const lists = fc.record({ permittedDnsDomains: fc.array(text), excludedIpRanges: fc.array(text) });
    fc.assert(
      fc.property(lists, (value) => {
        try {
          const parsed = parseNameConstraints(value);
          expect(parseNameConstraints(parsed)).toEqual(parsed);
        } catch (error) {
          if (!(error instanceof TlsError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

it("an address is in a range exactly where Node's block list says so", () => {
  const family = (address: string) => (isIPv4(address) ? "ipv4" : "ipv6");
  fc.assert(
    fc.property(canonicalRange, fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(0xffff), (text, other, low) => {
      const [network = "", prefix = ""] = text.split("/");
      const near = network.includes(":") ? `${network.split("::")[0] || "0"}::${low.toString(16)}` : other;
      const list = new BlockList();
      list.addSubnet(network, Number(prefix), family(network));
      for (const address of [network, other, near]) {
        const octets = ipOctets(address);
        // Node reads an IPv4-mapped address as the IPv4 one; in certificates they are two names (RFC 5280 4.2.1.6)
        if (octets === undefined || address.startsWith("::ffff:") || (network.includes(":") && octets.length === 4))
          continue;
        expect(isInside(octets, text), `${address} in ${text}`).toBe(list.check(address, family(address)));
      }
    }),
    { numRuns: 1000 },
  );
});
