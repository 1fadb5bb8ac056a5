import { type EnvoyMessage, typed } from "./envoy/message";
import type { EnvoyOptions } from "./envoy/options";
import { certificateSecret, clientSecret, secretReference } from "./envoy/secrets";
import type { SiteData, TlsProfile } from "./model/site";
import { tlsProfileFigures } from "./model/tls-profiles";
import { clientCaFile } from "./proxy/files";

/** OpenSSL's names of groups in BoringSSL. */
const groupNames: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384" };

/**
 * The TLS of a site towards its clients. Suites of TLS 1.3 can't be chosen in Envoy; tickets are off, so that no
 * session outlives its keys.
 */
export function downstreamTls(site: SiteData, profile: TlsProfile, options: EnvoyOptions): EnvoyMessage {
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
