import * as pulumi from "@pulumi/pulumi";
import { acmeCertificate } from "../../lifecycle/acme/certificate";
import type { RenewalWindow } from "../../renewal/window";
import { accountProperties } from "../acme-account-properties";
import type { AcmeCertificateArgs, OrderedCertificateArgs } from "../acme-certificate-args";
import { absentFrom, describeKind, isResourceOfKind } from "../base/dynamic-resource";
import { type RenewalOutputs, renewalOutputs } from "../base/renewal-outputs";
import { CertificateResource } from "../certificate/certificate-resource";
import { preflightProperties } from "../preflight-args";
import { challengeProperties } from "./challenge-args";

const kind = describeKind(acmeCertificate, "acmeCertificate", [
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
]);

export type { AcmeCertificateArgs, OrderedCertificateArgs } from "../acme-certificate-args";

/** What {@link AcmeCertificate.get} needs. */
export interface AcmeCertificateState {
  readonly certPem: pulumi.Input<string>;
  readonly issuerPem?: pulumi.Input<string>;
  readonly privateKeyPem?: pulumi.Input<string>;
  readonly hostnames?: pulumi.Input<pulumi.Input<string>[]>;
  readonly validFrom?: pulumi.Input<string>;
  readonly validTo?: pulumi.Input<string>;
}

/**
 * A certificate from a CA by ACME (RFC 8555). It renews by itself on a plain `pulumi up`, by the CA's own window where it
 * has one (RFC 9773); a run that failed or died is gone on with by the next; nothing is asked of the CA while its limits, or
 * our own back-off after a failure, forbid it, and a preview says so.
 *
 * @example
 * ```ts
 * const shop = new AcmeCertificate("shop", {
 *   account,
 *   hostnames: ["shop.example.com", "www.shop.example.com"],
 *   challenge: { type: "http-01", webroot: "/var/www/html" },
 * });
 * const site = new Site("shop", { binds: ["shop.example.com:443"], tls: { certificate: shop } });
 * ```
 */
export class AcmeCertificate extends CertificateResource {
  /** The type token, for policies and {@link AcmeCertificate.isInstance}. */
  static readonly __pulumiType = kind.type;

  /** The intermediates that the CA gave, PEM; `undefined` when there is none. */
  declare public readonly issuerPem: pulumi.Output<string | undefined>;
  /** The names, canonical (DNS names as lower-case A-labels) and sorted. */
  declare public readonly hostnames: pulumi.Output<string[]>;
  declare public readonly directoryUrl: pulumi.Output<string>;
  declare public readonly accountUrl: pulumi.Output<string>;
  declare public readonly profile: pulumi.Output<string | undefined>;
  /** SHA-256 of the DER certificate, lower-case hex without colons. */
  declare public readonly fingerprintSha256: pulumi.Output<string>;
  /** Lower-case hex. */
  declare public readonly serialNumber: pulumi.Output<string>;
  /** ISO 8601 UTC. */
  declare public readonly validFrom: pulumi.Output<string>;
  /** ISO 8601 UTC. */
  declare public readonly validTo: pulumi.Output<string>;
  /** Where the CA keeps it. */
  declare public readonly certificateUrl: pulumi.Output<string>;
  declare public readonly orderUrl: pulumi.Output<string>;
  /** The URL of the {@link AcmeOrder} that it is from; `undefined` where it ordered by itself. */
  declare public readonly fromOrderUrl: pulumi.Output<string | undefined>;
  /** By which challenge its names were proved last, and with `auto` why: `dns-persist-01: its records stand`. */
  declare public readonly validatedBy: pulumi.Output<string | undefined>;
  /** Of an order that came to no end, which the next run goes on with; `undefined` when there is none. */
  declare public readonly pendingOrderUrl: pulumi.Output<string | undefined>;
  /** When the CA wants it to be renewed (RFC 9773); `undefined` where it does not say. */
  declare public readonly renewalWindow: pulumi.Output<RenewalWindow | undefined>;
  /** The same as `hostnames`: every name that the certificate covers. */
  public readonly names: pulumi.Output<string[]>;
  /** The certificate, then its intermediates, PEM. */
  public readonly fullChainPem: pulumi.Output<string>;
  /** The Pulumi name, by which sites and files refer to it. */
  public readonly resourceName: string;
  protected readonly renewal: RenewalOutputs;

  constructor(name: string, args: CertificateArgs, opts: pulumi.CustomResourceOptions = {}) {
    const isRead = opts.id !== undefined;
    super(kind, name, isRead ? { ...args } : { ...propertiesOf(args), name }, opts, isRead ? [] : absentOutputs(args));
    this.resourceName = name;
    this.names = this.hostnames;
    // known where the order has none, too
    if ("order" in args) this.profile = pulumi.output(args.order.profile);
    this.fullChainPem = pulumi
      .all([this.certPem, this.issuerPem])
      .apply(([certPem, issuerPem]) => `${certPem}${issuerPem ?? ""}`);
    this.renewal = renewalOutputs({ ...datesOf(this), window: this.renewalWindow }, args);
  }

  /**
   * Takes over a certificate of another stack by its outputs. It is not managed: nothing renews it here.
   *
   * @throws TlsError `STATE_INVALID` without `state`.
   */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    state?: AcmeCertificateState,
    opts?: pulumi.CustomResourceOptions,
  ): AcmeCertificate {
    return new AcmeCertificate(name, (state ?? {}) as unknown as AcmeCertificateArgs, { ...opts, id });
  }

  /** Whether `value` is an `AcmeCertificate`, also one of another copy of this package. */
  static override isInstance(value: unknown): value is AcmeCertificate {
    return isResourceOfKind(value, kind);
  }
}

type CertificateArgs = AcmeCertificateArgs | OrderedCertificateArgs;

function datesOf({ validFrom, validTo }: AcmeCertificate) {
  return { validFrom, validTo };
}

function propertiesOf(args: CertificateArgs): Record<string, unknown> {
  return "order" in args ? orderedProperties(args) : orderingProperties(args);
}

function orderingProperties(args: AcmeCertificateArgs): Record<string, unknown> {
  const { account, challenge, preflight, ...rest } = args;
  return {
    ...rest,
    ...preflightProperties(preflight),
    ...challengeProperties(challenge),
    ...accountProperties(account),
    rehearsalDirectoryUrl: account.rehearsalDirectoryUrl,
    rehearsalAccountKeyPem: account.rehearsalAccountKeyPem && pulumi.secret(account.rehearsalAccountKeyPem),
  };
}

/** Names, profile and account are those of the order, so that both can't differ. */
function orderedProperties(args: OrderedCertificateArgs): Record<string, unknown> {
  const { order, challenge = "dns-01", account: _, hostnames: __, ...rest } = args;
  const settings = typeof challenge === "string" ? { type: challenge } : challenge;
  return {
    ...rest,
    challenge: { ...settings, via: "order" },
    ...accountProperties(order.account),
    hostnames: order.hostnames,
    profile: order.profile,
    fromOrderUrl: order.orderUrl,
  };
}

function absentOutputs(args: CertificateArgs): readonly string[] {
  const key = args.certificateRequestPem === undefined ? [] : ["privateKeyPem"];
  const revocation = args.revokeOnDestroy === undefined ? ["revocationKeyPem"] : [];
  // an order says itself whether it has a profile
  const ofOrder = "order" in args ? [] : ["fromOrderUrl", ...absentFrom(args, ["profile"])];
  return [...key, ...revocation, ...ofOrder, ...absentFrom(args, ["keyType"])];
}
