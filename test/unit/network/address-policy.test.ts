// Nothing in a range that is refused gets through by another spelling.
import { isIP, isIPv4 } from "node:net";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { allowEvery, refuseNonPublic } from "../../../provider/src/network/address-policy";
import { fuzzRuns } from "../../support/tier";

const runs = fuzzRuns(1000, 100_000);

/** First address as a number, how many bits are free, a word of the reason. */
const ranges4 = [
  ["0.0.0.0", 24, /own network|unspecified/],
  ["10.0.0.0", 24, /a private address/],
  ["100.64.0.0", 22, /share among their customers/],
  ["127.0.0.0", 24, /loopback/],
  ["169.254.0.0", 16, /link-local .* metadata/],
  ["172.16.0.0", 20, /a private address/],
  ["192.0.0.0", 8, /IETF/],
  ["192.0.2.0", 8, /documentation/],
  ["192.88.99.0", 8, /6to4 relay/],
  ["192.168.0.0", 16, /a private address/],
  ["198.18.0.0", 17, /benchmarks/],
  ["198.51.100.0", 8, /documentation/],
  ["203.0.113.0", 8, /documentation/],
  ["224.0.0.0", 28, /multicast/],
  ["240.0.0.0", 28, /reserved|broadcast/],
] as const;

/** First groups, how many bits are free, a word of the reason. */
const ranges6 = [
  ["fe80", 118, /link-local/],
  ["fec0", 118, /site-local/],
  ["fc00", 121, /unique local/],
  ["ff00", 120, /multicast/],
  ["2001:db8", 96, /documentation/],
  ["3fff", 108, /documentation/],
  ["2001:2:0", 80, /benchmarks/],
  ["2001:0", 96, /Teredo/],
  ["64:ff9b:1", 80, /local translation/],
  ["4000", 126, /no global unicast/],
  ["0", 64, /no global unicast|unspecified|loopback|form/],
] as const;

const number4 = (dotted: string) => dotted.split(".").reduce((all, octet) => all * 256 + Number(octet), 0);
const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value / 2 ** shift) & 0xff).join(".");
const hex4 = (value: number) => `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
const number6 = (start: string) =>
  start.split(":").reduce((all, group, at) => all | (BigInt(`0x${group}`) << BigInt(112 - 16 * at)), 0n);
const full6 = (value: bigint) => (value.toString(16).padStart(32, "0").match(/.{4}/g) ?? []).join(":");
/** What the URL standard makes of a host. */
const hostOf = (spelling: string) => new URL(`http://${spelling}/`).hostname.replace(/^\[|\]$/g, "");

const refused4 = fc
  .constantFrom(...ranges4)
  .chain(([first, bits, reason]) =>
    fc
      .tuple(fc.nat(2 ** bits - 1), fc.constant(reason))
      .map(([offset]) => ({ value: number4(first) + offset, reason })),
  );
const refused6 = fc
  .constantFrom(...ranges6)
  .chain(([first, bits, reason]) =>
    fc.bigInt(0n, 2n ** BigInt(bits) - 1n).map((offset) => ({ value: number6(first) | offset, reason })),
  );

/** IPv4 in the spellings that URLs and resolvers of old take. */
function spellings4(value: number): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = dotted(value).split(".").map(Number);
  const hex = (octet: number) => `0x${octet.toString(16)}`;
  const octal = (octet: number) => `0${octet.toString(8)}`;
  return [
    dotted(value),
    `${dotted(value)}.`,
    String(value),
    `0X${value.toString(16)}`,
    `0${value.toString(8)}`,
    `${a}.${value % 2 ** 24}`,
    `${a}.${b}.${value % 2 ** 16}`,
    [a, b, c, d].map(hex).join("."),
    [a, b, c, d].map(octal).join("."),
    `${hex(a)}.${octal(b)}.${c}.${d}`,
    dotted(value).replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    dotted(value).replaceAll(".", "。"),
    dotted(value).replaceAll(".", "%2E"),
  ];
}

/** IPv6 that carries an IPv4 address. */
const carriers4 = (value: number): string[] => [
  `::ffff:${dotted(value)}`,
  `::FFFF:${hex4(value)}`,
  `0:0:0:0:0:ffff:${hex4(value)}`,
  `0000:0000:0000:0000:0000:ffff:${dotted(value)}`,
  `64:ff9b::${dotted(value)}`,
  `0064:FF9B:0::${hex4(value)}`,
  `2002:${hex4(value)}::`,
  `2002:${hex4(value)}:1:2:3:4:5`,
];

