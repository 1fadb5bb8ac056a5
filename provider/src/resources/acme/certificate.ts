import * as pulumi from "@pulumi/pulumi";
import { acmeCertificateDescription } from "../../lifecycle/descriptions";
import type { RenewalWindow } from "../../renewal/window";
import { absentFrom, describeKind, isResourceOfKind } from "../base/dynamic-resource";
import { type RenewalArgs, type RenewalOutputs, renewalOutputs } from "../base/renewal-outputs";
import { CertificateResource } from "../certificate/certificate-resource";
import { accountProperties, type OrderingAccount } from "./account";
import {
  type AcmeChallengeArgs,
  challengeProperties,
  type OrderChallengeArgs,
  type PreflightArgs,
  preflightProperties,
} from "./challenge-args";
import type { AcmeOrder } from "./order";

const kind = describeKind(
  acmeCertificateDescription,
  "acmeCertificate",
  () => require("../../lifecycle/acme/certificate").acmeCertificate,
);

/** What is the same for a certificate that is ordered, and one that is taken from an order. */
interface TakenArgs extends RenewalArgs {
  /** `P256` (default), `P384`, `RSA2048`, `RSA3072` or `RSA4096`. */
  readonly keyType?: pulumi.Input<"P256" | "P384" | "RSA2048" | "RSA3072" | "RSA4096">;
  /** Keeps the key at a renewal, for pins and TLSA records. Default false: each certificate has a key of its own. */
  readonly reuseKey?: pulumi.Input<boolean>;
  /** A PKCS#10 request in PEM: its key is certified, and no private key comes into the state. */
  readonly certificateRequestPem?: pulumi.Input<string>;
  /** Of several chains that the CA offers, the one whose last certificate was issued by this common name. Counts at the next order. */
  readonly preferredChain?: pulumi.Input<string>;
  /** Fails when the CA has no such chain. Default false: its own choice is taken, which is said. */
  readonly requirePreferredChain?: pulumi.Input<boolean>;
  /** For an order with all its waits, 1 to 86400. Default 300. A later run goes on with an order that took longer. */
  readonly timeoutSeconds?: pulumi.Input<number>;
  /** Revokes the certificate when the resource is destroyed, never when it is replaced by a renewal. Default false. */
  readonly revokeOnDestroy?: pulumi.Input<boolean>;
}

/** The arguments of an {@link AcmeCertificate} that is taken from an {@link AcmeOrder}. */
export interface OrderedCertificateArgs extends TakenArgs {
  /**
   * The order, which has the names, the profile and the account. Say by `dependsOn` which resources put its records in place.
   * When the order is placed anew, the certificate follows; another `keyType` counts from then on. When that is, the order
   * decides: `minDaysRemaining` and `checkIntervalHours` count here for the output `renewAt` alone.
   */
  readonly order: Pick<AcmeOrder, "orderUrl" | "hostnames" | "profile" | "account">;
  /**
   * By which of the order's outputs the names are proved: `"dns-01"` (default) by its records, IP addresses by its HTTP
   * resources; `"http-01"` by these alone. What should be in place is looked for before the CA is told.
   */
  readonly challenge?: "dns-01" | "http-01" | OrderChallengeArgs;
  /** Not given beside `order`, which has its account. */
  readonly account?: never;
  /** Not given beside `order`, which has its names. */
  readonly hostnames?: never;
}

/** The arguments of an {@link AcmeCertificate} that orders by itself. */
export interface AcmeCertificateArgs extends TakenArgs {
  /** The account that orders it. */
  readonly account: OrderingAccount;
  /**
   * The names: DNS names (also `*.example.com`, and international ones in Unicode), IPv4 and IPv6 addresses. Order and case
   * don't matter. Another set of names is ordered in place; the old certificate stays until the new one is there.
   * Default: those of `certificateRequestPem`.
   */
  readonly hostnames?: pulumi.Input<pulumi.Input<string>[]>;
  /** How control of the names is proved. A change orders nothing. */
  readonly challenge: AcmeChallengeArgs;
  /** One of the CA's profiles (`account.profiles`), for instance `shortlived`. Default: the CA's choice. */
  readonly profile?: pulumi.Input<string>;
  /**
   * Whether the same order is made at the CA's staging before, by an account of its own: `first` (default) before the first
   * order of a set of names and after a failure, `always`, or `off`. If it fails, the CA itself is not asked.
   */
  readonly rehearsal?: pulumi.Input<"first" | "always" | "off">;
  /** Whether it is looked, before anything is ordered, what would keep the order from its end. Default `up`. */
  readonly preflight?: PreflightArgs;
  /** How many days before the estimated renewal a preview begins to ask the CA for its window anew. Default 10. */
  readonly renewalInfoDays?: pulumi.Input<number>;
}

/** What {@link AcmeCertificate.get} needs. */
export interface AcmeCertificateState {
  /** The certificate, one PEM block. */
  readonly certPem: pulumi.Input<string>;
  /** The intermediates in the order of sending, PEM; absent when there is none. */
  readonly issuerPem?: pulumi.Input<string>;
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
  /** The URL of the CA's directory. */
  declare public readonly directoryUrl: pulumi.Output<string>;
  /** The URL of the account at the CA. */
  declare public readonly accountUrl: pulumi.Output<string>;
  /** The CA's profile; `undefined` for the CA's choice. */
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
  /** The URL of the order that the certificate came from. */
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
  /** Outputs about the next renewal. */
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
  return "order" in args ? givenOrderProperties(args) : ownOrderProperties(args);
}

function ownOrderProperties(args: AcmeCertificateArgs): Record<string, unknown> {
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
function givenOrderProperties(args: OrderedCertificateArgs): Record<string, unknown> {
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
