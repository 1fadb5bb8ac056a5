import type * as pulumi from "@pulumi/pulumi";
import type { AcmeChallengeArgs, OrderChallengeArgs } from "./acme/challenge-args";
import type { AcmeOrder } from "./acme/order";
import type { OrderingAccount } from "./acme-account-properties";
import type { RenewalArgs } from "./base/renewal-outputs";
import type { PreflightArgs } from "./preflight-args";

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
  readonly account?: never;
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
