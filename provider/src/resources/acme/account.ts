import * as pulumi from "@pulumi/pulumi";
import { acmeAccountDescription } from "../../lifecycle/descriptions";
import { absentFrom, DynamicResource, describeKind, isResourceOfKind } from "../base/dynamic-resource";
import {
  type RehearsalAccount,
  type StandingRecord,
  type ValidationRecordsOptions,
  validationRecords,
} from "./validation-records";

const kind = describeKind(
  acmeAccountDescription,
  "acmeAccount",
  () => require("../../lifecycle/acme/account").acmeAccount,
);

/** What a CA gave beforehand to people that it knows already (RFC 8555 section 7.3.4). */
export interface ExternalAccountBinding {
  /** The key identifier, as the CA shows it. */
  readonly keyId: pulumi.Input<string>;
  /** The MAC key, base64url as CAs show it. Secret; not kept. */
  readonly hmacBase64: pulumi.Input<string>;
}

/** The arguments of {@link AcmeAccount}. */
export interface AcmeAccountArgs {
  /**
   * The CA: a name (`letsencrypt`, `letsencrypt-staging`, `zerossl`, `google`, …) or the URL of its directory. A change
   * replaces the account; the old one is left as it is.
   */
  readonly directory: pulumi.Input<string>;
  /** Must be `true`: you have read what the CA asks for, and agree. */
  readonly acceptTermsOfService: pulumi.Input<boolean>;
  /** E-mail addresses that the CA may write to. Default: none. Changed in place. */
  readonly contacts?: pulumi.Input<pulumi.Input<string>[]>;
  /** Needed by some CAs (the output `requiresExternalAccountBinding` says so); used when the account is made. */
  readonly externalAccountBinding?: ExternalAccountBinding;
  /**
   * PEM of the account's key, P256, P384 or RSA. An account that the CA knows by it is found. Another key is rolled over to
   * in place. Default: one is made, and kept as a secret.
   */
  readonly accountKeyPem?: pulumi.Input<string>;
  /** The kind of key that is made: `P256` (default), `P384`, `RSA2048`, `RSA3072` or `RSA4096`; kept ever after. */
  readonly keyType?: pulumi.Input<"P256" | "P384" | "RSA2048" | "RSA3072" | "RSA4096">;
  /** Where orders are rehearsed: a name or URL as `directory`. Default: the staging of a CA that is known to have one. */
  readonly rehearsalDirectory?: pulumi.Input<string>;
  /** PEM of what the CA's own server is verified by, for a CA inside; beside the roots that Node brings. */
  readonly caBundlePem?: pulumi.Input<string>;
  /** For one request to the CA, 1 to 600. Default 30. */
  readonly requestTimeoutSeconds?: pulumi.Input<number>;
  /**
   * Origins that links of the CA may lead to, beside that of its directory: `["https://acme2.example.com"]`. A CA whose
   * links lead elsewhere is refused, since it could have this machine send requests to any server. Default: none.
   */
  readonly linkOrigins?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * The name by which standing records and CAA call the CA, `letsencrypt.org`. Given, another name from the CA's directory
   * is refused. Default: the first that the directory has; a known public CA's name only at its own directory.
   */
  readonly issuerDomainName?: pulumi.Input<string>;
  /**
   * Until when records in the DNS authorise the account (dns-persist-01): a date `2027-12-31`, which begins at 00:00 UTC, or
   * `always`. So long it is not deactivated, since its records would die with it; and its key gets an account at the CA's
   * staging, for which {@link AcmeAccount.validationRecords} are too. Default: no records are relied on.
   */
  readonly recordsUntil?: pulumi.Input<string>;
  /**
   * Deactivates the account at the CA when the resource is destroyed, for good, with everything that was authorised by it.
   * Default: it is left as it is.
   */
  readonly deactivateOnDestroy?: pulumi.Input<boolean>;
}

