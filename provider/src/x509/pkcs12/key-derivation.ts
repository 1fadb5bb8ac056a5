import { hash as digest, pbkdf2Sync } from "node:crypto";
import { TlsError } from "../../errors";
import { type Asn1, der, isUniversal, items, octets, readAlgorithm, readNumber, tag } from "../asn1/der";

/** A hash by the name that Node has for it. */
export type HashName = "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512";

/** Octets of a block and of a result (FIPS 180-4 figure 1, RFC 1321): v and u of RFC 7292 appendix B.2. */
const sizes: Readonly<Record<HashName, { readonly block: number; readonly result: number }>> = {
  md5: { block: 64, result: 16 },
  sha1: { block: 64, result: 20 },
  sha224: { block: 64, result: 28 },
  sha256: { block: 64, result: 32 },
  sha384: { block: 128, result: 48 },
  sha512: { block: 128, result: 64 },
};

/** What is derived: the ID octet of RFC 7292 appendix B.3. */
export const derivationPurpose = { key: 1, iv: 2, mac: 3 } as const;

/** Everything about a derivation but the password. */
export interface Pkcs12Derivation {
  readonly hash: HashName;
  readonly salt: Buffer;
  readonly iterations: number;
}

/**
 * Derives `length` octets from a password in PKCS#12's own form (see `encodePassword`). RFC 7292 appendix B.2. Not
 * checked: how long it takes; that is for {@link DerivationBudget}.
 */
export function deriveByPkcs12(
  { hash, salt, iterations }: Pkcs12Derivation,
  password: Buffer,
  purpose: number,
  length: number,
): Buffer {
  const { block } = sizes[hash];
  const diversifier = Buffer.alloc(block, purpose);
  const input = Buffer.concat([repeatToBlocks(salt, block), repeatToBlocks(password, block)]);
  const results: Buffer[] = [];
  for (let missing = length; missing > 0; ) {
    let result = digest(hash, Buffer.concat([diversifier, input]), "buffer");
    for (let round = 1; round < iterations; round++) result = digest(hash, result, "buffer");
    results.push(result);
    missing -= result.length;
    if (missing > 0) addToBlocks(input, repeatToBlocks(result, block).subarray(0, block));
  }
  return Buffer.concat(results, length);
}

/** Rounds of the hash that {@link deriveByPkcs12} runs. */
export function roundsOf({ hash, iterations }: Pkcs12Derivation, length: number): number {
  return Math.ceil(length / sizes[hash].result) * iterations;
}

/** Longer salts protect nothing more; programs write 8 to 20 octets. */
const LONGEST_SALT = 1024;

/**
 * A salt of sensible length.
 * @throws TlsError DER_INVALID
 */
export function readSalt(node: Asn1 | undefined, what: string): Buffer {
  const salt = octets(node, what);
  if (salt.length > LONGEST_SALT) throw new TlsError("DER_INVALID", `${what} has a salt of ${salt.length} octets`);
  return salt;
}

/** The octets again and again until whole blocks are full; none stay none. */
function repeatToBlocks(octets: Buffer, block: number): Buffer {
  if (octets.length === 0) return octets;
  return Buffer.alloc(Math.ceil(octets.length / block) * block, octets);
}

/** Adds `increment` and one to each of the blocks, as numbers without their overflow. */
function addToBlocks(blocks: Buffer, increment: Buffer): void {
  for (let start = 0; start < blocks.length; start += increment.length) {
    let carry = 1;
    for (let index = increment.length - 1; index >= 0; index--) {
      carry += (blocks[start + index] ?? 0) + (increment[index] ?? 0);
      blocks[start + index] = carry & 0xff;
      carry >>= 8;
    }
  }
}

/** How many rounds of what: one of PKCS#12's own derivation costs 1 us, one of PBKDF2 a tenth of it. */
export interface DerivationCost {
  readonly kind: "pkcs12" | "pbkdf2";
  readonly rounds: number;
}

type Rounds = Readonly<Record<DerivationCost["kind"], number>>;

/**
 * Most rounds while nothing proves that whoever made the file knew the password, about 0.1 s: an old Java keystore has
 * 100,000 in its MAC. 600,000 is OWASP's advice of 2023 for PBKDF2, the most that is advised anywhere.
 */
const mostBeforeProof: Rounds = { pkcs12: 100_000, pbkdf2: 600_000 };

/** Most rounds for a whole file, about 1 s: an old Java keystore takes 400,000 with one key and 150,000 for each more. */
const mostInAll: Rounds = { pkcs12: 1_000_000, pbkdf2: 2_400_000 };

