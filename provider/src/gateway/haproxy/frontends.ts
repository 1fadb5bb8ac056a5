import { opensslGroups, tlsProfileFigures } from "../model/tls-profiles";
import { effectiveUpstream } from "../model/upstream";
import { currentFolder } from "../proxy/files";
import { type Listener, renderAddress } from "../proxy/listeners";
import { HOST_FORM, identityHeaders, refusedMethods } from "../proxy/untrusted";
import { block, type Directive, directive, type Word } from "../syntax/directives";
import { challengeAnswers } from "./acme";
import { backendName, deny, expression, not, test, when } from "./dialect";
import type { HaproxyOptions } from "./options";

/** Listeners that serve the same: one section, so that certificates are loaded once for IPv4 and IPv6. */
export interface HaproxyFrontend {
  /** Of files and of the section: the port, and the address unless it is all. */
  readonly name: string;
  /** At least one; all alike but for their addresses. */
  readonly listeners: readonly [Listener, ...Listener[]];
}

/** A client that sends or takes nothing for so long is gone; longer where an upstream may take longer. */
const CLIENT_SECONDS = 60;

/** What one answers a host, or sends it on to: `https:` and the port begins a redirect. */
const SITE = "var(txn.site)";
/** The name below a wildcard, with `*` in place of its first label. */
const WILDCARD_NAME = "regsub(^[^.]+,*)";

/** Groups listeners by what they serve. Linear in the number of their sites. */
export function haproxyFrontends(listeners: readonly Listener[]): readonly HaproxyFrontend[] {
  const groups = new Map<string, [Listener, ...Listener[]]>();
  for (const listener of listeners) {
    const { port, isTls, tlsProfile, proxyProtocol, sites, redirects } = listener;
    const served = [sites.map((one) => one.site.name), redirects.map((one) => [one.site.name, one.port])];
    const key = JSON.stringify([port, isTls, tlsProfile, proxyProtocol, served]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [listener]);
    else group.push(listener);
  }
  return [...groups.values()].map((group) => ({ name: frontendName(group[0]), listeners: group }));
}

/** Path of the map from host to site. */
export function mapFile({ name }: HaproxyFrontend, options: HaproxyOptions): string {
  return `${currentFolder(options)}/hosts-${name}.map`;
}

/** Path of the list of certificates. */
export function certificateListFile({ name }: HaproxyFrontend, options: HaproxyOptions): string {
  return `${currentFolder(options)}/certificates-${name}.txt`;
}

/** The section that finds the site of a request. */
export function haproxyFrontend(frontend: HaproxyFrontend, options: HaproxyOptions): Directive {
  const [{ isTls, acmeThumbprint }] = frontend.listeners;
  return block(
    ["frontend", `${isTls ? "https" : "http"}-${frontend.name}`],
    [
      directive(...bindWords(frontend, options)),
      directive("timeout", "client", `${longestWait(frontend)}s`),
      ...trustedBalancers(frontend),
      ...(acmeThumbprint === undefined ? [] : challengeAnswers([{ thumbprint: acmeThumbprint, hostnames: [] }])),
      ...guards,
      ...foundSite(frontend, options),
      ...redirected(frontend),
      directive("use_backend", expression(`%[${SITE}]`)),
    ],
  );
}

const UPGRADE = "req.fhdr(upgrade)";

/** HAProxy has the names of headers in lower case. */
const identityPattern = expression(`^(${identityHeaders.map((name) => name.toLowerCase()).join("|")})$`);

/**
 * What no request of any site may do: ask for TRACE or CONNECT, have a Host that is read in several ways, open a tunnel
 * for another protocol than WebSocket, and name the client.
 */
const guards: readonly Directive[] = [
  deny(405, test("method", ...refusedMethods)),
  deny(400, not("req.fhdr(host)", "-m", "reg", expression(`^${HOST_FORM}$`))),
  deny(400, test("req.fhdr_cnt(host)", "gt", "1")),
  // a target that is a whole URL goes on as it is, and overrules Host at the upstream (RFC 9112 section 3.2.2)
  deny(
    400,
    test("url", "-m", "reg", expression("^[^/?]+://")),
    not("url,field(3,/)", "-m", "reg", expression(`^${HOST_FORM}$`)),
  ),
  when(
    ["http-request", "del-header", "upgrade"],
    not(UPGRADE, "-m", "str", "-i", "websocket"),
    ["or"],
    test("req.fhdr_cnt(upgrade)", "gt", "1"),
  ),
  directive("http-request", "del-header", identityPattern, "-m", "reg"),
];

