import { isIP } from "node:net";
import { domainToASCII, domainToUnicode } from "node:url";
import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";

/** RFC 1035 section 2.3.4: 255 octets on the wire are 253 characters of text without the trailing dot. */
const LONGEST_NAME = 253;
/** RFC 1035 section 2.3.4. */
const LONGEST_LABEL = 63;
/** Longest text worth reading: four UTF-16 units for each octet of the longest name leave room for decomposed Unicode. */
const LONGEST_TEXT = 4 * LONGEST_NAME;

/** What {@link parseDnsName} accepts beyond a plain name. */
export interface DnsNameOptions {
  /** Accept "*" as the whole leftmost label; default false. */
  readonly wildcard?: boolean;
  /** What the text is, for messages ("the domain of the e-mail address …"); default: the quoted text alone. */
  readonly what?: string;
}

/**
 * Reads a DNS host name (letters, digits, hyphens: RFC 1123 section 2.1) in Unicode or A-label form into its canonical
 * form: lower-case A-labels (IDNA by UTS 46, as browsers do) without the trailing dot. Not checked: whether the name
 * exists or its top-level domain does.
 * @throws TlsError IDENTIFIER_INVALID
 */
export function parseDnsName(text: string, options: DnsNameOptions = {}): string {
  const shown = options.what === undefined ? renderQuoted(text) : `${options.what} ${renderQuoted(text)}`;
  const refuse = (found: string, hint?: string): never => {
    throw new TlsError("IDENTIFIER_INVALID", `${shown}: ${found}`, hint === undefined ? {} : { hint });
  };
  if (text === "") refuse("the name is empty", "Give a host name such as gateway.example.com.");
  if (text.length > LONGEST_TEXT)
    refuse(`the name has ${text.length} characters; at most ${LONGEST_NAME} are possible`);
  refuseForeignCharacters(text, refuse);
  const undotted = /[.\u3002\uff0e\uff61]$/u.test(text) ? text.slice(0, -1) : text;
  const isWildcard = undotted.startsWith("*.");
  const ascii = asciiForm(isWildcard ? undotted.slice(2) : undotted, refuse);
  if (isWildcard && options.wildcard !== true) refuse("a wildcard can't stand here", "Give one whole host name.");
  const name = isWildcard ? `*.${ascii}` : ascii;
  if (name.length > LONGEST_NAME) refuse(`the name has ${name.length} octets; at most ${LONGEST_NAME} are allowed`);
  for (const label of ascii.split(".")) refuseLabel(label, refuse);
  refuseNumericEnd(ascii, refuse);
  return name;
}

/** The name with its A-labels in Unicode, for messages; as it is when it has none, or none that can be decoded. */
export function unicodeForm(name: string): string {
  return name
    .split(".")
    .map((label) => (label.startsWith("xn--") ? domainToUnicode(label) || label : label))
    .join(".");
}

type Refuse = (found: string, hint?: string) => never;

/** ASCII that no host name holds, and what can't be seen; first, since `domainToASCII` accepts or drops much of it. */
function refuseForeignCharacters(text: string, refuse: Refuse): void {
  if (/[\s\p{Z}]/u.test(text)) refuse("it contains white space", "Give one host name an entry, without spaces.");
  // zero-width joiners (U+200C, U+200D) belong to some scripts; IDNA checks their context
  if (/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}]/u.test(text))
    refuse("it contains an invisible character", "Type it anew.");
  if (/^[^:]+:\d*$/.test(text)) refuse("it has a port", "Leave the port away: a certificate names a host.");
  if (/^[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*$/i.test(text)) {
    refuse("it is no IPv6 address", "Eight groups of up to four hexadecimal digits, with at most one ::.");
  }
  if (text.includes("_")) {
    refuse("it contains an underscore, which no host name may", "Write a hyphen, also in the DNS zone.");
  }
  const foreign = /[^a-z0-9.*-]/i.exec(text.replace(/\P{ASCII}/gu, ""))?.[0];
  if (foreign !== undefined) refuse(`${renderQuoted(foreign)} can't stand in a host name`);
}

/** Lower-case A-labels. Unicode goes through UTS 46, which also turns number-like text into an IP address: refused. */
function asciiForm(name: string, refuse: Refuse): string {
  if (/^\p{ASCII}*$/u.test(name)) return name.toLowerCase();
  const ascii = domainToASCII(name);
  if (ascii === "") refuse("it has no A-label form (IDNA)", "Give the name in its xn-- form.");
  if (isIP(ascii) !== 0) refuse(`it reads as the IP address ${ascii}`, "Write an IP address in plain ASCII digits.");
  return ascii;
}

function refuseLabel(label: string, refuse: Refuse): void {
  if (label === "") refuse("a label is empty", "Write single dots between labels and none in front.");
  if (label.includes("*")) {
    refuse("a wildcard must be the whole leftmost label of a longer name", 'For instance "*.example.com".');
  }
  const shown = renderQuoted(label);
  if (label.length > LONGEST_LABEL) {
    refuse(`the label ${shown} has ${label.length} octets; at most ${LONGEST_LABEL} are allowed`);
  }
  if (!/^[a-z0-9-]+$/.test(label)) refuse(`the label ${shown} holds what no host name may`);
  if (label.startsWith("-") || label.endsWith("-")) refuse(`the label ${shown} starts or ends with a hyphen`);
  // domainToASCII takes any ASCII label that starts with xn-- as it stands
  if (label.startsWith("xn--")) {
    const unicode = domainToUnicode(label);
    if (/^\p{ASCII}*$/u.test(unicode) || domainToASCII(unicode) !== label) {
      refuse(`the label ${shown} is no A-label (IDNA)`, "Give the name in Unicode.");
    }
  }
}

/** A last label in digits or hexadecimal makes every URL parser read the whole name as an IPv4 address (WHATWG URL 3.5). */
function refuseNumericEnd(name: string, refuse: Refuse): void {
  const last = name.slice(name.lastIndexOf(".") + 1);
  if (!/^(\d+|0x[0-9a-f]*)$/.test(last)) return;
  refuse(
    "its last label is a number, so it reads as an IPv4 address but is none",
    "Write an IPv4 address as four decimal numbers without leading zeros.",
  );
}
