import * as pulumi from "@pulumi/pulumi";
import { leafCertificateDescription } from "../../lifecycle/descriptions";
import type { KeyType } from "../../x509/keys/private-key";
import type { NameConstraints } from "../../x509/names/constraints";
import type { DistinguishedName } from "../../x509/names/distinguished-name";
import { describeKind, isResourceOfKind } from "../base/dynamic-resource";
import { type RenewalArgs, type RenewalOutputs, renewalOutputs } from "../base/renewal-outputs";
import { CertificateResource } from "./certificate-resource";

const kind = describeKind(
  leafCertificateDescription,
  "leafCertificate",
  () => require("../../lifecycle/local/leaf-certificate").leafCertificate,
);

/** Lives above this are refused by browsers from public CAs, and a sign of a forgotten renewal (CA/B Forum, 2020). */
const LONG_LIFE_DAYS = 398;

/** What a leaf needs of the CA that issues it; a {@link SelfSignedCA} has it all. */
export interface IssuingCA {
  /** The certificate, one PEM block. */
  readonly certPem: pulumi.Input<string>;
  /** The private key, PKCS#8 PEM. Secret; absent where the key is elsewhere. */
  readonly privateKeyPem: pulumi.Input<string>;
  /** Known before the certificate is, so that a preview can plan dates. */
  readonly validTo?: pulumi.Input<string> | undefined;
  /** The names that the CA may issue for; `undefined` for all. */
  readonly nameConstraints?: pulumi.Input<NameConstraints | undefined> | undefined;
}

/** The arguments of `ca.issue`. */
export interface IssueArgs extends RenewalArgs {
  /**
   * The names of the certificate, recognised by their form: DNS names (also `*.example.com`, and international ones in
   * Unicode or as A-labels), IPv4, IPv6, e-mail addresses, URIs. Order and case don't matter. Default: those that
   * `certificateRequestPem` asks for.
   */
  readonly hostnames?: pulumi.Input<pulumi.Input<string>[]>;
  /** What it is for: `server` (default) or `client`, as extended key usage. */
  readonly usage?: pulumi.Input<"server" | "client">;
  /** `P256` (default), `P384`, `RSA2048`, `RSA3072`, `RSA4096` or `Ed25519`. A new key is made at each issue. */
  readonly keyType?: pulumi.Input<KeyType>;
  /** Length of the life in days. Default 90, or less where the CA ends; at most 825, with a warning above 398. */
  readonly validityDays?: pulumi.Input<number>;
  /** The distinguished name. Default: none, since clients look at the names only. */
  readonly subject?: pulumi.Input<DistinguishedName>;
  /** A PKCS#10 request in PEM: its key is certified, and no private key comes into the state. */
  readonly certificateRequestPem?: pulumi.Input<string>;
}

/** The arguments of {@link LeafCertificate}. */
export interface LeafCertificateArgs extends IssueArgs {
  /** The CA: a {@link SelfSignedCA}, or certificate and key in PEM. */
  readonly ca: IssuingCA;
}

/** What {@link LeafCertificate.get} needs. */
export interface LeafCertificateState {
  /** The certificate, one PEM block. */
  readonly certPem: pulumi.Input<string>;
  /** The certificate of the CA that issued it, PEM. */
  readonly caCertPem: pulumi.Input<string>;
  /** The private key, PKCS#8 PEM. Secret; absent where the key is elsewhere. */
  readonly privateKeyPem?: pulumi.Input<string>;
  /** The names that the certificate covers. */
  readonly hostnames?: pulumi.Input<pulumi.Input<string>[]>;
  /** The first second of its validity, ISO 8601 UTC. */
  readonly validFrom?: pulumi.Input<string>;
  /** The last second of its validity, ISO 8601 UTC. */
  readonly validTo?: pulumi.Input<string>;
}

