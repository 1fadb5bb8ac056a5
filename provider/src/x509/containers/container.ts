import type { KeyObject } from "node:crypto";
import { isTlsError, TlsError } from "../../errors";
import { readElements } from "../asn1/ber";
import { type DerKind, recogniseDer } from "../asn1/der-kind";
import { type PemBlock, readPemBlocks, renderPem } from "../asn1/pem";
import { type Certificate, MOST_CERTIFICATES, readCertificate } from "../certificate/certificate";
import { readPrivateKey } from "../keys/private-key";
import { readPkcs12 } from "../pkcs12/read";
import { pkcs7Labels, readPkcs7 } from "./pkcs7";

/** What a text holds that a gateway needs, in its order, repetitions kept. */
export interface ContainerContents {
  readonly certificates: readonly Certificate[];
  /** Each proved by a signature. */
  readonly privateKeys: readonly KeyObject[];
  /** What it was given in; PEM that holds nothing but PKCS#7 counts as that. */
  readonly format: ContainerFormat;
  /** Labels of PEM blocks that were passed over: requests, parameters, revocation lists, public keys. */
  readonly ignored: readonly string[];
}

/** The formats, in the words of their documents; DER is one certificate or key. */
export type ContainerFormat = "PEM" | "DER" | "PKCS#7" | "PKCS#12";

interface Options {
  /** Of a PKCS#12 file, and of encrypted keys; empty is one. */
  readonly password?: string;
}

type Part = Pick<ContainerContents, "certificates" | "privateKeys" | "format">;

/** 1 MiB, which is the most that is read of anything, in base64. */
const LONGEST_TEXT = Math.ceil((1024 * 1024) / 3) * 4;
/** Each is proved by a signature, which takes the largest 40 ms. */
const MOST_KEYS = 20;

/** Some CAs put PKCS#7 under CERTIFICATE: of these labels the bytes decide. */
const labelsByBytes: readonly string[] = [...pkcs7Labels, "CERTIFICATE", "X509 CERTIFICATE", "PKCS12"];

/**
 * Reads whatever a CA or a colleague sent, given as text: PEM with any mix of certificates, keys and PKCS#7, or the
 * base64 of one certificate, key, PKCS#7 (`.p7b`) or PKCS#12 file (`.pfx`), or the base64 of PEM. `what` names it in
 * messages. At most 1 MiB, 1,000 certificates, 20 keys. A password that is not needed is not looked at.
 * Not checked: whether certificates and keys belong together, dates, signatures.
 * @throws TlsError CONTAINER_INVALID: none of these, nothing of use in it, too much; CONTAINER_ENCRYPTED and
 * KEY_ENCRYPTED: the password; PEM_INVALID, CERTIFICATE_INVALID, KEY_INVALID with the position.
 */
export function readContainer(input: string, what: string, options: Options = {}): ContainerContents {
  if (input.includes("-----BEGIN ")) return readPem(input, what, options);
  const encoded = readBase64(input, what);
  if (encoded.includes("-----BEGIN ")) return readPem(encoded.toString(), what, options);
  const contents = readEncoded(encoded, recogniseDer(encoded), what, options);
  return { ...contents, ignored: [] };
}

function readPem(text: string, what: string, options: Options): ContainerContents {
  const blocks = readPemBlocks(text, what);
  const parts: Part[] = [];
  const ignored: string[] = [];
  let [certificates, keys] = [0, 0];
  for (const [index, block] of blocks.entries()) {
    const part = readBlock(block, `${what}: PEM block ${index + 1}`, options);
    if (part === undefined) {
      ignored.push(block.label);
      continue;
    }
    parts.push(part);
    certificates += part.certificates.length;
    keys += part.privateKeys.length;
    refuseMany(certificates, MOST_CERTIFICATES, "certificates", what);
    refuseMany(keys, MOST_KEYS, "private keys", what);
  }
  if (parts.length === 0) throw useless(ignored, what);
  const formats = new Set(parts.map(({ format }) => format));
  const [format = "PEM"] = formats;
  return {
    certificates: parts.flatMap((part) => part.certificates),
    privateKeys: parts.flatMap((part) => part.privateKeys),
    format: formats.size > 1 || format === "DER" ? "PEM" : format,
    ignored,
  };
}

/** Undefined for a block that is neither certificate nor key. */
function readBlock(block: PemBlock, position: string, options: Options): Part | undefined {
  if (block.label.endsWith("PRIVATE KEY")) return readKey(block.text, position, options);
  if (block.label === "TRUSTED CERTIFICATE") return readTrusted(block.der, position);
  if (!labelsByBytes.includes(block.label)) return undefined;
  const kind = recogniseDer(block.der);
  // a certificate that is damaged should say what of it can't be read
  const isContainer = kind === "PKCS7" || kind === "PKCS12";
  const label = pkcs7Labels.includes(block.label) ? "PKCS7" : block.label === "PKCS12" ? "PKCS12" : "CERTIFICATE";
  return readEncoded(block.der, isContainer || kind === "CERTIFICATE" ? kind : label, position, options);
}

