import { createHash } from "node:crypto";
import type { SiteData } from "../model/site";
import { type EffectiveUpstream, effectiveUpstream } from "../model/upstream";
import { upstreamRootFile } from "../proxy/files";
import { block, type Directive, directive, quoted, raw } from "../syntax/directives";
import { expression, pattern } from "./dialect";
import type { ApacheOptions } from "./options";
import { hostSettings, rawPathCondition } from "./rules";
import { upstreamTls } from "./tls";

/** Debian's, as of all that ask ca-certificates. */
const SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt";

/** Less than servers keep idle connections open, Node's 5 seconds among them: a request on a closing one is lost. */
const IDLE_SECONDS = 4;

/** What the outer host waits longer than the inner, so that it is the inner that answers 504. */
const INNER_SECONDS = 15;

/** What a request waits for one of the connections to the inner host: it holds a thread, which that may need. */
const ACQUIRE_MILLISECONDS = 2000;

/** Request headers between the two virtual hosts of an https upstream. */
const HOST_HEADER = "X-Tls-Gateway-Host";
const KEY_HEADER = "X-Tls-Gateway-Inner";

/**
 * A virtual host of Apache's own, on a loopback address. Apache asks an https upstream for, and verifies it by, the host of
 * the request it passes on, which is the client's and has nothing to do with the upstream's name. So the request goes to
 * Apache once more, with the upstream's name as its host and the client's in a header, and from there to the upstream.
 */
export interface InnerHost {
  /** Hash of all that makes two of them differ; told in a header, so that none answers for another. */
  readonly key: string;
  readonly address: string;
  readonly upstream: EffectiveUpstream;
  readonly rootFile: string;
}

/**
 * The inner hosts of all https upstreams, one for all sites whose upstreams are the same in everything; by key. Addresses
 * are made of the key and not counted, so that they stay: a request that began before a reload still goes where it should.
 */
export function innerHosts(sites: readonly SiteData[], options: ApacheOptions): ReadonlyMap<string, InnerHost> {
  const drafts = new Map<string, Omit<InnerHost, "address">>();
  for (const site of sites) {
    const draft = innerHostOf(site, options);
    if (draft !== undefined) drafts.set(draft.key, draft);
  }
  const taken = new Set<number>();
  const hosts = new Map<string, InnerHost>();
  for (const [key, draft] of [...drafts].sort(([one], [other]) => (one < other ? -1 : 1))) {
    let number = Number.parseInt(key.slice(0, 8), 16) & 0x3fffff;
    while (taken.has(number)) number = (number + 1) & 0x3fffff;
    taken.add(number);
    // 127.64.0.0/10, of which Linux has every address
    const address = `127.${64 + (number >> 16)}.${(number >> 8) & 0xff}.${number & 0xff}`;
    hosts.set(key, { ...draft, address });
  }
  return hosts;
}

/** Where a site's requests go, at the end of its virtual host. */
export function siteUpstream(
  site: SiteData,
  hosts: ReadonlyMap<string, InnerHost>,
  options: ApacheOptions,
): readonly Directive[] {
  const upstream = effectiveUpstream(site);
  if (upstream === undefined) return [];
  if (upstream.scheme !== "https") return passOn(upstream);
  const host = hosts.get(innerHostOf(site, options)?.key ?? "");
  if (host === undefined) return [];
  return [
    directive("RequestHeader", "set", HOST_HEADER, expression("%{req:Host}")),
    directive("RequestHeader", "set", KEY_HEADER, quoted(host.key)),
    directive("RequestHeader", "set", "Host", quoted(upstream.serverName)),
    ...passOn(
      {
        ...upstream,
        scheme: "http",
        authority: `${host.address}:${options.innerPort}`,
        responseSeconds: upstream.responseSeconds + INNER_SECONDS,
      },
      options.innerConnections,
    ),
  ];
}

