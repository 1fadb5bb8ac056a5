import * as pulumi from "@pulumi/pulumi";
import { readClock } from "../adapter/clock";
import { certificateChain, findChainWarnings } from "../lifecycle/certificate-chain";
import { type Pkcs12Args, renderChainPkcs7, renderHaproxyPem, renderPkcs12 } from "./certificate-files";
import { absentFrom, DynamicResource, describeKind, isResourceOfKind } from "./dynamic-resource";
import { type RenewalArgs, type RenewalOutputs, renewalOutputs, warnOfExpiry } from "./renewal-outputs";

const kind = describeKind(certificateChain, "certificateChain", [
  "certPem",
  "issuerPem",
  "privateKeyPem",
  "names",
  "hostnames",
  "fingerprintSha256",
  "serialNumber",
  "validFrom",
  "validTo",
]);

/** The arguments of {@link CertificateChain}. */
export interface CertificateChainArgs extends RenewalArgs {
  /**
   * The certificate: PEM, PKCS#7 (`.p7b`) in PEM, or the base64 of a DER file. Its intermediates and even the root may
   * stand in the same text, in any order. Not needed beside `pkcs12`.
   */
  readonly certPem?: pulumi.Input<string>;
  /** A PKCS#12 file (`.pfx`, `.p12`) in base64: certificate, intermediates and key in one. Secret; not kept. */
  readonly pkcs12?: pulumi.Input<string>;
  /** The intermediates, in any order, when they came in a text of their own; the same formats as `certPem`. */
  readonly issuerPem?: pulumi.Input<string>;
  /** PEM of the private key: PKCS#8, PKCS#1 or SEC1. Kept as a secret. */
  readonly privateKeyPem?: pulumi.Input<string>;
  /** Opens `privateKeyPem` or `pkcs12` when it is encrypted. Not kept. */
  readonly passphrase?: pulumi.Input<string>;
  /**
   * What the chain must lead to: `"system"` for the roots of Mozilla that Node brings, or PEM of root certificates.
   * Default: nothing, and a missing intermediate is a warning only.
   */
  readonly roots?: pulumi.Input<string>;
  /** Names that clients will ask for, each of which the certificate must cover. */
  readonly hostnames?: pulumi.Input<pulumi.Input<string>[]>;
}

/** What {@link CertificateChain.get} needs. */
export interface CertificateChainState {
  readonly certPem: pulumi.Input<string>;
  readonly issuerPem?: pulumi.Input<string>;
  readonly privateKeyPem?: pulumi.Input<string>;
  readonly names?: pulumi.Input<pulumi.Input<string>[]>;
  readonly validFrom?: pulumi.Input<string>;
  readonly validTo?: pulumi.Input<string>;
}

/**
 * A certificate that you have already, made into what a gateway takes: leaf first, then the intermediates, root and
 * duplicates dropped, the key beside it. Everything is checked in the preview; nothing expires in silence: a warning
 * stands on the resource from the day on which a renewal would be due.
 *
 * Not checked: revocation.
 *
 * @example
 * ```ts
 * const shop = new CertificateChain("shop", {
 *   certPem: readFileSync("the_certificate.crt", "utf8"),
 *   issuerPem: readFileSync("intermediate_cert.crt", "utf8"),
 *   privateKeyPem: config.requireSecret("shopKey"),
 *   hostnames: ["shop.example.com"],
 * });
 * export const fullcert = shop.fullChainPem;
 * ```
 */
export class CertificateChain extends DynamicResource {
  /** The type token, for policies and {@link CertificateChain.isInstance}. */
  static readonly __pulumiType = kind.type;

