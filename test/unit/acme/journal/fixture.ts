import { createHash, generateKeyPairSync } from "node:crypto";
import type { JournalKey, OrderFacts } from "../../../../provider/src/acme/journal/record";

/** A new private key, PKCS#8 in PEM. */
export function newKeyPem(type: "P256" | "RSA2048" = "P256"): string {
  const { privateKey } =
    type === "P256"
      ? generateKeyPairSync("ec", { namedCurve: "prime256v1" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** An order of two names under this account key, for the resource `name`. */
export function journalKey(accountKeyPem: string, name: string): JournalKey {
  return {
    directory: "https://ca.example/directory",
    // which account it is counts, not how the thumbprint is made
    accountKey: { pem: accountKeyPem, thumbprint: createHash("sha256").update(accountKeyPem).digest("base64url") },
    identifiers: ["example.com", "www.example.com"],
    name,
  };
}

export const journalFacts: OrderFacts = { accountUrl: "https://ca.example/acct/1", profile: "classic" };
