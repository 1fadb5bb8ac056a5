import * as pulumi from "@pulumi/pulumi";
import { AcmeCertificate } from "../acme/certificate";
import { CertificateChain } from "../certificate/certificate-chain";
import { LeafCertificate } from "../certificate/leaf-certificate";

/** A resource that a site can take its certificate from. */
export interface GatewayCertificate {
  /** The Pulumi name, which names the files on the server. */
  readonly resourceName: string;
  /** The certificate, one PEM block. */
  readonly certPem: pulumi.Output<string>;
  /** The certificate, then its intermediates, PEM. */
  readonly fullChainPem: pulumi.Output<string>;
  /** Secret; `undefined` when the key is on the server already. */
  readonly privateKeyPem: pulumi.Output<string | undefined>;
  /** The intermediates in the order of sending, PEM; absent when there is none. */
  readonly issuerPem: pulumi.Output<string | undefined>;
  /** The names that it covers. */
  readonly names: pulumi.Output<string[]>;
  /** The last second of its validity, ISO 8601 UTC. */
  readonly validTo: pulumi.Output<string>;
  /** The first moment at which a run renews it, ISO 8601 UTC. */
  readonly renewAt: pulumi.Output<string>;
  /** Why it renews then, for a person. */
  readonly renewalReason: pulumi.Output<string>;
}

/** Whether a site can take its certificate from `value`. */
export function isGatewayCertificate(value: unknown): value is AcmeCertificate | CertificateChain | LeafCertificate {
  return CertificateChain.isInstance(value) || LeafCertificate.isInstance(value) || AcmeCertificate.isInstance(value);
}

/** How a certificate travels to a site: by name, with the names that it covers for the check; no PEM. */
export function referenceTo(certificate: GatewayCertificate): Record<string, unknown> {
  return {
    name: certificate.resourceName,
    hostnames: certificate.names,
    // the issuer of a local leaf is its root, which clients must trust; that of a chain is an intermediate
    ...(LeafCertificate.isInstance(certificate) ? { root: true } : {}),
  };
}

/** When a certificate renews, for a table in the stack outputs. */
export interface Renewal {
  /** The Pulumi name of the certificate. */
  readonly name: string;
  /** ISO 8601 UTC. */
  readonly validTo: string;
  /** The first moment at which a run renews, ISO 8601 UTC. */
  readonly renewAt: string;
  /** Why it renews then, for a person. */
  readonly reason: string;
}

/** The renewal of one certificate. */
export function renewalOf(certificate: GatewayCertificate): pulumi.Output<Renewal> {
  return pulumi
    .all([certificate.validTo, certificate.renewAt, certificate.renewalReason])
    .apply(([validTo, renewAt, reason]) => ({ name: certificate.resourceName, validTo, renewAt, reason }));
}
