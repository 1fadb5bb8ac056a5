import { createHmac, timingSafeEqual } from "node:crypto";
import { TlsError } from "../../errors";
import { type Asn1, der, items, octets, readAlgorithm, readNumber } from "../asn1/der";
import {
  derivationPurpose,
  deriveByPkcs12,
  derivePbkdf2,
  type HashName,
  type Pkcs12Derivation,
  readHmac,
  readPbkdf2,
  readSalt,
  roundsOf,
  unsupportedAlgorithm,
} from "./key-derivation";
import type { Lock, PasswordForm } from "./password";

/** RFC 8018 appendix A.5, used by RFC 9579, which RFC 9879 replaces. */
const PBMAC1 = "1.2.840.113549.1.5.14";

/** Hashes of the older MAC and their result in octets (RFC 8017 appendix B.1). */
const hashes: Readonly<Record<string, { readonly name: HashName; readonly length: number }>> = {
  "1.2.840.113549.2.5": { name: "md5", length: 16 },
  "1.3.14.3.2.26": { name: "sha1", length: 20 },
  "2.16.840.1.101.3.4.2.4": { name: "sha224", length: 28 },
  "2.16.840.1.101.3.4.2.1": { name: "sha256", length: 32 },
  "2.16.840.1.101.3.4.2.2": { name: "sha384", length: 48 },
  "2.16.840.1.101.3.4.2.3": { name: "sha512", length: 64 },
};

/** RFC 9579 section 9 advises against keys below 20 octets; programs write the length of the hash. */
const pbmac1KeyLength = { least: 20, most: 64 } as const;

/**
 * Reads a MacData, and makes it a lock that opens when a password gives the MAC over `content`: the older MAC (RFC 7292
 * section 4) and PBMAC1 (RFC 9579). `what` names the file in messages.
 * @throws TlsError CONTAINER_INVALID: another algorithm; DER_INVALID
 */
export function readMac(macData: Asn1, content: Buffer, what: string): Lock<true> {
  const [digestInfo, salt, iterations] = items(macData, "its MAC");
  const [algorithm, digest] = items(digestInfo, "its MAC");
  const expected = octets(digest, "its MAC");
  const [oid, parameters] = readAlgorithm(algorithm, "its MAC");
  if (oid === PBMAC1) return readPbmac1(parameters, content, expected, what);
  const hash = hashes[oid];
  if (hash === undefined) throw unsupportedAlgorithm(oid, what);
  const derivation = {
    hash: hash.name,
    salt: readSalt(salt, "its MAC"),
    iterations: iterations === undefined ? 1 : readNumber(iterations, "its MAC"),
  };
  return {
    costs: [{ kind: "pkcs12", rounds: roundsOf(derivation, hash.length) }],
    open: (form) => isEqual(computeMac(derivation, form, content, hash.length), expected),
  };
}

/** Encodes the MacData of the older MAC over `content`. RFC 7292 section 4. */
export function encodeMac(
  kind: "sha1" | "sha256",
  { salt, iterations }: { readonly salt: Buffer; readonly iterations: number },
  password: PasswordForm,
  content: Buffer,
): Asn1 {
  const [oid, hash] = Object.entries(hashes).find(([, { name }]) => name === kind) ?? [];
  if (oid === undefined || hash === undefined) throw new TypeError(`no hash ${kind}`);
  const mac = computeMac({ hash: kind, salt, iterations }, password, content, hash.length);
  return der.sequence(
    der.sequence(der.sequence(der.oid(oid), der.null()), der.octetString(mac)),
    der.octetString(salt),
    der.integer(iterations),
  );
}

function computeMac(derivation: Pkcs12Derivation, { bmp }: PasswordForm, content: Buffer, length: number): Buffer {
  const key = deriveByPkcs12(derivation, bmp, derivationPurpose.mac, length);
  return createHmac(derivation.hash, key).update(content).digest();
}

function readPbmac1(parameters: Asn1 | undefined, content: Buffer, expected: Buffer, what: string): Lock<true> {
  const [derivation, scheme] = items(parameters, "its MAC");
  const pbkdf2 = readPbkdf2(derivation, what);
  const hash = readHmac(scheme, what);
  // RFC 9579 section 5: the length must be there
  const length = pbkdf2.keyLength ?? 0;
  if (length < pbmac1KeyLength.least || length > pbmac1KeyLength.most) {
    throw new TlsError("DER_INVALID", `its MAC has a key of ${length} octets`);
  }
  return {
    costs: [{ kind: "pbkdf2", rounds: pbkdf2.iterations }],
    open: ({ utf8 }) => {
      const key = derivePbkdf2(pbkdf2, utf8, length);
      return isEqual(createHmac(hash, key).update(content).digest(), expected);
    },
  };
}

function isEqual(computed: Buffer, expected: Buffer): true | undefined {
  return computed.length === expected.length && timingSafeEqual(computed, expected) ? true : undefined;
}
