import type { SiteData, TlsProfile } from "../model/site";
import { tlsProfileFigures } from "../model/tls-profiles";
import { clientCaFile } from "../proxy/files";
import { type Listener, renderAddress } from "../proxy/listeners";
import { identityHeaders } from "../proxy/untrusted";
import { challengeLua } from "./acme";
import { HEADER_FILTER } from "./headers";
import { cidrRange, type EnvoyMessage, seconds, typed } from "./message";
import type { EnvoyOptions } from "./options";
import { BODY_FILTER, exceptionGroups, misdirected, redirectHost, siteHost, sitesInMaintenance } from "./routes";
import { certificateSecret, clientSecret, secretReference } from "./secrets";

/**
 * Refuses a request whose Host is not the name of its handshake, where a wildcard lets more than one name in: nothing else
 * in Envoy compares what comes with what came. LuaJIT; no text of a user stands in it.
 */
export const SNI_GUARD = `function envoy_on_request(request_handle)
  local host = string.lower(request_handle:headers():get(":authority") or "")
  host = string.gsub(host, ":%d+$", "")
  if host ~= string.lower(request_handle:streamInfo():requestedServerName()) then
    request_handle:respond({[":status"] = "421", ["content-type"] = "text/plain"}, "Misdirected Request\\n")
  end
end
`;

/** Of HTTP/2, what Envoy's best practices for the edge say. */
const MOST_STREAMS = 100;
/** For the head of a request: who is slower holds a connection for nothing. */
const HEAD_SECONDS = 60;

/** All listeners; `0.0.0.0` and `::` of a port are one, with two addresses. */
export function envoyListeners(listeners: readonly Listener[], options: EnvoyOptions): readonly EnvoyMessage[] {
  const v6 = new Map(listeners.filter(({ address }) => address === "::").map((one) => [one.port, one] as const));
  const merged = new Set<Listener>();
  for (const listener of listeners) {
    const twin = listener.address === "0.0.0.0" ? v6.get(listener.port) : undefined;
    if (twin !== undefined && isTwin(listener, twin)) merged.add(twin);
  }
  return listeners
    .filter((listener) => !merged.has(listener))
    .map((listener) => {
      const twin = listener.address === "0.0.0.0" ? v6.get(listener.port) : undefined;
      return envoyListener(listener, twin !== undefined && merged.has(twin) ? [twin] : [], options);
    });
}

function envoyListener(listener: Listener, twins: readonly Listener[], options: EnvoyOptions): EnvoyMessage {
  const { isTls, proxyProtocol } = listener;
  const filters = [
    ...(proxyProtocol === undefined ? [] : [listenerFilter("proxy_protocol", "ProxyProtocol")]),
    ...(isTls ? [listenerFilter("tls_inspector", "TlsInspector")] : []),
  ];
  return typed("envoy.config.listener.v3.Listener", {
    name: renderAddress(listener),
    address: socketAddress(listener),
    ...(twins.length > 0 && { additional_addresses: twins.map((twin) => ({ address: socketAddress(twin) })) }),
    ...(filters.length > 0 && { listener_filters: filters }),
    filter_chains: isTls ? tlsChains(listener, options) : plainChains(listener, options),
  });
}

/** One chain for each name, so that a request finds nothing but the site of its handshake. */
function tlsChains(listener: Listener, options: EnvoyOptions): readonly EnvoyMessage[] {
  return listener.sites.flatMap(({ site, names }) =>
    exceptionGroups(site.maintenance === undefined ? [] : [site]).flatMap(({ ranges, isExcepted }) => {
      const transport = downstreamTls(site, listener.tlsProfile, options);
      return (names.length === 0 ? [undefined] : names).map((name) => {
        const own = siteHost({ site, isExcepted: isExcepted(site) }, name);
        const hosts = name === undefined ? [own] : [own, misdirected];
        return {
          name: `${site.name} ${name ?? "*"}${ranges.length > 0 ? " excepted" : ""}`,
          filter_chain_match: {
            ...(name !== undefined && { server_names: [name] }),
            transport_protocol: "tls",
            ...sources(listener, ranges),
          },
          filters: [connectionManager([site], hosts, name?.startsWith("*.") === true ? SNI_GUARD : undefined)],
          transport_socket: transport,
        };
      });
    }),
  );
}

function plainChains(listener: Listener, options: EnvoyOptions): readonly EnvoyMessage[] {
  const { sites, redirects, acmeThumbprint } = listener;
  const isAnyName = [...sites, ...redirects].some(({ names }) => names.length === 0);
  const redirecting = redirects.flatMap((redirect) =>
    namesOrAny(redirect.names).map((name) => redirectHost(redirect, name, options.httpPort)),
  );
  return exceptionGroups(sitesInMaintenance(sites)).map(({ ranges, isExcepted }, index) => {
    const hosts = sites.flatMap(({ site, names }) =>
      namesOrAny(names).map((name) => siteHost({ site, isExcepted: isExcepted(site) }, name)),
    );
    const all = [...hosts, ...redirecting, ...(isAnyName ? [] : [misdirected])];
    const match = sources(listener, ranges);
    return {
      name: ranges.length > 0 ? `excepted ${index + 1}` : "all",
      ...(Object.keys(match).length > 0 && { filter_chain_match: match }),
      filters: [
        connectionManager(
          sites.map(({ site }) => site),
          all,
          acmeThumbprint === undefined ? undefined : challengeLua([{ thumbprint: acmeThumbprint, hostnames: [] }]),
        ),
      ],
    };
  });
}

