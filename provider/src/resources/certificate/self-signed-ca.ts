import * as pulumi from "@pulumi/pulumi";
import { selfSignedCaDescription } from "../../lifecycle/descriptions";
import type { KeyType } from "../../x509/keys/private-key";
import type { NameConstraints } from "../../x509/names/constraints";
import type { DistinguishedName } from "../../x509/names/distinguished-name";
import { absentFrom, DynamicResource, describeKind, isResourceOfKind } from "../base/dynamic-resource";
import { type RenewalArgs, type RenewalOutputs, renewalOutputs, warnOfExpiry } from "../base/renewal-outputs";
import { type IssueArgs, LeafCertificate } from "./leaf-certificate";
import { findCaroot, readMkcertFiles } from "./mkcert-files";

const kind = describeKind(
  selfSignedCaDescription,
  "selfSignedCa",
  () => require("../../lifecycle/local/self-signed-ca").selfSignedCa,
);

/** The arguments of {@link SelfSignedCA}: either what to issue, or `certPem` and `privateKeyPem` to adopt. */
export interface SelfSignedCAArgs extends RenewalArgs {
  /** The distinguished name. Default: the resource's name as `commonName`, kept ever after. A change replaces. */
  readonly subject?: pulumi.Input<DistinguishedName>;
  /** `P256` (default), `P384`, `RSA2048`, `RSA3072`, `RSA4096` or `Ed25519`. A change replaces the CA. */
  readonly keyType?: pulumi.Input<KeyType>;
  /** Length of the life in days. Default 3650. */
  readonly validityDays?: pulumi.Input<number>;
  /** The names that this CA may issue for, a critical extension (RFC 5280 section 4.2.1.10). Default: any. */
  readonly nameConstraints?: pulumi.Input<NameConstraints>;
  /** PEM of a root that exists already, for instance mkcert's `rootCA.pem`. It is never renewed by us. */
  readonly certPem?: pulumi.Input<string>;
  /** PEM of its private key: PKCS#8, PKCS#1 or SEC1. Kept as a secret. */
  readonly privateKeyPem?: pulumi.Input<string>;
  /** Opens `privateKeyPem` when it is encrypted. Kept as a secret. */
  readonly passphrase?: pulumi.Input<string>;
}

/** The arguments of {@link SelfSignedCA.fromMkcert}. */
export interface MkcertArgs extends RenewalArgs {
  /** The folder of `rootCA.pem` and `rootCA-key.pem`. Default: where mkcert looks, which `mkcert -CAROOT` prints. */
  readonly caroot?: string;
}

/** What {@link SelfSignedCA.get} needs, since nothing but the state of the other stack knows it. */
export interface SelfSignedCAState {
  /** The certificate, one PEM block. */
  readonly certPem: pulumi.Input<string>;
  /** The private key, PKCS#8 PEM. Secret; absent where the key is elsewhere. */
  readonly privateKeyPem?: pulumi.Input<string>;
  /** The names that the CA may issue for. Default: all. */
  readonly nameConstraints?: pulumi.Input<NameConstraints>;
  /** The first second of its validity, ISO 8601 UTC. */
  readonly validFrom?: pulumi.Input<string>;
  /** The last second of its validity, ISO 8601 UTC. */
  readonly validTo?: pulumi.Input<string>;
  /** SHA-256 of the DER certificate, lower-case hex without colons. */
  readonly fingerprintSha256?: pulumi.Input<string>;
}

/**
 * A local root CA: issued here, or adopted from its files. It has path length 0, so it issues leaves only, and renews
 * with the same key, so that whoever trusts it goes on to.
 *
 * Not checked: whether anybody trusts it. Install `files["rootCA.pem"]`, or let mkcert do it (`CAROOT=… mkcert -install`).
 *
 * @example
 * ```ts
 * const ca = new SelfSignedCA("local", { nameConstraints: { permittedDnsDomains: ["internal.example.com"] } });
 * const leaf = ca.issue("cells", { hostnames: ["cells.internal.example.com"] });
 * ```
 */
export class SelfSignedCA extends DynamicResource {
  /** The type token, for policies and {@link SelfSignedCA.isInstance}. */
  static readonly __pulumiType = kind.type;

