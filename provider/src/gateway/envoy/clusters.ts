import { ipOctets } from "../../x509/names/ip-address";
import type { SiteData } from "../model/site";
import { type EffectiveUpstream, effectiveUpstream } from "../model/upstream";
import { upstreamRootFile } from "../proxy/files";
import { type EnvoyMessage, seconds, typed } from "./message";
import type { EnvoyOptions } from "./options";
import { secretReference, upstreamSecret } from "./secrets";

/** Roots of the server's system, where Debian and its likes have them. */
const SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt";

/** Envoy would turn away what exceeds 1,024 requests, connections or WebSockets of an upstream. */
const MOST_REQUESTS = 1_000_000;

/** The cluster of a site's requests, or of those of gRPC. */
export function clusterName({ name }: SiteData, use: "http" | "grpc"): string {
  return `${use}/${name}`;
}

/** The upstreams of all sites; one that speaks gRPC beside HTTP/1.1 has two clusters. */
export function envoyClusters(sites: readonly SiteData[], options: EnvoyOptions): readonly EnvoyMessage[] {
  return sites.flatMap((site) => {
    const upstream = effectiveUpstream(site);
    if (upstream === undefined) return [];
    const plain = cluster(site, upstream, "http", options);
    return upstream.grpc && upstream.scheme !== "h2c" ? [plain, cluster(site, upstream, "grpc", options)] : [plain];
  });
}

function cluster(
  site: SiteData,
  upstream: EffectiveUpstream,
  use: "http" | "grpc",
  options: EnvoyOptions,
): EnvoyMessage {
  const name = clusterName(site, use);
  const isHttp2 = use === "grpc" || upstream.scheme === "h2c";
  const address = { socket_address: { address: upstream.host, port_value: upstream.port } };
  const limits = {
    max_connections: MOST_REQUESTS,
    max_pending_requests: MOST_REQUESTS,
    max_requests: MOST_REQUESTS,
  };
  return typed("envoy.config.cluster.v3.Cluster", {
    name,
    ...discovery(upstream.host),
    connect_timeout: seconds(upstream.connectSeconds),
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    circuit_breakers: { thresholds: [limits] },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        { explicit_http_config: isHttp2 ? { http2_protocol_options: {} } : { http_protocol_options: {} } },
      ),
    },
    ...(upstream.scheme === "https" && { transport_socket: upstreamTls(site, upstream, isHttp2, options) }),
  });
}

/** Names are asked for again as their records run out. */
function discovery(host: string): EnvoyMessage {
  if (ipOctets(host) !== undefined) return { type: "STATIC" };
  return {
    cluster_type: {
      name: "envoy.cluster.dns",
      typed_config: typed("envoy.extensions.clusters.dns.v3.DnsCluster", {
        dns_lookup_family: "V4_PREFERRED",
        respect_dns_ttl: true,
      }),
    },
  };
}

/** The name is verified beside the chain: Envoy would take any certificate of the root. */
function upstreamTls(
  site: SiteData,
  { serverName }: EffectiveUpstream,
  isHttp2: boolean,
  options: EnvoyOptions,
): EnvoyMessage {
  const isAddress = ipOctets(serverName) !== undefined;
  const names = [{ san_type: isAddress ? "IP_ADDRESS" : "DNS", matcher: { exact: serverName } }];
  const secret = upstreamSecret(site, options);
  const trusted = { filename: upstreamRootFile(site, options) ?? SYSTEM_ROOTS };
  const common = {
    tls_params: { tls_minimum_protocol_version: "TLSv1_2", tls_maximum_protocol_version: "TLSv1_3" },
    alpn_protocols: [isHttp2 ? "h2" : "http/1.1"],
    ...(secret === undefined
      ? { validation_context: { trusted_ca: trusted, match_typed_subject_alt_names: names } }
      : {
          combined_validation_context: {
            default_validation_context: { match_typed_subject_alt_names: names },
            validation_context_sds_secret_config: secretReference(secret, options),
          },
        }),
  };
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", {
      ...(!isAddress && { sni: serverName }),
      common_tls_context: common,
    }),
  };
}
