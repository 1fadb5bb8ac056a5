import { createCipheriv, createDecipheriv } from "node:crypto";
import util from "node-forge/lib/util";
import { TlsError } from "../../errors";
import { type Asn1, der, items, octets, readAlgorithm, readNumber } from "../asn1/der";
import {
  derivationPurpose,
  deriveByPkcs12,
  derivePbkdf2,
  encodePbkdf2,
  type Pbkdf2Parameters,
  type Pkcs12Derivation,
  readPbkdf2,
  readSalt,
  roundsOf,
  unsupportedAlgorithm,
} from "./key-derivation";
import type { Lock, PasswordForm } from "./password";

/** A way to decipher, by key and initialisation vector. */
interface Cipher {
  readonly keyLength: number;
  readonly ivLength: number;
  decipher(key: Buffer, iv: Buffer, ciphertext: Buffer): Buffer;
}

const tripleDes = openSslCipher("des-ede3-cbc", 24, 8);

/** Ciphers that go with PKCS#12's own derivation, always with SHA-1 (RFC 7292 appendix C). RC4 was never in use. */
const pkcs12Ciphers: Readonly<Record<string, Cipher>> = {
  "1.2.840.113549.1.12.1.3": tripleDes,
  "1.2.840.113549.1.12.1.4": { ...tripleDes, keyLength: 16, decipher: decipherTwoKeys },
  "1.2.840.113549.1.12.1.5": rc2Cipher(16),
  "1.2.840.113549.1.12.1.6": rc2Cipher(5),
};

const PBES2 = "1.2.840.113549.1.5.13";
const AES256 = "2.16.840.1.101.3.4.1.42";
const TRIPLE_DES_PKCS12 = "1.2.840.113549.1.12.1.3";

/** Ciphers of PBES2 (RFC 8018 appendix B.2, NIST's register of AES). */
const pbes2Ciphers: Readonly<Record<string, Cipher>> = {
  "1.2.840.113549.3.7": tripleDes,
  "2.16.840.1.101.3.4.1.2": openSslCipher("aes-128-cbc", 16, 16),
  "2.16.840.1.101.3.4.1.22": openSslCipher("aes-192-cbc", 24, 16),
  [AES256]: openSslCipher("aes-256-cbc", 32, 16),
};

/** RC2 runs in JavaScript, at 4 MB/s; what programs encrypt by it are a few certificates. */
const LONGEST_RC2 = 256 * 1024;

/**
 * Reads what a ciphertext is encrypted by, and makes it a lock that opens to the plaintext. `what` names the thing in
 * messages.
 * @throws TlsError CONTAINER_INVALID: another algorithm; DER_INVALID
 * See RFC 7292 appendix C, RFC 8018 section 6.2.
 */
export function readEncryption(algorithm: Asn1 | undefined, ciphertext: Buffer, what: string): Lock<Buffer> {
  const [oid, parameters] = readAlgorithm(algorithm, "its encryption");
  if (oid === PBES2) return readPbes2(parameters, ciphertext, what);
  const cipher = pkcs12Ciphers[oid];
  if (cipher === undefined) throw unsupportedAlgorithm(oid, what);
  const [salt, iterations] = items(parameters, "its encryption");
  const derivation = {
    hash: "sha1",
    salt: readSalt(salt, "its encryption"),
    iterations: readNumber(iterations, "its encryption"),
  } as const;
  const rounds = roundsOf(derivation, cipher.keyLength) + roundsOf(derivation, cipher.ivLength);
  return {
    costs: [{ kind: "pkcs12", rounds }],
    open: (form) => {
      const { key, iv } = derivePair(derivation, form, cipher);
      return cipher.decipher(key, iv, ciphertext);
    },
  };
}

/** What is encrypted, by whom it is to be read: see {@link encrypt}. */
export interface Encrypted {
  readonly algorithm: Asn1;
  readonly ciphertext: Buffer;
}

/**
 * Encrypts by PBES2 with AES-256 and PBKDF2-SHA256: OpenSSL 3's and Java 17's default.
 * RFC 8018 section 6.2.1. `iv`: 16 octets.
 */