  /** The certificate, one PEM block. */
  declare public readonly certPem: pulumi.Output<string>;
  /** The private key, PKCS#8 PEM; secret. */
  declare public readonly privateKeyPem: pulumi.Output<string>;
  /** The distinguished name that was issued; `undefined` for an adopted CA. */
  declare public readonly subject: pulumi.Output<DistinguishedName | undefined>;
  /** The type of the key that was made; `undefined` for an adopted CA. */
  declare public readonly keyType: pulumi.Output<KeyType | undefined>;
  /** The names that the CA may issue for; `undefined` for all. */
  declare public readonly nameConstraints: pulumi.Output<NameConstraints | undefined>;
  /** The subject key identifier, lower-case hex. */
  declare public readonly subjectKeyId: pulumi.Output<string>;
  /** SHA-256 of the DER certificate, lower-case hex without colons. */
  declare public readonly fingerprintSha256: pulumi.Output<string>;
  /** Lower-case hex. */
  declare public readonly serialNumber: pulumi.Output<string>;
  /** ISO 8601 UTC. */
  declare public readonly validFrom: pulumi.Output<string>;
  /** ISO 8601 UTC; this second is still valid. */
  declare public readonly validTo: pulumi.Output<string>;
  /** The Pulumi name, by which sites and files refer to it. */
  public readonly resourceName: string;
  private readonly renewal: RenewalOutputs;

  constructor(name: string, args: SelfSignedCAArgs = {}, opts: pulumi.CustomResourceOptions = {}) {
    const isAdopted = args.certPem !== undefined || args.privateKeyPem !== undefined;
    const absent = isAdopted ? ["subject", "keyType"] : absentFrom(args, ["nameConstraints"]);
    super(kind, name, opts.id === undefined ? { ...args, name } : { ...args }, opts, absent);
    this.resourceName = name;
    this.renewal = renewalOutputs(this, args, isAdopted ? "a new certificate must be given by you," : "renews");
    if (isAdopted && opts.id === undefined) {
      warnOfExpiry(this, this, args, "this adopted CA can't be renewed here: give a new certPem in time");
    }
  }

  /** The first moment at which a run renews, ISO 8601 UTC. */
  get renewAt(): pulumi.Output<string> {
    return this.renewal.renewAt;
  }

  /** Whether a run now would renew. */
  get readyForRenewal(): pulumi.Output<boolean> {
    return this.renewal.readyForRenewal;
  }

  /** When it renews and why, for a person. */
  get renewalReason(): pulumi.Output<string> {
    return this.renewal.renewalReason;
  }

  /** File name to content, under mkcert's names: `rootCA.pem` and `rootCA-key.pem`; secret. */
  get files(): pulumi.Output<Record<string, string>> {
    return pulumi.secret(
      pulumi.all([this.certPem, this.privateKeyPem]).apply(
        ([certPem, privateKeyPem]): Record<string, string> => ({
          "rootCA.pem": certPem,
          "rootCA-key.pem": privateKeyPem,
        }),
      ),
    );
  }

  /**
   * Issues a certificate.
   *
   * @param name the Pulumi name of the {@link LeafCertificate}.
   */
  issue(name: string, args: IssueArgs, opts?: pulumi.CustomResourceOptions): LeafCertificate {
    return new LeafCertificate(name, { ...args, ca: this }, opts);
  }

  /**
   * Adopts the CA that mkcert made on this computer, from its two files: whoever ran `mkcert -install` trusts what it
   * issues. Its key becomes a secret of this stack. It is never renewed by us.
   *
   * The folder is found as mkcert finds it: `caroot`, the environment variable `CAROOT`, or the user's data folder. Another
   * computer has another CA there, so a stack that several people update needs `caroot` or the files as arguments.
   *
   * @throws TlsError `FILE_UNREADABLE` when the folder or one of the files is missing or can't be read.
   *
   * @example
   * ```ts
   * const ca = SelfSignedCA.fromMkcert("local");
   * const leaf = ca.issue("cells", { hostnames: ["localhost", "127.0.0.1"] });
   * ```
   */
  static fromMkcert(name: string, args: MkcertArgs = {}, opts?: pulumi.CustomResourceOptions): SelfSignedCA {
    const { caroot, ...renewal } = args;
    const { certPem, privateKeyPem } = readMkcertFiles(findCaroot(caroot));
    return new SelfSignedCA(name, { ...renewal, certPem, privateKeyPem: pulumi.secret(privateKeyPem) }, opts);
  }

  /**
   * Takes over a CA of another stack by its outputs. It is not managed: nothing renews it here.
   *
   * @throws TlsError `STATE_INVALID` without `state`.
   */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    state?: SelfSignedCAState,
    opts?: pulumi.CustomResourceOptions,
  ): SelfSignedCA {
    return new SelfSignedCA(name, state, { ...opts, id });
  }

  /** Whether `value` is a `SelfSignedCA`, also one of another copy of this package. */
  static override isInstance(value: unknown): value is SelfSignedCA {
    return isResourceOfKind(value, kind);
  }
}
