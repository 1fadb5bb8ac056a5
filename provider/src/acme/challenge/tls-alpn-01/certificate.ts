import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { DAY, HOUR } from "../../../text/time";
import { bytes, der, readDer } from "../../../x509/asn1/der";
import { encodeExtension, extensionId } from "../../../x509/asn1/extension";
import { renderPem } from "../../../x509/asn1/pem";
import { signatureIdentifier, signOctets } from "../../../x509/certificate/signature";
import { encodeAlternativeNames } from "../../../x509/names/alternative-name";
import { encodeName } from "../../../x509/names/distinguished-name";
import { ipOctets } from "../../../x509/names/ip-address";
import type { ChallengeTask } from "../solver";

/** id-pe-acmeIdentifier, RFC 8737 section 6.1. */
const ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31";

/** A certificate and its key, PEM. */
export interface ChallengeCertificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Makes the self-signed certificate of RFC 8737 section 3: the identifier as its only alternative name, and the SHA-256
 * of the key authorization in the critical acmeIdentifier extension. Valid from an hour before `now`, for clocks that go
 * otherwise, to a week after.
 */
export function makeChallengeCertificate(task: ChallengeTask, now: Date): ChallengeCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = signatureIdentifier(privateKey);
  const name = encodeName({ commonName: "ACME challenge" });
  const digest = createHash("sha256").update(task.keyAuthorization).digest();
  const toBeSigned = der.sequence(
    der.tagged(0, der.integer(2)),
    der.integer(randomBytes(16)),
    algorithm,
    name,
    der.sequence(der.time(new Date(now.getTime() - HOUR)), der.time(new Date(now.getTime() + 7 * DAY))),
    name,
    readDer(publicKey.export({ type: "spki", format: "der" }), "the public key"),
    der.tagged(
      3,
      der.sequence(
        encodeExtension(extensionId.subjectAltName, false, encodeAlternativeNames([task.identifier])),
        encodeExtension(ACME_IDENTIFIER, true, der.octetString(digest)),
      ),
    ),
  );
  const signature = der.bitString(signOctets(privateKey, bytes(toBeSigned)));
  return {
    cert: renderPem("CERTIFICATE", bytes(der.sequence(toBeSigned, algorithm, signature))),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/**
 * The server name that a CA sends: the DNS name, for an IP address the name of its reverse mapping (RFC 8738 section 6;
 * RFC 1034 section 5.2.1, RFC 3596 section 2.5).
 */
export function serverNameOf({ type, value }: ChallengeTask["identifier"]): string {
  if (type === "dns") return value.toLowerCase();
  const octets = ipOctets(value);
  if (octets === undefined) throw new TypeError(`${value} is no IP address`);
  if (octets.length === 4) return `${[...octets].reverse().join(".")}.in-addr.arpa`;
  return `${[...octets.toString("hex")].reverse().join(".")}.ip6.arpa`;
}
