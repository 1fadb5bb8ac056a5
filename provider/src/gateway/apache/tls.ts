import { type Hsts, renderHsts, type SiteData, type TlsProfile } from "../model/site";
import { opensslGroups, tlsProfileFigures } from "../model/tls-profiles";
import { certificateFiles, clientCaFile } from "../proxy/files";
import { type Directive, directive, quoted, raw } from "../syntax/directives";
import { pattern } from "./dialect";
import type { ApacheOptions } from "./options";

/** Clients' chains of this many intermediates and no more, for clients and for upstreams. */
const VERIFY_DEPTH = "9";

/** TLS of a site's virtual host: its certificate, the profile of its listener, and its clients' certificates. */
export function siteTls(site: SiteData, profile: TlsProfile, options: ApacheOptions): readonly Directive[] {
  const clients = clientCaFile(site, options);
  return [
    directive("SSLEngine", "on"),
    ...certificate(site, options),
    ...offers(profile, options),
    directive("Protocols", "h2", "http/1.1"),
    ...(clients === undefined
      ? []
      : [
          directive("SSLCACertificateFile", quoted(clients)),
          directive("SSLVerifyClient", "require"),
          directive("SSLVerifyDepth", VERIFY_DEPTH),
        ]),
  ];
}

/**
 * TLS for names that no site has. Apache needs a certificate for it, here that of one of the sites, and would show it: but
 * it has no cipher suite that a client could use with it, as keys that both sides know beforehand (RFC 4279) are none. So
 * the handshake is refused.
 */
export function refusingTls(site: SiteData, profile: TlsProfile, options: ApacheOptions): readonly Directive[] {
  return [
    directive("SSLEngine", "on"),
    ...certificate(site, options),
    directive("SSLProtocol", "-all", "+TLSv1.2"),
    directive("SSLCipherSuite", "PSK-AES256-GCM-SHA384"),
    directive("SSLOpenSSLConfCmd", "Groups", opensslGroups(profile, options.opensslVersion).join(":")),
    directive("SSLSessionTickets", "off"),
  ];
}

/** TLS towards an upstream: verified by `rootFile` and, since the host of the request is its name, by that name. */
export function upstreamTls(rootFile: string): readonly Directive[] {
  return [
    directive("SSLProxyEngine", "on"),
    directive("SSLProxyProtocol", "-all", "+TLSv1.2", "+TLSv1.3"),
    directive("SSLProxyCACertificateFile", quoted(rootFile)),
    directive("SSLProxyVerify", "require"),
    directive("SSLProxyVerifyDepth", VERIFY_DEPTH),
    directive("SSLProxyCheckPeerName", "on"),
    directive("SSLProxyCheckPeerExpire", "on"),
  ];
}

/** Whoever resumes a session of another site, or comes in by its handshake, has no certificate for this one. */
export function clientRules(): readonly Directive[] {
  return [
    directive("RewriteCond", raw("%{SSL:SSL_CLIENT_VERIFY}"), "!=SUCCESS"),
    directive("RewriteRule", "^", "-", raw("[F,L]")),
  ];
}

/** The host of the request must be the name of the handshake: what other sites ask of their clients counts there alone. */
export function handshakeRules(): readonly Directive[] {
  return [
    directive("RewriteCond", raw('"%{SSL:SSL_TLS_SNI}|%{SERVER_NAME}"'), pattern("!^([^|]+)\\|\\1\\z"), raw("[NC]")),
    directive("RewriteRule", "^", "-", raw("[R=421,L]")),
  ];
}

/** Strict-Transport-Security, once on every answer: Apache's own errors have a table of headers beside the usual one. */
export function hstsHeaders(hsts: Hsts): readonly Directive[] {
  return [
    directive("Header", "onsuccess", "unset", "Strict-Transport-Security"),
    directive("Header", "always", "set", "Strict-Transport-Security", quoted(renderHsts(hsts))),
  ];
}

function certificate(site: SiteData, options: ApacheOptions): readonly Directive[] {
  const paths = certificateFiles(site, options, "pair");
  if (paths === undefined) return [];
  return [
    directive("SSLCertificateFile", quoted(paths.certFile)),
    directive("SSLCertificateKeyFile", quoted(paths.keyFile)),
  ];
}

function offers(profile: TlsProfile, options: ApacheOptions): readonly Directive[] {
  const { protocols, ciphers, cipherSuites } = tlsProfileFigures[profile];
  return [
    directive("SSLProtocol", "-all", ...protocols.map((protocol) => `+${protocol}`)),
    ...(ciphers.length > 0 ? [directive("SSLCipherSuite", ciphers.join(":"))] : []),
    directive("SSLCipherSuite", "TLSv1.3", cipherSuites.join(":")),
    directive("SSLOpenSSLConfCmd", "Groups", opensslGroups(profile, options.opensslVersion).join(":")),
    directive("SSLHonorCipherOrder", "off"),
    directive("SSLSessionTickets", "off"),
    directive("SSLUseStapling", "off"),
  ];
}
