import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { type Asn1, bytes, der, items, octets, readOid, tag } from "../asn1/der";

/** A subject or issuer; the words are those of pulumi-tls. */
export interface DistinguishedName {
  /** CN, at most 64 characters. */
  readonly commonName?: string;
  /** O. */
  readonly organization?: string;
  /** OU. */
  readonly organizationalUnit?: string;
  /** Two letters, ISO 3166. */
  readonly country?: string;
  /** ST: state or province. */
  readonly province?: string;
  /** L: city. */
  readonly locality?: string;
  /** STREET. */
  readonly streetAddress?: string;
  /** The postal code. */
  readonly postalCode?: string;
  /** An identifier of the subject, not the number of the certificate. */
  readonly serialNumber?: string;
  /** An e-mail address, in ASCII. */
  readonly emailAddress?: string;
}

/** A name as it is given: an attribute may be there without a value. */
export type GivenName = { readonly [field in keyof DistinguishedName]: string | undefined };

interface Attribute {
  readonly oid: string;
  /** Short name in text: RFC 4514 section 3, else as OpenSSL prints it. */
  readonly shortName: string;
  /** Most characters (upper bounds of X.520 and RFC 5280 appendix A.1). */
  readonly longest: number;
  readonly encode: (text: string) => Asn1;
}

/** In the order of the encoded name: from the widest (country) to the narrowest, which is how directories read it. */
const attributes: Readonly<Record<keyof DistinguishedName, Attribute>> = {
  country: { oid: "2.5.4.6", shortName: "C", longest: 2, encode: der.printable },
  province: { oid: "2.5.4.8", shortName: "ST", longest: 128, encode: der.utf8 },
  locality: { oid: "2.5.4.7", shortName: "L", longest: 128, encode: der.utf8 },
  streetAddress: { oid: "2.5.4.9", shortName: "STREET", longest: 128, encode: der.utf8 },
  postalCode: { oid: "2.5.4.17", shortName: "postalCode", longest: 40, encode: der.utf8 },
  organization: { oid: "2.5.4.10", shortName: "O", longest: 64, encode: der.utf8 },
  organizationalUnit: { oid: "2.5.4.11", shortName: "OU", longest: 64, encode: der.utf8 },
  commonName: { oid: "2.5.4.3", shortName: "CN", longest: 64, encode: der.utf8 },
  serialNumber: { oid: "2.5.4.5", shortName: "serialNumber", longest: 64, encode: der.printable },
  emailAddress: { oid: "1.2.840.113549.1.9.1", shortName: "emailAddress", longest: 255, encode: der.ia5 },
};

const fields = Object.entries(attributes) as readonly [keyof DistinguishedName, Attribute][];

const fieldByOid = new Map(fields.map(([field, attribute]) => [attribute.oid, field]));

/** Attributes that are only read: foreign certificates carry them (RFC 4519). */
const foreignShortNames: Readonly<Record<string, string>> = {
  "0.9.2342.19200300.100.1.25": "DC",
  "0.9.2342.19200300.100.1.1": "UID",
  "2.5.4.4": "SN",
  "2.5.4.42": "GN",
  "2.5.4.12": "title",
  "2.5.4.97": "organizationIdentifier",
};

/**
 * Encodes a name, one attribute a level, as UTF-8 where the attribute allows it. An empty name is an empty sequence.
 * @throws TlsError NAME_INVALID: empty, too long, a control character, a country that is not two letters, other than
 * ASCII in an e-mail address or serial number
 */
export function encodeName(name: GivenName): Asn1 {
  const relativeNames: Asn1[] = [];
  for (const [field, attribute] of fields) {
    const text = name[field];
    if (text === undefined) continue;
    refuseText(field, attribute, text);
    relativeNames.push(der.set(der.sequence(der.oid(attribute.oid), attribute.encode(text))));
  }
  return der.sequence(...relativeNames);
}

/**
 * Reads the attributes of a name that {@link DistinguishedName} has; others are left out, and of several values of one
 * attribute the last is taken, the narrowest.
 * @throws TlsError DER_INVALID
 */
