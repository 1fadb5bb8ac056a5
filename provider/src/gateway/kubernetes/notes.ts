import { renderQuoted } from "../../text/quoted";
import { answeredNames, isTlsSite, type SiteData } from "../model/site";
import { type EffectiveUpstream, effectiveUpstream } from "../model/upstream";
import { type Backend, backendOf } from "./backends";
import { sharedServices } from "./gateway-api/policies";
import { hasGatewayApi, type KubernetesOptions } from "./options";

/** What is right but may surprise; the sites come sorted by name. */
export function kubernetesNotes(sites: readonly SiteData[], options: KubernetesOptions): readonly string[] {
  const perSite = options.api === "gateway" ? gatewayNotes : ingressNotes;
  const notes = sites.flatMap((site) => [...perSite(site, options), ...routingNotes(site)]);
  const all = options.api === "gateway" ? [...notes, ...sharedNotes(sites, options)] : notes;
  return sites.length === 0 ? [] : [classNote(options), ...all];
}

/** Rules that every other proxy gets in its configuration; no object of Kubernetes can hold them. */
function classNote({ api, gatewayClassName, ingressClassName }: KubernetesOptions): string {
  const [kind, name] = api === "gateway" ? ["GatewayClass", gatewayClassName] : ["IngressClass", ingressClassName];
  const behind = name === undefined ? kind : `${kind} ${renderQuoted(name)}`;
  return `The implementation behind the ${behind} decides what no object of Kubernetes can say: whether it upgrades to other protocols than WebSocket (h2c), serves a Host of another form than a name with a port, passes TRACE on, removes what a client wrote into X-Real-IP, Forwarded and the like or into names with underscores (X_Forwarded_For), and resolves percent-encoding before it compares a path. Try each against it.`;
}

function routingNotes({ name, routing = [] }: SiteData): readonly string[] {
  if (!routing.some(({ route }) => route.startsWith("/"))) return [];
  return [
    `Site "${name}" answers a path that no rule allows with 404, and how the gateway reads paths such as /a/../b or /a%2fb is its implementation's: the application must not rely on the rules alone.`,
  ];
}

function gatewayNotes(site: SiteData, options: KubernetesOptions): readonly string[] {
  const upstream = effectiveUpstream(site);
  const backend = backendOf(site, options);
  const notes: string[] = [];
  const wildcard = answeredNames(site).find((name) => name.startsWith("*."));
  if (wildcard !== undefined) {
    notes.push(
      `Site "${site.name}" answers ${wildcard} for several labels too (a.b.${wildcard.slice(2)}), as the Gateway API has it.`,
    );
  }
  if (site.redirectToHttps === true && !hasGatewayApi(options, 5)) {
    notes.push(`Site "${site.name}" redirects with 301: the Gateway API ${options.version} does not know 308.`);
  }
  if (site.clientAuth !== undefined) {
    notes.push(
      `Site "${site.name}" asks clients for certificates by spec.tls.frontend of the Gateway: resources of the Gateway API before 1.5 drop that in silence, so try that a client without a certificate is refused.`,
    );
  }
  if (upstream?.scheme === "https") {
    notes.push(
      `The upstream of site "${site.name}" is verified only by a class that knows BackendTLSPolicy (kubectl describe backendtlspolicy says whether it was accepted).`,
    );
  }
  if (site.timeouts?.responseSeconds !== undefined) {
    notes.push(`The time-out of site "${site.name}" counts to the end of the answer: long downloads end there too.`);
  }
  if (upstream !== undefined && typeof backend === "object") {
    notes.push(...backendNotes(site, upstream, backend, options));
  }
  return notes;
}

function backendNotes(
  site: SiteData,
  upstream: EffectiveUpstream,
  backend: Backend,
  options: KubernetesOptions,
): readonly string[] {
  const notes: string[] = [];
  const where = `${backend.namespace}/${backend.service}`;
  if (backend.namespace !== options.namespace) {
    notes.push(
      `Site "${site.name}" needs a ReferenceGrant in namespace ${backend.namespace}, from HTTPRoutes of ${options.namespace} to the Service ${backend.service}: whoever owns that namespace makes it.`,
    );
  }
  const isPlainGrpc = upstream.grpc && upstream.scheme === "http";
  if ((upstream.scheme === "h2c" && backend.made === undefined) || isPlainGrpc) {
    const port = `port ${upstream.port} of the Service ${where} has appProtocol: kubernetes.io/h2c`;
    notes.push(
      isPlainGrpc
        ? `gRPC of site "${site.name}" passes only when ${port}; then all its requests go as HTTP/2.`
        : `Requests of site "${site.name}" go as HTTP/2 only when ${port}.`,
    );
  }
  if (upstream.grpc && upstream.scheme === "https") {
    notes.push(
      `gRPC of site "${site.name}" passes only where the gateway's implementation offers HTTP/2 to upstreams with TLS.`,
    );
  }
  if (upstream.isStreamed) {
    notes.push(
      `Site "${site.name}" is Cells: set no limit for bodies in the policies of the gateway's implementation.`,
    );
  }
  return notes;
}

/** One policy for a Service: sites that give a root each must give the same. */
function sharedNotes(sites: readonly SiteData[], options: KubernetesOptions): readonly string[] {
  return sharedServices(sites, options).flatMap(({ service, namespace, sites: [first, ...others] }) => {
    if (others.length === 0 || first.upstream?.rootCa !== true) return [];
    const names = others.map(({ name }) => `"${name}"`).join(", ");
    return [`The Service ${namespace}/${service} is verified by the root of site "${first.name}" for ${names} too.`];
  });
}

function ingressNotes(site: SiteData, options: KubernetesOptions): readonly string[] {
  const backend = backendOf(site, options);
  const notes: string[] = [];
  if (isTlsSite(site) && site.redirectToHttps !== true) {
    notes.push(
      options.ingressController === "nginx"
        ? `ingress-nginx redirects plain HTTP of site "${site.name}" to https, unless its own ConfigMap says otherwise.`
        : `Site "${site.name}" may be answered on plain HTTP too: an Ingress can't say that it is not.`,
    );
  }
  if (typeof backend === "object" && backend.made === "externalName") {
    notes.push(
      `The upstream of site "${site.name}" is an ExternalName Service, which some controllers must be told to follow.`,
    );
  }
  if (effectiveUpstream(site)?.isStreamed === true) {
    notes.push(`gRPC does not reach site "${site.name}": an Ingress can't tell it apart by its content type.`);
  }
  return notes;
}
