import { TlsError } from "../errors";
import type { Asn1 } from "./der";
import { readDer } from "./der";
import { items, octets, readOid } from "./der-content";

/** RFC 8018 appendix A, RFC 7914 section 7. */
const pbes2 = "1.2.840.113549.1.5.13";
const pbkdf2 = "1.2.840.113549.1.5.12";
const scrypt = "1.3.6.1.4.1.11591.4.11";
/** RFC 8018 appendix A.3 and RFC 7292 appendix C: a salt and a count, for PBES1 and for PKCS#12's own derivation. */
const pbes1 = /^1\.2\.840\.113549\.1\.(5\.(1|3|4|6|10|11)|12\.1\.[1-6])$/;

/** An encrypted RSA 8192 key has 5 KiB; a longer container costs time for nothing. */
const longestContainer = 64 * 1024;

/**
 * Most rounds that are run, 0.1 to 0.3 s each: a larger count in a stranger's file would stop the process, since Node
 * derives synchronously (20 million: 2.4 s). 600,000 is OWASP's advice of 2023 for PBKDF2, the most that is advised
 * anywhere; `openssl pkcs8` writes 2,048, or for scrypt N 16384, r 8, p 1 (2^17); OpenSSL ends scrypt at 32 MiB (2^18).
 */
const mostRounds = { pbkdf2: 600_000, pbes1: 300_000, scrypt: 2 ** 18 } as const;

/**
 * Makes sure that `container` is an EncryptedPrivateKeyInfo and that deriving its key from a passphrase ends soon, without
 * deriving it. Not checked: whether OpenSSL knows the cipher, and the passphrase.
 * @throws TlsError `KEY_INVALID`: no such container; `KEY_ENCRYPTED`: too many rounds. See RFC 5958 section 3.
 */
export function checkKeyDerivation(container: Buffer, what: string): void {
  const { kind, rounds } = readRounds(container, what);
  if (rounds <= mostRounds[kind]) return;
  const found = Number.isFinite(rounds) ? rounds.toLocaleString("en") : "endlessly many";
  const most = mostRounds[kind].toLocaleString("en");
  throw new TlsError(
    "KEY_ENCRYPTED",
    `${what}: its passphrase takes ${found} rounds to check, at most ${most} are run`,
    {
      hint: "Encrypt it anew with fewer: openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in <file> -out <new>.",
    },
  );
}

function readRounds(container: Buffer, what: string): { kind: keyof typeof mostRounds; rounds: number } {
  const invalid = (cause?: unknown) =>
    new TlsError("KEY_INVALID", `${what}: the ENCRYPTED PRIVATE KEY block does not hold an encrypted key`, {
      hint: "Copy it again from its source.",
      cause,
    });
  if (container.length > longestContainer) throw invalid();
  try {
    const [algorithm, ciphertext] = items(readDer(container, what), what);
    if (octets(ciphertext, what).length === 0) throw invalid();
    return readAlgorithm(algorithm, what);
  } catch (error) {
    throw invalid(error);
  }
}

function readAlgorithm(algorithm: Asn1 | undefined, what: string): { kind: keyof typeof mostRounds; rounds: number } {
  const [type, parameters] = items(algorithm, what);
  const oid = readShortOid(type, what);
  if (oid === pbes2) return readDerivation(items(parameters, what)[0], what);
  // an unknown scheme is left to OpenSSL, which derives nothing for it
  if (!pbes1.test(oid)) return { kind: "pbes1", rounds: 0 };
  return { kind: "pbes1", rounds: readNumber(items(parameters, what)[1], what) };
}

function readDerivation(derivation: Asn1 | undefined, what: string): { kind: keyof typeof mostRounds; rounds: number } {
  const [type, parameters] = items(derivation, what);
  const oid = readShortOid(type, what);
  if (oid === pbkdf2) return { kind: "pbkdf2", rounds: readNumber(items(parameters, what)[1], what) };
  if (oid !== scrypt) return { kind: "pbkdf2", rounds: 0 };
  const [, cost, blockSize, parallelization] = items(parameters, what);
  const factors = [cost, blockSize, parallelization].map((factor) => readNumber(factor, what));
  return { kind: "scrypt", rounds: factors.reduce((product, factor) => product * factor, 1) };
}

/** Those above have 11 octets at most; reading a long one costs the square of its length. */
function readShortOid(node: Asn1 | undefined, what: string): string {
  return octets(node, what).length > 32 ? "" : readOid(node, what);
}

/** An INTEGER that is not negative; above 2^40 it is as good as endless. */
function readNumber(node: Asn1 | undefined, what: string): number {
  const value = octets(node, what);
  if (value.length === 0 || (value[0] ?? 0) >= 0x80) return Number.POSITIVE_INFINITY;
  return value.length > 5 ? Number.POSITIVE_INFINITY : value.readUIntBE(0, value.length);
}