function namesOrAny(names: readonly string[]): readonly (string | undefined)[] {
  return names.length === 0 ? [undefined] : names;
}

/** Who may connect: with the PROXY protocol only those whose word counts, and by their word the clients of an exception. */
function sources({ proxyProtocol }: Listener, ranges: readonly string[]): EnvoyMessage {
  return {
    ...(proxyProtocol !== undefined && { direct_source_prefix_ranges: proxyProtocol.trusted.map(cidrRange) }),
    ...(ranges.length > 0 && { source_prefix_ranges: ranges.map(cidrRange) }),
  };
}

/** @param lua what looks at a request first */
export function connectionManager(
  sites: readonly SiteData[],
  hosts: readonly EnvoyMessage[],
  lua: string | undefined,
): EnvoyMessage {
  const filters = [
    ...(lua === undefined
      ? []
      : [httpFilter("envoy.filters.http.lua", "lua", "Lua", { default_source_code: { inline_string: lua } })]),
    untrustedFilter,
    httpFilter(HEADER_FILTER, "header_mutation", "HeaderMutation", { mutations: {} }),
    ...(sites.some(({ maxBodyBytes }) => maxBodyBytes !== undefined)
      ? [httpFilter(BODY_FILTER, "filter_chain", "FilterChainConfig")]
      : []),
    // what Envoy would tell of itself
    httpFilter("envoy.filters.http.router", "router", "Router", { suppress_envoy_headers: true }),
  ];
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
      stat_prefix: "tls_gateway",
      route_config: {
        // the files of clusters and listeners are read one after the other, in either order
        validate_clusters: false,
        ignore_port_in_host_matching: true,
        virtual_hosts: hosts,
      },
      http_filters: filters,
      use_remote_address: true,
      skip_xff_append: true,
      internal_address_config: { unix_sockets: false },
      server_header_transformation: "PASS_THROUGH",
      generate_request_id: false,
      // upstreams may take X_Forwarded_For for X-Forwarded-For
      common_http_protocol_options: { headers_with_underscores_action: "DROP_HEADER" },
      normalize_path: false,
      merge_slashes: false,
      path_with_escaped_slashes_action: "KEEP_UNCHANGED",
      request_headers_timeout: seconds(HEAD_SECONDS),
      http2_protocol_options: { max_concurrent_streams: MOST_STREAMS },
      upgrade_configs: [{ upgrade_type: "websocket" }],
    }),
  };
}

/** Takes away what clients say of themselves, before a site's own changes: a filter of its own, so that the order is plain. */
const untrustedFilter: EnvoyMessage = {
  name: "tls_gateway.untrusted_headers",
  typed_config: typed("envoy.extensions.filters.http.header_mutation.v3.HeaderMutation", {
    mutations: { request_mutations: identityHeaders.map((name) => ({ remove: name.toLowerCase() })) },
  }),
};

function httpFilter(name: string, folder: string, message: string, fields: EnvoyMessage = {}): EnvoyMessage {
  return { name, typed_config: typed(`envoy.extensions.filters.http.${folder}.v3.${message}`, fields) };
}

function listenerFilter(name: string, message: string): EnvoyMessage {
  return {
    name: `envoy.filters.listener.${name}`,
    typed_config: typed(`envoy.extensions.filters.listener.${name}.v3.${message}`),
  };
}

export function socketAddress({ address, port }: Pick<Listener, "address" | "port">): EnvoyMessage {
  return { socket_address: { address, port_value: port } };
}

function isTwin(one: Listener, other: Listener): boolean {
  return (
    one.sites.length === other.sites.length &&
    one.redirects.length === other.redirects.length &&
    one.sites.every(({ site }, index) => site === other.sites[index]?.site) &&
    one.redirects.every(
      ({ site, port }, index) => site === other.redirects[index]?.site && port === other.redirects[index]?.port,
    )
  );
}

/** OpenSSL's names of groups in BoringSSL. */
const groupNames: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384" };

/**
 * The TLS of a site towards its clients. Suites of TLS 1.3 can't be chosen in Envoy; tickets are off, so that no
 * session outlives its keys.
 */
function downstreamTls(site: SiteData, profile: TlsProfile, options: EnvoyOptions): EnvoyMessage {
  const certificate = certificateSecret(site, options);
  const common = {
    tls_params: tlsParameters(profile),
    ...(certificate !== undefined && { tls_certificate_sds_secret_configs: [secretReference(certificate, options)] }),
    ...clientContext(site, options),
    alpn_protocols: ["h2", "http/1.1"],
  };
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: typed("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", {
      common_tls_context: common,
      ...(site.clientAuth !== undefined && { require_client_certificate: true }),
      disable_stateless_session_resumption: true,
      prefer_client_ciphers: true,
    }),
  };
}

function tlsParameters(profile: TlsProfile): EnvoyMessage {
  const { protocols, ciphers, groups } = tlsProfileFigures[profile];
  return {
    tls_minimum_protocol_version: protocols.includes("TLSv1.2") ? "TLSv1_2" : "TLSv1_3",
    tls_maximum_protocol_version: "TLSv1_3",
    ...(ciphers.length > 0 && { cipher_suites: ciphers }),
    ecdh_curves: groups.map((group) => groupNames[group] ?? group),
  };
}

function clientContext(site: SiteData, options: EnvoyOptions): EnvoyMessage {
  const secret = clientSecret(site, options);
  if (secret !== undefined) return { validation_context_sds_secret_config: secretReference(secret, options) };
  const path = clientCaFile(site, options);
  return path === undefined ? {} : { validation_context: { trusted_ca: { filename: path } } };
}
