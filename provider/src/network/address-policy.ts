import { BlockList } from "node:net";
import { ipOctets, renderIp } from "../x509/names/ip-address";

/** Judges an IP address before it is connected to: why not, in words that follow "is"; undefined when it may be. */
export type AddressPolicy = (address: string) => string | undefined;

/**
 * What is no public unicast address, from IANA's registries of special-purpose addresses (RFC 6890) and of multicast.
 * The first range that holds an address names it.
 */
const refusedRanges: readonly (readonly [reason: string, ...ranges: string[]])[] = [
  ["the unspecified address", "0.0.0.0/32", "::/128"],
  ["an address of this host on its own network", "0.0.0.0/8"], // RFC 1122 section 3.2.1.3
  ["a loopback address", "127.0.0.0/8", "::1/128"],
  ["a private address", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], // RFC 1918
  ["a link-local address, where clouds serve their metadata", "169.254.0.0/16", "fe80::/10"], // RFC 3927, RFC 4291
  ["a unique local address", "fc00::/7"], // RFC 4193
  ["a site-local address", "fec0::/10"], // RFC 3879
  ["an address that providers share among their customers", "100.64.0.0/10"], // RFC 6598
  // reached from inside a machine of Azure only, where it hands out the machine's settings and certificates
  ["the address of Azure's machine agent", "168.63.129.16/32"],
  ["the broadcast address", "255.255.255.255/32"],
  ["a multicast address", "224.0.0.0/4", "ff00::/8"],
  ["an address for documentation", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"],
  ["an address for benchmarks", "198.18.0.0/15", "2001:2::/48"], // RFC 2544, RFC 5180
  ["an address for protocols of the IETF, Teredo among them", "192.0.0.0/24", "2001::/23"], // RFC 6890, RFC 2928
  ["an address of a 6to4 relay", "192.88.99.0/24"], // RFC 7526
  ["a reserved address", "240.0.0.0/4"], // RFC 1112 section 4
  ["an address of a local translation from IPv6 to IPv4", "64:ff9b:1::/48"], // RFC 8215
];

/** All that IANA has given out for global unicast in IPv6 (RFC 4291 section 2.4); the rest may become anything. */
const globalUnicast = blockList(["2000::/3"]);

const refused = refusedRanges.map(([reason, ...ranges]) => ({ reason, list: blockList(ranges) }));

/** Forms of IPv6 that carry an IPv4 address, which is what is reached in the end, and its place among the octets. */
const carriers: readonly (readonly [name: string, list: BlockList, start: number])[] = [
  ["IPv4-mapped", blockList(["::ffff:0:0/96"]), 12], // RFC 4291 section 2.5.5.2
  ["NAT64", blockList(["64:ff9b::/96"]), 12], // RFC 6052 section 2.1
  ["6to4", blockList(["2002::/16"]), 2], // RFC 3056 section 2
];

/**
 * Allows public unicast addresses alone, since who writes a URL into a certificate must not reach what only the
 * machine that reads it can. Takes IPv4 in dotted form and IPv6 in every spelling, without brackets; an IPv6 address
 * that carries an IPv4 one is judged by that. Other spellings ("0x7f.1", names) are no address, and refused as such.
 */
export const refuseNonPublic: AddressPolicy = (address) => {
  const octets = ipOctets(address.split("%", 1)[0] ?? "");
  if (octets === undefined) return "no IP address";
  const text = renderIp(octets);
  if (octets.length === 4) return findRefused(text, "ipv4");
  for (const [name, list, start] of carriers) {
    if (!list.check(text, "ipv6")) continue;
    const reason = findRefused(renderIp(octets.subarray(start, start + 4)), "ipv4");
    return reason === undefined ? undefined : `${reason} in ${name} form`;
  }
  const reason = findRefused(text, "ipv6");
  if (reason !== undefined || globalUnicast.check(text, "ipv6")) return reason;
  return "no global unicast address";
};

/** Allows every address: for a CA inside one's own network. */
export const allowEvery: AddressPolicy = () => undefined;

function findRefused(address: string, family: "ipv4" | "ipv6"): string | undefined {
  return refused.find(({ list }) => list.check(address, family))?.reason;
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix] = range.split("/");
    list.addSubnet(network, Number(prefix), network.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}
