// Guards the load time of programs: classes read these descriptions instead of importing lifecycles,
// which load zod, the certificate readers and the ACME client.
import { siteProperties } from "../gateway/model/site";

/** What a resource is, apart from what happens to it. */
export interface Description<Output extends string = string> {
  /** The name in the type token, `pulumi-nodejs:dynamic/tls-gateway:<name>`. Frozen. */
  readonly name: string;
  /** Every output of the state. The decoder of the state must give each a type, or the lifecycle does not compile. */
  readonly outputs: readonly Output[];
  /** Top-level strings, inputs or outputs, that are secret wherever they appear. */
  readonly secretProperties: readonly string[];
  /** Secret inputs that `explain` needs too; it is shown no other. */
  readonly explainedSecrets?: readonly string[];
}

/** Of {@link AcmeAccount}. */
export const acmeAccountDescription = {
  name: "AcmeAccount",
  outputs: [
    "directory",
    "directoryUrl",
    "rehearsalDirectoryUrl",
    "contacts",
    "accountUrl",
    "accountKeyPem",
    "rehearsalAccountKeyPem",
    "thumbprint",
    "status",
    "keyType",
    "caBundlePem",
    "requestTimeoutSeconds",
    "linkOrigins",
    "issuerDomainName",
    "termsOfServiceUrl",
    "profiles",
    "requiresExternalAccountBinding",
    "offersRenewalInformation",
    "recordsUntil",
    "caaIdentities",
    "issuerDomainNames",
    "accountHashPrefix",
    "rehearsalAccount",
  ],
  secretProperties: ["accountKeyPem", "rehearsalAccountKeyPem", "externalAccountHmac"],
} as const satisfies Description;

/** Of {@link AcmeCertificate}. */
export const acmeCertificateDescription = {
  name: "AcmeCertificate",
  outputs: [
    "hostnames",
    "directoryUrl",
    "accountUrl",
    "keyType",
    "profile",
    "certPem",
    "issuerPem",
    "privateKeyPem",
    "fingerprintSha256",
    "serialNumber",
    "validFrom",
    "validTo",
    "certificateUrl",
    "orderUrl",
    "fromOrderUrl",
    "validatedBy",
    "renewalWindow",
    "issuances",
    "issuedFor",
    "rehearsedFor",
    "progress",
    "pendingOrderUrl",
    "failure",
    "revocationKeyPem",
  ],
  secretProperties: [
    "privateKeyPem",
    "accountKeyPem",
    "rehearsalAccountKeyPem",
    "challengeEnvironment",
    "progress",
    "revocationKeyPem",
  ],
  explainedSecrets: ["accountKeyPem"],
} as const satisfies Description;

/** Of {@link AcmeOrder}. */
export const acmeOrderDescription = {
  name: "AcmeOrder",
  outputs: [
    "hostnames",
    "directoryUrl",
    "accountUrl",
    "profile",
    "orderUrl",
    "orderedFor",
    "orderedAt",
    "expiresAt",
    "estimatedValidTo",
    "challenges",
    "pendingOrderUrl",
    "certificateUrl",
    "certPem",
    "validFrom",
    "validTo",
    "renewalWindow",
    "issuances",
    "failure",
    "orderKeyPem",
  ],
  secretProperties: ["accountKeyPem", "orderKeyPem"],
  explainedSecrets: ["accountKeyPem"],
} as const satisfies Description;

/** Of {@link CertificateChain}. */
export const certificateChainDescription = {
  name: "CertificateChain",
  outputs: [
    "certPem",
    "issuerPem",
    "rootPem",
    "missingIssuerUrls",
    "completedIssuerPem",
    "privateKeyPem",
    "names",
    "hostnames",
    "fingerprintSha256",
    "serialNumber",
    "validFrom",
    "validTo",
  ],
  secretProperties: ["privateKeyPem", "passphrase", "pkcs12"],
} as const satisfies Description;

/** Of {@link LeafCertificate}. */
export const leafCertificateDescription = {
  name: "LeafCertificate",
  outputs: [
    "certPem",
    "privateKeyPem",
    "caCertPem",
    "hostnames",
    "fingerprintSha256",
    "serialNumber",
    "validFrom",
    "validTo",
  ],
  secretProperties: ["privateKeyPem", "caPrivateKeyPem"],
} as const satisfies Description;

/** Of {@link SelfSignedCA}. */
export const selfSignedCaDescription = {
  name: "SelfSignedCA",
  outputs: [
    "certPem",
    "privateKeyPem",
    "subject",
    "keyType",
    "nameConstraints",
    "subjectKeyId",
    "fingerprintSha256",
    "serialNumber",
    "validFrom",
    "validTo",
  ],
  secretProperties: ["privateKeyPem", "passphrase"],
} as const satisfies Description;

/** Of {@link Gateway}. */
export const gatewayDescription = {
  name: "Gateway",
  outputs: ["name", "kind", "options", "sites"],
  secretProperties: [],
} as const satisfies Description;

/** Of {@link Site}. */
export const siteDescription = {
  name: "Site",
  outputs: [...siteProperties, "url"],
  secretProperties: [],
} as const satisfies Description;