export function readName(name: Asn1): DistinguishedName {
  const read: { -readonly [field in keyof DistinguishedName]: string } = {};
  for (const { oid, value } of readRelativeNames(name).flat()) {
    const field = fieldByOid.get(oid);
    const text = readString(value);
    if (field !== undefined && text !== undefined && text !== "") read[field] = text;
  }
  return read;
}

/** Every common name of a name, in its order. @throws TlsError DER_INVALID */
export function readCommonNames(name: Asn1): readonly string[] {
  return readRelativeNames(name)
    .flat()
    .flatMap(({ oid, value }) => (oid === attributes.commonName.oid ? [readString(value) ?? ""] : []));
}

/**
 * Renders a name as RFC 4514 does (narrowest attribute first), with ", " between attributes; what is invisible is
 * escaped as octets. An empty name is an empty text.
 * @throws TlsError DER_INVALID
 */
export function renderName(name: Asn1): string {
  return readRelativeNames(name)
    .reverse()
    .map((values) => values.map(renderAttribute).join("+"))
    .join(", ");
}

/**
 * The text of {@link renderName} without what RFC 5280 section 7.1 ignores when names are compared: case, and white space
 * that is repeated. Two different names may have one text by chance: a signature tells them apart.
 */
export function comparableName(name: string): string {
  return name.toLowerCase().replace(/\s+/g, " ");
}

interface AttributeValue {
  readonly oid: string;
  readonly value: Asn1;
}

function readRelativeNames(name: Asn1): AttributeValue[][] {
  return items(name, "a distinguished name").map((relativeName) =>
    items(relativeName, "a distinguished name").map((attribute) => {
      const [type, value] = items(attribute, "an attribute of a distinguished name");
      const oid = readOid(type, "an attribute of a distinguished name");
      if (value === undefined) throw new TlsError("DER_INVALID", "an attribute of a distinguished name has no value");
      return { oid, value };
    }),
  );
}

function renderAttribute({ oid, value }: AttributeValue): string {
  const field = fieldByOid.get(oid);
  const shortName = field === undefined ? foreignShortNames[oid] : attributes[field].shortName;
  const text = readString(value);
  if (shortName === undefined || text === undefined) return `${shortName ?? oid}=#${bytes(value).toString("hex")}`;
  const escaped = text
    .replace(/["+,;<>\\]|^[ #]| $/g, "\\$&")
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) =>
      Buffer.from(character).toString("hex").replace(/../g, "\\$&"),
    );
  return `${shortName}=${escaped}`;
}

/** The text of a DirectoryString or IA5String; undefined for what is no text. */
function readString(value: Asn1): string | undefined {
  if (value.tagClass !== 0 || typeof value.value !== "string") return undefined;
  const content = octets(value, "an attribute of a distinguished name");
  switch (value.type) {
    case tag.utf8:
      return content.toString("utf8");
    case tag.printable:
    case tag.ia5:
    case tag.teletex: // in practice Latin-1, as OpenSSL reads it
      return content.toString("latin1");
    case tag.bmp:
      return value.value;
    default:
      return undefined;
  }
}

function refuseText(field: keyof DistinguishedName, attribute: Attribute, text: string): void {
  const refuse = (found: string): never => {
    throw new TlsError("NAME_INVALID", `the subject's ${field} ${renderQuoted(text)}: ${found}`);
  };
  if (text.trim() === "") refuse("it is empty");
  const length = [...text.slice(0, 1000)].length;
  if (length > attribute.longest) refuse(`it is longer than ${attribute.longest} characters`);
  if (/[\p{Cc}\p{Cs}]/u.test(text)) refuse("it contains a control character");
  if (field === "country" && !/^[A-Z]{2}$/.test(text)) refuse("it is not two capital letters (ISO 3166)");
  // PrintableString of X.680 section 41.4, IA5String of section 41.2
  if (attribute.encode === der.printable && !/^[A-Za-z0-9 '()+,\-./:=?]+$/.test(text)) {
    refuse("it holds other than ASCII letters, digits and ' ( ) + , - . / : = ?");
  }
  if (attribute.encode === der.ia5 && !/^[\x20-\x7e]+$/.test(text)) refuse("it holds other than ASCII");
}
