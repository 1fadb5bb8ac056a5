import { TlsError } from "../../errors";

/** One element of a BER structure, as slices of the bytes that it was read from: nothing is encoded anew. */
export interface BerElement {
  /** The identifier octet: class, constructed bit and number. */
  readonly identifier: number;
  readonly content: Buffer;
  /** Identifier, length and content as they stand there. */
  readonly encoded: Buffer;
}

/** Identifier octets that are looked for (X.690 section 8.1.2). */
export const identifier = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
} as const;

/** A container has less than ten levels around its certificates; each costs one more pass over its bytes. */
const MOST_LEVELS = 32;

/** A megabyte of tiny elements would take 0.3 s; a container of 200 certificates has some hundred at one level. */
const MOST_ELEMENTS = 10_000;

/** How many elements may still be read. */
interface Allowance {
  left: number;
}

/**
 * Reads the elements that fill `content`, one level, as {@link readDer} can't: with their bytes untouched, which a
 * signature may be over. Definite and indefinite lengths; `what` names the thing in messages.
 * At most 10,000 elements.
 * @throws TlsError DER_INVALID: cut short, too many elements, nested too deeply. See X.690 section 8.1.
 */
export function readElements(content: Buffer, what: string): readonly BerElement[] {
  const elements: BerElement[] = [];
  const allowance = { left: MOST_ELEMENTS };
  for (let position = 0; position < content.length; ) {
    const element = readElement(content, position, what, 0, allowance);
    elements.push(element);
    position += element.encoded.length;
  }
  return elements;
}

/** Encodes one element with a definite length around contents that are already encoded (X.690 section 10.1). */
export function encodeElement(identifier: number, ...contents: readonly Buffer[]): Buffer {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  if (length < 0x80) return Buffer.concat([Buffer.of(identifier, length), ...contents]);
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(length);
  const minimal = octets.subarray(octets.findIndex((octet) => octet !== 0));
  return Buffer.concat([Buffer.of(identifier, 0x80 + minimal.length), minimal, ...contents]);
}

function readElement(bytes: Buffer, start: number, what: string, level: number, allowance: Allowance): BerElement {
  allowance.left -= 1;
  if (allowance.left < 0) throw malformed(what, `it has more than ${MOST_ELEMENTS} elements`);
  const [identifier, first] = [bytes[start], bytes[start + 1]];
  if (identifier === undefined || first === undefined) throw malformed(what, "it is cut short");
  if ((identifier & 0x1f) === 0x1f) throw malformed(what, "it has a tag number that no certificate has");
  if (first === 0x80) return readIndefinite(bytes, start, what, level, allowance);
  const octets = first > 0x80 ? first - 0x80 : 0;
  if (octets > 4) throw malformed(what, "it says a length that no file has");
  const contentStart = start + 2 + octets;
  if (contentStart > bytes.length) throw malformed(what, "it is cut short");
  const length = octets === 0 ? first : bytes.readUIntBE(start + 2, octets);
  const end = contentStart + length;
  if (end > bytes.length) throw malformed(what, `it has ${bytes.length - contentStart} of its ${length} octets`);
  return { identifier, content: bytes.subarray(contentStart, end), encoded: bytes.subarray(start, end) };
}

/** Its end is that of its elements: two zero octets in place of one (X.690 section 8.1.5). */
function readIndefinite(bytes: Buffer, start: number, what: string, level: number, allowance: Allowance): BerElement {
  if (level >= MOST_LEVELS) throw malformed(what, `it is nested more than ${MOST_LEVELS} levels deep`);
  let position = start + 2;
  while (bytes[position] !== 0 || bytes[position + 1] !== 0) {
    position += readElement(bytes, position, what, level + 1, allowance).encoded.length;
  }
  return {
    identifier: bytes[start] ?? 0,
    content: bytes.subarray(start + 2, position),
    encoded: bytes.subarray(start, position + 2),
  };
}

function malformed(what: string, found: string): TlsError {
  return new TlsError("DER_INVALID", `${what} is not ASN.1 (${found})`, {
    hint: "The bytes are damaged, cut short, or of another format.",
  });
}
