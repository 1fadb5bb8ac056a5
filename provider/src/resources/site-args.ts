import type * as pulumi from "@pulumi/pulumi";
import type { CertificatePaths, HeaderChange, RoutingRule } from "../gateway/site";
import { type GatewayCertificate, isGatewayCertificate, referenceTo } from "./gateway-certificate";
import { SelfSignedCA } from "./self-signed-ca";

/** The four ways of TLS. */
export type SiteTlsArgs =
  /** Plain HTTP. Good for tests, and behind a proxy on the same machine. */
  | "disabled"
  /** A certificate of your own: a resource, whose files are placed, or the paths of files that are on the server. */
  | { readonly certificate: GatewayCertificate | CertificatePathsArgs }
  /** The gateway gets a certificate from Let's Encrypt by itself. Rehearse with `staging: true` first. */
  | {
      readonly letsEncrypt: {
        readonly email: pulumi.Input<string>;
        /** Must be true: the agreement of Let's Encrypt is accepted by you. */
        readonly acceptEula: pulumi.Input<boolean>;
        readonly staging?: pulumi.Input<boolean>;
      };
    }
  /** A certificate of a local CA: of `ca`, by a leaf that is issued here, else of one that the gateway makes. */
  | {
      readonly selfSigned: {
        readonly ca?: SelfSignedCA;
        /** The names of the certificate. Default: those of the site. */
        readonly hostnames?: pulumi.Input<pulumi.Input<string>[]>;
      };
    };

/** {@link CertificatePaths} as arguments. */
export type CertificatePathsArgs = InputsOf<CertificatePaths>;

/** The same properties, each of which may be an output of another resource. */
export type InputsOf<T> = { readonly [Name in keyof T]: pulumi.Input<NonNullable<T[Name]>> };

/** The arguments of a {@link Site}, and of a site that is given to a {@link Gateway} as data. */
export interface SiteArgs {
  /**
   * Where the site listens, as `host:port`: an address, a host name (answers this name only), or `0.0.0.0` (answers
   * every name). `":8443"` is `0.0.0.0:8443`.
   */
  readonly binds: pulumi.Input<pulumi.Input<string>[]>;
  /** Names by which clients reach the site beyond the named hosts of its binds. */
  readonly hostnames?: pulumi.Input<pulumi.Input<string>[]>;
  /** The URL that users type, when a proxy stands before the gateway: `https://cells.example.com`. */
  readonly externalUrl?: pulumi.Input<string>;
  /** How the site is secured. Plain HTTP must be asked for: `"disabled"`. */
  readonly tls: SiteTlsArgs;
  /** Redirects plain HTTP to HTTPS. Default false. */
  readonly redirectToHttps?: pulumi.Input<boolean>;
  /** Changes of headers, applied in this order. */
  readonly headers?: pulumi.Input<pulumi.Input<InputsOf<HeaderChange>>[]>;
  /** Which routes of the application are served; the first rule for a route counts. Default: all. */
  readonly routing?: pulumi.Input<pulumi.Input<InputsOf<RoutingRule>>[]>;
  /** Answers with the maintenance page; `except` names addresses that still get in. */
  readonly maintenance?: pulumi.Input<
    boolean | { readonly except?: readonly string[]; readonly conditions?: readonly string[] }
  >;
  /** Port of the gateway's separate clear gRPC service, when TLS is off. Default 33060. */
  readonly grpcPort?: pulumi.Input<number>;
}

/** A site as the provider takes it, and the resources that it refers to. */
export interface SiteParts {
  /** JSON values and outputs; certificates and CAs by their names. */
  readonly data: Record<string, unknown>;
  readonly certificate?: GatewayCertificate;
  /** The CA that is to issue a leaf for this site. */
  readonly ca?: SelfSignedCA;
}

/** Takes a site's arguments apart. Nothing is validated here: the constructor can't see what is unknown. */
export function readSiteArgs(name: string, args: SiteArgs): SiteParts {
  const { tls } = args;
  if (typeof tls === "object" && tls !== null && "certificate" in tls && isGatewayCertificate(tls.certificate)) {
    const { certificate } = tls;
    return { data: { ...args, name, tls: { certificate: referenceTo(certificate) } }, certificate };
  }
  if (typeof tls === "object" && tls !== null && "selfSigned" in tls && SelfSignedCA.isInstance(tls.selfSigned?.ca)) {
    const { ca } = tls.selfSigned;
    return { data: { ...args, name, tls: { selfSigned: { ...tls.selfSigned, ca: ca.resourceName } } }, ca };
  }
  return { data: { ...args, name } };
}
