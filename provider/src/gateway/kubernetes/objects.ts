import type { KubernetesOptions } from "./options";

/** An object as the API server and `@pulumi/kubernetes` take it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly spec?: object;
  /** Of a Secret or a ConfigMap; a Secret's values are base64. */
  readonly data?: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly [field: string]: unknown;
}

/** What an object is found by. */
export interface ObjectMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Group of the Gateway API. */
export const GATEWAY_GROUP = "gateway.networking.k8s.io";

/** Name, namespace, and the label by which all objects of a gateway are selected. */
export function metadata(
  name: string,
  options: KubernetesOptions,
  given: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> } = {},
): ObjectMetadata {
  return {
    name,
    namespace: given.namespace ?? options.namespace,
    labels: { "app.kubernetes.io/part-of": options.gatewayName, ...given.labels },
  };
}

/** A list as `kubectl apply` takes it, indented by two spaces, sorted by kind, namespace and name. */
export function renderObjectList(objects: readonly KubernetesObject[]): string {
  const key = ({ kind, metadata: { namespace, name } }: KubernetesObject): string => `${kind} ${namespace} ${name}`;
  const items = objects
    .map((object) => [key(object), object] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, object]) => object);
  return `${JSON.stringify({ apiVersion: "v1", kind: "List", items }, undefined, 2)}\n`;
}

/** `items` in runs of at most `size`, in order. */
export function inChunks<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  const chunks: (readonly Item[])[] = [];
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size));
  return chunks;
}
