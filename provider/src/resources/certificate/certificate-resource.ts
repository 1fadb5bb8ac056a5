import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../base/dynamic-resource";
import type { RenewalOutputs } from "../base/renewal-outputs";
import { type ChainMember, hashPublicKey, listTlsaRecords, readMembers, type TlsaArgs, type TlsaRecord } from "./facts";
import { type Pkcs12Args, renderChainPkcs7, renderHaproxyPem, renderPkcs12 } from "./files";

/**
 * What every certificate that a gateway can serve has besides its state: made in the program when it is asked for, from
 * outputs that are known in a preview as soon as the certificate is.
 */
export abstract class CertificateResource extends DynamicResource {
  /** The certificate, one PEM block. */
  declare public readonly certPem: pulumi.Output<string>;
  /** The private key, unencrypted PKCS#8 PEM; secret; `undefined` when it is not in the state. */
  declare public readonly privateKeyPem: pulumi.Output<string | undefined>;
  /** What a server presents: the certificate, then its intermediates, PEM. */
  public abstract readonly fullChainPem: pulumi.Output<string>;
  /** Every name that the certificate covers, canonical. */
  public abstract readonly names: pulumi.Output<string[]>;
  /** The Pulumi name, by which sites and files refer to it. */
  public abstract readonly resourceName: string;
  protected abstract readonly renewal: RenewalOutputs;

  /** The first moment at which a run renews, or from which on a warning asks for a new certificate, ISO 8601 UTC. */
  get renewAt(): pulumi.Output<string> {
    return this.renewal.renewAt;
  }

  /** Whether a run now would renew, or a new certificate should be given now. */
  get readyForRenewal(): pulumi.Output<boolean> {
    return this.renewal.readyForRenewal;
  }

  /** When it renews and why, for a person. */
  get renewalReason(): pulumi.Output<string> {
    return this.renewal.renewalReason;
  }

  /** The certificates that a server presents as rows of a table, the leaf first. */
  get chain(): pulumi.Output<ChainMember[]> {
    return this.fullChainPem.apply(readMembers);
  }

  /** SHA-256 of the public key (DER SubjectPublicKeyInfo), lower-case hex: what TLSA records hold. */
  get spkiSha256(): pulumi.Output<string> {
    return this.certPem.apply((pem) => hashPublicKey(pem).toString("hex"));
  }

  /** The same in base64, for pins such as curl's `--pinnedpubkey sha256//…` and Android's `<pin digest="SHA-256">`. */
  get pinSha256(): pulumi.Output<string> {
    return this.certPem.apply((pem) => hashPublicKey(pem).toString("base64"));
  }

  /**
   * TLSA records (DANE, `3 1 1`) for the DNS names of the certificate, wildcards left out, ready for any DNS provider.
   * Publish those of a new key before it is served, and only in a signed zone (RFC 7671 section 8).
   */
  tlsaRecords(args: TlsaArgs = {}): pulumi.Output<TlsaRecord[]> {
    return pulumi
      .all([this.names, this.certPem])
      .apply(([names, pem]) => listTlsaRecords(names, hashPublicKey(pem), args));
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
}
