import { type SiteData, sortedByName } from "../model/site";
import { certificateFiles, clientCaFile } from "../proxy/files";
import { type Listener, type ListenerSite, listenersOf, renderAddress } from "../proxy/listeners";
import { OTHER_UPGRADE, refusedMethods } from "../proxy/untrusted";
import { block, type Directive, directive, quoted, raw, renderDirectives, type Word } from "../syntax/directives";
import { caddyfileDialect, comment, placeholder } from "./caddyfile-dialect";
import { caddyfileSite } from "./caddyfile-site";
import type { JsonObject } from "./json";
import type { CaddyOptions } from "./options";
import { HOST_PATTERN, isStrict, removedHeaders } from "./routes";
import { automationOf, connectionPolicies } from "./tls";

/**
 * Renders the sites as a Caddyfile, for people to read: what it can't say stands in comments, and the JSON alone is what a
 * server is given.
 */
export function renderCaddyfile(sites: readonly SiteData[], options: CaddyOptions): string {
  const sorted = sortedByName(sites);
  const listeners = listenersOf(sorted, options);
  const directives = [globalOptions(sorted, listeners, options), untrustedSnippet, ...siteBlocks(listeners, options)];
  return renderDirectives(directives, caddyfileDialect);
}

const UNTRUSTED = "untrusted";

/** What every site begins with, as in the JSON: its `route` comes before that of the site, as directives of one name do. */
const untrustedSnippet: Directive = block(
  [`(${UNTRUSTED})`],
  [
    directive("@refused", "method", ...refusedMethods),
    directive("@strange", "not", "header_regexp", "Host", raw(`\`${HOST_PATTERN}\``)),
    directive("@upgrade", "header_regexp", "Upgrade", raw(`\`${OTHER_UPGRADE}\``)),
    block(
      ["route"],
      [
        directive("respond", "@refused", "405"),
        directive("respond", "@strange", "400"),
        directive("request_header", "@upgrade", "-Upgrade"),
        ...removedHeaders.map((name) => directive("request_header", `-${name}`)),
      ],
    ),
  ],
);

function globalOptions(sites: readonly SiteData[], listeners: readonly Listener[], options: CaddyOptions): Directive {
  const gets = sites.some((site) => automationOf(site) !== undefined);
  const strict = listeners.filter(({ isTls }) => isTls).every(isStrict) ? "on" : "insecure_off";
  const trusted = listeners.find(({ proxyProtocol }) => proxyProtocol !== undefined)?.proxyProtocol?.trusted;
  const ranges = trusted?.map((range) => (range.includes("/") ? range : `${range}/${range.includes(":") ? 128 : 32}`));
  const wrappers = block(
    ["listener_wrappers"],
    [block(["proxy_protocol"], [directive("allow", ...(ranges ?? []))]), directive("tls")],
  );
  return block(
    [],
    [
      directive("admin", options.admin),
      directive("auto_https", gets ? "disable_redirects" : "off"),
      directive("http_port", String(options.httpPort)),
      ...(gets ? [directive("skip_install_trust")] : []),
      block(
        ["servers"],
        [
          directive("protocols", "h1", "h2"),
          directive("strict_sni_host", strict),
          ...(ranges === undefined ? [] : [directive(comment("on the listeners of proxyProtocol alone")), wrappers]),
        ],
      ),
    ],
  );
}

/** What one site does on one port; a Caddyfile tells sites apart by name and port alone. */
interface Claim {
  readonly listener: Listener;
  readonly entry: ListenerSite;
  /** Absent for the requests themselves. */
  readonly redirectPort?: number;
  readonly addresses: string[];
}

function claimsOf(listeners: readonly Listener[]): readonly Claim[] {
  const claims = new Map<string, Claim>();
  for (const listener of listeners) {
    const redirects = listener.redirects.map((entry) => [entry, entry.port] as const);
    for (const [entry, redirectPort] of [...listener.sites.map((one) => [one] as const), ...redirects]) {
      const id = JSON.stringify([listener.port, entry.site.name, redirectPort]);
      const claim = claims.get(id) ?? {
        listener,
        entry,
        ...(redirectPort !== undefined && { redirectPort }),
        addresses: [],
      };
      claims.set(id, claim);
      claim.addresses.push(listener.address);
    }
  }
  return [...claims.values()];
}

