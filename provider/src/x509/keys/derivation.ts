import { TlsError } from "../../errors";
import { type Asn1, items, octets, readAlgorithm, readDer, readNumber } from "../asn1/der";

/** RFC 8018 appendix A, RFC 7914 section 7. */
const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const SCRYPT = "1.3.6.1.4.1.11591.4.11";
/** RFC 7292 appendix C, with three and two keys of 3DES: a salt and a count. Its RC2 and RC4 are gone from OpenSSL 3. */
const pkcs12Schemes: readonly string[] = ["1.2.840.113549.1.12.1.3", "1.2.840.113549.1.12.1.4"];
/** Ciphers of PBES2 that OpenSSL 3 has without its legacy provider. */
const ciphers = [
  /^1\.2\.840\.113549\.3\.7$/, // 3DES-CBC, RFC 8018 appendix B.2.2
  /^2\.16\.840\.1\.101\.3\.4\.1\.[24]?[234]$/, // AES-128, 192, 256 in CBC, OFB, CFB, NIST's register
  /^1\.2\.392\.200011\.61\.1\.1\.1\.[234]$/, // Camellia in CBC, RFC 3657
  /^1\.2\.410\.200046\.1\.1\.(2|7|12)$/, // ARIA in CBC, RFC 5794
];
/** The same ciphers by the names of the traditional format (OpenSSL's PEM_read). */
const traditionalCiphers = /^(DES-EDE3|(AES|CAMELLIA|ARIA)-(128|192|256))-CBC$/i;

/** An encrypted RSA 8192 key has 5 KiB; a longer container costs time for nothing. */
const LONGEST_CONTAINER = 64 * 1024;

/**
 * Most rounds that are run, 0.1 to 0.3 s each: a larger count in a stranger's file would stop the process, since Node
 * derives synchronously (20 million: 2.4 s). 600,000 is OWASP's advice of 2023 for PBKDF2, the most that is advised
 * anywhere; `openssl pkcs8` writes 2,048, or for scrypt N 16384, r 8, p 1 (2^17); OpenSSL ends scrypt at 32 MiB (2^18).
 */
const mostRounds = { pbkdf2: 600_000, pkcs12: 300_000, scrypt: 2 ** 18 } as const;

interface Derivation {
  readonly kind: keyof typeof mostRounds;
  readonly rounds: number;
}

/**
 * Makes sure that `container` is an EncryptedPrivateKeyInfo of a kind that can be deciphered here, and that deriving its
 * key from a passphrase ends soon, without deriving it. Not checked: the passphrase.
 * @throws TlsError `KEY_INVALID`: no such container, or encrypted in another way; `KEY_ENCRYPTED`: too many rounds.
 * See RFC 5958 section 3.
 */
export function checkKeyDerivation(container: Buffer, what: string): void {
  const derivation = readDerivation(container, what);
  if (derivation === undefined) throw unsupported(what);
  const most = mostRounds[derivation.kind];
  if (derivation.rounds <= most) return;
  const found = Number.isFinite(derivation.rounds) ? derivation.rounds.toLocaleString("en") : "endlessly many";
  const reason = `its passphrase takes ${found} rounds to check, at most ${most.toLocaleString("en")} are run`;
  throw new TlsError("KEY_ENCRYPTED", `${what}: ${reason}`, {
    hint: "Encrypt it anew with fewer: openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in <file> -out <new>.",
  });
}

/**
 * The same for the traditional format, whose headers are RFC 1421's. It derives by one round of MD5: nothing to bound.
 * @throws TlsError `KEY_INVALID`: headers that are not whole, or another cipher
 */
export function checkTraditionalEncryption(headers: Readonly<Record<string, string>>, what: string): void {
  const [, cipher, salt] = /^([A-Z0-9-]+),([0-9A-F]{16,32})$/i.exec(headers["DEK-Info"] ?? "") ?? [];
  if (headers["Proc-Type"] !== "4,ENCRYPTED" || cipher === undefined || salt === undefined) {
    throw new TlsError("KEY_INVALID", `${what}: the headers of the encrypted key are not whole`, {
      hint: "Copy Proc-Type and DEK-Info as they stand in the source.",
    });
  }
  if (!traditionalCiphers.test(cipher)) throw unsupported(what);
}

function unsupported(what: string): TlsError {
  return new TlsError("KEY_INVALID", `${what}: is encrypted in a way that OpenSSL 3 no longer reads, or never did`, {
    hint: "Convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in <file> -out <new>.",
  });
}

/** Undefined for one that can't be deciphered here. */
function readDerivation(container: Buffer, what: string): Derivation | undefined {
  const invalid = (cause?: unknown) =>
    new TlsError("KEY_INVALID", `${what}: the ENCRYPTED PRIVATE KEY block does not hold an encrypted key`, {
      hint: "Copy it again from its source.",
      cause,
    });
  if (container.length > LONGEST_CONTAINER) throw invalid();
  try {
    const [algorithm, ciphertext] = items(readDer(container, what), what);
    if (octets(ciphertext, what).length === 0) throw invalid();
    const [oid, parameters] = readAlgorithm(algorithm, what);
    if (pkcs12Schemes.includes(oid)) return { kind: "pkcs12", rounds: readNumber(items(parameters, what)[1], what) };
    return oid === PBES2 ? readPbes2(parameters, what) : undefined;
  } catch (error) {
    throw invalid(error);
  }
}

/** RFC 8018 appendix A.4: how the key is derived, and the cipher. */
function readPbes2(parameters: Asn1 | undefined, what: string): Derivation | undefined {
  const [derivation, encryption] = items(parameters, what);
  const [cipher] = readAlgorithm(encryption, what);
  if (!ciphers.some((known) => known.test(cipher))) return undefined;
  const [oid, values] = readAlgorithm(derivation, what);
  if (oid === PBKDF2) return { kind: "pbkdf2", rounds: readNumber(items(values, what)[1], what) };
  if (oid !== SCRYPT) return undefined;
  const [, cost, blockSize, parallelization] = items(values, what);
  const factors = [cost, blockSize, parallelization].map((factor) => readNumber(factor, what));
  return { kind: "scrypt", rounds: factors.reduce((product, factor) => product * factor, 1) };
}
