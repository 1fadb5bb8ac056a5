import { choice, type OptionReader, type OptionTable, portOption, readOptions, refuseOption } from "../syntax/options";

/** What a gateway of kind `kubernetes` needs to know beside its sites. */
export interface KubernetesOptions {
  /** Objects of the Gateway API, or Ingresses of `networking.k8s.io/v1`; default "gateway". */
  readonly api: "gateway" | "ingress";
  /**
   * Release of the Gateway API whose resources the cluster has: 1.5 brought client certificates, redirects with 308 and
   * ListenerSets, 1.4 verified upstreams. Later ones take what is made for "1.5", the default.
   */
  readonly version: "1.5" | "1.4" | "1.3" | "1.2";
  /** Where all objects stand, except those that must be beside a Service; default "default". */
  readonly namespace: string;
  /** Name of the Gateway object; default "tls-gateway". */
  readonly gatewayName: string;
  /** What runs the Gateway (`kubectl get gatewayclass`); absent for "ingress" only. */
  readonly gatewayClassName?: string | undefined;
  /** What runs the Ingresses (`kubectl get ingressclass`); absent: the cluster's default class. */
  readonly ingressClassName?: string | undefined;
  /**
   * "nginx" is ingress-nginx of the Kubernetes project, whose annotations say what an Ingress can't; the project ended its
   * maintenance in March 2026.
   */
  readonly ingressController?: "nginx" | undefined;
  /** Where `redirectToHttps` listens; default 80. */
  readonly httpPort: number;
}

/** Values of labels, as the name of the Gateway is one, end after 63 signs. */
const LONGEST_LABEL = 63;
const LONGEST_NAME = 253;

const table: OptionTable<KubernetesOptions> = {
  api: choice(["gateway", "ingress"], "gateway"),
  version: choice(["1.5", "1.4", "1.3", "1.2"], "1.5"),
  namespace: objectNameOption(LONGEST_LABEL, "default"),
  gatewayName: objectNameOption(LONGEST_LABEL, "tls-gateway"),
  gatewayClassName: objectNameOption(LONGEST_NAME),
  ingressClassName: objectNameOption(LONGEST_NAME),
  ingressController: (value, path) => (value === undefined ? undefined : choice(["nginx"], "nginx")(value, path)),
  httpPort: portOption(80),
};

/**
 * Reads the options of a gateway of kind `kubernetes`.
 * @throws TlsError GATEWAY_INVALID naming the option
 */
export function parseKubernetesOptions(input: unknown): KubernetesOptions {
  const options = readOptions("kubernetes", input, table);
  if (options.api === "gateway" && options.gatewayClassName === undefined) {
    const expected = "the name of a class of the cluster, which `kubectl get gatewayclass` lists";
    return refuseOption("options.gatewayClassName", undefined, expected);
  }
  return options;
}

/** Whether the Gateway API of the cluster is of this release or a later one. */
export function hasGatewayApi({ version }: KubernetesOptions, minor: 4 | 5): boolean {
  return Number(version.slice(2)) >= minor;
}

/** An address of their own is nothing that sites in a cluster have, so that IPv6 is no matter of theirs. */
export function listening({ httpPort }: KubernetesOptions): { readonly httpPort: number; readonly ipv6: false } {
  return { httpPort, ipv6: false };
}

/** A name of an object: a DNS label (RFC 1123 section 2.1); longer ones are labels joined by dots. */
function objectNameOption(longest: number, fallback: string): OptionReader<string>;
function objectNameOption(longest: number): OptionReader<string | undefined>;
function objectNameOption(longest: number, fallback?: string): OptionReader<string | undefined> {
  const label = "[a-z0-9]([a-z0-9-]*[a-z0-9])?";
  const pattern = new RegExp(longest === LONGEST_LABEL ? `^${label}$` : `^${label}(\\.${label})*$`);
  return (value = fallback, path) => {
    if (value === undefined) return undefined;
    const isName = typeof value === "string" && value.length <= longest && pattern.test(value);
    return isName ? value : refuseOption(path, value, `at most ${longest} lower-case letters, digits and hyphens`);
  };
}
