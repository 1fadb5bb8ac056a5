import { createHash } from "node:crypto";
import { renderTimestamp } from "../../text/time";
import type { Certificate } from "../../x509/certificate/certificate";
import { readCertificates } from "../../x509/chain/chain";

/** One certificate of a chain, for a table in the stack outputs. */
export interface ChainMember {
  /** RFC 4514 text; empty when only the alternative names say whose it is. */
  readonly subject: string;
  /** The issuer's distinguished name, RFC 4514 text. */
  readonly issuer: string;
  /** ISO 8601 UTC. */
  readonly validFrom: string;
  /** ISO 8601 UTC. */
  readonly validTo: string;
  /** Lower-case hex. */
  readonly serialNumber: string;
  /** SHA-256 of the DER certificate, lower-case hex without colons. */
  readonly fingerprintSha256: string;
}

/** A TLSA record (RFC 6698): its owner name, and its data in parts and as a zone file writes it. */
export interface TlsaRecord {
  /** Without a final dot, for instance `_443._tcp.shop.example.com`. */
  readonly name: string;
  /** The type of the DNS record. */
  readonly type: "TLSA";
  /** DANE-EE: the server's own key counts, whoever issued the certificate (RFC 7671 section 5.1). */
  readonly usage: 3;
  /** SPKI: the public key, so that a renewal with the same key keeps the record. */
  readonly selector: 1;
  /** SHA-256. */
  readonly matchingType: 1;
  /** Lower-case hex. */
  readonly data: string;
  /** `3 1 1 <data>`. */
  readonly value: string;
}

/** Which services TLSA records are for. */
export interface TlsaArgs {
  /** Default 443. */
  readonly port?: number;
  /** Default `tcp`; HTTP/3 is `udp`. */
  readonly protocol?: "tcp" | "udp";
}

/** The members of a PEM text in its order. */
export function readMembers(pem: string): ChainMember[] {
  return readCertificates(pem, "fullChainPem").map((certificate) => ({
    subject: certificate.subject,
    issuer: certificate.issuer,
    validFrom: renderTimestamp(certificate.validFrom),
    validTo: renderTimestamp(certificate.validTo),
    serialNumber: certificate.serialNumber,
    fingerprintSha256: certificate.fingerprintSha256,
  }));
}

/** The SHA-256 of the public key of the first certificate, as DER SubjectPublicKeyInfo. */
export function hashPublicKey(certPem: string): Buffer {
  const [certificate] = readCertificates(certPem, "certPem") as [Certificate];
  return createHash("sha256")
    .update(certificate.x509.publicKey.export({ type: "spki", format: "der" }))
    .digest();
}

/**
 * The TLSA records of a certificate's DNS names. Those of a wildcard are left out: the asterisk would stand inside of the
 * record's name, where DNS takes it literally (RFC 4592 section 2.1.1).
 */
export function listTlsaRecords(names: readonly string[], hash: Buffer, args: TlsaArgs): TlsaRecord[] {
  const { port = 443, protocol = "tcp" } = args;
  const data = hash.toString("hex");
  return names.filter(isPlainDnsName).map((name) => ({
    name: `_${port}._${protocol}.${name}`,
    type: "TLSA",
    usage: 3,
    selector: 1,
    matchingType: 1,
    data,
    value: `3 1 1 ${data}`,
  }));
}

/** Names are canonical: addresses have a colon or end in a number, e-mail addresses an @, URIs a slash. */
function isPlainDnsName(name: string): boolean {
  return !/[*@:/]|(^|\.)\d+$/.test(name);
}
