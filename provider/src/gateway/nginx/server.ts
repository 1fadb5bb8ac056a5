import type { ProxyProtocol, TlsProfile } from "../model/site";
import { opensslGroups, tlsProfileFigures } from "../model/tls-profiles";
import { effectiveUpstream } from "../model/upstream";
import { certificateFiles, clientCaFile } from "../proxy/files";
import { type Listener, type ListenerRedirect, type ListenerSite, renderAddress } from "../proxy/listeners";
import { block, type Directive, directive, quoted, type RawWord, raw, type Word } from "../syntax/directives";
import { challengeAnswer } from "./acme";
import { pattern, returnIf } from "./dialect";
import { responseHeaders } from "./headers";
import { hasHttp2Directive, type NginxOptions } from "./options";
import { judgementDirectives, upstreamDirectives } from "./proxy";
import { common, type NginxVariables } from "./variables";

/** Of the roots that a chain of a client may have between it and its authority; nginx's own 1 allows no intermediate. */
const VERIFY_DEPTH = "9";

/**
 * Whatever the server's own `http` block has: no version is told, and headers whose names have an underscore are dropped,
 * since upstreams may take `X_Forwarded_For` for `X-Forwarded-For`.
 */
const serverSettings: readonly Directive[] = [
  directive("server_tokens", "off"),
  directive("ignore_invalid_headers", "on"),
  directive("underscores_in_headers", "off"),
];

/** The server of one site on all its listeners. */
export function siteServer(
  { site, names }: ListenerSite,
  listeners: readonly Listener[],
  options: NginxOptions,
  variables: NginxVariables,
): Directive {
  const isTls = listeners[0]?.isTls === true;
  const upstream = effectiveUpstream(site);
  const certificate = certificateFiles(site, options, "pair");
  const clients = clientCaFile(site, options);
  const modules =
    upstream?.scheme === "h2c" ? (["grpc"] as const) : upstream?.grpc ? bothModules : (["proxy"] as const);
  const challenges = answerOn(listeners, variables);
  const hostRule = !isTls || names.length === 0 ? common.misdirectedHost : common.misdirected;
  return block(
    ["server"],
    [
      ...listens(listeners, names.length === 0, options),
      ...serverName(names),
      ...serverSettings,
      ...proxyProtocolDirectives(site.proxyProtocol),
      ...(isTls ? tlsDirectives(listeners, options) : []),
      ...(certificate === undefined
        ? []
        : [
            directive("ssl_certificate", quoted(certificate.certFile)),
            directive("ssl_certificate_key", quoted(certificate.keyFile)),
          ]),
      ...(clients === undefined
        ? []
        : [
            directive("ssl_client_certificate", quoted(clients)),
            directive("ssl_verify_client", "on"),
            directive("ssl_verify_depth", VERIFY_DEPTH),
          ]),
      ...responseHeaders(site, modules, variables),
      // the page of maintenance has the same type
      ...(site.maintenance === undefined ? challenges : challenges.slice(1)),
      returnIf(hostRule, "421"),
      ...(isTls && names.length === 0 ? handshakesOfOthers(listeners, variables) : []),
      ...judgementDirectives(site, variables),
      ...upstreamDirectives(site, options, variables),
    ],
  );
}

/** A site without names takes any host, and no handshake that was for a site with a name beside it on all its listeners. */
function handshakesOfOthers(listeners: readonly Listener[], variables: NginxVariables): readonly Directive[] {
  const [first = [], ...rest] = listeners.map(({ sites }) => sites.flatMap(({ names }) => names));
  const others = rest.map((names) => new Set(names));
  const named = first.filter((name) => others.every((names) => names.has(name)));
  if (named.length === 0) return [];
  const entries = named.map((name): readonly [Word, Word] => [namePattern(name), "1"]);
  return [returnIf(variables.map("$ssl_server_name", [...entries, ["default", "0"]]), "421")];
}

const bothModules = ["proxy", "grpc"] as const;

