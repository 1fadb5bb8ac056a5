import { TlsError } from "../../errors";
import type { GatewayFile } from "../model/kind";
import { isTlsSite, type SiteData } from "../model/site";
import type { Backend } from "./backends";
import { objectName } from "./names";
import { type KubernetesObject, metadata } from "./objects";
import type { KubernetesOptions } from "./options";

/** Where a root is kept: the Gateway API reads ConfigMaps, ingress-nginx reads Secrets; both under `ca.crt`. */
const rootFolders = { gateway: "configmaps", ingress: "secrets" } as const;

/** `secrets/<namespace>/<name>/<key>`, or `configmaps/…`. */
const filePath = /^(secrets|configmaps)\/([^/]+)\/([^/]+)\/([^/]+)$/;

/** Name of the Secret with a site's certificate and key; undefined where there is none. */
export function certificateSecret({ name, tls }: SiteData): string | undefined {
  if (tls === "disabled" || "letsEncrypt" in tls) return undefined;
  if ("selfSigned" in tls) return tls.selfSigned.ca === undefined ? undefined : objectName(name, "leaf");
  return "name" in tls.certificate ? objectName(tls.certificate.name) : undefined;
}

/** Name of the ConfigMap, or Secret, with the root that a site's upstream is verified by. */
export function upstreamRoot({ name, upstream }: SiteData): string | undefined {
  return upstream?.rootCa === true ? objectName(name, "upstream") : undefined;
}

/** Name of the ConfigMap, or Secret, with the authorities of a site's clients. */
export function clientsRoot({ name, clientAuth }: SiteData): string | undefined {
  return clientAuth?.ca === true ? objectName(name, "clients") : undefined;
}

/** What the Secrets and ConfigMaps of a site hold, a file for each of their keys; `backend` tells the root's namespace. */
export function kubernetesFiles(
  site: SiteData,
  options: KubernetesOptions,
  backend: Backend | undefined,
): readonly GatewayFile[] {
  const files: GatewayFile[] = [];
  const { name, tls } = site;
  const secret = certificateSecret(site);
  if (secret !== undefined && isTlsSite(site) && tls !== "disabled") {
    const isLeaf = "selfSigned" in tls;
    const certificate = "certificate" in tls && "name" in tls.certificate ? tls.certificate.name : name;
    const source = { of: isLeaf ? "leaf" : "certificate", name: certificate } as const;
    const what = isLeaf ? `the self-signed certificate of site "${name}"` : `certificate "${certificate}"`;
    const folder = `secrets/${options.namespace}/${secret}`;
    files.push(
      {
        path: `${folder}/tls.crt`,
        mode: "0644",
        source: { ...source, part: "fullChainPem" },
        purpose: `${what} with its intermediates`,
      },
      {
        path: `${folder}/tls.key`,
        mode: "0600",
        source: { ...source, part: "privateKeyPem" },
        purpose: `key of ${what}`,
      },
    );
  }
  const folder = rootFolders[options.api];
  const root = upstreamRoot(site);
  if (root !== undefined) {
    // a policy of the Gateway API stands beside the Service, and its root beside it
    const namespace = options.api === "gateway" ? (backend?.namespace ?? options.namespace) : options.namespace;
    files.push({
      path: `${folder}/${namespace}/${root}/ca.crt`,
      mode: "0644",
      source: { of: "upstream", name, part: "caPem" },
      purpose: `root that the upstream of site "${name}" is verified by`,
    });
  }
  const clients = clientsRoot(site);
  if (clients !== undefined) {
    files.push({
      path: `${folder}/${options.namespace}/${clients}/ca.crt`,
      mode: "0644",
      source: { of: "clientAuth", name, part: "caPem" },
      purpose: `authorities of the clients of site "${name}"`,
    });
  }
  return files;
}

/**
 * The Secrets and ConfigMaps of a gateway as objects: what {@link GatewayFile} describes, with its contents. Secrets with
 * `tls.crt` and `tls.key` are of type `kubernetes.io/tls`, others `Opaque`; their values are base64. Sorted by path.
 *
 * @param contents path -> content of every file; holds keys, and so does the result
 * @throws TlsError GATEWAY_INVALID for a file without content
 */
export function kubernetesSecrets(
  files: readonly GatewayFile[],
  contents: Readonly<Record<string, string>>,
  options: KubernetesOptions,
): readonly KubernetesObject[] {
  const objects = new Map<string, { folder: string; namespace: string; name: string; data: Map<string, string> }>();
  for (const { path } of [...files].sort((one, other) => (one.path < other.path ? -1 : 1))) {
    const [, folder = "", namespace = "", name = "", key = ""] = filePath.exec(path) ?? [];
    const content = Object.hasOwn(contents, path) ? contents[path] : undefined;
    if (key === "" || content === undefined) {
      const hint = "A Secret needs the key too: give a certificate whose key is known here.";
      throw new TlsError("GATEWAY_INVALID", `${path}: found no content for this file`, { hint });
    }
    const id = `${folder}/${namespace}/${name}`;
    const object = objects.get(id) ?? { folder, namespace, name, data: new Map() };
    objects.set(id, object);
    object.data.set(key, folder === "secrets" ? Buffer.from(content, "utf8").toString("base64") : content);
  }
  return [...objects.values()].map(({ folder, namespace, name, data }) => {
    const shared = { metadata: metadata(name, options, { namespace }), data: Object.fromEntries(data) };
    if (folder === "configmaps") return { apiVersion: "v1", kind: "ConfigMap", ...shared };
    const type = data.has("tls.crt") && data.has("tls.key") ? "kubernetes.io/tls" : "Opaque";
    return { apiVersion: "v1", kind: "Secret", type, ...shared };
  });
}
