import { answeredNames, type SiteData } from "../../model/site";
import { effectiveUpstream } from "../../model/upstream";
import { backendOf } from "../backends";
import { certificateSecret, clientsRoot, upstreamRoot } from "../files";
import { objectName } from "../names";
import { type KubernetesObject, metadata } from "../objects";
import type { KubernetesOptions } from "../options";
import { servedPaths } from "../paths";

const NGINX_PREFIX = "nginx.ingress.kubernetes.io";

/** Intermediates that a verified chain may have; nginx's own default of one is short. */
const VERIFY_DEPTH = 4;

/** The Ingress of one site; none where no path is served. */
export function siteIngress(site: SiteData, options: KubernetesOptions): readonly KubernetesObject[] {
  const backend = backendOf(site, options);
  const { paths } = servedPaths(site);
  if (typeof backend !== "object" || paths.length === 0) return [];
  const names = answeredNames(site);
  const secretName = certificateSecret(site);
  const service = { name: backend.service, port: { number: backend.port } };
  const http = { paths: paths.map((path) => ({ path, pathType: "Prefix", backend: { service } })) };
  const annotations = options.ingressController === "nginx" ? nginxAnnotations(site, options) : {};
  return [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: {
        ...metadata(objectName(site.name), options),
        ...(Object.keys(annotations).length > 0 && { annotations }),
      },
      spec: {
        ...(options.ingressClassName !== undefined && { ingressClassName: options.ingressClassName }),
        ...(secretName !== undefined && { tls: [{ ...(names.length > 0 && { hosts: names }), secretName }] }),
        rules: names.length === 0 ? [{ http }] : names.map((host) => ({ host, http })),
      },
    },
  ];
}

/** What ingress-nginx is told of a site beyond what an Ingress can say; values are texts. */
function nginxAnnotations(site: SiteData, options: KubernetesOptions): Readonly<Record<string, string>> {
  const upstream = effectiveUpstream(site);
  const found: Record<string, string | undefined> = {
    // its own default is one megabyte, and ours no limit
    "proxy-body-size": String(site.maxBodyBytes ?? 0),
    "ssl-redirect": site.redirectToHttps === true ? "true" : undefined,
    "proxy-connect-timeout": seconds(site.timeouts?.connectSeconds),
  };
  const read = site.timeouts?.responseSeconds ?? (upstream?.isStreamed === true ? upstream.responseSeconds : undefined);
  found["proxy-read-timeout"] = seconds(read);
  found["proxy-send-timeout"] = seconds(read);
  if (upstream?.isStreamed === true) {
    found["proxy-buffering"] = "off";
    found["proxy-request-buffering"] = "off";
  }
  if (upstream?.scheme === "https") {
    found["backend-protocol"] = "HTTPS";
    found["proxy-ssl-name"] = upstream.serverName;
    found["proxy-ssl-secret"] = secret(upstreamRoot(site), options);
    found["proxy-ssl-server-name"] = "on";
    found["proxy-ssl-verify"] = "on";
    found["proxy-ssl-verify-depth"] = String(VERIFY_DEPTH);
  }
  if (site.clientAuth !== undefined) {
    found["auth-tls-secret"] = secret(clientsRoot(site), options);
    found["auth-tls-verify-client"] = "on";
    found["auth-tls-verify-depth"] = String(VERIFY_DEPTH);
  }
  const entries = Object.entries(found).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[`${NGINX_PREFIX}/${name}`, value]],
  );
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function secret(name: string | undefined, { namespace }: KubernetesOptions): string | undefined {
  return name === undefined ? undefined : `${namespace}/${name}`;
}

function seconds(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