/** What {@link AcmeAccount.get} needs. */
export interface AcmeAccountState {
  /** The URL of the CA's directory. */
  readonly directoryUrl: pulumi.Input<string>;
  /** The URL of the account at the CA. */
  readonly accountUrl: pulumi.Input<string>;
  /** The account's key, PKCS#8 PEM. Secret. */
  readonly accountKeyPem: pulumi.Input<string>;
  /** SHA-256 of the account's key (RFC 7638), base64url. */
  readonly thumbprint: pulumi.Input<string>;
  /** The directory at which orders are rehearsed. */
  readonly rehearsalDirectoryUrl?: pulumi.Input<string>;
  /** The key of the account at that directory, PKCS#8 PEM. Secret. */
  readonly rehearsalAccountKeyPem?: pulumi.Input<string>;
  /** PEM of the certificates that the CA's own server is verified by, beside the roots that Node brings. */
  readonly caBundlePem?: pulumi.Input<string>;
}

/**
 * An account at a CA by ACME (RFC 8555): found by its key, or made. Destroying the resource leaves it at the CA.
 *
 * @example
 * ```ts
 * const account = new AcmeAccount("letsencrypt", {
 *   directory: "letsencrypt",
 *   contacts: ["ops@example.com"],
 *   acceptTermsOfService: true,
 * });
 * ```
 */
export class AcmeAccount extends DynamicResource {
  /** The type token, for policies and {@link AcmeAccount.isInstance}. */
  static readonly __pulumiType = kind.type;

  /** The CA as given: a name, or the URL of its directory. */
  declare public readonly directory: pulumi.Output<string>;
  /** The URL of the CA's directory. */
  declare public readonly directoryUrl: pulumi.Output<string>;
  /** Where orders are rehearsed; `undefined` for a CA without staging. */
  declare public readonly rehearsalDirectoryUrl: pulumi.Output<string | undefined>;
  /** E-mail addresses that the CA may write to, sorted; `undefined` when none were given. */
  declare public readonly contacts: pulumi.Output<string[] | undefined>;
  /** The account at the CA: what CAA records name as `accounturi`. */
  declare public readonly accountUrl: pulumi.Output<string>;
  /** PKCS#8 PEM; secret. */
  declare public readonly accountKeyPem: pulumi.Output<string>;
  /** The key of an account of its own at the CA's staging; secret. */
  declare public readonly rehearsalAccountKeyPem: pulumi.Output<string>;
  /** SHA-256 of the key (RFC 7638), base64url: what follows the token in every answer of http-01. */
  declare public readonly thumbprint: pulumi.Output<string>;
  /** `valid`, or what the CA says at a refresh. */
  declare public readonly status: pulumi.Output<string>;
  /** The kind of key that was made; `undefined` where the key was given. */
  declare public readonly keyType: pulumi.Output<string | undefined>;
  /** PEM of the certificates that the CA's own server is verified by, beside the roots that Node brings. */
  declare public readonly caBundlePem: pulumi.Output<string | undefined>;
  /** The time for one request to the CA, in seconds. */
  declare public readonly requestTimeoutSeconds: pulumi.Output<number | undefined>;
  /** Origins that links of the CA may lead to, beside that of its directory, sorted; `undefined` when none were given. */
  declare public readonly linkOrigins: pulumi.Output<string[] | undefined>;
  /** The expected name of the CA in the DNS; `undefined` when none was given. */
  declare public readonly issuerDomainName: pulumi.Output<string | undefined>;
  /** What was agreed to. */
  declare public readonly termsOfServiceUrl: pulumi.Output<string | undefined>;
  /** The names of the CA's certificate profiles, sorted. */
  declare public readonly profiles: pulumi.Output<string[]>;
  /** Whether the CA makes accounts only for people that it knows already. */
  declare public readonly requiresExternalAccountBinding: pulumi.Output<boolean>;
  /** Whether the CA says when to renew (ARI, RFC 9773). */
  declare public readonly offersRenewalInformation: pulumi.Output<boolean>;