/** Sends plain HTTP of a site on to its https, to one port of it. */
export function redirectServer(
  { site, names, port }: ListenerRedirect,
  listeners: readonly Listener[],
  options: NginxOptions,
  variables: NginxVariables,
): Directive {
  return block(
    ["server"],
    [
      ...listens(listeners, names.length === 0, options),
      ...serverName(names),
      ...serverSettings,
      ...proxyProtocolDirectives(site.proxyProtocol),
      ...answerOn(listeners, variables),
      returnIf(common.misdirectedHost, "421"),
      // HTTP/1.0 may come without a host, and there is no name to send it to
      ...(names.length === 0 ? [block(["if", raw("($host"), raw('= "")')], [directive("return", "400")])] : []),
      directive("return", "308", raw(`https://$host${port === 443 ? "" : `:${port}`}$request_uri`)),
    ],
  );
}

/** Answers names that no site has: without it nginx would take the first site. */
export function unknownNameServer(listener: Listener, options: NginxOptions, variables: NginxVariables): Directive {
  return block(
    ["server"],
    [
      ...listens([listener], true, options),
      ...serverSettings,
      ...(listener.isTls ? [...tlsDirectives([listener], options), directive("ssl_reject_handshake", "on")] : []),
      ...answerOn([listener], variables),
      directive("return", "421"),
    ],
  );
}

/** On the port of plain HTTP, where the gateway is to answer: other ports of the server are left alone. */
function answerOn(listeners: readonly Listener[], variables: NginxVariables): readonly Directive[] {
  const answering = listeners.find(({ acmeThumbprint }) => acmeThumbprint !== undefined);
  if (answering?.acmeThumbprint === undefined) return [];
  return challengeAnswer([{ thumbprint: answering.acmeThumbprint, hostnames: [] }], answering.port, variables);
}

function listens(listeners: readonly Listener[], isDefault: boolean, options: NginxOptions): readonly Directive[] {
  const hasHttp2 = hasHttp2Directive(options);
  const lines = listeners.map((listener) => {
    const words = [renderAddress(listener)];
    if (isDefault) words.push("default_server");
    if (listener.isTls) words.push("ssl");
    if (listener.isTls && !hasHttp2) words.push("http2");
    if (listener.proxyProtocol !== undefined) words.push("proxy_protocol");
    return directive("listen", ...words);
  });
  return listeners[0]?.isTls === true && hasHttp2 ? [...lines, directive("http2", "on")] : lines;
}

/** A wildcard of nginx stands for any number of labels, so one label is said by a pattern; whole names win over it. */
function serverName(names: readonly string[]): readonly Directive[] {
  if (names.length === 0) return [];
  const words = names.map((name): Word => {
    if (name.startsWith("*.")) return namePattern(name);
    return name.includes(":") ? `[${name}]` : name;
  });
  return [directive("server_name", ...words)];
}

function namePattern(name: string): RawWord {
  const [label, rest] = name.startsWith("*.") ? ["[^.]+", name.slice(1)] : ["", name];
  return pattern(`^${label}${rest.replaceAll(".", "[.]")}$`);
}

function proxyProtocolDirectives(proxyProtocol: ProxyProtocol | undefined): readonly Directive[] {
  if (proxyProtocol === undefined) return [];
  const trusted = proxyProtocol.trusted.map((range) => directive("set_real_ip_from", range));
  return [...trusted, directive("real_ip_header", "proxy_protocol")];
}

function tlsDirectives(listeners: readonly Listener[], options: NginxOptions): readonly Directive[] {
  const profile: TlsProfile = listeners[0]?.tlsProfile ?? "intermediate";
  const { protocols, ciphers } = tlsProfileFigures[profile];
  // a session of a site without client certificates must never open one with them (CVE-2025-23419)
  const isShared = listeners.every(({ sites }) => sites.every(({ site }) => site.clientAuth === undefined));
  return [
    directive("ssl_protocols", ...protocols),
    ...(ciphers.length === 0 ? [] : [directive("ssl_ciphers", ciphers.join(":"))]),
    directive("ssl_ecdh_curve", opensslGroups(profile, options.opensslVersion).join(":")),
    directive("ssl_prefer_server_ciphers", "off"),
    directive("ssl_session_tickets", "off"),
    directive("ssl_session_cache", isShared ? "shared:tls_gateway:10m" : "off"),
    directive("ssl_stapling", "off"),
  ];
}
