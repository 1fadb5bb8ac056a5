import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { TlsError } from "../../errors";
import { type PemBlock, readPemBlocks } from "../asn1/pem";
import { checkKeyDerivation, checkTraditionalEncryption } from "./derivation";

/** Kinds of key that are generated and issued for; others are only read. */
export const keyTypes = ["P256", "P384", "RSA2048", "RSA3072", "RSA4096", "Ed25519"] as const;

/** One of {@link keyTypes}. */
export type KeyType = (typeof keyTypes)[number];

/** Kinds that can sign a TLS handshake (RFC 8446 section 4.2.3), as Node names them. */
const signingTypes: readonly string[] = ["rsa", "rsa-pss", "ec", "ed25519", "ed448"];

/** A signature takes RSA4096 6 ms and RSA8192 40, growing with the cube; every handshake makes one. */
const MAX_MODULUS_LENGTH = 8192;

/** Node's names of the curves in RFC 8422 section 5.1.1 to the words used here. */
const curveWords: Readonly<Record<string, string>> = { prime256v1: "P256", secp384r1: "P384", secp521r1: "P521" };

/**
 * Reads the one private key of a PEM text: PKCS#8, PKCS#1 or SEC 1, plain or encrypted, certificates and parameters
 * beside it ignored. A passphrase is not needed for a plain key and then ignored; an empty one is a passphrase.
 * The key is proved by a signature, since a damaged one can still match its certificate; not with `isProved`, for a
 * caller that verifies what the key signs.
 * `what` names the text in messages, "privateKeyPem" by default.
 * @throws TlsError `KEY_ENCRYPTED`: the passphrase is missing or wrong, or deriving from it takes too long;
 * `KEY_INVALID`: no key, several, not a key, another format, one that can't sign; `PEM_INVALID`.
 * See RFC 5958, RFC 8017 appendix A.1.2, RFC 5915, RFC 7468 sections 10, 11, 13.
 */
export function readPrivateKey(
  text: string,
  options: { passphrase?: string; what?: string; isProved?: boolean } = {},
): KeyObject {
  const what = options.what ?? "privateKeyPem";
  const block = findKeyBlock(readPemBlocks(text, what), what);
  const key = isEncrypted(block) ? decrypt(block, options.passphrase, what) : decode(block, what);
  checkHealth(key, what, options.isProved === true);
  return key;
}

/** Renders a private key as unencrypted PKCS#8 PEM, which mkcert, Cells and every gateway read. */
export function renderPrivateKey(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** Names the kind of a key, public or private: "P256", "RSA2048", "Ed25519", for others for instance "secp256k1". */
export function describeKey(key: KeyObject): string {
  const details = key.asymmetricKeyDetails;
  switch (key.asymmetricKeyType) {
    case "ec":
      return curveWords[details?.namedCurve ?? ""] ?? details?.namedCurve ?? "EC";
    case "rsa":
      return `RSA${details?.modulusLength}`;
    case "rsa-pss":
      return `RSA-PSS${details?.modulusLength}`;
    case undefined:
      return "symmetric key";
    default:
      return key.asymmetricKeyType.replace(/^(ed|x)(?=\d)/, (letters) => (letters === "ed" ? "Ed" : "X"));
  }
}

function findKeyBlock(blocks: readonly PemBlock[], what: string): PemBlock {
  const keys = blocks.filter((block) => block.label.endsWith("PRIVATE KEY"));
  const [key, second] = keys;
  if (second !== undefined) {
    throw new TlsError("KEY_INVALID", `${what}: holds ${keys.length} private keys, one is expected`, {
      hint: "Give only the key of this certificate.",
    });
  }
  if (key !== undefined) return key;
  const labels = blocks.map((block) => block.label);
  const found = labels.length === 0 ? "no PEM block at all" : `only ${labels.slice(0, 5).join(", ")}`;
  throw new TlsError("KEY_INVALID", `${what}: holds no private key but ${found}`, {
    hint: labels.includes("PUBLIC KEY")
      ? "A public key can't stand for the private one: give the text with BEGIN PRIVATE KEY."
      : "Give the content of the key file, its lines from BEGIN PRIVATE KEY to END PRIVATE KEY.",
  });
}

function isEncrypted(block: PemBlock): boolean {
  return block.label === "ENCRYPTED PRIVATE KEY" || "Proc-Type" in block.headers || "DEK-Info" in block.headers;
}

function decode(block: PemBlock, what: string): KeyObject {
  if (block.label === "OPENSSH PRIVATE KEY") {
    throw new TlsError("KEY_INVALID", `${what}: is in OpenSSH's own format, which TLS servers don't read`, {
      hint: "Convert a copy of the file in place: ssh-keygen -p -m PKCS8 -f <copy>.",
    });
  }
  try {
    return createPrivateKey(block.text);
  } catch (cause) {
    throw new TlsError("KEY_INVALID", `${what}: the ${block.label} block does not hold such a key`, {
      hint: "Copy it again from its source; `openssl pkey -in <file> -noout` tells whether the source is whole.",
      cause,
    });
  }
}

/**
 * Missing and wrong passphrases can't be told apart, nor from garbage, by OpenSSL's codes alone: some wrong ones give
 * the code of garbage (0.4 % of 4,000, when the padding happens to fit), as an unknown cipher does. So the container and
 * its ciphers are checked first, and what fails after that has the passphrase for its cause.
 */
function decrypt(block: PemBlock, passphrase: string | undefined, what: string): KeyObject {
  if (block.label === "ENCRYPTED PRIVATE KEY") checkKeyDerivation(block.der, what);
  else checkTraditionalEncryption(block.headers, what);
  if (passphrase === undefined) {
    throw new TlsError("KEY_ENCRYPTED", `${what}: is encrypted and no passphrase is given`, {
      hint: "Give its passphrase, or decrypt a copy: openssl pkey -in <file> -out <copy>.",
    });
  }
  try {
    return createPrivateKey({ key: block.text, passphrase });
  } catch {
    throw new TlsError("KEY_ENCRYPTED", `${what}: the passphrase is wrong (or the encrypted key is damaged)`, {
      hint: "Try it: openssl pkey -in <file> -noout asks for it.",
    });
  }
}

/** Loading checks little: an EC scalar or RSA prime may be damaged, and the public half beside it still matches. */
function checkHealth(key: KeyObject, what: string, isProved: boolean): void {
  const kind = describeKey(key);
  if (!signingTypes.includes(key.asymmetricKeyType ?? "")) {
    throw new TlsError("KEY_INVALID", `${what}: is a key of kind ${kind}, which can't sign a TLS handshake`, {
      hint: `Use one of ${keyTypes.join(", ")}.`,
    });
  }
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) > MAX_MODULUS_LENGTH) {
    throw new TlsError("KEY_INVALID", `${what}: is ${kind}, at most RSA${MAX_MODULUS_LENGTH} is accepted`, {
      hint: "A larger key slows down every handshake: use RSA4096 or P256.",
    });
  }
  if (!isProved && !canSign(key)) {
    throw new TlsError("KEY_INVALID", `${what}: is damaged: what it signs does not verify with its public half`, {
      hint: "Restore the key from its source.",
    });
  }
}

function canSign(key: KeyObject): boolean {
  const isEdwards = key.asymmetricKeyType?.startsWith("ed") === true;
  const hash = isEdwards ? null : (key.asymmetricKeyDetails?.hashAlgorithm ?? "sha256");
  const probe = Buffer.from("pulumi-tls-gateway");
  try {
    return verify(hash, probe, createPublicKey(key), sign(hash, probe, key));
  } catch {
    return false;
  }
}
