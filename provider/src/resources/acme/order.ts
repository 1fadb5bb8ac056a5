import * as pulumi from "@pulumi/pulumi";
import {
  type ChallengeRecordName,
  challengeRecordName,
  listRecordNames,
  type NameChallenge,
  renderQuotedTxt,
  valuesOf,
} from "../../lifecycle/acme/order-records";
import { acmeOrderDescription } from "../../lifecycle/descriptions";
import type { RenewalWindow } from "../../renewal/window";
import { absentFrom, DynamicResource, describeKind, isResourceOfKind } from "../base/dynamic-resource";
import { type RenewalArgs, type RenewalOutputs, renewalOutputs } from "../base/renewal-outputs";
import { accountProperties, type OrderingAccount } from "./account";
import { type PreflightArgs, preflightProperties } from "./challenge-args";

export type { NameChallenge };

const kind = describeKind(acmeOrderDescription, "acmeOrder", () => require("../../lifecycle/acme/order").acmeOrder);

/** The arguments of {@link AcmeOrder}. */
export interface AcmeOrderArgs extends RenewalArgs {
  /** The account that orders. */
  readonly account: OrderingAccount;
  /**
   * The names of the certificate: DNS names (also `*.example.com`, and international ones in Unicode), IPv4 and IPv6
   * addresses. Order and case don't matter. For another set of names another order is placed, in place.
   */
  readonly hostnames: pulumi.Input<pulumi.Input<string>[]>;
  /** One of the CA's profiles (`account.profiles`), for instance `shortlived`. Default: the CA's choice. */
  readonly profile?: pulumi.Input<string>;
  /** Whether it is looked, before the order is placed, what would keep it from its end. Default `up`. */
  readonly preflight?: PreflightArgs;
  /** For placing it, with all waits, 1 to 86400. Default 300. */
  readonly timeoutSeconds?: pulumi.Input<number>;
  /** How many days before the estimated renewal a preview begins to ask the CA for its window anew. Default 10. */
  readonly renewalInfoDays?: pulumi.Input<number>;
}

/** What {@link AcmeOrder.get} needs; give its account to the certificate, too. */
export interface AcmeOrderState {
  /** The output of the same name. */
  readonly orderUrl: pulumi.Input<string>;
  /** The output of the same name. */
  readonly hostnames: pulumi.Input<pulumi.Input<string>[]>;
  /** The output of the same name. */
  readonly challenges: pulumi.Input<readonly NameChallenge[]>;
  /** The account that placed the order. */
  readonly account: OrderingAccount;
  /** The output of the same name, ISO 8601 UTC. */
  readonly orderedAt: pulumi.Input<string>;
  /** The output of the same name, ISO 8601 UTC. */
  readonly estimatedValidTo: pulumi.Input<string>;
  /** The CA's profile; default: none was asked for. */
  readonly profile?: pulumi.Input<string>;
}

/** A set of TXT records that a CA looks for, for a DNS provider of any kind. */
export interface ChallengeRecord extends Pick<ChallengeRecordName, "name" | "type"> {
  /** What each record says, without quotes; at least one, sorted. */
  readonly values: pulumi.Output<string[]>;
  /** The same as zone files and Cloudflare have it: in quotes, cut into strings of at most 255 octets. */
  readonly quotedValues: pulumi.Output<string[]>;
}

/** What a CA asks a web server for (RFC 8555 section 8.3). */
export interface HttpResource {
  /** The name, or the address, that is asked, on port 80. */
  readonly host: string;
  /** `/.well-known/acme-challenge/<token>` */
  readonly path: string;
  /** What is to be answered, as `text/plain`. */
  readonly body: string;
}

/**
 * An order at a CA (RFC 8555 section 7.4): what the CA wants to see before it issues is an output, for resources of any DNS
 * provider or web server. An {@link AcmeCertificate} with `order` then takes the certificate. It falls due by itself on a plain
 * `pulumi up`: it is placed anew, its records change, and the certificate follows, in one run. An order that expired or
 * failed at the CA is placed anew by the next run.
 *
 * Make records from names that the program knows, by {@link AcmeOrder.dnsRecord}: then previews show what `up` does.
 *
 * @example
 * ```ts
 * const order = new AcmeOrder("web", { account, hostnames: ["example.com", "*.example.com"] });
 * const { name, type, values } = order.dnsRecord("example.com");
 * const record = new aws.route53.Record("web", { zoneId, name, type, ttl: 60, records: values });
 * const certificate = new AcmeCertificate("web", { order }, { dependsOn: [record] });
 * ```
 */
export class AcmeOrder extends DynamicResource {
  /** The type token, for policies and {@link AcmeOrder.isInstance}. */
  static readonly __pulumiType = kind.type;

