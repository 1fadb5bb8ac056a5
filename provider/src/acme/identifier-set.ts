import { createHash } from "node:crypto";

/**
 * A short name for a set of names, 32 hexadecimal digits, the same whatever their order, case and repetition: CAs count
 * certificates and failures per exact set. State keeps this instead of up to 100 names.
 */
export function identifierSetKey(identifiers: readonly string[]): string {
  const names = [...new Set(identifiers.map((name) => name.toLowerCase()))].sort();
  return createHash("sha256").update(JSON.stringify(names)).digest("hex").slice(0, 32);
}
