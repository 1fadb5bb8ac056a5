import type { SiteData } from "../model/site";
import { type EffectiveUpstream, effectiveUpstream } from "../model/upstream";
import { upstreamRootFile } from "../proxy/files";
import { type TraefikValue, traefikName } from "./names";
import type { TraefikOptions } from "./options";

/** The service of a site's requests, or of those of gRPC. */
export function serviceName({ name }: SiteData, use: "http" | "grpc"): string {
  return `${use}-${traefikName(name)}`;
}

/** Whether requests of gRPC need a service of their own. */
export function hasGrpcService({ grpc, scheme }: EffectiveUpstream): boolean {
  return grpc && scheme !== "h2c";
}

/** `services` and `serversTransports` of all sites. */
export function traefikServices(
  sites: readonly SiteData[],
  options: TraefikOptions,
): { readonly services: TraefikValue; readonly serversTransports: TraefikValue } {
  const services: Record<string, TraefikValue> = {};
  const serversTransports: Record<string, TraefikValue> = {};
  for (const site of sites) {
    const upstream = effectiveUpstream(site);
    if (upstream === undefined) continue;
    for (const use of hasGrpcService(upstream) ? (["http", "grpc"] as const) : (["http"] as const)) {
      const name = serviceName(site, use);
      services[name] = {
        loadBalancer: { passHostHeader: true, servers: [{ url: serverUrl(upstream, use) }], serversTransport: name },
      };
      serversTransports[name] = transport(site, upstream, use, options);
    }
  }
  return { services, serversTransports };
}

function serverUrl({ scheme, authority }: EffectiveUpstream, use: "http" | "grpc"): string {
  return `${scheme === "http" && use === "grpc" ? "h2c" : scheme}://${authority}`;
}

/** Towards https HTTP/2 is used for gRPC alone: a WebSocket can't be asked for in it. */
function transport(
  site: SiteData,
  upstream: EffectiveUpstream,
  use: "http" | "grpc",
  options: TraefikOptions,
): TraefikValue {
  const root = upstreamRootFile(site, options);
  return {
    ...(upstream.scheme === "https" && { serverName: upstream.serverName }),
    ...(upstream.scheme === "https" && root !== undefined && { rootCAs: [root] }),
    ...(upstream.scheme !== "h2c" && use === "http" && { disableHTTP2: true }),
    forwardingTimeouts: {
      dialTimeout: `${upstream.connectSeconds}s`,
      responseHeaderTimeout: `${upstream.responseSeconds}s`,
    },
  };
}
