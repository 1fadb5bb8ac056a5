import type { SiteProblem } from "./problem";
import type { SiteData } from "./site";

/** What a site may ask of a gateway, in the order of the README's table: the name there, and how a site asks for it. */
export const gatewayFeatures = {
  certificate: {
    title: "a certificate of a resource, or of a SelfSignedCA",
    property: "tls",
    isUsed: ({ tls }) =>
      tls !== "disabled" &&
      (("certificate" in tls && "name" in tls.certificate) || ("selfSigned" in tls && tls.selfSigned.ca !== undefined)),
  },
  certificateFiles: {
    title: "certificate and key that lie on the server",
    property: "tls.certificate",
    isUsed: ({ tls }) => tls !== "disabled" && "certificate" in tls && "certFile" in tls.certificate,
  },
  letsEncrypt: {
    title: "asks Let's Encrypt by itself (`tls.letsEncrypt`)",
    property: "tls.letsEncrypt",
    isUsed: ({ tls }) => tls !== "disabled" && "letsEncrypt" in tls,
  },
  ownSelfSigned: {
    title: "makes a local certificate by itself (`tls.selfSigned` without `ca`)",
    property: "tls.selfSigned",
    isUsed: ({ tls }) => tls !== "disabled" && "selfSigned" in tls && tls.selfSigned.ca === undefined,
  },
  modernProfile: {
    title: '`tlsProfile: "modern"`',
    property: "tlsProfile",
    isUsed: ({ tlsProfile }) => tlsProfile === "modern",
  },
  redirect: {
    title: "http to https",
    property: "redirectToHttps",
    isUsed: ({ redirectToHttps }) => redirectToHttps === true,
  },
  hsts: { title: "HSTS", property: "hsts", isUsed: ({ hsts }) => hsts !== undefined },
  requestHeaders: {
    title: "changes of request headers",
    property: "headers",
    isUsed: ({ headers = [] }) => headers.some(({ on }) => on === "request"),
  },
  responseHeaders: {
    title: "changes of response headers",
    property: "headers",
    isUsed: ({ headers = [] }) => headers.some(({ on }) => on === "response"),
  },
  clientAuth: {
    title: "client certificates (mTLS)",
    property: "clientAuth",
    isUsed: ({ clientAuth }) => clientAuth !== undefined,
  },
  upstream: { title: "an upstream over http", property: "upstream", isUsed: ({ upstream }) => upstream !== undefined },
  upstreamTls: {
    title: "an upstream over https, verified",
    property: "upstream.url",
    isUsed: ({ upstream }) => upstream?.url.startsWith("https:") === true,
  },
  upstreamH2c: {
    title: "an upstream over h2c",
    property: "upstream.url",
    isUsed: ({ upstream }) => upstream?.url.startsWith("h2c:") === true,
  },
  grpc: {
    title: "gRPC by content type",
    property: "upstream.grpc",
    isUsed: ({ upstream }) => upstream?.grpc === true,
  },
  maxBodyBytes: {
    title: "largest body",
    property: "maxBodyBytes",
    isUsed: ({ maxBodyBytes }) => maxBodyBytes !== undefined,
  },
  timeouts: { title: "time-outs", property: "timeouts", isUsed: ({ timeouts }) => timeouts !== undefined },
  proxyProtocol: {
    title: "PROXY protocol",
    property: "proxyProtocol",
    isUsed: ({ proxyProtocol }) => proxyProtocol !== undefined,
  },
  maintenance: {
    title: "maintenance, with exceptions by address",
    property: "maintenance",
    isUsed: ({ maintenance }) => maintenance !== undefined,
  },
  conditions: {
    title: "maintenance by lines of Caddy's matchers",
    property: "maintenance.conditions",
    isUsed: ({ maintenance }) => maintenance?.conditions !== undefined,
  },
  routingPaths: {
    title: "routing by paths",
    property: "routing",
    isUsed: ({ routing = [] }) => routing.some(({ route }) => route.startsWith("/")),
  },
  routingIds: {
    title: "routing by Cells' ids, and rewrites",
    property: "routing",
    isUsed: ({ routing = [] }) =>
      routing.some(({ route, rewrite }) => rewrite !== undefined || !(route === "*" || route.startsWith("/"))),
  },
  grpcPort: {
    title: "a separate port for gRPC",
    property: "grpcPort",
    isUsed: ({ grpcPort }) => grpcPort !== undefined,
  },
} as const satisfies Record<string, Feature>;

interface Feature {
  readonly title: string;
  /** The property by which a site asks for it. */
  readonly property: string;
  readonly isUsed: (site: SiteData) => boolean;
}

/** The name of a feature. */
export type GatewayFeature = keyof typeof gatewayFeatures;

/** What a kind says of every feature. */
export type FeatureTable = Readonly<Record<GatewayFeature, true | string>>;

/** A table where everything is served but what is told, each with the reason: a clause that follows the kind's name. */
export function featuresBut(missing: { readonly [Name in GatewayFeature]?: string }): FeatureTable {
  const names = Object.keys(gatewayFeatures) as readonly GatewayFeature[];
  return Object.fromEntries(names.map((name) => [name, missing[name] ?? true])) as unknown as FeatureTable;
}

/**
 * Finds what these sites ask for and the kind can't serve; each says why, and names the kinds that can.
 *
 * @param kinds every kind by its name
 */
export function checkFeatures(
  kind: string,
  sites: readonly SiteData[],
  kinds: Readonly<Record<string, { readonly features: FeatureTable }>>,
): readonly SiteProblem[] {
  const missing = Object.entries(kinds[kind]?.features ?? {}).filter(([, served]) => served !== true);
  return missing.flatMap(([name, why]) => {
    const feature: Feature = gatewayFeatures[name as GatewayFeature];
    const able = Object.keys(kinds).filter((other) => kinds[other]?.features[name as GatewayFeature] === true);
    const instead = able.length === 0 ? "No kind can" : `Kinds that can: ${able.join(", ")}`;
    return sites
      .filter((site) => feature.isUsed(site))
      .map((site) => ({ site: site.name, property: feature.property, reason: `${kind} ${why}. ${instead}` }));
  });
}