  /** See {@link AcmeAccountArgs.recordsUntil}. */
  declare public readonly recordsUntil: pulumi.Output<string | undefined>;
  /** The names that CAA records may allow, as the CA's directory has them; `undefined` where it says none. */
  declare public readonly caaIdentities: pulumi.Output<string[] | undefined>;
  /** The names that records of dns-persist-01 begin with (draft -02); `undefined` where the CA says none. */
  declare public readonly issuerDomainNames: pulumi.Output<string[] | undefined>;
  /** What the hashed URI of an account begins with (draft -02); `undefined` where the CA says none. */
  declare public readonly accountHashPrefix: pulumi.Output<string | undefined>;
  /** The account of the same key at the CA's staging, where `recordsUntil` is given. */
  declare public readonly rehearsalAccount: pulumi.Output<RehearsalAccount | undefined>;

  constructor(name: string, args: AcmeAccountArgs, opts: pulumi.CustomResourceOptions = {}) {
    const { externalAccountBinding, ...rest } = args;
    const binding = externalAccountBinding && {
      externalAccountKeyId: externalAccountBinding.keyId,
      externalAccountHmac: pulumi.secret(externalAccountBinding.hmacBase64),
    };
    const optional = [
      "contacts",
      "caBundlePem",
      "requestTimeoutSeconds",
      "linkOrigins",
      "issuerDomainName",
      "recordsUntil",
    ];
    const absent = [...absentFrom(args, optional), ...(args.accountKeyPem === undefined ? [] : ["keyType"])];
    super(kind, name, { ...rest, ...binding }, opts, opts.id === undefined ? absent : []);
  }

  /**
   * The standing TXT records `_validation-persist.<name>` that authorise this account, and the one of its rehearsals, to have
   * the names validated by dns-persist-01, for resources of any DNS provider; once they stand, renewals have no moving part.
   * Which there are is known in every preview, their values as soon as the account is. For several accounts at one name see
   * {@link validationRecords}.
   *
   * @param names DNS names, with or without `*.`; a name and its wildcard have one record.
   */
  validationRecords(names: readonly string[], options: ValidationRecordsOptions = {}): StandingRecord[] {
    return validationRecords([this], names, options);
  }

  /**
   * Takes over an account of another stack by its outputs. It is not managed.
   *
   * @throws TlsError `STATE_INVALID` without `state`.
   */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    state?: AcmeAccountState,
    opts?: pulumi.CustomResourceOptions,
  ): AcmeAccount {
    return new AcmeAccount(name, (state ?? {}) as unknown as AcmeAccountArgs, { ...opts, id });
  }

  /** Whether `value` is an `AcmeAccount`, also one of another copy of this package. */
  static override isInstance(value: unknown): value is AcmeAccount {
    return isResourceOfKind(value, kind);
  }
}

/** What an order needs of the account that places it; an {@link AcmeAccount} has it all. */
export type OrderingAccount = Pick<
  AcmeAccount,
  | "accountUrl"
  | "accountKeyPem"
  | "directoryUrl"
  | "rehearsalDirectoryUrl"
  | "rehearsalAccountKeyPem"
  | "caBundlePem"
  | "requestTimeoutSeconds"
> &
  Partial<Pick<AcmeAccount, "linkOrigins">>;

/** What of an account travels with each order: who it is, and how the CA is reached. */
export function accountProperties(account: OrderingAccount): Record<string, unknown> {
  return {
    accountUrl: account.accountUrl,
    accountKeyPem: pulumi.secret(account.accountKeyPem),
    directoryUrl: account.directoryUrl,
    caBundlePem: account.caBundlePem,
    requestTimeoutSeconds: account.requestTimeoutSeconds,
    linkOrigins: account.linkOrigins,
  };
}