/** OpenSSL writes trust settings behind the certificate: `openssl x509 -trustout`. */
function readTrusted(encoded: Buffer, position: string): Part {
  const [certificate] = readElements(encoded, position);
  return readEncoded(certificate?.encoded ?? encoded, "CERTIFICATE", position, {});
}

function readEncoded(encoded: Buffer, kind: DerKind | undefined, what: string, options: Options): Part {
  switch (kind) {
    case "CERTIFICATE":
      return { certificates: [readOne(encoded, what)], privateKeys: [], format: "DER" };
    case "PKCS7":
      return { certificates: readPkcs7(encoded, what), privateKeys: [], format: "PKCS#7" };
    case "PKCS12":
      return { ...readPkcs12(encoded, what, options), format: "PKCS#12" };
    case "PRIVATE KEY":
    case "ENCRYPTED PRIVATE KEY":
    case "RSA PRIVATE KEY":
    case "EC PRIVATE KEY":
      return readKey(renderPem(kind, encoded), what, options);
    case undefined:
      throw unknown(encoded, what);
    default:
      throw useless([kind], what);
  }
}

function readOne(encoded: Buffer, what: string): Certificate {
  try {
    return readCertificate(encoded);
  } catch (error) {
    if (!isTlsError(error)) throw error;
    throw new TlsError("CERTIFICATE_INVALID", `${what}: ${error.reason}`, {
      hint: error.hint ?? "Get the file again from its issuer.",
      cause: error,
    });
  }
}

function readKey(pem: string, what: string, { password }: Options): Part {
  const key = readPrivateKey(pem, { what, ...(password === undefined ? {} : { passphrase: password }) });
  return { certificates: [], privateKeys: [key], format: "DER" };
}

const GIVE_HINT = 'Give PEM as text, any other file in base64: readFileSync(path, "base64").';

function readBase64(input: string, what: string): Buffer {
  if (input.length > LONGEST_TEXT + LONGEST_TEXT / 16)
    throw invalid(`${what}: has ${input.length} characters`, GIVE_HINT);
  const base64 = input.replace(/\s+/g, "");
  if (base64 === "") throw invalid(`${what}: is empty`, GIVE_HINT);
  if (input.startsWith("PuTTY-User-Key-File-")) {
    throw invalid(`${what}: is a key in PuTTY's own format, which TLS servers don't read`, "Get the key in PEM.");
  }
  if (/[\0\uFFFD]/.test(input)) throw invalid(`${what}: is a binary file that was read as text`, GIVE_HINT);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw invalid(`${what}: is neither PEM nor base64`, GIVE_HINT);
  return Buffer.from(base64, "base64");
}

/** First octets of formats that people have and that are not read. */
const otherFormats: readonly (readonly [magic: string, name: string, hint: string])[] = [
  [
    "feedfeed",
    "a Java keystore (JKS)",
    "Convert it: keytool -importkeystore -srckeystore <file> -destkeystore <new>.p12 -deststoretype PKCS12.",
  ],
  [
    "cececece",
    "a Java keystore (JCEKS)",
    "Convert it: keytool -importkeystore -srckeystore <file> -srcstoretype JCEKS -destkeystore <new>.p12 -deststoretype PKCS12.",
  ],
  ["504b0304", "a ZIP archive", "Unpack it and give the files inside."],
];

function unknown(encoded: Buffer, what: string): TlsError {
  // the magic of OpenSSH's format, whose refusal says how to convert it
  if (encoded.toString("latin1", 0, 14) === "openssh-key-v1") {
    return new TlsError("KEY_INVALID", `${what}: is in OpenSSH's own format, which TLS servers don't read`, {
      hint: "Convert a copy of the file in place: ssh-keygen -p -m PKCS8 -f <copy>.",
    });
  }
  const other = otherFormats.find(([magic]) => encoded.toString("hex", 0, magic.length / 2) === magic);
  if (other !== undefined) return invalid(`${what}: is ${other[1]}`, other[2]);
  const reason = `${what}: its ${encoded.length} bytes are no certificate, key, PKCS#7 or PKCS#12`;
  return invalid(
    reason,
    "The file is cut short, or of another kind: openssl asn1parse -inform DER -in <file> shows it.",
  );
}

function useless(labels: readonly string[], what: string): TlsError {
  const found = labels.length === 0 ? "no PEM block at all" : `only ${[...new Set(labels)].slice(0, 5).join(", ")}`;
  const isRequest = labels.some((label) => label.endsWith("CERTIFICATE REQUEST"));
  return invalid(
    `${what}: holds neither a certificate nor a private key but ${found}`,
    isRequest ? "A request is what a CA gets; give the certificate that it answered with." : GIVE_HINT,
  );
}

function refuseMany(count: number, most: number, kind: string, what: string): void {
  if (count <= most) return;
  throw invalid(`${what}: holds more than ${most} ${kind}`, "Give the certificate, its key and its chain alone.");
}

function invalid(reason: string, hint: string): TlsError {
  return new TlsError("CONTAINER_INVALID", reason, { hint });
}
