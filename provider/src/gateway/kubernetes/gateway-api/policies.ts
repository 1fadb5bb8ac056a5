import type { SiteData } from "../../model/site";
import { effectiveUpstream } from "../../model/upstream";
import { backendOf } from "../backends";
import { upstreamRoot } from "../files";
import { objectName } from "../names";
import { GATEWAY_GROUP, type KubernetesObject, metadata } from "../objects";
import type { KubernetesOptions } from "../options";

/** Sites whose requests go to one Service, sorted by name. */
export interface SharedService {
  readonly service: string;
  readonly namespace: string;
  readonly sites: readonly [SiteData, ...SiteData[]];
}

/** The Services of these sites, which come sorted by name. */
export function sharedServices(sites: readonly SiteData[], options: KubernetesOptions): readonly SharedService[] {
  const services = new Map<string, { service: string; namespace: string; sites: [SiteData, ...SiteData[]] }>();
  for (const site of sites) {
    const backend = backendOf(site, options);
    if (typeof backend !== "object") continue;
    const { service, namespace } = backend;
    const found = services.get(`${namespace}/${service}`);
    if (found === undefined) services.set(`${namespace}/${service}`, { service, namespace, sites: [site] });
    else found.sites.push(site);
  }
  return [...services.values()];
}

/** A policy belongs to a Service as a whole, so there is one for all sites that use it: that of the first. */
export function backendPolicies(sites: readonly SiteData[], options: KubernetesOptions): readonly KubernetesObject[] {
  return sharedServices(sites, options).flatMap(({ service, namespace, sites: [site] }) => {
    const upstream = effectiveUpstream(site);
    if (upstream?.scheme !== "https") return [];
    const root = upstreamRoot(site);
    const trusted =
      root === undefined
        ? { wellKnownCACertificates: "System" }
        : { caCertificateRefs: [{ group: "", kind: "ConfigMap", name: root }] };
    return [
      {
        apiVersion: `${GATEWAY_GROUP}/v1`,
        kind: "BackendTLSPolicy",
        metadata: metadata(objectName(site.name, "upstream"), options, { namespace }),
        spec: {
          targetRefs: [{ group: "", kind: "Service", name: service }],
          validation: { ...trusted, hostname: upstream.serverName },
        },
      },
    ];
  });
}