function siteBlocks(listeners: readonly Listener[], options: CaddyOptions): readonly Directive[] {
  const taken = new Set<string>();
  const blocks: Directive[] = listeners
    .filter(({ acmeThumbprint }) => acmeThumbprint !== undefined)
    .map((one) => directive(comment(`on ${renderAddress(one)} challenges http-01 are answered before all else`)));
  for (const { listener, entry, redirectPort, addresses } of claimsOf(listeners)) {
    const names = entry.names.length === 0 ? [""] : entry.names;
    const all = names.map((name) => `${listener.isTls ? "https" : "http"}://${name}:${listener.port}`);
    const free = all.filter((address) => !taken.has(address));
    blocks.push(
      directive(comment(`${redirectPort === undefined ? "requests" : "redirect to https"} of site ${entry.site.name}`)),
    );
    for (const address of all.filter((one) => taken.has(one))) {
      blocks.push(directive(comment(`${address} stands above already, for another address of this machine`)));
    }
    for (const address of free) taken.add(address);
    const inner =
      redirectPort === undefined
        ? [...tlsDirectives(listener, entry, options), ...caddyfileSite(entry.site, options)]
        : [block(["route"], [redirectDirective(redirectPort)])];
    if (free.length > 0) {
      blocks.push(block(joined(free), [...bindOf(addresses), directive("import", UNTRUSTED), ...inner]));
    }
  }
  for (const { isTls, port } of listeners) {
    const rest = `http://:${port}`;
    if (isTls || taken.has(rest)) continue;
    taken.add(rest);
    const addresses = listeners.filter((listener) => listener.port === port).map(({ address }) => address);
    blocks.push(block([rest], [...bindOf(addresses), directive("respond", "421")]));
  }
  return blocks;
}

function redirectDirective(port: number): Directive {
  const place = port === 443 ? "" : `:${port}`;
  const target = `https://${placeholder("http.request.host")}${place}${placeholder("http.request.uri")}`;
  return directive("redir", raw(target), "308");
}

/** The addresses of a block stand in one line, with commas. */
function joined(addresses: readonly string[]): readonly Word[] {
  return addresses.map((address, index) => (index < addresses.length - 1 ? `${address},` : address));
}

function bindOf(addresses: readonly string[]): readonly Directive[] {
  const own = addresses.filter((address) => address !== "0.0.0.0" && address !== "::");
  return own.length === 0 ? [] : [directive("bind", ...own)];
}

function tlsDirectives(listener: Listener, entry: ListenerSite, options: CaddyOptions): readonly Directive[] {
  if (!listener.isTls) return [];
  const { site } = entry;
  const files = certificateFiles(site, options, "pair");
  const issuer = automationOf(site)?.issuer;
  const [policy] = connectionPolicies({ ...listener, sites: [{ site, names: [] }] }, options);
  const list = (name: string): readonly string[] => (policy?.[name] as readonly string[] | undefined) ?? [];
  const clients = clientCaFile(site, options);
  const trust =
    options.version === "2.6"
      ? ["trusted_ca_cert_file", quoted(clients ?? "")]
      : ["trust_pool", "file", quoted(clients ?? "")];
  const words: readonly Word[] =
    files !== undefined
      ? [quoted(files.certFile), quoted(files.keyFile)]
      : issuer?.module === "acme"
        ? [quoted(textOf(issuer, "email"))]
        : ["internal"];
  return [
    block(
      ["tls", ...words],
      [
        ...(issuer?.module === "acme" ? [directive("ca", quoted(textOf(issuer, "ca")))] : []),
        directive("protocols", textOf(policy ?? {}, "protocol_min")),
        ...(list("cipher_suites").length > 0 ? [directive("ciphers", ...list("cipher_suites"))] : []),
        directive("curves", ...list("curves")),
        directive("alpn", ...list("alpn")),
        ...(clients === undefined
          ? []
          : [block(["client_auth"], [directive("mode", "require_and_verify"), directive(...trust)])]),
      ],
    ),
  ];
}

function textOf(object: JsonObject, name: string): string {
  return String(object[name]);
}
