import { TlsError } from "../../errors";
import { type Asn1, der, isTagged, items, octets } from "../asn1/der";
import { type Identifier, parseIdentifier } from "./identifier";
import { ipOctets, renderIp } from "./ip-address";

/** The tags of GeneralName (RFC 5280 section 4.2.1.6). */
export const generalName = { email: 1, dns: 2, uri: 6, ip: 7 } as const;

/** Encodes GeneralNames in the order given. The values are canonical: {@link parseIdentifier} made them. */
export function encodeAlternativeNames(identifiers: readonly Identifier[]): Asn1 {
  return der.sequence(
    ...identifiers.map(({ type, value }) => {
      const content = type === "ip" ? ipOctets(value) : Buffer.from(value, "latin1");
      if (content === undefined) throw new TypeError(`${value} is no IP address`);
      return der.implicit(generalName[type], content);
    }),
  );
}

/**
 * Reads the DNS, IP, e-mail and URI names in their order; names of other kinds are left out. A value that is a name by
 * our rules becomes canonical, any other stays as it was written, DNS names in lower case: foreign certificates hold
 * underscores and worse, and such a name matches nothing else.
 * @throws TlsError DER_INVALID, for instance for an IP address of 5 octets
 */
export function readAlternativeNames(names: Asn1): readonly Identifier[] {
  return items(names, "the alternative names").flatMap((name): readonly Identifier[] => {
    if (isTagged(name, generalName.ip)) {
      const address = octets(name, "an alternative name");
      if (address.length === 4 || address.length === 16) return [{ type: "ip", value: renderIp(address) }];
      throw new TlsError("DER_INVALID", `an alternative name is an IP address of ${address.length} octets`);
    }
    const type = (["dns", "email", "uri"] as const).find((kind) => isTagged(name, generalName[kind]));
    if (type === undefined) return [];
    return [readText(type, octets(name, "an alternative name").toString("latin1"))];
  });
}

function readText(type: "dns" | "email" | "uri", text: string): Identifier {
  try {
    const identifier = parseIdentifier(text);
    if (identifier.type === type) return identifier;
  } catch {
    // not a name by our rules: kept as it stands
  }
  return { type, value: type === "dns" ? text.toLowerCase() : text };
}
