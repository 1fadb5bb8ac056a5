import { ipOctets } from "../../x509/names/ip-address";
import {
  type HeaderChange,
  isTlsSite,
  type RoutingRule,
  renderHsts,
  renderRetryAfter,
  type SiteData,
} from "../model/site";
import { type EffectiveUpstream, effectiveUpstream } from "../model/upstream";
import { upstreamRootFile } from "../proxy/files";
import { block, type Directive, directive, quoted, type Word } from "../syntax/directives";
import { backendName, deny, expression, formatText, not, test, when } from "./dialect";
import type { HaproxyOptions } from "./options";

/** Roots of the system, where distributions of the Debian family have them. */
const SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt";

/** Of a buffer of 16 KiB: HAProxy keeps the rest for headers. */
const BUFFERED_BODY_BYTES = 12_000;

/** Addresses on one line; HAProxy takes 64 words. */
const ADDRESSES_PER_LINE = 40;

const grpcType = ["req.hdr(content-type)", "-m", "beg", "-i", "application/grpc"];
const [isGrpc, isNoGrpc] = [test(...grpcType), not(...grpcType)];

/**
 * The section of a site: what happens to a request after its site is found. The judgement has one order for all kinds:
 * client certificate, path, maintenance, routing, body.
 */
export function haproxyBackend(site: SiteData, options: HaproxyOptions): readonly Directive[] {
  const upstream = effectiveUpstream(site);
  if (upstream === undefined) return [];
  const { connectSeconds, responseSeconds, tunnelSeconds } = upstream;
  const lines = [
    directive("timeout", "connect", `${connectSeconds}s`),
    directive("timeout", "server", `${responseSeconds}s`),
    directive("timeout", "tunnel", `${tunnelSeconds}s`),
    ...knownClients(site),
    ...unambiguousPath(site),
    ...maintenancePage(site),
    ...deniedRoutes(site),
    ...largestBody(site, upstream, options),
    ...forwardedHeaders(site),
    ...hstsHeader(site),
    ...changedHeaders(site),
    ...servers(site, upstream, options),
  ];
  return [block(["backend", backendName(site.name)], withoutDeadRules(lines))];
}

/** HAProxy warns of rules for requests after an answer that every request gets. */
function withoutDeadRules(lines: readonly Directive[]): readonly Directive[] {
  const isAnswer = ({ words: [rules, action = "", ...more] }: Directive) =>
    rules === "http-request" &&
    ["deny", "return"].includes(String(action)) &&
    !more.some((word) => word === "if" || word === "unless");
  const answer = lines.findIndex(isAnswer);
  if (answer < 0) return lines;
  return lines.filter(({ words: [rules] }, index) => index <= answer || rules !== "http-request");
}

/**
 * A resumed session brings no certificate, and may have begun with another name of the listener. The list of certificates
 * asks for one in the handshake; this asks for it once more, of the session.
 */
function knownClients({ clientAuth }: SiteData): readonly Directive[] {
  if (clientAuth === undefined) return [];
  return [deny(403, not("ssl_c_used")), deny(403, not("ssl_c_verify", "0"))];
}

function maintenancePage({ maintenance }: SiteData): readonly Directive[] {
  if (maintenance === undefined) return [];
  const { except = [] } = maintenance;
  const lists: Directive[] = [];
  for (let index = 0; index < except.length; index += ADDRESSES_PER_LINE) {
    lists.push(directive("acl", "excepted", "src", ...except.slice(index, index + ADDRESSES_PER_LINE)));
  }
  const page: readonly Word[] = ["http-request", "return", "status", "503", "content-type", "text/plain", "string"];
  const text = quoted("This site is being maintained. Please come back in a few minutes.");
  const answer = [...page, text, "hdr", "Retry-After", renderRetryAfter(maintenance)];
  return [...lists, directive(...answer, ...(lists.length === 0 ? [] : ["unless", "excepted"]))];
}

/**
 * What a request says of its length counts. A body without a length is read as far as it takes to judge it, where that fits
 * into HAProxy's buffer; a longer one nobody judges, which a note tells.
 */
function largestBody(
  { maxBodyBytes }: SiteData,
  { grpc }: EffectiveUpstream,
  { version }: HaproxyOptions,
): readonly Directive[] {
  if (maxBodyBytes === undefined) return [];
  const others = grpc ? isNoGrpc : [];
  const isUnmeasured = not("req.hdr(content-length)", "-m", "found");
  // a tunnel over HTTP/2 is open at its end, and no body comes
  const isUpgrade = ["req.hdr(upgrade)", "-m", "found"];
  const isChunked = test("req.hdr(transfer-encoding)", "-m", "found");
  const wait: readonly Word[] = ["http-request", "wait-for-body", "time", "60s", "at-least", String(maxBodyBytes + 1)];
  const read = when(wait, isUnmeasured, not(...isUpgrade), others, ["or"], isUnmeasured, isChunked, others);
  // what is announced, or, of a body that was read, has come: not every version counts that as its size
  const isLarger = (size: string): readonly Word[] => [...test(size, "gt", String(maxBodyBytes)), ...others];
  // before 3.0 it closes on a client that still sends, which then sees no answer: it gets a moment to look
  const isAbrupt = version === "2.6" || version === "2.8";
  return [
    ...(isBodyRead(maxBodyBytes) ? [read] : []),
    ...(isAbrupt ? [directive("timeout", "tarpit", "500ms")] : []),
    when(
      ["http-request", isAbrupt ? "tarpit" : "deny", "deny_status", "413"],
      isLarger("req.body_size"),
      ["or"],
      isLarger("req.body_len"),
    ),
  ];
}

