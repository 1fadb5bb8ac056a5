import { isIPv4, isIPv6 } from "node:net";

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