  /** The leaf, one PEM block. */
  declare public readonly certPem: pulumi.Output<string>;
  /** The intermediates in the order of sending, PEM; `undefined` when there is none. */
  declare public readonly issuerPem: pulumi.Output<string | undefined>;
  /** The private key, unencrypted PKCS#8 PEM; secret; `undefined` when none was given. */
  declare public readonly privateKeyPem: pulumi.Output<string | undefined>;
  /** Every name that the certificate covers, canonical and sorted as in the certificate. */
  declare public readonly names: pulumi.Output<string[]>;
  /** The names that were asked to be covered. */
  declare public readonly hostnames: pulumi.Output<string[] | undefined>;
  /** SHA-256 of the DER leaf, lower-case hex without colons. */
  declare public readonly fingerprintSha256: pulumi.Output<string>;
  /** Lower-case hex. */
  declare public readonly serialNumber: pulumi.Output<string>;
  /** ISO 8601 UTC. */
  declare public readonly validFrom: pulumi.Output<string>;
  /** ISO 8601 UTC. */
  declare public readonly validTo: pulumi.Output<string>;
  /** The one `fullcert` file: the certificate, then its intermediates, PEM. */
  public readonly fullChainPem: pulumi.Output<string>;
  /** The Pulumi name, by which sites and files refer to it. */
  public readonly resourceName: string;
  private readonly renewal: RenewalOutputs;

  constructor(name: string, args: CertificateChainArgs, opts: pulumi.CustomResourceOptions = {}) {
    super(
      kind,
      name,
      { ...args },
      opts,
      absentFrom(args, args.pkcs12 === undefined ? ["privateKeyPem", "hostnames"] : ["hostnames"]),
    );
    this.resourceName = name;
    this.fullChainPem = pulumi
      .all([this.certPem, this.issuerPem])
      .apply(([certPem, issuerPem]) => `${certPem}${issuerPem ?? ""}`);
    this.renewal = renewalOutputs(this, args, "a new certificate must be given by you,");
    if (opts.id !== undefined) return;
    warnOfExpiry(this, this, args, "this certificate can't be renewed here: give a new certPem in time");
    warnOfFindings(this, args);
  }

  /** From when on a warning asks for a new certificate, ISO 8601 UTC. */
  get renewAt(): pulumi.Output<string> {
    return this.renewal.renewAt;
  }

  /** Whether a new certificate should be given now. */
  get readyForRenewal(): pulumi.Output<boolean> {
    return this.renewal.readyForRenewal;
  }

  /** What is left of it, for a person. */
  get renewalReason(): pulumi.Output<string> {
    return this.renewal.renewalReason;
  }

  /** Chain and key in one text, as HAProxy's `crt` takes it; secret. */
  get haproxyPem(): pulumi.Output<string> {
    return renderHaproxyPem(this);
  }

  /** The chain, without its key, as PKCS#7 in PEM (`.p7b`). */
  get pkcs7Pem(): pulumi.Output<string> {
    return renderChainPkcs7(this);
  }

  /** Key and chain as a PKCS#12 file (`.pfx`) in base64; secret. The same inputs give the same bytes. */
  pkcs12(args: Pkcs12Args): pulumi.Output<string> {
    return renderPkcs12(this, args);
  }

  /**
   * Takes over a chain of another stack by its outputs; it is not checked again.
   *
   * @throws TlsError `STATE_INVALID` without `state`.
   */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    state?: CertificateChainState,
    opts?: pulumi.CustomResourceOptions,
  ): CertificateChain {
    return new CertificateChain(name, (state ?? {}) as unknown as CertificateChainArgs, { ...opts, id });
  }

  /** Whether `value` is a `CertificateChain`, also one of another copy of this package. */
  static override isInstance(value: unknown): value is CertificateChain {
    return isResourceOfKind(value, kind);
  }
}

/** The leaf's own end is told by `warnOfExpiry`, with the days that are left. */
function warnOfFindings(resource: CertificateChain, args: CertificateChainArgs): void {
  const { certPem, issuerPem, roots, pkcs12, passphrase } = args;
  // not before the resource has its URN: a log entry that waits for one that never comes holds up every later one
  pulumi.all([{ certPem, issuerPem, roots, pkcs12, passphrase }, resource.urn] as const).apply(async ([given]) => {
    for (const finding of findChainWarnings(given, readClock())) {
      if (finding.expired === "leaf") continue;
      await pulumi.log.warn(`${finding.reason}. ${finding.hint}`, resource);
    }
  });
}