  /** The names, canonical (DNS names as lower-case A-labels) and sorted. */
  declare public readonly hostnames: pulumi.Output<string[]>;
  /** The URL of the CA's directory. */
  declare public readonly directoryUrl: pulumi.Output<string>;
  /** The URL of the account at the CA. */
  declare public readonly accountUrl: pulumi.Output<string>;
  /** The CA's profile; `undefined` for the CA's choice. */
  declare public readonly profile: pulumi.Output<string | undefined>;
  /** The URL of the order at the CA. */
  declare public readonly orderUrl: pulumi.Output<string>;
  /** ISO 8601 UTC. */
  declare public readonly orderedAt: pulumi.Output<string>;
  /** Until when its names must be proved, ISO 8601 UTC; `undefined` where the CA does not say. */
  declare public readonly expiresAt: pulumi.Output<string | undefined>;
  /** What each name is proved by. */
  declare public readonly challenges: pulumi.Output<NameChallenge[]>;
  /** When the certificate will end, as far as can be known before it is there; ISO 8601 UTC. */
  declare public readonly estimatedValidTo: pulumi.Output<string>;
  /** Of the certificate that it came to, known from the first refresh on; ISO 8601 UTC. */
  declare public readonly validFrom: pulumi.Output<string | undefined>;
  /** Of the certificate that it came to, known from the first refresh on; ISO 8601 UTC. */
  declare public readonly validTo: pulumi.Output<string | undefined>;
  /** When the CA wants the certificate to be renewed (RFC 9773), known from the first refresh on. */
  declare public readonly renewalWindow: pulumi.Output<RenewalWindow | undefined>;
  /** Who ordered. */
  public readonly account: OrderingAccount;
  /** Outputs about the next renewal. */
  readonly #renewal: RenewalOutputs;

  constructor(name: string, args: AcmeOrderArgs, opts: pulumi.CustomResourceOptions = {}) {
    const { account, preflight, ...rest } = args;
    const isRead = opts.id !== undefined;
    const properties = { ...rest, ...preflightProperties(preflight), ...accountProperties(account), name };
    super(kind, name, isRead ? { ...rest } : properties, opts, isRead ? [] : absentFrom(args, ["profile"]));
    this.account = account;
    this.#renewal = renewalOutputs(this.#dates(), args, "is placed anew");
  }

  /** The first moment at which a run places another order, ISO 8601 UTC; an estimate until a refresh knows better. */
  get renewAt(): pulumi.Output<string> {
    return this.#renewal.renewAt;
  }

  /** When it is placed anew and why, for a person. */
  get renewalReason(): pulumi.Output<string> {
    return this.#renewal.renewalReason;
  }

  /** All record sets of dns-01, sorted by name. Their number is unknown in a preview where `hostnames` are. */
  get dnsRecords(): pulumi.Output<{ name: string; type: "TXT"; hostnames: readonly string[]; values: string[] }[]> {
    return pulumi
      .all([this.hostnames, this.challenges])
      .apply(([hostnames, challenges]) =>
        listRecordNames(hostnames).map((record) => ({ ...record, values: [...valuesOf(record.name, challenges)] })),
      );
  }

  /**
   * The record set of dns-01 for one name of the order; the same one for a name and its wildcard. Its name and type are known
   * before anything else is.
   *
   * @throws TlsError `IDENTIFIER_INVALID` for what is no DNS name: an address is proved by http-01.
   */
  dnsRecord(hostname: string): ChallengeRecord {
    const name = challengeRecordName(hostname);
    const values = this.challenges.apply((challenges) => [...valuesOf(name, challenges)]);
    return { name, type: "TXT", values, quotedValues: values.apply((all) => all.map(renderQuotedTxt)) };
  }

  /** What the CA asks web servers for, of every name but wildcards, sorted by host. */
  get httpResources(): pulumi.Output<HttpResource[]> {
    return this.challenges.apply((challenges) =>
      challenges.flatMap(({ hostname, http }) => {
        if (http === undefined || isWildcard(hostname)) return [];
        const path = `/.well-known/acme-challenge/${http.token}`;
        return [{ host: hostname, path, body: http.keyAuthorization }];
      }),
    );
  }

  /**
   * Takes over an order of another stack by its outputs. It is not managed.
   *
   * @throws TlsError `STATE_INVALID` without `state`.
   */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    state?: AcmeOrderState,
    opts?: pulumi.CustomResourceOptions,
  ): AcmeOrder {
    return new AcmeOrder(name, (state ?? {}) as unknown as AcmeOrderArgs, { ...opts, id });
  }

  /** Whether `value` is an `AcmeOrder`, also one of another copy of this package. */
  static override isInstance(value: unknown): value is AcmeOrder {
    return isResourceOfKind(value, kind);
  }

  /** Those of the certificate, else what was estimated. */
  #dates() {
    const pick = (known: pulumi.Output<string | undefined>, estimated: pulumi.Output<string>) =>
      pulumi.all([known, estimated]).apply(([one, other]) => one ?? other);
    return {
      validFrom: pick(this.validFrom, this.orderedAt),
      validTo: pick(this.validTo, this.estimatedValidTo),
      window: this.renewalWindow,
    };
  }
}

function isWildcard(hostname: string): boolean {
  return hostname.startsWith("*.");
}