function spellings6(value: bigint): string[] {
  const full = full6(value);
  const tail = Number(value & 0xffffffffn);
  return [
    full,
    full.toUpperCase(),
    full.replaceAll(/\b0{1,3}/g, ""),
    `${full.split(":").slice(0, 6).join(":")}:${dotted(tail)}`,
    hostOf(`[${full}]`),
    `${full}%eth0`,
  ];
}

describe("refuseNonPublic", () => {
  it("refuses every address of a range that is not public, by its reason, however a URL spells it", () => {
    const property = fc.property(refused4, ({ value, reason }) => {
      for (const spelling of spellings4(value)) {
        expect(isIPv4(hostOf(spelling)), spelling).toBe(true);
        expect(refuseNonPublic(hostOf(spelling)), spelling).toMatch(reason);
      }
    });
    fc.assert(property, { numRuns: runs });
  });

  it("refuses it inside of an IPv6 address too", () => {
    const property = fc.property(refused4, ({ value, reason }) => {
      for (const spelling of carriers4(value)) {
        expect(refuseNonPublic(spelling), spelling).toMatch(reason);
        expect(refuseNonPublic(spelling), spelling).toMatch(/ in (IPv4-mapped|NAT64|6to4) form$/);
        expect(refuseNonPublic(hostOf(`[${spelling}]`)), spelling).toMatch(reason);
      }
      expect(refuseNonPublic(`::${dotted(value)}`)).toBeDefined();
    });
    fc.assert(property, { numRuns: runs });
  });

  it("refuses every IPv6 address of a range that is not public, in every form of its text", () => {
    const property = fc.property(refused6, ({ value, reason }) => {
      for (const spelling of spellings6(value)) expect(refuseNonPublic(spelling), spelling).toMatch(reason);
    });
    fc.assert(property, { numRuns: runs });
  });

  it.each(ranges4)("has the range from %s with %i free bits end where it ends", (first, bits, reason) => {
    const start = number4(first);
    const end = start + 2 ** bits - 1;
    for (const inside of [start, end]) expect(refuseNonPublic(dotted(inside))).toMatch(reason);
    for (const outside of [start - 1, end + 1].filter((value) => value >= 0 && value < 2 ** 32)) {
      expect(refuseNonPublic(dotted(outside)) ?? "public").not.toMatch(reason);
    }
  });

  it.each([
    ["0.0.0.0", "the unspecified address"],
    ["::", "the unspecified address"],
    ["0.0.0.1", "an address of this host on its own network"],
    ["127.0.0.1", "a loopback address"],
    ["::1", "a loopback address"],
    ["169.254.169.254", "a link-local address, where clouds serve their metadata"],
    ["::ffff:169.254.169.254", "a link-local address, where clouds serve their metadata in IPv4-mapped form"],
    ["fd00:ec2::254", "a unique local address"],
    ["100.100.100.200", "an address that providers share among their customers"],
    ["168.63.129.16", "the address of Azure's machine agent"],
    ["255.255.255.255", "the broadcast address"],
    ["2001:0:53aa:64c::1", "an address for protocols of the IETF, Teredo among them"],
    ["100::1", "no global unicast address"],
    ["example.com", "no IP address"],
    ["0x7f.1", "no IP address"],
    ["127.1", "no IP address"],
    ["[::1]", "no IP address"],
    ["", "no IP address"],
  ])("says of %s that it is %s", (address, reason) => {
    expect(refuseNonPublic(address)).toBe(reason);
  });

  it.each([
    ...["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"],
    ...["128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255"],
    ...["192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15", "168.63.129.17"],
    ...[
      "2606:4700:4700::1111",
      "2001:4860:4860::8888",
      "2001:200::1",
      "2a00::1",
      "3ffe::1",
      "2000::",
      "2620:4f:8000::1",
    ],
    ...["::ffff:8.8.8.8", "::ffff:808:808", "64:ff9b::8.8.8.8", "2002:808:808::1"],
  ])("allows the public address %s", (address) => {
    expect(isIP(address)).not.toBe(0);
    expect(refuseNonPublic(address)).toBeUndefined();
  });
});

test("allowEvery allows what is not public", () => {
  for (const address of ["127.0.0.1", "::1", "10.0.0.1"]) expect(allowEvery(address)).toBeUndefined();
});
