import { isIPv4, isIPv6 } from "node:net";
import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";

/**
 * Reads an IPv4 address in dotted form or an IPv6 address in any form of RFC 4291 section 2.2 into its 4 or 16 octets in
 * network order. Undefined for everything else: a zone ("%eth0"), brackets, a port, a prefix length, leading zeros in
 * an IPv4 address. An IPv4-mapped IPv6 address stays 16 octets: in a certificate it is another name than the IPv4 one.
 */
export function ipOctets(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const [head = "", tail] = text.split("::");
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  const octets = Buffer.alloc(16);
  for (const [index, group] of [...before, ...zeros, ...after].entries()) octets.writeUInt16BE(group, index * 2);
  return octets;
}

/**
 * Renders 4 octets in dotted form and 16 octets in the canonical form of RFC 5952: lower case, no leading zeros, the
 * longest run of at least two zero groups (the first of equals) as "::", and an IPv4-mapped address with its dotted tail
 * (section 5).
 * @throws TypeError for another number of octets
 */
export function renderIp(octets: Buffer): string {
  if (octets.length === 4) return octets.join(".");
  if (octets.length !== 16) throw new TypeError(`an IP address has 4 or 16 octets, not ${octets.length}`);
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(index * 2));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${octets.subarray(12).join(".")}`;
  }
  const run = longestZeroRun(groups);
  const text = groups.map((group) => group.toString(16));
  if (run.length < 2) return text.join(":");
  return `${text.slice(0, run.start).join(":")}::${text.slice(run.start + run.length).join(":")}`;
}

/** The 16-bit groups of one side of "::"; a dotted tail makes two groups. */
function groupsOf(side: string): number[] {
  if (side === "") return [];
  return side.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}

/**
 * Reads a range in CIDR form (RFC 4632, RFC 4291 section 2.3) into its canonical form; `what` names the property.
 * @throws TlsError IDENTIFIER_INVALID, for a range whose address has bits beyond its prefix with the network that it lies in
 */
export function parseIpRange(text: string, what: string): string {
  const refuse = (found: string, hint: string): never => {
    throw new TlsError("IDENTIFIER_INVALID", `${what}: ${renderQuoted(text)} ${found}`, { hint });
  };
  const [, addressText = "", prefixText] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text.slice(0, 100)) ?? [];
  const address = ipOctets(addressText);
  if (address === undefined) {
    return refuse("is no range of IP addresses", 'Write a network and its prefix length, such as "10.0.0.0/8".');
  }
  const longest = address.length * 8;
  if (prefixText === undefined)
    return refuse("has no prefix length", `For this one address write "${text}/${longest}".`);
  const prefix = Number(prefixText);
  if (prefix > longest) refuse(`has a prefix length of ${prefix}`, `It is ${longest} at most.`);
  const network = masked(address, prefixMask(address.length, prefix));
  const canonical = `${renderIp(network)}/${prefix}`;
  if (!network.equals(address)) refuse("is an address inside its network, not the network", `Write "${canonical}".`);
  return canonical;
}

/** Whether the address (4 or 16 octets) is in a canonical range; never in one of the other IP version. */
export function isInside(address: Buffer, range: string): boolean {
  const { network, mask } = rangeOctets(range);
  return network.length === address.length && masked(address, mask).equals(network);
}

/** Network address and mask of a canonical range. */
export function rangeOctets(range: string): { network: Buffer; mask: Buffer } {
  const [address = "", prefix = ""] = range.split("/");
  const network = ipOctets(address);
  if (network === undefined) throw new TypeError(`${range} is no canonical range`);
  return { network, mask: prefixMask(network.length, Number(prefix)) };
}

/** The range of a network and mask; undefined when the mask is not a run of ones (RFC 4632 section 3.1). */
export function renderIpRange(network: Buffer, mask: Buffer): string | undefined {
  const prefix = [...mask].reduce((ones, octet) => ones + octet.toString(2).replaceAll("0", "").length, 0);
  if (!prefixMask(mask.length, prefix).equals(mask)) return undefined;
  return `${renderIp(masked(network, mask))}/${prefix}`;
}

function prefixMask(length: number, prefix: number): Buffer {
  const ones = (index: number) => Math.min(8, Math.max(0, prefix - index * 8));
  return Buffer.from(Array.from({ length }, (_, index) => (0xff << (8 - ones(index))) & 0xff));
}

function masked(address: Buffer, mask: Buffer): Buffer {
  return Buffer.from(address.map((octet, index) => octet & (mask[index] ?? 0)));
}
