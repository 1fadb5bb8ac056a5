import type { ApacheOptions } from "./apache/options";
import { isTlsSite, type SiteData } from "./model/site";
import { effectiveUpstream } from "./model/upstream";
import { block, type Directive, directive, quoted } from "./syntax/directives";

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
