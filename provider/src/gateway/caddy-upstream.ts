import { ownHeaderOperations } from "./caddy/headers";
import { type JsonObject, type Route, seconds, subroute } from "./caddy/json";
import type { CaddyOptions } from "./caddy/options";
import type { SiteData } from "./model/site";
import { type EffectiveUpstream, effectiveUpstream } from "./model/upstream";
import { upstreamRootFile } from "./proxy/files";

/** What the connection to the upstream is for. */
type Purpose = "requests" | "tunnels" | "grpc";

/** The handler that sends a site's requests on: HTTP/1.1, apart for WebSockets, and HTTP/2 for gRPC. */
export function upstreamHandler(site: SiteData, options: CaddyOptions): JsonObject {
  const upstream = effectiveUpstream(site);
  if (upstream === undefined) throw new TypeError(`site "${site.name}" has no upstream`);
  const proxy = (purpose: Purpose): readonly JsonObject[] => [reverseProxy(site, upstream, purpose, options)];
  if (upstream.scheme === "h2c") return reverseProxy(site, upstream, "grpc", options);
  const routes: Route[] = [{ match: [{ header: { Upgrade: [] } }], handle: proxy("tunnels"), terminal: true }];
  if (upstream.grpc) {
    routes.unshift({
      match: [{ header: { "Content-Type": ["application/grpc*"] } }],
      handle: proxy("grpc"),
      terminal: true,
    });
  }
  return subroute([...routes, { handle: proxy("requests") }]);
}

function reverseProxy(
  site: SiteData,
  upstream: EffectiveUpstream,
  purpose: Purpose,
  options: CaddyOptions,
): JsonObject {
  return {
    handler: "reverse_proxy",
    upstreams: [{ dial: upstream.authority }],
    headers: {
      request: ownHeaderOperations(site),
      // ours stands there already, and Caddy would add the upstream's to it
      ...(site.hsts !== undefined && { response: { delete: ["Strict-Transport-Security"] } }),
    },
    // not for gRPC: its streams are told by themselves, and an error without a body would come apart in two frames
    ...(upstream.isStreamed && purpose !== "grpc" && { flush_interval: -1 }),
    // a reload cuts WebSockets off at once otherwise
    ...(purpose === "tunnels" && options.version !== "2.6" && { stream_close_delay: seconds(upstream.tunnelSeconds) }),
    transport: transport(site, upstream, purpose, options),
  };
}

function transport(site: SiteData, upstream: EffectiveUpstream, purpose: Purpose, options: CaddyOptions): JsonObject {
  const isTls = upstream.scheme === "https";
  return {
    protocol: "http",
    versions: [purpose !== "grpc" ? "1.1" : isTls ? "2" : "h2c"],
    ...(isTls && { tls: upstreamTls(site, upstream, options) }),
    // the client's Accept-Encoding as it is, and no unpacking on the way
    compression: false,
    dial_timeout: seconds(upstream.connectSeconds),
    // streams of gRPC may begin to answer when they like
    ...(purpose !== "grpc" && { response_header_timeout: seconds(upstream.responseSeconds) }),
    // not for requests: it would count while a body is on its way
    ...(purpose === "tunnels" && { read_timeout: seconds(upstream.tunnelSeconds) }),
    // HTTP_PROXY in Caddy's environment is not meant for upstreams
    ...(options.version !== "2.6" && { network_proxy: { from: "none" } }),
  };
}

/** Without a root of its own an upstream is verified by those of the server's system. */
function upstreamTls(site: SiteData, upstream: EffectiveUpstream, options: CaddyOptions): JsonObject {
  const root = upstreamRootFile(site, options);
  const pool =
    options.version === "2.6"
      ? { root_ca_pem_files: [root ?? ""] }
      : { ca: { provider: "file", pem_files: [root ?? ""] } };
  return {
    ...(root !== undefined && pool),
    server_name: upstream.serverName,
    handshake_timeout: seconds(upstream.connectSeconds),
  };
}
