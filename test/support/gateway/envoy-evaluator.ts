// Guards: an Envoy configuration that its API takes and that lets requests through. Envoy cannot be run here, so this reads
// the rendered listeners as Envoy's documentation describes them: filter chain by the name of the handshake, virtual host by
// the authority, the first route that matches, then the changes of headers. Not evaluated: Lua, ranges of addresses, and
// limits of bodies.

/** A request as Envoy's connection manager sees it. */
export interface EnvoyRequest {
  /** Of the handshake; absent without TLS. */
  readonly serverName?: string;
  readonly authority: string;
  /** With its query, each octet a character. */
  readonly path: string;
  readonly method?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** What becomes of it. */
export interface EnvoyOutcome {
  /** Of Envoy's own answer; 0 where there is no chain for the handshake. */
  readonly status?: number;
  readonly cluster?: string;
  readonly redirect?: object;
  /** Of the request to the upstream, names in lower case. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

interface StringMatch {
  readonly exact?: string;
  readonly prefix?: string;
  readonly safe_regex?: { readonly regex: string };
  readonly ignore_case?: boolean;
}
interface RouteMatch {
  readonly prefix?: string;
  readonly path_separated_prefix?: string;
  readonly safe_regex?: { readonly regex: string };
  readonly headers?: readonly {
    readonly name: string;
    readonly string_match: StringMatch;
    readonly invert_match?: boolean;
  }[];
}
interface Route {
  readonly match: RouteMatch;
  readonly direct_response?: { readonly status: number };
  readonly redirect?: object;
  readonly route?: { readonly cluster: string };
}
interface VirtualHost {
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
  readonly typed_per_filter_config?: Readonly<Record<string, HeaderFilter>>;
}
interface Mutation {
  readonly remove?: string;
  readonly append?: {
    readonly header: { readonly key: string; readonly value: string };
    readonly append_action: string;
  };
}
interface HeaderFilter {
  readonly mutations?: { readonly request_mutations?: readonly Mutation[] };
}
interface ConnectionManager {
  readonly route_config: { readonly virtual_hosts: readonly VirtualHost[] };
  readonly http_filters: readonly { readonly name: string; readonly typed_config: HeaderFilter }[];
  readonly common_http_protocol_options?: { readonly headers_with_underscores_action?: string };
}
interface FilterChain {
  readonly filter_chain_match?: {
    readonly server_names?: readonly string[];
    readonly source_prefix_ranges?: readonly object[];
  };
  readonly filters: readonly { readonly typed_config: ConnectionManager }[];
}

/** A listener of the rendered `lds.json`. */
export interface EnvoyListener {
  readonly name: string;
  readonly filter_chains: readonly FilterChain[];
}

/** What this listener does with a request of a client for whom no exception of maintenance holds. */
export function evaluateEnvoy(listener: EnvoyListener, request: EnvoyRequest): EnvoyOutcome {
  const manager = chainOf(listener, request.serverName)?.filters[0]?.typed_config;
  if (manager === undefined) return { status: 0 };
  const host = virtualHostOf(manager.route_config.virtual_hosts, request.authority);
  // a CONNECT has no path, and is matched by a connect_matcher alone
  const route = request.method === "CONNECT" ? undefined : host?.routes.find(({ match }) => isMatch(match, request));
  if (host === undefined || route === undefined) return { status: 404 };
  const { direct_response: answer, redirect, route: forward } = route;
  if (answer !== undefined) return { status: answer.status };
  if (redirect !== undefined) return { redirect };
  return { cluster: forward?.cluster ?? "", headers: changedHeaders(manager, host, request) };
}

/** An exact name before a wildcard, which stands for any number of labels, before none. */
function chainOf({ filter_chains: chains }: EnvoyListener, serverName = ""): FilterChain | undefined {
  const usual = chains.filter(({ filter_chain_match: match }) => match?.source_prefix_ranges === undefined);
  const find = (isWanted: (name: string) => boolean) =>
    usual.find(({ filter_chain_match: match }) => match?.server_names?.some(isWanted) === true);
  const open = usual.find(({ filter_chain_match: match }) => match?.server_names === undefined);
  return (
    find((name) => name === serverName) ??
    find((name) => name.startsWith("*.") && serverName.endsWith(name.slice(1))) ??
    open
  );
}

/** With `ignore_port_in_host_matching` all after the last colon counts as the port, whatever it is. */
function virtualHostOf(hosts: readonly VirtualHost[], authority: string): VirtualHost | undefined {
  const colon = authority.lastIndexOf(":");
  const isPort = colon > authority.lastIndexOf("]");
  const name = (isPort ? authority.slice(0, colon) : authority).toLowerCase();
  const all = hosts.flatMap((host) => host.domains.map((domain) => [domain, host] as const));
  const exact = all.find(([domain]) => domain === name);
  const wildcards = all
    .filter(([domain]) => domain.startsWith("*.") && name.length > domain.length - 1 && name.endsWith(domain.slice(1)))
    .sort(([one], [other]) => other.length - one.length);
  return (exact ?? wildcards[0] ?? all.find(([domain]) => domain === "*"))?.[1];
}

function isMatch(match: RouteMatch, request: EnvoyRequest): boolean {
  const [path = ""] = request.path.split("?");
  if (match.prefix !== undefined && !request.path.startsWith(match.prefix)) return false;
  const separated = match.path_separated_prefix;
  if (separated !== undefined && path !== separated && !path.startsWith(`${separated}/`)) return false;
  if (match.safe_regex !== undefined && !isWhole(match.safe_regex.regex, path)) return false;
  return (match.headers ?? []).every(({ name, string_match: text, invert_match: isNot = false }) => {
    const value = headerOf(name, request);
    // a header that is not there matches nothing, inverted or not
    return value !== undefined && isTextMatch(text, value) !== isNot;
  });
}

function headerOf(field: string, { authority, path, method = "GET", headers = [] }: EnvoyRequest): string | undefined {
  const pseudo: Readonly<Record<string, string>> = { ":authority": authority, ":path": path, ":method": method };
  const values = headers.filter(([name]) => name.toLowerCase() === field).map(([, value]) => value);
  return pseudo[field] ?? (values.length === 0 ? undefined : values.join(","));
}

function isTextMatch({ exact, prefix, safe_regex: regex, ignore_case: isCaseless = false }: StringMatch, text: string) {
  if (regex !== undefined) return isWhole(regex.regex, text);
  const fold = (one: string) => (isCaseless ? one.toLowerCase() : one);
  if (exact !== undefined) return fold(text) === fold(exact);
  return prefix !== undefined && fold(text).startsWith(fold(prefix));
}

/** What {@link isWhole} has in place of an octet that is no UTF-8. */
const alien = "\ufffd";

/**
 * RE2 means the whole text, and reads it as UTF-8: an octet that is none is matched by `\C` alone, not by a dot or a negated
 * set. `(?i)` is a flag here.
 */
function isWhole(regex: string, text: string): boolean {
  const isCaseless = regex.startsWith("(?i)");
  const source = (isCaseless ? regex.slice(4) : regex).replace(/\\[\s\S]|\[\^?(?:\\[\s\S]|[^\]\\])*\]|\./g, (token) => {
    if (token === "\\C") return "[\\s\\S]";
    if (token === ".") return `[^\\n${alien}]`;
    return token.startsWith("[^") ? `[^${alien}${token.slice(2)}` : token;
  });
  const read = Buffer.from(text, "latin1").toString("utf8");
  return new RegExp(`^(?:${source})$`, isCaseless ? "i" : "").test(read);
}

/** A filter's own changes, filter by filter; those of the virtual host come with the filter that has their name. */
function changedHeaders(
  { http_filters: filters, common_http_protocol_options: options }: ConnectionManager,
  host: VirtualHost,
  { headers = [] }: EnvoyRequest,
): readonly (readonly [string, string])[] {
  const drops = options?.headers_with_underscores_action === "DROP_HEADER";
  let found = headers
    .filter(([name]) => !drops || !name.includes("_"))
    .map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const { name, typed_config: own } of filters) {
    const perHost = host.typed_per_filter_config?.[name];
    for (const config of [own, perHost]) {
      for (const mutation of config?.mutations?.request_mutations ?? []) found = changed(found, mutation);
    }
  }
  return found;
}

type Headers = (readonly [string, string])[];

function changed(headers: Headers, { remove, append }: Mutation): Headers {
  if (remove !== undefined) return headers.filter(([name]) => name !== remove.toLowerCase());
  if (append === undefined) return headers;
  const key = append.header.key.toLowerCase();
  const others = headers.filter(([name]) => name !== key);
  const isThere = others.length < headers.length;
  const entry = [key, append.header.value] as const;
  switch (append.append_action) {
    case "OVERWRITE_IF_EXISTS_OR_ADD":
      return [...others, entry];
    case "OVERWRITE_IF_EXISTS":
      return isThere ? [...others, entry] : headers;
    case "ADD_IF_ABSENT":
      return isThere ? headers : [...headers, entry];
    default:
      return [...headers, entry];
  }
}
