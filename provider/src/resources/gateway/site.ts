import * as pulumi from "@pulumi/pulumi";
import { gatewayKinds } from "../../gateway/kinds";
import type { FirewallPort } from "../../gateway/model/kind";
import {
  type ClientAuth,
  type HeaderChange,
  type Hsts,
  type Maintenance,
  type ProxyProtocol,
  type RoutingRule,
  type SiteData,
  type SiteTimeouts,
  type SiteTls,
  type SiteUpstream,
  selfSignedHostnames,
  siteProperties,
  type TlsProfile,
} from "../../gateway/model/site";
import { siteDescription } from "../../lifecycle/descriptions";
import { absentFrom, DynamicResource, describeKind, isResourceOfKind } from "../base/dynamic-resource";
import type { LeafCertificate } from "../certificate/leaf-certificate";
import type { SelfSignedCA } from "../certificate/self-signed-ca";
import type { GatewayCertificate } from "./certificate-reference";
import { readSiteArgs, type SiteArgs, type SiteAuthorities } from "./site-args";

const kind = describeKind(siteDescription, "site", () => require("../../lifecycle/site/site").site);

/** Most sites have nothing to warn of, and a hook costs the engine a call for each step. */
const { explainer: _, ...silentKind } = kind;

/**
 * One site of a gateway: where it listens, which names it answers, and how it is secured. Give it to a {@link Gateway},
 * which checks it against the others and renders the configuration.
 *
 * @example
 * ```ts
 * const web = new Site("web", {
 *   binds: ["cells.example.com:443"],
 *   tls: { certificate: chain },
 *   redirectToHttps: true,
 * });
 * ```
 */
export class Site extends DynamicResource {
  /** The type token, for policies and {@link Site.isInstance}. */
  static readonly __pulumiType = kind.type;

  /** The name within its gateway: the Pulumi name. */
  declare public readonly name: pulumi.Output<string>;
  /** Canonical `host:port`, sorted. */
  declare public readonly binds: pulumi.Output<string[]>;
  /** Canonical names, sorted; `undefined` when none were given. */
  declare public readonly hostnames: pulumi.Output<string[] | undefined>;
  /** The URL by which users reach the site, where it differs from its first bind. */
  declare public readonly externalUrl: pulumi.Output<string | undefined>;
  /** The way of TLS, with certificates and CAs by the names of their resources. */
  declare public readonly tls: pulumi.Output<SiteTls>;
  /** Whether plain HTTP is answered with a redirect to HTTPS. */
  declare public readonly redirectToHttps: pulumi.Output<boolean | undefined>;
  /** Changes of headers, in their order. */
  declare public readonly headers: pulumi.Output<HeaderChange[] | undefined>;
  /** Which routes are served. */
  declare public readonly routing: pulumi.Output<RoutingRule[] | undefined>;
  /** Present while the site answers with the maintenance page. */
  declare public readonly maintenance: pulumi.Output<Maintenance | undefined>;
  /** The port of Cells' separate clear gRPC service. */
  declare public readonly grpcPort: pulumi.Output<number | undefined>;
  /** The server behind a proxy; its root by whether it is placed. */
  declare public readonly upstream: pulumi.Output<SiteUpstream | undefined>;
  /** Present where clients must have a certificate. */
  declare public readonly clientAuth: pulumi.Output<ClientAuth | undefined>;
  /** The Strict-Transport-Security header; absent where none is sent. */
  declare public readonly hsts: pulumi.Output<Hsts | undefined>;
  /** Which versions, cipher suites and groups are offered; `undefined` for `intermediate`. */
  declare public readonly tlsProfile: pulumi.Output<TlsProfile | undefined>;
  /** Present where connections begin with a header of the PROXY protocol. */
  declare public readonly proxyProtocol: pulumi.Output<ProxyProtocol | undefined>;
  /** The largest body of a request, in octets; `undefined` for no limit. */
  declare public readonly maxBodyBytes: pulumi.Output<number | undefined>;
  /** How long a proxy waits for the upstream and for tunnels. */
  declare public readonly timeouts: pulumi.Output<SiteTimeouts | undefined>;
  /** Where users find the site: the external URL, else that of its first name and port. */
  declare public readonly url: pulumi.Output<string>;
  /** The Pulumi name, the same as `name`. */
  public readonly siteName: string;
  /** The whole site, normalised: what a {@link Gateway} takes. */
  public readonly spec: pulumi.Output<SiteData>;
  /** The resource that the certificate comes from: the one given, or the leaf that `selfSigned.ca` issued. */
  public readonly certificate: GatewayCertificate | undefined;
  /** The leaf that `selfSigned.ca` issued for this site. */
  public readonly leaf: LeafCertificate | undefined;
  /** The CA that was given as `selfSigned.ca`. */
  public readonly ca: SelfSignedCA | undefined;
  /** The PEM of `upstream.rootCaPem` and `clientAuth.caPem`, for the files of a gateway. */
  public readonly authorities: SiteAuthorities;

  constructor(name: string, args: SiteArgs, opts: pulumi.CustomResourceOptions = {}) {
    const { data, certificate, ca, authorities } = readSiteArgs(name, args);
    const absent = absentFrom(data, siteProperties);
    super(asksLetsEncrypt(args) ? kind : silentKind, name, data, opts, absent);
    this.siteName = name;
    const present = siteProperties.filter((property) => !absent.includes(property));
    this.spec = pulumi
      .all(present.map((property) => this[property] as pulumi.Output<unknown>))
      .apply((values) => joinSpec(present, values));
    this.ca = ca;
    this.authorities = authorities;
    this.leaf = ca?.issue(
      `${name}-leaf`,
      { hostnames: this.spec.apply((spec) => [...selfSignedHostnames(spec)]) },
      { parent: this },
    );
    this.certificate = certificate ?? this.leaf;
  }

  /** The ports to open, each with its reason, as Pydio Cells 4 needs them; {@link Gateway.firewallPorts} knows more. */
  get firewallPorts(): pulumi.Output<FirewallPort[]> {
    return this.spec.apply((spec) => {
      const { cells } = gatewayKinds;
      return [...cells.firewallPorts([spec], cells.parseOptions({}))];
    });
  }

  /**
   * Takes over a site of another stack by its outputs; it is not checked again.
   *
   * @throws TlsError `STATE_INVALID` without `state`.
   */
  static get(name: string, id: pulumi.Input<pulumi.ID>, state?: SiteArgs, opts?: pulumi.CustomResourceOptions): Site {
    return new Site(name, state ?? ({} as SiteArgs), { ...opts, id });
  }

  /** Whether `value` is a `Site`, also one of another copy of this package. */
  static override isInstance(value: unknown): value is Site {
    return isResourceOfKind(value, kind);
  }
}

function joinSpec(properties: readonly string[], values: readonly unknown[]): SiteData {
  const entries = properties.map((property, index) => [property, values[index]] as const);
  return Object.fromEntries(entries.filter(([, value]) => !isEmpty(value))) as unknown as SiteData;
}

/** What was given to say "none": no part of the normalised site. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0);
}

function asksLetsEncrypt({ tls }: SiteArgs): boolean {
  return typeof tls === "object" && "letsEncrypt" in tls;
}
