import { createHash } from "node:crypto";
import { block, type Directive, directive, raw, type Word } from "../syntax/directives";
import { dollarVariable, pattern } from "./dialect";

/** One line of a map: what the source is, and what the variable then is. */
type MapEntry = readonly [key: Word, value: Word];

/**
 * Variables and upstreams, which stand in the `http` block, since nginx knows them nowhere else. Each is named by what it means: sites that
 * mean the same share one, and no site renames another's.
 */
export interface NginxVariables {
  /** The first key that matches wins among patterns, in their order. */
  readonly map: (source: string, entries: readonly MapEntry[]) => string;
  /** By the client's address. */
  readonly geo: (entries: readonly MapEntry[]) => string;
  /**
   * The name of an upstream over TLS that is its own for each way of verification: nginx keeps the session of the last
   * handshake with an upstream, and what is resumed is not verified again.
   */
  readonly upstream: (authority: string, verification: readonly string[]) => string;
  /** How many there are. */
  readonly count: () => number;
  /** All of them, sorted by name. */
  readonly directives: () => readonly Directive[];
}

/** A set of variables, still empty. */
export function nginxVariables(): NginxVariables {
  const found = new Map<string, Directive>();
  const define = (words: readonly Word[], entries: readonly MapEntry[]): string => {
    const lines = entries.map((entry) => directive(...entry));
    const name = `$${nameOf([words, entries])}`;
    found.set(name, block([...words, raw(name)], lines));
    return name;
  };
  return {
    map: (source, entries) => define(["map", raw(source)], entries),
    geo: (entries) => define(["geo"], entries),
    upstream: (authority, verification) => {
      const name = nameOf([authority, verification]);
      found.set(name, block(["upstream", name], [directive("server", authority)]));
      return name;
    },
    count: () => found.size,
    directives: () => [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, lines]) => lines),
  };
}

/** At most 46 characters, which fit into the buckets of nginx's hash of variables. */
function nameOf(meaning: unknown): string {
  return `tls_gateway_${createHash("sha256").update(JSON.stringify(meaning)).digest("hex").slice(0, 24)}`;
}

/** Names of the variables that are the same for all sites. */
export const common = {
  /** The host as the client sent it, with its port. */
  host: "$tls_gateway_host",
  /** "1" when the host of a request is another than that of the handshake, or stands there twice and differs. */
  misdirected: "$tls_gateway_misdirected",
  /** The same without a handshake. */
  misdirectedHost: "$tls_gateway_misdirected_host",
  /** "1" when a path can be read in two ways. */
  ambiguous: "$tls_gateway_ambiguous",
  /** "websocket" or nothing: another protocol, as h2c, would get past the rules of the site. */
  upgrade: "$tls_gateway_upgrade",
  connection: "$tls_gateway_connection",
  /** "1" for a request of gRPC. */
  grpc: "$tls_gateway_grpc",
  /** "1" when the upstream has answered, so that the answer is not one of nginx's own. */
  answered: "$tls_gateway_answered",
} as const;

const no = raw('""');

/** What makes a path readable in two ways: steps and slashes that servers join, decode or cut. `#` ends it for nginx alone. */
const AMBIGUOUS_PATH = String.raw`^[^?]*(?://|/\.\.?(?:[/?]|$)|\\|%2[ef]|%5c|%00|[;#])`;

/** Defines {@link common}. */
export const commonVariables: readonly Directive[] = [
  block(["geo", raw(dollarVariable[0])], [directive("default", dollarVariable[1])]),
  defineMap("$http_host", common.host, [no, raw("$host")], ["default", raw("$http_host")]),
  // nginx takes the host from the request line where there is one, and upstreams may take the header; neither may have
  // another form than a name or an address with a port
  defineMap(
    '"$host $http_host"',
    common.misdirectedHost,
    [pattern(String.raw`^((?:[a-z0-9._-]+|\[[0-9a-f:.]+\])?) (?:\1\.?(?::\d{1,5})?)?$`, "i"), "0"],
    ["default", "1"],
  ),
  defineMap(
    '"$ssl_server_name $host $http_host"',
    common.misdirected,
    [pattern(String.raw`^(\S+) \1 (?:\1\.?(?::\d{1,5})?)?$`, "i"), "0"],
    ["default", "1"],
  ),
  defineMap("$request_uri", common.ambiguous, [pattern(AMBIGUOUS_PATH, "i"), "1"], ["default", "0"]),
  defineMap("$http_upgrade", common.upgrade, [pattern("^websocket$", "i"), "websocket"], ["default", no]),
  defineMap(common.upgrade, common.connection, [no, "close"], ["default", "upgrade"]),
  defineMap("$http_content_type", common.grpc, [pattern("^application/grpc", "i"), "1"], ["default", "0"]),
  defineMap("$upstream_header_time", common.answered, [pattern("[0-9]$"), "1"], ["default", no]),
];

function defineMap(source: string, name: string, ...entries: readonly MapEntry[]): Directive {
  return block(
    ["map", raw(source), raw(name)],
    entries.map((entry) => directive(...entry)),
  );
}
