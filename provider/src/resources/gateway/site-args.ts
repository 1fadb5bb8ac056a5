import type * as pulumi from "@pulumi/pulumi";
import type {
  CertificatePaths,
  HeaderChange,
  Hsts,
  RoutingRule,
  SiteTimeouts,
  SiteUpstream,
  TlsProfile,
} from "../../gateway/model/site";
import { SelfSignedCA } from "../certificate/self-signed-ca";
import { type GatewayCertificate, isGatewayCertificate, referenceTo } from "./certificate-reference";

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
type CertificatePathsArgs = InputsOf<CertificatePaths>;

/** The same properties, each of which may be an output of another resource. */
type InputsOf<T> = { readonly [Name in keyof T]: pulumi.Input<NonNullable<T[Name]>> };

/** The server behind a proxy. */
type SiteUpstreamArgs = InputsOf<Omit<SiteUpstream, "rootCa">> & {
  /** `http://`, `https://` or, for HTTP/2 without TLS, `h2c://`, with host and port. */
  readonly url: pulumi.Input<string>;
  /**
   * The root, in PEM, that an https upstream is verified by: `ca.certPem` of a {@link SelfSignedCA}, or the `rootCA.pem` of
   * Cells. It is placed beside the configuration. Default: the roots of the server's system.
   */
  readonly rootCaPem?: pulumi.Input<string>;
};

/** Clients must have a certificate of one of these authorities. */
interface ClientAuthArgs {
  /** Certificates of the authorities, PEM: `ca.certPem` of a {@link SelfSignedCA}. Placed beside the configuration. */
  readonly caPem?: pulumi.Input<string>;
  /** Or the path, on the server, of such a file. */
  readonly caFile?: pulumi.Input<string>;
}

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
  /**
   * Which routes of the application are served: ids for Cells, where the first rule for a route counts, and paths such as
   * "/public" for a proxy, where the longest counts. What no rule allows is denied. Default: all.
   */
  readonly routing?: pulumi.Input<pulumi.Input<InputsOf<RoutingRule>>[]>;
  /** Answers with the maintenance page; `except` names addresses that still get in. */
  readonly maintenance?: pulumi.Input<
    | boolean
    | {
        readonly except?: readonly string[];
        readonly conditions?: readonly string[];
        readonly retryAfterSeconds?: number;
      }
  >;
  /** Port of the gateway's separate clear gRPC service, when TLS is off. Default 33060. */
  readonly grpcPort?: pulumi.Input<number>;
  /** Where a proxy sends the requests. Not for Cells as the gateway, which is its own application. */
  readonly upstream?: SiteUpstreamArgs;
  /** Only clients with a certificate get in (mTLS). */
  readonly clientAuth?: ClientAuthArgs;
  /** Strict-Transport-Security; `true` is two years, for this host alone. Default: none. */
  readonly hsts?: pulumi.Input<boolean | InputsOf<Hsts>>;
  /** Default "intermediate"; the same for all sites of a listener. */
  readonly tlsProfile?: pulumi.Input<TlsProfile>;
  /** Every connection begins with a PROXY header, which counts when a trusted balancer sent it. */
  readonly proxyProtocol?: pulumi.Input<{ readonly trusted: pulumi.Input<pulumi.Input<string>[]> }>;
  /** Octets of the largest body of a request; beyond, the answer is 413. Default: no limit. */
  readonly maxBodyBytes?: pulumi.Input<number>;
  /** How long a proxy waits. Default: 10 s to connect, 60 s for an answer (an hour with Cells), an hour in tunnels. */
  readonly timeouts?: pulumi.Input<InputsOf<SiteTimeouts>>;
}

/** A site as the provider takes it, and the resources that it refers to. */
export interface SiteParts {
  /** JSON values and outputs; certificates and CAs by their names, no PEM. */
  readonly data: Record<string, unknown>;
  readonly certificate?: GatewayCertificate;
  /** The CA that is to issue a leaf for this site. */
  readonly ca?: SelfSignedCA;
  readonly authorities: SiteAuthorities;
}

/** Certificates of authorities, PEM, that are placed for a site: they stand in no state. */
export interface SiteAuthorities {
  readonly upstream?: pulumi.Input<string>;
  readonly clientAuth?: pulumi.Input<string>;
}

/** Takes a site's arguments apart. Nothing is validated here: the constructor can't see what is unknown. */
export function readSiteArgs(name: string, args: SiteArgs): SiteParts {
  const { tls } = args;
  const { data: plain, authorities } = withoutPem({ ...args, name });
  if (typeof tls === "object" && tls !== null && "certificate" in tls && isGatewayCertificate(tls.certificate)) {
    const { certificate } = tls;
    return { data: { ...plain, tls: { certificate: referenceTo(certificate) } }, certificate, authorities };
  }
  if (typeof tls === "object" && tls !== null && "selfSigned" in tls && SelfSignedCA.isInstance(tls.selfSigned?.ca)) {
    const { ca } = tls.selfSigned;
    return { data: { ...plain, tls: { selfSigned: { ...tls.selfSigned, ca: ca.resourceName } } }, ca, authorities };
  }
  return { data: plain, authorities };
}

/** The authorities' PEM out of the data: there it only says that they are placed, so it is known in every preview. */
function withoutPem(data: Record<string, unknown> & Pick<SiteArgs, "upstream" | "clientAuth">): {
  readonly data: Record<string, unknown>;
  readonly authorities: SiteAuthorities;
} {
  const { rootCaPem, ...upstream } = data.upstream ?? ({} as Partial<SiteUpstreamArgs>);
  const { caPem, ...clientAuth } = data.clientAuth ?? ({} as ClientAuthArgs);
  return {
    data: {
      ...data,
      ...(rootCaPem !== undefined && { upstream: { ...upstream, rootCa: true } }),
      ...(caPem !== undefined && { clientAuth: { ...clientAuth, ca: true } }),
    },
    authorities: {
      ...(rootCaPem !== undefined && { upstream: rootCaPem }),
      ...(caPem !== undefined && { clientAuth: caPem }),
    },
  };
}