function bindWords(frontend: HaproxyFrontend, options: HaproxyOptions): readonly Word[] {
  const [{ isTls, tlsProfile }] = frontend.listeners;
  const words: Word[] = ["bind", frontend.listeners.map(renderAddress).join(",")];
  // else [::] would be IPv4 too, and its port bound twice
  if (frontend.listeners.some(({ address }) => address.includes(":"))) words.push("v6only");
  if (!isTls) return words;
  const { protocols, ciphers, cipherSuites } = tlsProfileFigures[tlsProfile];
  words.push("ssl", "crt-list", certificateListFile(frontend, options));
  if (namelessSite(frontend) === undefined) words.push("strict-sni");
  words.push("alpn", "h2,http/1.1", "ssl-min-ver", protocols[0] ?? "TLSv1.3");
  if (ciphers.length > 0) words.push("ciphers", ciphers.join(":"));
  words.push(
    "ciphersuites",
    cipherSuites.join(":"),
    "curves",
    opensslGroups(tlsProfile, options.opensslVersion).join(":"),
  );
  words.push("prefer-client-ciphers", "no-tls-tickets");
  return words;
}

/** `timeout client` ends a stream that waits for its upstream too, while the client may still send. */
function longestWait({ listeners: [{ sites }] }: HaproxyFrontend): number {
  let longest = CLIENT_SECONDS;
  for (const one of sites) longest = Math.max(longest, effectiveUpstream(one.site)?.responseSeconds ?? 0);
  return longest;
}

/** From these every connection must begin with a header of the PROXY protocol; from others one is refused as no HTTP. */
function trustedBalancers({ listeners: [{ proxyProtocol }] }: HaproxyFrontend): readonly Directive[] {
  const trusted = proxyProtocol?.trusted ?? [];
  const lines: Directive[] = [];
  for (let index = 0; index < trusted.length; index += 40) {
    lines.push(directive("acl", "trusted", "src", ...trusted.slice(index, index + 40)));
  }
  if (lines.length === 0) return [];
  return [...lines, when(["tcp-request", "connection", "expect-proxy", "layer4"], ["trusted"])];
}

/** Finds the site by the host, exact before wildcard, and answers 421 to a host that is not that of the handshake. */
function foundSite(frontend: HaproxyFrontend, options: HaproxyOptions): readonly Directive[] {
  const [{ isTls, sites, redirects }] = frontend.listeners;
  const lookUp = `map_str(${mapFile(frontend, options)})`;
  const hasWildcard = [...sites, ...redirects].some(({ names }) => names.some((name) => name.startsWith("*.")));
  const nameless = namelessSite(frontend);
  const [found, unfound] = [test(SITE, "-m", "found"), not(SITE, "-m", "found")];
  const set = (value: string) => ["http-request", "set-var(txn.site)", expression(value)];
  const lines = [
    directive("http-request", "set-var(txn.host)", expression("req.fhdr(host),host_only,lower")),
    directive(...set(`var(txn.host),${lookUp}`)),
    ...(hasWildcard ? [when(set(`var(txn.host),${WILDCARD_NAME},${lookUp}`), unfound)] : []),
  ];
  const otherName = not(expression("ssl_fc_sni,lower,strcmp(txn.host)"), "eq", "0");
  if (nameless === undefined) return [...lines, deny(421, unfound), ...(isTls ? [deny(421, otherName)] : [])];
  if (isTls) {
    lines.push(deny(421, found, otherName));
    // a handshake for a named site is no way into the nameless one
    lines.push(deny(421, unfound, test(expression(`ssl_fc_sni,lower,${lookUp}`), "-m", "found")));
    if (hasWildcard) {
      lines.push(deny(421, unfound, test(expression(`ssl_fc_sni,lower,${WILDCARD_NAME},${lookUp}`), "-m", "found")));
    }
  }
  return [...lines, when(set(`str(${nameless})`), unfound)];
}

/** Sends on to https. */
function redirected({ listeners: [{ redirects }] }: HaproxyFrontend): readonly Directive[] {
  const isRedirect = test(SITE, "-m", "beg", "https:");
  const lines: Directive[] = [];
  const location = (authority: string, ...conditions: readonly (readonly Word[])[]): Directive => {
    const target = expression(`https://${authority}%[pathq]`);
    return when(["http-request", "redirect", "location", target, "code", "308"], isRedirect, ...conditions);
  };
  const ports = new Set(redirects.map(({ port }) => port));
  if (ports.has(443)) lines.push(location("%[var(txn.host)]", test(SITE, "-m", "str", "https:443")));
  if ([...ports].some((port) => port !== 443)) lines.push(location(`%[var(txn.host)]:%[${SITE},field(2,:)]`));
  return lines;
}

/** What the site without names is called in the map; undefined when there is none. */
function namelessSite({ listeners: [{ sites, redirects }] }: HaproxyFrontend): string | undefined {
  const own = sites.find(({ names }) => names.length === 0);
  if (own !== undefined) return backendName(own.site.name);
  const redirect = redirects.find(({ names }) => names.length === 0);
  return redirect === undefined ? undefined : `https:${redirect.port}`;
}

function frontendName({ address, port }: Listener): string {
  if (address === "0.0.0.0") return String(port);
  return `${port}-${address === "::" ? "ipv6" : address.replaceAll(":", "_")}`;
}