/** Whether a body of unknown length can be judged by reading it. */
export function isBodyRead(maxBodyBytes: number): boolean {
  return maxBodyBytes < BUFFERED_BODY_BYTES;
}

/** One server; with gRPC a second one at the same place, which is spoken to in HTTP/2. */
function servers(site: SiteData, upstream: EffectiveUpstream, options: HaproxyOptions): readonly Directive[] {
  const { scheme, grpc } = upstream;
  const needsSecond = grpc && scheme !== "h2c";
  const first = server("upstream", upstream, scheme === "h2c", site, options);
  if (!needsSecond) return [first];
  return [
    when(["use-server", "grpc"], isGrpc),
    directive("use-server", "upstream", "unless", ...isGrpc),
    first,
    server("grpc", upstream, true, site, options),
  ];
}

function server(
  name: string,
  { scheme, authority, serverName }: EffectiveUpstream,
  isHttp2: boolean,
  site: SiteData,
  options: HaproxyOptions,
): Directive {
  // a name that can't be resolved does not keep all other sites from starting
  const words: Word[] = ["server", name, authority, "init-addr", "libc,none"];
  if (scheme === "https") {
    const root = upstreamRootFile(site, options) ?? SYSTEM_ROOTS;
    words.push("ssl", "verify", "required", "ca-file", quoted(root), "verifyhost", serverName);
    if (ipOctets(serverName) === undefined) words.push("sni", expression(`str(${serverName})`));
    words.push("alpn", isHttp2 ? "h2" : "http/1.1");
  } else if (isHttp2) {
    words.push("proto", "h2");
  }
  return directive(...words);
}

/** What a request says of its client: what the client itself said of that is dropped. */
function forwardedHeaders(site: SiteData): readonly Directive[] {
  const set = (name: string, value: Word) => directive("http-request", "set-header", `X-Forwarded-${name}`, value);
  return [
    set("For", expression("%[src]")),
    set("Proto", isTlsSite(site) ? "https" : "http"),
    set("Host", expression("%[req.fhdr(host)]")),
  ];
}

/** HSTS on every answer of the site, those of HAProxy itself included. */
function hstsHeader({ hsts }: SiteData): readonly Directive[] {
  if (hsts === undefined) return [];
  return [directive("http-after-response", "set-header", "Strict-Transport-Security", formatText(renderHsts(hsts)))];
}

/** The site's own changes, in their order. */
function changedHeaders({ headers = [] }: SiteData): readonly Directive[] {
  return headers.map(changedHeader);
}

function changedHeader({ on, action, name, value = "" }: HeaderChange): Directive {
  const [rules, fetch] = on === "request" ? ["http-request", "req.fhdr_cnt"] : ["http-after-response", "res.fhdr_cnt"];
  const [text, count] = [formatText(value), `${fetch}(${name})`];
  switch (action) {
    case "append":
      return directive(rules, "add-header", name, text);
    case "set":
      return directive(rules, "set-header", name, text);
    case "remove":
      return directive(rules, "del-header", name);
    case "addIfAbsent":
      return when([rules, "set-header", name, text], test(count, "eq", "0"));
    case "replace":
      return when([rules, "set-header", name, text], test(count, "gt", "0"));
  }
}

/**
 * What servers read in two ways: an empty step, `.` and `..`, a backslash, a parameter after `;`, a fragment, and the same
 * percent-encoded (RFC 3986 sections 3.3 and 6.2.2).
 */
const AMBIGUOUS_PATH = "//|/[.][.]?(/|$)|[\\\\;#]|%(2e|2f|5c|00)";

/** Refuses paths that could be read in two ways, before any rule looks at them. */
function unambiguousPath(site: SiteData): readonly Directive[] {
  if (pathRules(site).length === 0) return [];
  return [
    deny(400, test("path", "-m", "reg", "-i", expression(AMBIGUOUS_PATH))),
    // fails for a percent sign that encodes nothing: then there is no such variable
    directive("http-request", "set-var(txn.path)", "path,url_dec"),
    deny(400, not("var(txn.path)", "-m", "beg", "/")),
  ];
}

/** Refuses what the rules do not allow: each rule overrules those with shorter paths. */
function deniedRoutes(site: SiteData): readonly Directive[] {
  const rest = site.routing?.find(({ route }) => route === "*");
  const rules = pathRules(site);
  if (rules.length === 0)
    return rest?.effect === "deny" ? [directive("http-request", "deny", "deny_status", "403")] : [];
  return [
    directive("http-request", "set-var(txn.route)", `str(${rest?.effect ?? "deny"})`),
    ...rules.map(({ route, effect }) =>
      when(
        ["http-request", "set-var(txn.route)", `str(${effect})`],
        [...test("var(txn.path)", "-m", "str", route), "||", ...test("var(txn.path)", "-m", "beg", `${route}/`)],
      ),
    ),
    deny(403, test("var(txn.route)", "-m", "str", "deny")),
  ];
}

/** The rules for paths, the shortest first. */
function pathRules({ routing = [] }: SiteData): readonly RoutingRule[] {
  return routing
    .filter(({ route }) => route.startsWith("/"))
    .sort((one, other) => one.route.length - other.route.length || (one.route < other.route ? -1 : 1));
}