export function encryptModern(
  plaintext: Buffer,
  password: PasswordForm,
  derivation: { readonly salt: Buffer; readonly iterations: number; readonly iv: Buffer },
): Encrypted {
  const parameters: Pbkdf2Parameters = { hash: "sha256", salt: derivation.salt, iterations: derivation.iterations };
  const key = derivePbkdf2(parameters, password.utf8, 32);
  const cipher = createCipheriv("aes-256-cbc", key, derivation.iv);
  const scheme = der.sequence(der.oid(AES256), der.octetString(derivation.iv));
  return {
    algorithm: der.sequence(der.oid(PBES2), der.sequence(encodePbkdf2(parameters), scheme)),
    ciphertext: Buffer.concat([cipher.update(plaintext), cipher.final()]),
  };
}

/** Encrypts by PKCS#12's own 3DES, which every program since 1999 reads. RFC 7292 appendix C. */
export function encryptLegacy(
  plaintext: Buffer,
  password: PasswordForm,
  { salt, iterations }: { readonly salt: Buffer; readonly iterations: number },
): Encrypted {
  const { key, iv } = derivePair({ hash: "sha1", salt, iterations }, password, tripleDes);
  const cipher = createCipheriv("des-ede3-cbc", key, iv);
  return {
    algorithm: der.sequence(der.oid(TRIPLE_DES_PKCS12), der.sequence(der.octetString(salt), der.integer(iterations))),
    ciphertext: Buffer.concat([cipher.update(plaintext), cipher.final()]),
  };
}

function readPbes2(parameters: Asn1 | undefined, ciphertext: Buffer, what: string): Lock<Buffer> {
  const [derivation, encryption] = items(parameters, "its encryption");
  const [oid, iv] = readAlgorithm(encryption, "its encryption");
  const cipher = pbes2Ciphers[oid];
  if (cipher === undefined) throw unsupportedAlgorithm(oid, what);
  const pbkdf2 = readPbkdf2(derivation, what);
  const vector = octets(iv, "its encryption");
  if (vector.length !== cipher.ivLength || (pbkdf2.keyLength ?? cipher.keyLength) !== cipher.keyLength) {
    throw new TlsError("DER_INVALID", "its encryption has a key or vector of another length than its cipher");
  }
  return {
    costs: [{ kind: "pbkdf2", rounds: pbkdf2.iterations }],
    open: ({ utf8 }) => cipher.decipher(derivePbkdf2(pbkdf2, utf8, cipher.keyLength), vector, ciphertext),
  };
}

function derivePair(derivation: Pkcs12Derivation, { bmp }: PasswordForm, cipher: Cipher): { key: Buffer; iv: Buffer } {
  return {
    key: deriveByPkcs12(derivation, bmp, derivationPurpose.key, cipher.keyLength),
    iv: deriveByPkcs12(derivation, bmp, derivationPurpose.iv, cipher.ivLength),
  };
}

function openSslCipher(name: string, keyLength: number, ivLength: number): Cipher {
  const decipher = (key: Buffer, iv: Buffer, ciphertext: Buffer) => {
    const cipher = createDecipheriv(name, key, iv);
    return Buffer.concat([cipher.update(ciphertext), cipher.final()]);
  };
  return { keyLength, ivLength, decipher };
}

/** Two-key triple DES is the three-key one with the first key again as the third. */
function decipherTwoKeys(key: Buffer, iv: Buffer, ciphertext: Buffer): Buffer {
  return tripleDes.decipher(Buffer.concat([key, key.subarray(0, 8)]), iv, ciphertext);
}

function rc2Cipher(keyLength: number): Cipher {
  const decipher = (key: Buffer, iv: Buffer, ciphertext: Buffer) => {
    if (ciphertext.length > LONGEST_RC2) throw new RangeError("too long");
    // a tenth of what reading certificates loads, and only files of long ago need it
    const rc2 = require("node-forge/lib/rc2") as typeof import("node-forge/lib/rc2");
    const cipher = rc2.createDecryptionCipher(key.toString("latin1"), keyLength * 8);
    cipher.start(iv.toString("latin1"));
    cipher.update(util.createBuffer(ciphertext.toString("latin1")));
    if (!cipher.finish(() => true)) throw new RangeError("not whole blocks");
    return removePadding(Buffer.from(cipher.output.getBytes(), "latin1"));
  };
  return { keyLength, ivLength: 8, decipher };
}

/** RFC 8018 section 6.1.1 step 4; forge's own only looks at the last octet. */
function removePadding(padded: Buffer): Buffer {
  const count = padded.at(-1) ?? 0;
  const end = padded.length - count;
  if (count < 1 || count > 8 || end < 0 || padded.subarray(end).some((octet) => octet !== count)) {
    throw new RangeError("the padding is wrong");
  }
  return padded.subarray(0, end);
}
