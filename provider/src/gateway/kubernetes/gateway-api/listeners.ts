import type { Listener } from "../../proxy/listeners";
import { certificateSecret, clientsRoot } from "../files";
import { partName, sectionName } from "../names";
import { GATEWAY_GROUP, inChunks, type KubernetesObject, metadata } from "../objects";
import type { KubernetesOptions } from "../options";

/** What a route is attached to: one listener of the Gateway, or of a ListenerSet. */
export interface ParentReference {
  readonly group: typeof GATEWAY_GROUP;
  readonly kind: "Gateway" | "ListenerSet";
  readonly name: string;
  readonly sectionName: string;
}

/** What a Gateway, and a ListenerSet too, has room for. */
export const MOST_LISTENERS = 64;

/** The Gateway with its ListenerSets, and where each listener of theirs stands, by its section name. */
export interface GatewayObjects {
  readonly objects: readonly KubernetesObject[];
  readonly parents: ReadonlyMap<string, ParentReference>;
}

/**
 * Turns ports into listeners. Plain HTTP is one listener a port, whose routes tell hosts apart; with TLS each name of each
 * site has its own, as the certificate belongs to the listener. Beyond 64 listeners ListenerSets take the rest.
 */
export function gatewayObjects(listeners: readonly Listener[], options: KubernetesOptions): GatewayObjects {
  const entries = [...listenerEntries(listeners).values()];
  const names = entries.map(({ name }) => name);
  const chunks = inChunks(entries, MOST_LISTENERS);
  const parents = new Map<string, ParentReference>();
  for (const [index, section] of names.entries()) {
    const part = Math.floor(index / MOST_LISTENERS);
    const kind = part === 0 ? "Gateway" : "ListenerSet";
    const name = partName(options.gatewayName, part);
    parents.set(section, { group: GATEWAY_GROUP, kind, name, sectionName: section });
  }
  const [first = [], ...rest] = chunks;
  const frontend = frontendTls(listeners);
  const gateway = {
    apiVersion: `${GATEWAY_GROUP}/v1`,
    kind: "Gateway",
    metadata: metadata(options.gatewayName, options),
    spec: {
      gatewayClassName: options.gatewayClassName,
      ...(frontend !== undefined && { tls: { frontend } }),
      ...(rest.length > 0 && { allowedListeners: { namespaces: { from: "Same" } } }),
      listeners: first,
    },
  };
  const sets = rest.map((chunk, index) => ({
    apiVersion: `${GATEWAY_GROUP}/v1`,
    kind: "ListenerSet",
    metadata: metadata(partName(options.gatewayName, index + 1), options),
    spec: {
      parentRef: { group: GATEWAY_GROUP, kind: "Gateway", name: options.gatewayName },
      listeners: chunk,
    },
  }));
  // a Gateway without a listener is refused
  return { objects: first.length === 0 ? [] : [gateway, ...sets], parents };
}

interface ListenerEntry {
  readonly name: string;
  readonly hostname?: string;
  readonly port: number;
  readonly protocol: "HTTP" | "HTTPS";
  readonly tls?: object;
}

/** By name, plain HTTP first. */
export function listenerEntries(listeners: readonly Listener[]): ReadonlyMap<string, ListenerEntry> {
  const entries = new Map<string, ListenerEntry>();
  for (const { port } of listeners.filter(({ isTls }) => !isTls)) {
    const name = sectionName("http", port);
    entries.set(name, { name, port, protocol: "HTTP" });
  }
  for (const { port, sites } of listeners.filter(({ isTls }) => isTls)) {
    for (const { site, names } of sites) {
      const secret = certificateSecret(site);
      const tls = {
        mode: "Terminate",
        ...(secret !== undefined && { certificateRefs: [{ kind: "Secret", name: secret }] }),
      };
      for (const hostname of names.length === 0 ? [undefined] : names) {
        const name = sectionName("https", port, hostname);
        entries.set(name, { name, ...(hostname !== undefined && { hostname }), port, protocol: "HTTPS", tls });
      }
    }
  }
  return entries;
}

/** Clients' certificates, which belong to a port as a whole (GEP-91); the default asks for none. */
function frontendTls(listeners: readonly Listener[]): object | undefined {
  const perPort = listeners
    .filter(({ isTls, address }) => isTls && address === "0.0.0.0")
    .flatMap(({ port, sites }) => {
      const name = sites.map(({ site }) => clientsRoot(site)).find((root) => root !== undefined);
      if (name === undefined) return [];
      const validation = { caCertificateRefs: [{ group: "", kind: "ConfigMap", name }] };
      return [{ port, tls: { validation } }];
    });
  return perPort.length === 0 ? undefined : { default: {}, perPort };
}
