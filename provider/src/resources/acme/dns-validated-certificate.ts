import * as pulumi from "@pulumi/pulumi";
import { TlsError } from "../../errors";
import { challengeRecordName, listRecordNames } from "../../lifecycle/acme/order-records";
import type { OrderingAccount } from "./account";
import { AcmeCertificate, type OrderedCertificateArgs } from "./certificate";
import type { PreflightArgs, PropagationArgs } from "./challenge-args";
import { AcmeOrder, type ChallengeRecord } from "./order";

const TYPE = "tls-gateway:index:DnsValidatedCertificate";

/** A record set that a {@link DnsValidatedCertificate} wants in the DNS. */
export interface ValidationRecord extends ChallengeRecord {
  /** The names of the certificate that it proves, sorted: an apex and its wildcard share one. */
  readonly hostnames: readonly string[];
}

/**
 * Makes the record set by a resource of the DNS provider.
 *
 * @param name a Pulumi name for it, unique in the component
 * @param record what it holds; name and type are known in every preview, the values come from the order
 * @param opts pass them on: they make the resource a child of the component
 */
export type MakeRecord = (
  name: string,
  record: ValidationRecord,
  opts: pulumi.CustomResourceOptions,
) => pulumi.Resource | readonly pulumi.Resource[];

/** The arguments of {@link DnsValidatedCertificate}. */
export interface DnsValidatedCertificateArgs
  extends Omit<OrderedCertificateArgs, "order" | "account" | "hostnames" | "challenge"> {
  /** The account that orders. */
  readonly account: OrderingAccount;
  /**
   * The names, DNS names alone (also `*.example.com`, and international ones in Unicode). They must be known in the program, so
   * that every preview knows which records there are.
   */
  readonly hostnames: readonly string[];
  /** Makes one record set. Called once for each name; an apex and its wildcard share one. */
  readonly record: MakeRecord;
  /** How the records are looked for before the CA is told; `false`: not at all. */
  readonly propagation?: pulumi.Input<PropagationArgs>;
  /** One of the CA's profiles (`account.profiles`), for instance `shortlived`. Default: the CA's choice. */
  readonly profile?: pulumi.Input<string>;
  /** Whether it is looked, before the order is placed, what would keep it from its end. Default `up`. */
  readonly preflight?: PreflightArgs;
  /** How many days before the estimated renewal a preview begins to ask the CA for its window anew. Default 10. */
  readonly renewalInfoDays?: pulumi.Input<number>;
}

/**
 * A certificate that is proved by records of any DNS provider of Pulumi: an {@link AcmeOrder}, its records, and the
 * {@link AcmeCertificate} that is taken from it. At a renewal the order is placed anew, the records change, and the certificate
 * follows, in one plain `pulumi up`.
 *
 * @example
 * ```ts
 * const web = new DnsValidatedCertificate("web", {
 *   account,
 *   hostnames: ["example.com", "*.example.com"],
 *   record: (name, { name: recordName, type, values }, opts) =>
 *     new aws.route53.Record(name, { zoneId, name: recordName, type, ttl: 60, records: values }, opts),
 * });
 * const site = new Site("web", { binds: ["example.com:443"], tls: { certificate: web.certificate } });
 * ```
 */
export class DnsValidatedCertificate extends pulumi.ComponentResource {
  /** The type token, for policies. */
  static readonly __pulumiType = TYPE;

  /** `<name>-order` */
  public readonly order: AcmeOrder;
  /** What the callback made, in the order of the records' names. */
  public readonly records: readonly pulumi.Resource[];
  /** `<name>-certificate` */
  public readonly certificate: AcmeCertificate;

  /** @throws TlsError `IDENTIFIER_INVALID`: one of the names is none, or is an IP address, which no record proves */
  constructor(name: string, args: DnsValidatedCertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super(TYPE, name, {}, opts);
    if (!Array.isArray(args.hostnames)) throw unknownNames();
    const { account, hostnames, record, propagation, profile, preflight, renewalInfoDays, ...certificate } = args;
    const { minDaysRemaining, checkIntervalHours, timeoutSeconds } = certificate;
    const policy = { preflight, renewalInfoDays, minDaysRemaining, checkIntervalHours, timeoutSeconds };
    const wanted = { account, hostnames: [...hostnames], ...withoutAbsent({ profile, ...policy }) };
    const sets = listRecordNames(hostnames);
    // an address has no record
    for (const hostname of hostnames) challengeRecordName(hostname);
    this.order = new AcmeOrder(`${name}-order`, wanted, { parent: this });
    this.records = sets.flatMap((set) => {
      const made = record(
        `${name}-${set.name}`,
        { ...set, ...this.order.dnsRecord(set.hostnames[0] ?? "") },
        { parent: this },
      );
      return [made].flat() as readonly pulumi.Resource[];
    });
    this.certificate = new AcmeCertificate(
      `${name}-certificate`,
      { ...certificate, order: this.order, challenge: { type: "dns-01", ...withoutAbsent({ propagation }) } },
      { parent: this, dependsOn: [...this.records] },
    );
    const { certPem, fullChainPem, privateKeyPem, validTo } = this.certificate;
    this.registerOutputs({ certPem, fullChainPem, privateKeyPem, validTo });
  }

  /** Whether `value` is a `DnsValidatedCertificate`, also one of another copy of this package. */
  static override isInstance(value: unknown): value is DnsValidatedCertificate {
    return (
      pulumi.ComponentResource.isInstance(value) &&
      (value as unknown as { __pulumiType?: unknown }).__pulumiType === TYPE
    );
  }
}

/** An output, or nothing, from a program without types. */
function unknownNames(): TlsError {
  return new TlsError("IDENTIFIER_INVALID", "hostnames: expected a list of names that is known in the program.", {
    hint: "Write the names in the program or its configuration; for names that are an output make an AcmeOrder, its records and an AcmeCertificate.",
  });
}

/** An argument that is absent must not become one that is undefined. */
function withoutAbsent<T extends object>(args: T): { [Name in keyof T]?: NonNullable<T[Name]> } {
  const given = Object.entries(args).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [Name in keyof T]?: NonNullable<T[Name]> };
}
