import { TlsError } from "../errors";
import { renderQuoted } from "../text/quoted";
import { ipOctets, renderIp } from "./names/ip-address";

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