/**
 * A certificate issued by a local CA. It renews by itself on a plain `pulumi up`, a preview shows the new dates, and it
 * is issued anew, with a new key, when its names, its type of key or its CA change.
 *
 * @example
 * ```ts
 * const leaf = ca.issue("proxy", { hostnames: ["cells.internal", "10.0.0.5"] });
 * export const certificate = leaf.fullChainPem;
 * ```
 */
export class LeafCertificate extends CertificateResource {
  /** The type token, for policies and {@link LeafCertificate.isInstance}. */
  static readonly __pulumiType = kind.type;

  /** The CA's certificate, PEM: what a client verifies against. */
  declare public readonly caCertPem: pulumi.Output<string>;
  /** The names, canonical (DNS names as lower-case A-labels) and sorted. */
  declare public readonly hostnames: pulumi.Output<string[]>;
  /** SHA-256 of the DER certificate, lower-case hex without colons. */
  declare public readonly fingerprintSha256: pulumi.Output<string>;
  /** Lower-case hex, 128 random bits. */
  declare public readonly serialNumber: pulumi.Output<string>;
  /** ISO 8601 UTC. */
  declare public readonly validFrom: pulumi.Output<string>;
  /** ISO 8601 UTC; this second is still valid. */
  declare public readonly validTo: pulumi.Output<string>;
  /** The same as `hostnames`: every name that the certificate covers. */
  public readonly names: pulumi.Output<string[]>;
  /** What a server presents: the certificate alone, since the root, which issued it, is not sent. */
  public readonly fullChainPem: pulumi.Output<string>;
  /** The issuer's certificate, as pulumi-acme names it. The same as `caCertPem`. */
  public readonly issuerPem: pulumi.Output<string>;
  /** The Pulumi name, by which sites and files refer to it. */
  public readonly resourceName: string;
  /** Outputs about the next renewal. */
  protected readonly renewal: RenewalOutputs;

  constructor(name: string, args: LeafCertificateArgs, opts: pulumi.CustomResourceOptions = {}) {
    const isRead = opts.id !== undefined;
    const keyIsElsewhere = isRead ? !("privateKeyPem" in args) : args.certificateRequestPem !== undefined;
    super(kind, name, isRead ? { ...args } : propertiesOf(args), opts, keyIsElsewhere ? ["privateKeyPem"] : []);
    this.resourceName = name;
    this.names = this.hostnames;
    this.fullChainPem = this.certPem;
    this.issuerPem = this.caCertPem;
    this.renewal = renewalOutputs(this, args);
    if (args.validityDays !== undefined) warnOfLongLife(this, args.validityDays);
  }

  /**
   * Takes over a certificate of another stack by its outputs. It is not managed: nothing renews it here.
   *
   * @throws TlsError `STATE_INVALID` without `state`.
   */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    state?: LeafCertificateState,
    opts?: pulumi.CustomResourceOptions,
  ): LeafCertificate {
    return new LeafCertificate(name, (state ?? {}) as unknown as LeafCertificateArgs, { ...opts, id });
  }

  /** Whether `value` is a `LeafCertificate`, also one of another copy of this package. */
  static override isInstance(value: unknown): value is LeafCertificate {
    return isResourceOfKind(value, kind);
  }
}

function propertiesOf(args: LeafCertificateArgs): Record<string, unknown> {
  const { ca, ...rest } = args;
  return {
    ...rest,
    caCertPem: ca.certPem,
    caPrivateKeyPem: pulumi.secret(ca.privateKeyPem),
    caValidTo: ca.validTo,
    caNameConstraints: ca.nameConstraints,
  };
}

function warnOfLongLife(resource: LeafCertificate, validityDays: pulumi.Input<number>): void {
  // not before the resource has its URN: a log entry that waits for one that never comes holds up every later one
  pulumi.all([validityDays, resource.urn]).apply(async ([days]) => {
    if (days <= LONG_LIFE_DAYS) return;
    await pulumi.log.warn(
      `validityDays is ${days}: some clients refuse more than ${LONG_LIFE_DAYS}, and a renewal that happens once in years is one that fails.`,
      resource,
    );
  });
}
