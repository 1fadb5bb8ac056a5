// Guards: tests of Kubernetes that each write their sites, options and ways to look at the objects of their own.
import { expect } from "vitest";
import { kubernetes } from "../../../provider/src/gateway/kubernetes/kubernetes";
import type { KubernetesObject } from "../../../provider/src/gateway/kubernetes/objects";
import { acceptedSites } from "./cells-sites";

/** Options for the Gateway API. */
export const gateway = kubernetes.parseOptions({ gatewayClassName: "envoy" });

/** Options for Ingresses of any controller. */
export const ingress = kubernetes.parseOptions({ api: "ingress" });

/** Options for Ingresses of ingress-nginx. */
export const nginx = kubernetes.parseOptions({
  api: "ingress",
  ingressController: "nginx",
  ingressClassName: "nginx",
});

/** A site with a certificate of a resource. */
export const web = {
  name: "web",
  binds: ["web.example.com:443"],
  tls: { certificate: { name: "web" } },
  upstream: { url: "http://web:8080" },
};

/** A site without TLS that answers every name. */
export const plain = { name: "plain", binds: [":80"], tls: "disabled", upstream: { url: "http://plain:8080" } };

type Options = typeof gateway;

/** The objects of these sites, which the kind must take. */
export function objects(options: Options, ...inputs: object[]): readonly KubernetesObject[] {
  const sites = acceptedSites(...inputs);
  expect(kubernetes.checkSites(sites, options)).toEqual([]);
  const list = JSON.parse(kubernetes.render(sites, options).configuration);
  expect([list.apiVersion, list.kind]).toEqual(["v1", "List"]);
  return list.items;
}

/** The spec of the only object of that kind, or of the one of that name. */
export function spec(options: Options, kind: string, name: string, ...inputs: object[]): unknown {
  return objects(options, ...inputs).find((one) => one.kind === kind && one.metadata.name === name)?.spec;
}

/** What the kind has against the sites, a line each. */
export function reasons(options: Options, ...inputs: object[]): readonly string[] {
  const problems = kubernetes.checkSites(acceptedSites(...inputs), options);
  return problems.map(({ site, property, reason }) => `${site}.${property}: ${reason}`);
}

/** What may surprise about the sites, after the note that every gateway of the kind begins with. */
export function notes(options: Options, ...inputs: object[]): readonly string[] {
  const [first, ...others] = kubernetes.notes(acceptedSites(...inputs), options);
  expect(first).toMatch(/^The implementation behind the (GatewayClass|IngressClass)( "\w+")? decides /);
  return others;
}
