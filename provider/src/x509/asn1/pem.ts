import { TlsError } from "../../errors";

/** One block of a PEM text. */
export interface PemBlock {
  /** The words after BEGIN, for instance `CERTIFICATE`; upper case. */
  readonly label: string;
  /** The decoded bytes; under `Proc-Type: 4,ENCRYPTED` they are ciphertext, not DER. */
  readonly der: Buffer;
  /** `Proc-Type` and `DEK-Info` of a traditional encrypted key (RFC 1421); empty for every other block. */
  readonly headers: Readonly<Record<string, string>>;
  /** The block alone, 64 columns, LF, final newline. */
  readonly text: string;
}

/** Far above any real bundle (Mozilla's 121 roots have 0.2 MiB), far below what costs time to decode. */
const MAX_LENGTH = 1024 * 1024;

/** RFC 7468 section 3 allows more; every label in use is of these, and key material printed as a label is not. */
const labelPattern = /^[A-Z0-9][A-Z0-9 #.]{0,63}$/;

const BEGIN = "-----BEGIN ";
const END = "-----END ";
const DASHES = "-----";

function invalid(what: string, found: string, hint: string): TlsError {
  return new TlsError("PEM_INVALID", `${what}: ${found}`, { hint });
}

/**
 * Reads every PEM block of `text`, in its order, whatever stands before, between and after them.
 * CRLF, a byte order mark, indentation and a block written on one line are accepted; text without a block gives an
 * empty list. `what` names the text in messages (a property or file). At most 1 MiB. Not checked: what the bytes are,
 * but a DER sequence that is shorter or longer than it says is refused.
 * @throws TlsError `PEM_INVALID`: too long, UTF-16, a block cut short, another label at its end, bad base64.
 * See RFC 7468, and RFC 1421 section 4.4 for headers.
 */
export function readPemBlocks(text: string, what: string): readonly PemBlock[] {
  if (text.length > MAX_LENGTH) {
    throw invalid(what, `has ${text.length} characters, at most ${MAX_LENGTH} are read`, "Give only the PEM blocks.");
  }
  if (text.includes("-\u0000-\u0000")) {
    throw invalid(what, "is UTF-16 text, PEM is ASCII", "Save the file as UTF-8 (PowerShell: -Encoding ascii).");
  }
  const blocks: PemBlock[] = [];
  let position = 0;
  for (;;) {
    const start = text.indexOf(BEGIN, position);
    const gap = text.slice(position, start === -1 ? undefined : start);
    if (gap.includes(END)) {
      throw invalid(what, `has an END line without its BEGIN line after ${blocks.length} PEM block(s)`, CUT_HINT);
    }
    if (start === -1) return blocks;
    const block = readBlock(text, start + BEGIN.length, `${what}: PEM block ${blocks.length + 1}`);
    blocks.push(block.block);
    position = block.next;
  }
}

/** Renders bytes as one PEM block: 64 columns, LF, final newline (RFC 7468 section 2, the strict form). */
export function renderPem(label: string, der: Buffer): string {
  return renderBlock(label, {}, der);
}

const CUT_HINT = "Copy the whole text, from the first BEGIN line to the last END line.";

function readBlock(text: string, labelStart: number, what: string): { block: PemBlock; next: number } {
  const labelEnd = text.indexOf(DASHES, labelStart);
  const label = labelEnd === -1 ? "" : text.slice(labelStart, labelEnd).trim();
  if (!labelPattern.test(label)) {
    throw invalid(what, "the BEGIN line is not whole", `It reads "${BEGIN}", a label and "${DASHES}".`);
  }
  const bodyStart = labelEnd + DASHES.length;
  const bodyEnd = text.indexOf(DASHES, bodyStart);
  const name = `${what} (${label})`;
  if (bodyEnd === -1 || text.startsWith(BEGIN, bodyEnd)) {
    throw invalid(name, "has no END line, the text is cut short", CUT_HINT);
  }
  const next = bodyEnd + END.length + label.length + DASHES.length;
  if (text.slice(bodyEnd, next) !== `${END}${label}${DASHES}`) {
    throw invalid(name, `does not end with "${END}${label}${DASHES}"`, CUT_HINT);
  }
  const { headers, base64 } = readBody(text.slice(bodyStart, bodyEnd), name);
  const der = readBase64(base64, name);
  if (headers["Proc-Type"] !== "4,ENCRYPTED") checkLength(der, label, name);
  return { block: { label, der, headers, text: renderBlock(label, headers, der) }, next };
}

/** Headers are the lines with a colon, which base64 has not; the empty line after them is often lost in copying. */
function readBody(body: string, what: string): { headers: Record<string, string>; base64: string } {
  if (!body.includes(":")) return { headers: {}, base64: body };
  const entries: [string, string][] = [];
  const lines = body.trim().split(/\r\n|\r|\n/);
  let line = 0;
  for (; lines[line]?.includes(":"); line++) {
    const [, name, value] = /^\s*(Proc-Type|DEK-Info):\s*([\x21-\x7e]{1,200})\s*$/.exec(lines[line] ?? "") ?? [];
    if (name === undefined || value === undefined) {
      throw invalid(
        what,
        `header line ${line + 1} is neither Proc-Type nor DEK-Info`,
        "Leave the block as it was made.",
      );
    }
    entries.push([name, value]);
  }
  return { headers: Object.fromEntries(entries), base64: lines.slice(line).join("") };
}

function readBase64(body: string, what: string): Buffer {
  const base64 = body.replace(/\s+/g, "");
  if (base64 === "") throw invalid(what, "is empty", CUT_HINT);
  if (base64.includes("\\n")) {
    const found = 'holds the two characters "\\n" where a line break belongs';
    throw invalid(what, found, "Turn them into line breaks before the text is given.");
  }
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw invalid(what, "has characters that are not base64", "Copy the block again from its source.");
  }
  if (base64.length % 4 !== 0) {
    throw invalid(what, `has ${base64.length} base64 characters, not a multiple of 4: some are missing`, CUT_HINT);
  }
  return Buffer.from(base64, "base64");
}

/** Lost lines keep the base64 whole, so only the length that the DER sequence carries shows them. */
function checkLength(der: Buffer, label: string, what: string): void {
  const first = der[1];
  if (der[0] !== 0x30 || first === undefined || first === 0x80 || first > 0x84) return;
  const octets = first > 0x80 ? first - 0x80 : 0;
  if (der.length < 2 + octets) throw invalid(what, "is cut short", CUT_HINT);
  const length = 2 + octets + (octets === 0 ? first : der.readUIntBE(2, octets));
  if (der.length < length) throw invalid(what, `has ${der.length} of its ${length} bytes: lines are missing`, CUT_HINT);
  // OpenSSL writes trust settings behind the certificate under this label
  if (der.length > length && label !== "TRUSTED CERTIFICATE") {
    throw invalid(what, `has ${der.length} bytes but says ${length}: lines are doubled`, CUT_HINT);
  }
}

function renderBlock(label: string, headers: Readonly<Record<string, string>>, der: Buffer): string {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`);
  const base64 = der.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `${BEGIN}${label}${DASHES}\n${head.join("")}${head.length > 0 ? "\n" : ""}${base64}\n${END}${label}${DASHES}\n`;
}
