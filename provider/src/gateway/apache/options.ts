import { isTlsSite, type SiteData } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import {
  type AcmeAnswerOptions,
  type OpensslOptions,
  opensslOptionTable,
  type ProxyOptions,
  proxyOptionTable,
  thumbprintOption,
} from "../proxy/options";
import { block, type Directive, directive, quoted } from "../syntax/directives";
import {
  directoryOption,
  fileOption,
  flagOption,
  type OptionTable,
  portOption,
  readOptions,
  refuseOption,
} from "../syntax/options";

/** What a gateway of kind `apache` needs to know beside its sites. */
export interface ApacheOptions extends ProxyOptions, OpensslOptions, AcmeAnswerOptions {
  /** Where the server looks for our part of its configuration; default Debian's `conf-enabled/tls-gateway.conf`. */
  readonly configFile: string;
  /** Where the modules lie that are loaded unless the server has them; default "/usr/lib/apache2/modules". */
  readonly modulesDirectory: string;
  /** Whether `Listen` lines are ours; default true. Without, the server's own must name every address and port. */
  readonly listen: boolean;
  /** Where the server keeps the id of its first process; default "/run/apache2/apache2.pid". */
  readonly pidFile: string;
  /** Port, on addresses of 127.64.0.0/10, over which Apache reaches https upstreams through itself; default 8474. */
  readonly innerPort: number;
  /**
   * Requests to an https upstream at once, in each of Apache's processes; default 12, half of its `ThreadsPerChild`: each
   * takes two threads, and where all wait for a second one none goes on.
   */
  readonly innerConnections: number;
}

const table: OptionTable<ApacheOptions> = {
  ...proxyOptionTable(["2.4"], "/etc/apache2/tls-gateway"),
  ...opensslOptionTable,
  acmeThumbprint: thumbprintOption,
  configFile: fileOption("/etc/apache2/conf-enabled/tls-gateway.conf"),
  modulesDirectory: directoryOption("/usr/lib/apache2/modules"),
  listen: flagOption(true),
  pidFile: fileOption("/run/apache2/apache2.pid"),
  innerPort: portOption(8474),
  innerConnections: (value = 12, path) => {
    const isCount = typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 10_000;
    return isCount ? value : refuseOption(path, value, "a number from 1 to 10000");
  },
};

/**
 * Reads the options of a gateway of kind `apache` and fills in the defaults.
 * @throws TlsError GATEWAY_INVALID naming the option, what was found and what was expected
 */
export function parseApacheOptions(input: unknown): ApacheOptions {
  return readOptions("apache", input, table);
}

/** Loads what these sites need and the server has not loaded by itself, in the order in which modules build on others. */
export function apacheModules(sites: readonly SiteData[], options: ApacheOptions): readonly Directive[] {
  const upstreams = sites.map(effectiveUpstream);
  const hasTls = sites.some(isTlsSite) || upstreams.some((upstream) => upstream?.scheme === "https");
  const modules = [
    "authz_core",
    "headers",
    "rewrite",
    "proxy",
    "proxy_http",
    ...(upstreams.some((upstream) => upstream?.grpc === true || upstream?.scheme === "h2c") ? ["proxy_http2"] : []),
    ...(hasTls ? ["http2"] : []),
    ...(sites.some(({ proxyProtocol }) => proxyProtocol !== undefined) ? ["remoteip"] : []),
  ];
  return [...loadModules(modules, options), ...(hasTls ? [tls(options)] : [])];
}

/** Loads these where the server has not, in this order. */
export function loadModules(names: readonly string[], options: ApacheOptions): readonly Directive[] {
  return names.map((name) => load(name, options));
}

/** Debian's own configuration of the module has a cache of sessions; without one none is ever resumed. */
function tls(options: ApacheOptions): Directive {
  const cache = directive("SSLSessionCache", quoted("shmcb:tls_gateway_sessions(512000)"));
  return block(["IfModule", "!ssl_module"], [load("socache_shmcb", options), loadModule("ssl", options), cache]);
}

function load(name: string, options: ApacheOptions): Directive {
  return block(["IfModule", `!${name}_module`], [loadModule(name, options)]);
}

function loadModule(name: string, { modulesDirectory }: ApacheOptions): Directive {
  return directive("LoadModule", `${name}_module`, quoted(`${modulesDirectory}/mod_${name}.so`));
}
