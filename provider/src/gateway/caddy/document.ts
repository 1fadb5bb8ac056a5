import type { SiteData } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import { type Listener, listenersOf, renderAddress } from "../proxy/listeners";
import { type JsonObject, renderJson } from "./json";
import type { CaddyOptions } from "./options";
import { isStrict, listenerRoutes } from "./routes";
import { automationOf, connectionPolicies, tlsApp } from "./tls";

/** Renders the whole configuration of a Caddy as JSON. Expects sites sorted by name. */
export function renderCaddyJson(sites: readonly SiteData[], options: CaddyOptions): string {
  return renderJson(caddyConfiguration(sites, options));
}

function caddyConfiguration(sites: readonly SiteData[], options: CaddyOptions): JsonObject {
  const servers = serverGroups(listenersOf(sites, options)).map(
    (group) => [renderAddress(group[0]), serverOf(group, options)] as const,
  );
  const tls = tlsApp(sites, options);
  const makesOwn = sites.some((site) => automationOf(site)?.issuer.module === "internal");
  return {
    admin: { listen: options.admin },
    apps: {
      http: { http_port: options.httpPort, servers: Object.fromEntries(servers) },
      ...(tls !== undefined && { tls }),
      // Caddy would put its root among those of the system, and ask for a password
      ...(makesOwn && { pki: { certificate_authorities: { local: { install_trust: false } } } }),
    },
  };
}

/** Listeners that serve the same, as 0.0.0.0 and [::] mostly do, are one server. */
function serverGroups(listeners: readonly Listener[]): readonly (readonly [Listener, ...Listener[]])[] {
  const groups = new Map<string, [Listener, ...Listener[]]>();
  for (const listener of listeners) {
    const sites = listener.sites.map(({ site }) => site.name);
    const redirects = listener.redirects.map(({ site, port }) => [site.name, port]);
    const id = JSON.stringify([listener.port, sites, redirects]);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [listener]);
    else group.push(listener);
  }
  return [...groups.values()];
}

function serverOf(group: readonly [Listener, ...Listener[]], options: CaddyOptions): JsonObject {
  const [listener] = group;
  return {
    listen: group.map(networkAddress),
    ...(listener.proxyProtocol !== undefined && {
      listener_wrappers: listenerWrappers(listener.proxyProtocol.trusted, listener.isTls),
    }),
    routes: listenerRoutes(listener, options),
    errors: { routes: [{ handle: [{ handler: "headers", response: { delete: ["Server"] } }] }] },
    ...(listener.isTls && { tls_connection_policies: connectionPolicies(listener, options) }),
    automatic_https: { disable: true },
    // said in any case: Caddy demands it by itself where clients need certificates
    ...(listener.isTls && { strict_sni_host: isStrict(listener) }),
    protocols: protocolsOf(listener),
  };
}

/** Of one family: Go takes 0.0.0.0 for [::] too otherwise. */
function networkAddress(listener: Listener): string {
  return `${listener.address.includes(":") ? "tcp6" : "tcp4"}/${renderAddress(listener)}`;
}

/** The word of others about the client's address does not count, and their connections are served (policy IGNORE). */
function listenerWrappers(trusted: readonly string[], isTls: boolean): readonly JsonObject[] {
  const allow = trusted.map((range) => (range.includes("/") ? range : `${range}/${range.includes(":") ? 128 : 32}`));
  return [{ wrapper: "proxy_protocol", timeout: "5s", allow }, ...(isTls ? [{ wrapper: "tls" }] : [])];
}

/** No HTTP/3. HTTP/2 without TLS only where gRPC needs it: its clients have no other way. */
function protocolsOf({ isTls, sites }: Listener): readonly string[] {
  if (isTls) return ["h1", "h2"];
  return sites.some(({ site }) => effectiveUpstream(site)?.grpc === true) ? ["h1", "h2c"] : ["h1"];
}
