import { featuresBut } from "../model/features";
import type { GatewayCommands, GatewayFile, GatewayKind, GatewayRendering } from "../model/kind";
import { type SiteData, sortedByName } from "../model/site";
import { proxyFirewallPorts } from "../proxy/install";
import { type Listener, type ListenerRedirect, type ListenerSite, listenersOf } from "../proxy/listeners";
import { backendObjects, backendOf } from "./backends";
import { checkKubernetesSites } from "./checks";
import { kubernetesFiles, kubernetesSecrets } from "./files";
import { gatewayObjects, type ParentReference } from "./gateway-api/listeners";
import { backendPolicies } from "./gateway-api/policies";
import { redirectRoutes, siteRoutes } from "./gateway-api/routes";
import { siteIngress } from "./ingress/ingress";
import { kubernetesNotes } from "./notes";
import { type KubernetesObject, renderObjectList } from "./objects";
import { type KubernetesOptions, listening, parseKubernetesOptions } from "./options";

/** Objects for a Kubernetes cluster: of the Gateway API, or Ingresses. */
export const kubernetes: GatewayKind<KubernetesOptions> = {
  kind: "kubernetes",
  features: featuresBut({
    certificateFiles: "keeps certificates in Secrets and reads no file of a server: give a certificate of a resource",
    letsEncrypt: "asks for no certificate by itself: use an AcmeCertificate",
    ownSelfSigned: "makes no certificate by itself: give a SelfSignedCA",
    modernProfile: "leaves versions and cipher suites of TLS to what runs the class of the gateway",
    proxyProtocol: "leaves the PROXY protocol to what runs the class of the gateway",
    maintenance: "has no rule that answers 503 by itself",
    conditions: "has no matchers of Caddy",
    routingIds: "has paths, and does not know the ids of Cells",
    grpcPort: "takes gRPC on the port of the site",
  }),
  parseOptions: parseKubernetesOptions,
  checkSites: checkKubernetesSites,
  render: renderKubernetes,
  notes: (sites, options) => kubernetesNotes(sortedByName(sites), options),
  files: allFiles,
  renderSecrets: kubernetesSecrets,
  firewallPorts: (sites, options) => proxyFirewallPorts(listenersOf(sites, listening(options))),
  commands: kubernetesCommands,
};

function renderKubernetes(given: readonly SiteData[], options: KubernetesOptions): GatewayRendering {
  const sites = sortedByName(given);
  return {
    configuration: renderObjectList(kubernetesObjects(sites, options)),
    environment: {},
  };
}

/** All objects but Secrets and the ConfigMaps of roots. */
function kubernetesObjects(sites: readonly SiteData[], options: KubernetesOptions): readonly KubernetesObject[] {
  const backends = sites.flatMap((site) => backendObjects(site, options));
  if (options.api === "ingress") return [...backends, ...sites.flatMap((site) => siteIngress(site, options))];
  const listeners = listenersOf(sites, listening(options));
  const { objects, parents } = gatewayObjects(listeners, options);
  const routes = attachedRoutes(listeners, parents, options);
  return [...objects, ...routes, ...backends, ...backendPolicies(sites, options)];
}

/** A site has one route for all its ports, and another for its redirect. */
function attachedRoutes(
  listeners: readonly Listener[],
  parents: ReadonlyMap<string, ParentReference>,
  options: KubernetesOptions,
): readonly KubernetesObject[] {
  const sites = new Map<string, { entry: ListenerSite; ports: Set<number> }>();
  const redirects = new Map<string, ListenerRedirect>();
  for (const listener of listeners) {
    for (const entry of listener.sites) {
      const { name } = entry.site;
      const found = sites.get(name) ?? { entry, ports: new Set() };
      sites.set(name, found);
      found.ports.add(listener.port);
    }
    for (const redirect of listener.redirects) redirects.set(redirect.site.name, redirect);
  }
  return [
    ...[...sites.values()].flatMap(({ entry, ports }) => siteRoutes(entry, [...ports], parents, options)),
    ...[...redirects.values()].flatMap((redirect) => redirectRoutes(redirect, parents, options)),
  ];
}

/** Each path once, sorted. */
function allFiles(sites: readonly SiteData[], options: KubernetesOptions): readonly GatewayFile[] {
  const files = new Map<string, GatewayFile>();
  for (const site of sortedByName(sites)) {
    const backend = backendOf(site, options);
    for (const file of kubernetesFiles(site, options, typeof backend === "object" ? backend : undefined)) {
      if (!files.has(file.path)) files.set(file.path, file);
    }
  }
  return [...files.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** Server-side: kubectl would else keep a copy of each key in an annotation of its Secret. */
function kubernetesCommands(_sites: readonly SiteData[], { api, namespace }: KubernetesOptions): GatewayCommands {
  const apply = "kubectl apply --server-side -f kubernetes-objects.json";
  const crds = "kubectl get crd gateways.gateway.networking.k8s.io httproutes.gateway.networking.k8s.io";
  const create = `kubectl create namespace ${namespace} --dry-run=client -o yaml | kubectl apply --server-side -f -`;
  return { apply: [apply], install: [...(api === "gateway" ? [crds] : []), create, apply] };
}