/** Counts the rounds of one file, since Node derives synchronously and a stranger's file may ask for any number. */
export class DerivationBudget {
  readonly #spent = { pkcs12: 0, pbkdf2: 0 };
  #most = mostBeforeProof;
  readonly #what: string;

  /** `what` names the file in messages. */
  constructor(what: string) {
    this.#what = what;
  }

  /** To be called when the password has proved to be that of the file. */
  prove(): void {
    this.#most = mostInAll;
  }

  /**
   * To be called before a derivation starts.
   * @throws TlsError CONTAINER_ENCRYPTED: with it the file takes too many rounds
   */
  spend(kind: DerivationCost["kind"], rounds: number): void {
    this.#spent[kind] += rounds;
    if (this.#spent[kind] <= this.#most[kind]) return;
    const found = Number.isFinite(rounds) ? this.#spent[kind].toLocaleString("en") : "endlessly many";
    const reason = `takes ${found} rounds to open, at most ${this.#most[kind].toLocaleString("en")} are run`;
    throw new TlsError("CONTAINER_ENCRYPTED", `${this.#what}: ${reason}`, {
      hint: REWRITE_HINT,
    });
  }
}

/** Everything about a derivation but the password. */
export interface Pbkdf2Parameters {
  /** Of the HMAC that is iterated. */
  readonly hash: HashName;
  readonly salt: Buffer;
  readonly iterations: number;
  /** Octets, where they are written down. */
  readonly keyLength?: number;
}

const PBKDF2 = "1.2.840.113549.1.5.12";
const HMAC_WITH_SHA256 = "1.2.840.113549.2.9";

/** HMACs by their identifiers (RFC 8018 appendix B.1). */
const hmacs: Readonly<Record<string, HashName>> = {
  "1.2.840.113549.2.7": "sha1",
  "1.2.840.113549.2.8": "sha224",
  [HMAC_WITH_SHA256]: "sha256",
  "1.2.840.113549.2.10": "sha384",
  "1.2.840.113549.2.11": "sha512",
};

/**
 * Reads the AlgorithmIdentifier of PBKDF2. Not checked: how long deriving takes.
 * @throws TlsError CONTAINER_INVALID: another derivation (scrypt) or hash; DER_INVALID. RFC 8018 appendix A.2.
 */
export function readPbkdf2(node: Asn1 | undefined, what: string): Pbkdf2Parameters {
  const [oid, parameters] = readAlgorithm(node, "its encryption");
  if (oid !== PBKDF2) throw unsupportedAlgorithm(oid, what);
  const [salt, iterations, ...rest] = items(parameters, "its encryption");
  const keyLength = rest.find((item) => isUniversal(item, tag.integer));
  const prf = rest.find((item) => isUniversal(item, tag.sequence));
  return {
    hash: prf === undefined ? "sha1" : readHmac(prf, what),
    salt: readSalt(salt, "its encryption"),
    iterations: readNumber(iterations, "its encryption"),
    ...(keyLength === undefined ? {} : { keyLength: readNumber(keyLength, "its encryption") }),
  };
}

/** Encodes the AlgorithmIdentifier of PBKDF2 with SHA-256 for a cipher whose key length is known. */
export function encodePbkdf2({ salt, iterations }: Pbkdf2Parameters): Asn1 {
  const prf = der.sequence(der.oid(HMAC_WITH_SHA256), der.null());
  return der.sequence(der.oid(PBKDF2), der.sequence(der.octetString(salt), der.integer(iterations), prf));
}

/** Derives `length` octets. */
export function derivePbkdf2({ hash, salt, iterations }: Pbkdf2Parameters, password: Buffer, length: number): Buffer {
  return pbkdf2Sync(password, salt, iterations, length, hash);
}

/**
 * The hash of an HMAC's AlgorithmIdentifier.
 * @throws TlsError CONTAINER_INVALID, DER_INVALID
 */
export function readHmac(node: Asn1 | undefined, what: string): HashName {
  const [oid] = readAlgorithm(node, "its encryption");
  const hash = hmacs[oid];
  if (hash === undefined) throw unsupportedAlgorithm(oid, what);
  return hash;
}

/** How to turn a file that is not read here into one that is. */
const REWRITE_HINT =
  "Write it anew: openssl pkcs12 -legacy -in <file> -nodes -out <pem>, then openssl pkcs12 -export -in <pem> -out <new>.";

/** An algorithm that is not read here; `oid` is its identifier, empty for one that can't be read itself. */
export function unsupportedAlgorithm(oid: string, what: string): TlsError {
  const found = oid === "" ? "an unknown algorithm" : `the algorithm ${oid}`;
  return new TlsError("CONTAINER_INVALID", `${what}: is protected by ${found}, which is not read here`, {
    hint: REWRITE_HINT,
  });
}
