import { ipOctets } from "../../x509/names/ip-address";
import type { SiteData } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import { objectName } from "./names";
import { type KubernetesObject, metadata } from "./objects";
import type { KubernetesOptions } from "./options";

/** The Service that a site's requests go to. */
export interface Backend {
  readonly service: string;
  readonly namespace: string;
  readonly port: number;
  /** A Service of ours, for an upstream that is none; else it is the user's. */
  readonly made?: "endpoints" | "externalName";
}

/** A Service of the site's own namespace (`cells`), or of another (`cells.prod.svc`, `cells.prod.svc.cluster.local`). */
const serviceHost = /^(?<service>[a-z0-9-]+)(?:\.(?<namespace>[a-z0-9-]+)\.svc(?:\.[a-z0-9.-]+)?)?$/;

/**
 * What the site's upstream is in a cluster; a text says why there is no such thing, a clause that follows its host. An
 * address becomes a Service with an EndpointSlice. A foreign name becomes an ExternalName for an Ingress only: the
 * Gateway API warns against such Services.
 */
export function backendOf(site: SiteData, options: KubernetesOptions): Backend | string | undefined {
  const upstream = effectiveUpstream(site);
  if (upstream === undefined) return undefined;
  const { host, port } = upstream;
  const octets = ipOctets(host);
  const own = { service: objectName(site.name, "upstream"), namespace: options.namespace, port };
  if (octets !== undefined) {
    const problem = addressProblem(octets);
    return problem ?? { ...own, made: "endpoints" };
  }
  if (host === "localhost") return "is the gateway's own pod in a cluster: name a Service, such as http://cells:8080";
  const { service, namespace = options.namespace } = serviceHost.exec(host)?.groups ?? {};
  if (service !== undefined && (namespace === options.namespace || options.api === "gateway")) {
    return { service, namespace, port };
  }
  if (options.api === "ingress") return { ...own, made: "externalName" };
  return "is no Service of the cluster: write http://service:port, http://service.namespace.svc:port or an address. The Gateway API knows no other names";
}

/** The objects behind a backend that is not the user's own Service. */
export function backendObjects(site: SiteData, options: KubernetesOptions): readonly KubernetesObject[] {
  const upstream = effectiveUpstream(site);
  const backend = backendOf(site, options);
  if (upstream === undefined || typeof backend !== "object" || backend.made === undefined) return [];
  const { host, port, scheme } = upstream;
  const servicePort = {
    name: "upstream",
    port,
    protocol: "TCP",
    ...(scheme === "h2c" && { appProtocol: "kubernetes.io/h2c" }),
  };
  const service = { apiVersion: "v1", kind: "Service", metadata: metadata(backend.service, options) };
  if (backend.made === "externalName") {
    const externalName = host.endsWith(".svc") ? `${host}.cluster.local` : host;
    return [{ ...service, spec: { type: "ExternalName", externalName, ports: [servicePort] } }];
  }
  const isIpv6 = host.includes(":");
  const labels = {
    "kubernetes.io/service-name": backend.service,
    "endpointslice.kubernetes.io/managed-by": "pulumi-tls-gateway",
  };
  return [
    { ...service, spec: { ...(isIpv6 && { ipFamilyPolicy: "PreferDualStack" }), ports: [servicePort] } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: metadata(backend.service, options, { labels }),
      addressType: isIpv6 ? "IPv6" : "IPv4",
      endpoints: [{ addresses: [host], conditions: { ready: true } }],
      ports: [servicePort],
    },
  ];
}

/** What the API server refuses in an EndpointSlice. */
function addressProblem(octets: Buffer): string | undefined {
  const [first = 0, second = 0] = octets;
  const isIpv4 = octets.length === 4;
  const isAll = octets.every((octet, index) => octet === 0 || (!isIpv4 && index === octets.length - 1 && octet === 1));
  const isLoopback = isAll || (isIpv4 && first === 127);
  const isLinkLocal = isIpv4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80;
  const isMulticast = isIpv4 ? (first & 0xf0) === 0xe0 : first === 0xff;
  // ::ffff:10.0.0.5: the API server takes it for an IPv4 address, which the type of the slice then contradicts
  const isMapped = !isIpv4 && octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 0xff;
  if (isMapped) return "is an IPv4 address in the form of an IPv6 one: write it as IPv4";
  if (!isLoopback && !isLinkLocal && !isMulticast) return undefined;
  return "is no address that a cluster's gateway could reach: name a Service, such as http://cells:8080";
}
