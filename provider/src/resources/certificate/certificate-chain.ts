import * as pulumi from "@pulumi/pulumi";
import { readClock } from "../../adapter/clock";
import { findChainWarnings } from "../../lifecycle/chain/warnings";
import { certificateChainDescription } from "../../lifecycle/descriptions";
import { absentFrom, describeKind, isResourceOfKind } from "../base/dynamic-resource";
import { type RenewalArgs, type RenewalOutputs, renewalOutputs, warnOfExpiry } from "../base/renewal-outputs";
import { CertificateResource } from "./certificate-resource";

const kind = describeKind(
  certificateChainDescription,
  "certificateChain",
  () => require("../../lifecycle/chain/certificate-chain").certificateChain,
);

/** How missing intermediates are fetched. */
export interface AiaCompletionArgs {
  /** Whether a private, loopback or link-local address may be connected to, for a CA inside. Default false. */
  readonly allowPrivateAddresses?: pulumi.Input<boolean>;
  /** For all fetches of the chain together, 1 to 300. Default 30. */
  readonly timeoutSeconds?: pulumi.Input<number>;
}

/** The arguments of {@link CertificateChain}. */
export interface CertificateChainArgs extends RenewalArgs {
  /**
   * The certificate: PEM of any mix, or the base64 of a DER or PKCS#7 (`.p7b`) file. Its intermediates and even the root
   * may stand in the same text, in any order; `fromFiles` reads them. Not needed beside `pkcs12`.
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
  /**
   * The root of the way that is wanted, where the certificates lead to several: its common name (`"ISRG Root X1"`), whole
   * subject, or SHA-256. Default: the shortest way to a trusted root without a fault.
   */
  readonly preferredRoot?: pulumi.Input<string>;
  /**
   * Fetches missing intermediates from where the certificates say that they are to be had (RFC 5280 section 4.2.2.1), at
   * create, update and refresh, at most 30 s in all; a preview says what would be fetched. What was fetched is judged
   * like what is given, and kept, so that later runs need no network. Addresses that are not public are refused unless
   * `allowPrivateAddresses`. Default: nothing is fetched.
   */
  readonly completeFromAia?: pulumi.Input<boolean | AiaCompletionArgs>;
  /** Names that clients will ask for, each of which the certificate must cover. */
  readonly hostnames?: pulumi.Input<pulumi.Input<string>[]>;
}

/** What {@link CertificateChain.get} needs. */
export interface CertificateChainState {
  /** The certificate, one PEM block. */
  readonly certPem: pulumi.Input<string>;
  /** The intermediates in the order of sending, PEM; absent when there is none. */
  readonly issuerPem?: pulumi.Input<string>;
  /** The private key, PKCS#8 PEM. Secret; absent where the key is elsewhere. */
  readonly privateKeyPem?: pulumi.Input<string>;
  /** Every name that the certificate covers. */
  readonly names?: pulumi.Input<pulumi.Input<string>[]>;
  /** The first second of its validity, ISO 8601 UTC. */
  readonly validFrom?: pulumi.Input<string>;
  /** The last second of its validity, ISO 8601 UTC. */
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
export class CertificateChain extends CertificateResource {
  /** The type token, for policies and {@link CertificateChain.isInstance}. */
  static readonly __pulumiType = kind.type;

  /** The intermediates in the order of sending, PEM, fetched ones among them; `undefined` when there is none. */
  declare public readonly issuerPem: pulumi.Output<string | undefined>;
  /** The root that the chain ends in, PEM, for a client's trust; `undefined` when it was neither given nor fetched. */
  declare public readonly rootPem: pulumi.Output<string | undefined>;
  /** Where the missing issuer is fetched with `completeFromAia`; `undefined` when nothing is missing. */
  declare public readonly missingIssuerUrls: pulumi.Output<string[] | undefined>;
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
  /** Outputs about the next renewal. */
  protected readonly renewal: RenewalOutputs;

  constructor(name: string, args: CertificateChainArgs, opts: pulumi.CustomResourceOptions = {}) {
    super(kind, name, { ...args }, opts, absentOutputs(args));
    this.resourceName = name;
    this.issuerPem = issuerPemOf(this, args);
    this.fullChainPem = pulumi
      .all([this.certPem, this.issuerPem])
      .apply(([certPem, issuerPem]) => `${certPem}${issuerPem ?? ""}`);
    this.renewal = renewalOutputs(this, args, "a new certificate must be given by you,");
    if (opts.id !== undefined) return;
    warnOfExpiry(this, this, args, "this certificate can't be renewed here: give a new certPem in time");
    warnOfFindings(this, args);
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

/** What the engine sets of the state, beside what the class declares. */
interface ChainOutputs {
  /** The intermediates that were given. */
  readonly issuerPem: pulumi.Output<string | undefined>;
  /** All intermediates, when some of them were fetched. */
  readonly completedIssuerPem: pulumi.Output<string | undefined>;
}

function absentOutputs(args: CertificateChainArgs): readonly string[] {
  const key = args.pkcs12 === undefined ? absentFrom(args, ["privateKeyPem"]) : [];
  const fetched =
    args.completeFromAia === undefined ? ["completeFromAia", "missingIssuerUrls", "completedIssuerPem"] : [];
  return [...key, ...fetched, ...absentFrom(args, ["hostnames", "preferredRoot"])];
}

/** The state keeps what was given and what it was completed to apart, since the first is known in a preview. */
function issuerPemOf(chain: CertificateChain, args: CertificateChainArgs): pulumi.Output<string | undefined> {
  const { issuerPem, completedIssuerPem } = chain as unknown as ChainOutputs;
  if (args.completeFromAia === undefined) return issuerPem;
  return pulumi.all([issuerPem, completedIssuerPem]).apply(([given, completed]) => completed ?? given ?? undefined);
}

/** The leaf's own end is told by `warnOfExpiry`, with the days that are left. */
function warnOfFindings(resource: CertificateChain, args: CertificateChainArgs): void {
  const { certPem, issuerPem, roots, pkcs12, passphrase } = args;
  const given = { certPem, issuerPem, pkcs12, passphrase };
  const ordered = { certPem: resource.certPem, issuerPem: resource.issuerPem, rootPem: resource.rootPem };
  // not before the resource has its URN: a log entry that waits for one that never comes holds up every later one
  pulumi.all([given, ordered, roots, resource.urn] as const).apply(async ([texts, chain, trusted]) => {
    // a provider that failed leaves the outputs undefined
    if (chain.certPem === undefined) return;
    for (const finding of findChainWarnings(texts, chain, trusted !== undefined, readClock())) {
      if (finding.expired === "leaf") continue;
      await pulumi.log.warn(`${finding.reason}. ${finding.hint}`, resource);
    }
  });
}