/** `Listen` and the virtual host itself. */
export function renderInnerHost({ key, address, upstream, rootFile }: InnerHost, options: ApacheOptions) {
  const place = `${address}:${options.innerPort}`;
  return [
    directive("Listen", place),
    block(
      ["VirtualHost", place],
      [
        directive("ServerName", upstream.serverName),
        ...hostSettings(),
        directive("LimitRequestBody", "0"),
        directive("KeepAlive", "Off"),
        ...(upstream.grpc ? [directive("Protocols", "h2c", "http/1.1")] : []),
        // the outer host has told all that is worth it
        block(["IfModule", "log_config_module"], [directive("CustomLog", "/dev/null", quoted("%h"))]),
        directive("RewriteCond", raw(`%{HTTP:${KEY_HEADER}}`), pattern(`!=${key}`)),
        directive("RewriteRule", "^", "-", raw("[R=503,L]")),
        directive("RequestHeader", "set", "Host", expression(`%{req:${HOST_HEADER}}`)),
        directive("RequestHeader", "unset", HOST_HEADER),
        directive("RequestHeader", "unset", KEY_HEADER),
        ...upstreamTls(rootFile),
        ...passOn(upstream),
      ],
    ),
  ];
}

function innerHostOf(site: SiteData, options: ApacheOptions): Omit<InnerHost, "address"> | undefined {
  const upstream = effectiveUpstream(site);
  if (upstream?.scheme !== "https") return undefined;
  const rootFile = upstreamRootFile(site, options) ?? SYSTEM_ROOTS;
  const key = createHash("sha256")
    .update(JSON.stringify([upstream, rootFile]))
    .digest("hex")
    .slice(0, 32);
  return { key, upstream, rootFile };
}

/** Passes requests on, to an inner host that many at once in each process: gRPC and WebSockets by their headers over connections of their own, all others over the usual. */
function passOn(upstream: EffectiveUpstream, innerConnections?: number): readonly Directive[] {
  const { scheme, authority, tunnelSeconds } = upstream;
  const isTls = scheme === "https";
  const usual = `${scheme}://${authority}`;
  const lines = [
    directive("ProxyPreserveHost", "On"),
    directive("ProxyAddHeaders", "Off"),
    // Apache's own text tells the upstream's name
    directive("ErrorDocument", "502", quoted("The server behind this one does not answer as it should.")),
  ];
  if (upstream.grpc && scheme !== "h2c") {
    lines.push(
      ...passOnIf(
        "Content-Type",
        "^application/grpc",
        `${isTls ? "h2" : "h2c"}://${authority}`,
        settings(upstream, innerConnections),
      ),
    );
  }
  if (scheme !== "h2c") {
    const tunnel = { ...upstream, responseSeconds: tunnelSeconds };
    lines.push(
      ...passOnIf(
        "Upgrade",
        "^websocket\\z",
        `${isTls ? "wss" : "ws"}://${authority}`,
        settings(tunnel, innerConnections),
      ),
    );
  }
  // a body is collected up to 16 KiB before the upstream hears of the request, unless told otherwise
  if (upstream.isStreamed) lines.push(directive("RewriteRule", "^", "-", raw("[E=proxy-prefetch-nonblocking:1]")));
  const streamed = upstream.isStreamed ? ["flushpackets=on"] : [];
  lines.push(
    directive(
      "ProxyPass",
      quoted("/"),
      quoted(`${usual}/`),
      "nocanon",
      ...settings(upstream, innerConnections),
      ...streamed,
    ),
  );
  return lines;
}

function passOnIf(header: string, value: string, url: string, proxySettings: readonly string[]): readonly Directive[] {
  return [
    block(["Proxy", quoted(url)], [directive("ProxySet", ...proxySettings)]),
    directive("RewriteCond", raw(`%{HTTP:${header}}`), pattern(value), raw("[NC,NV]")),
    rawPathCondition(),
    directive("RewriteRule", "^", raw(`"${url}%1"`), raw("[P,NE,L]")),
  ];
}

/**
 * A connection that failed is tried again at once: else a restart of the upstream costs a minute. Connections to Apache
 * itself serve once: it closes idle ones when all its workers are busy, and a request may be on its way on one.
 */
function settings(upstream: EffectiveUpstream, innerConnections: number | undefined): readonly string[] {
  const { connectSeconds, responseSeconds } = upstream;
  const times = [`connectiontimeout=${connectSeconds}`, `timeout=${responseSeconds}`, "retry=0"];
  if (innerConnections === undefined) return [...times, `ttl=${IDLE_SECONDS}`];
  return [...times, "disablereuse=on", `max=${innerConnections}`, `acquire=${ACQUIRE_MILLISECONDS}`];
}
