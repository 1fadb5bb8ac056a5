import { generateKeyPair, generateKeyPairSync, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import type { KeyType } from "../../x509/keys/private-key";

/** 128 random bits, the most that leaves room under the 20 octets of RFC 5280 section 4.1.2.2 (CA/B Forum asks for 64). */
export const SERIAL_NUMBER_BYTES = 16;

const generate = promisify(generateKeyPair);

/**
 * Makes a private key of the wanted type. RSA takes up to a second on a slow machine, without blocking the process; the
 * others take 0.05 ms, a tenth of what it takes to have another thread do it.
 */
export async function generatePrivateKey(keyType: KeyType): Promise<KeyObject> {
  switch (keyType) {
    case "P256":
      return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    case "P384":
      return generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    case "RSA2048":
    case "RSA3072":
    case "RSA4096":
      return (await generate("rsa", { modulusLength: Number(keyType.slice(3)) })).privateKey;
    case "Ed25519":
      return generateKeyPairSync("ed25519").privateKey;
  }
}
