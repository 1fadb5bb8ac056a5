// What the kind "kubernetes" renders, judged as an API server does by the published resources of the Gateway API: fields,
// schemas, lists that are sets, rules in CEL. No cluster runs here.
import { describe, expect, test } from "vitest";
import { kubernetesSecrets } from "../../../provider/src/gateway/kubernetes/files";
import { kubernetes } from "../../../provider/src/gateway/kubernetes/kubernetes";
import type { KubernetesObject } from "../../../provider/src/gateway/kubernetes/objects";
import { acceptedSites } from "../../support/gateway/cells-sites";
import { refusedObjects, spoiled } from "../../support/gateway/kubernetes-validator";
import { describeWithPeer } from "../../support/peer";

/** Releases whose resources are tried, by what the option `version` is then. */
const releases = { "1.5": ["1.5.1", "1.6.1"], "1.4": ["1.4.1", "1.6.1"], "1.3": ["1.3.0"], "1.2": ["1.2.1"] } as const;

const header = (on: string, action: string, name: string) => ({
  on,
  action,
  name,
  ...(action !== "remove" && { value: "a" }),
});
const web = {
  name: "web",
  binds: ["web.example.com:443"],
  tls: { certificate: { name: "web" } },
  redirectToHttps: true,
  upstream: { url: "http://web:8080" },
};
/** What every release can say. */
const basic = [
  {
    ...web,
    hostnames: Array.from({ length: 40 }, (_, index) => `n${index}.example.com`),
    hsts: { maxAgeSeconds: 31_536_000, includeSubDomains: true, preload: true },
    headers: [
      ...["set", "append", "remove"].map((action) => header("request", action, `X-${action}`)),
      ...["set", "append", "remove"].map((action) => header("response", action, `X-${action}`)),
    ],
    timeouts: { responseSeconds: 300_000 },
  },
  {
    ...web,
    name: 'Ünlike "any" object/name',
    binds: ["*.wild.example.com:443", "*.wild.example.com:8443"],
    tls: { selfSigned: { ca: "local" } },
    upstream: { url: "http://[2001:db8::5]:8080", grpc: true },
    timeouts: { responseSeconds: 5 },
    routing: Array.from({ length: 70 }, (_, index) => ({ route: `/p${index}/x.y~z_-`, effect: "allow" })),
  },
  { name: "open", binds: [":8081"], tls: "disabled", upstream: { url: "h2c://10.0.0.5:8080" } },
  {
    name: "cells",
    binds: ["cells.test:80"],
    tls: "disabled",
    upstream: { url: "http://drive.prod.svc:8080", kind: "cells" },
  },
];
const verified = [
  { ...web, name: "system", binds: ["system.test:443"], upstream: { url: "https://app:8443" } },
  {
    ...web,
    name: "rooted",
    binds: ["rooted.test:443"],
    upstream: { url: "https://cells.prod.svc.cluster.local:8443", rootCa: true, serverName: "cells.internal" },
  },
];
const mutual = [{ ...web, name: "mutual", binds: ["mutual.test:9443"], clientAuth: { ca: true } }];

function rendered(options: object, ...inputs: object[]): readonly KubernetesObject[] {
  const parsed = kubernetes.parseOptions(options);
  const sites = acceptedSites(...inputs);
  expect(kubernetes.checkSites(sites, parsed)).toEqual([]);
  const files = kubernetes.files(sites, parsed);
  const contents = Object.fromEntries(files.map(({ path }) => [path, "text"]));
  const { items } = JSON.parse(kubernetes.render(sites, parsed).configuration);
  return [...kubernetesSecrets(files, contents, parsed), ...items];
}

describeWithPeer("kubernetes-validator", ({ path }) => {
  const judge = (release: string, ...objects: object[]) => refusedObjects(path, release, objects);
  const sitesOf = {
    "1.5": [...basic, ...verified, ...mutual],
    "1.4": [...basic, ...verified],
    "1.3": basic,
    "1.2": basic,
  };

  describe.each(["1.5", "1.4", "1.3", "1.2"] as const)("version %s", (version) => {
    test.each(releases[version])("is taken by Gateway API %s", (release) => {
      const objects = rendered({ gatewayClassName: "envoy", version, namespace: "edge" }, ...sitesOf[version]);
      expect(new Set(objects.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(5);
      expect(judge(release, ...objects)).toEqual([]);
    });
  });

  test("what a release lacks is refused by it, so that the option version means something", () => {
    const objects = rendered({ gatewayClassName: "envoy" }, ...basic, ...verified, ...mutual);
    const kinds = (release: string) => judge(release, ...objects).join("\n");
    expect(kinds("1.4.1")).toMatch(/^Gateway .*unknown field spec\.tls$/m);
    expect(kinds("1.4.1")).toMatch(/^HTTPRoute .*-redirect: .*Unsupported value: 308/m);
    expect(kinds("1.4.1")).not.toMatch(/BackendTLSPolicy/);
    expect(kinds("1.3.0")).toMatch(/no such resource: gateway\.networking\.k8s\.io\/v1 BackendTLSPolicy/);
  });

  test("thousands of names are taken: a Gateway, its ListenerSets, and routes", () => {
    const sites = Array.from({ length: 1000 }, (_, index) => ({
      ...web,
      name: `s${index}`,
      binds: [`s${index}.test:443`],
    }));
    const objects = rendered({ gatewayClassName: "envoy" }, ...sites);
    expect(objects.filter(({ kind }) => kind === "ListenerSet")).toHaveLength(15);
    expect(objects.filter(({ kind }) => kind === "HTTPRoute")).toHaveLength(2000);
    expect(judge("1.5.1", ...objects)).toEqual([]);
  });

  const unverified = { ...web, redirectToHttps: false };
  const ports = { binds: [":443"], hostnames: ["mutual.test"] };
  const nginx = { ingressController: "nginx", ingressClassName: "nginx" };
  test.each([
    ["ingresses of the standard", {}, [unverified, { ...basic[3], upstream: { url: "http://app.example.com:80" } }]],
    ["ingresses for ingress-nginx", nginx, [web, verified[1] ?? {}, { ...mutual[0], ...ports }]],
  ])("%s are decoded by the published types", (_name, options, sites) => {
    const objects = rendered({ api: "ingress", ...options }, ...sites);
    expect(objects.filter(({ kind }) => kind === "Ingress")).toHaveLength(sites.length);
    expect(judge("1.5.1", ...objects)).toEqual([]);
  });

  test("spoiled objects are refused, each for what is wrong with it", () => {
    const objects = rendered({ gatewayClassName: "envoy" }, ...basic, ...verified, ...mutual);
    const match = [{ path: { type: "PathPrefix", value: "/a//b" } }];
    const faults: readonly (readonly [string, string, unknown, string])[] = [
      ["Gateway", "spec.gatewayClassName", undefined, "Required value"],
      ["Gateway", "spec.gatewayClass", "envoy", "unknown field spec.gatewayClass"],
      ["Gateway", "spec.listeners.1.name", "http-80", "Duplicate value"],
      ["Gateway", "spec.listeners.2.hostname", "10.0.0.5:80", "should match"],
      ["Gateway", "spec.listeners.2.tls.certificateRefs", [], "certificateRefs or options must be specified"],
      ["Gateway", "metadata.name", "tls_gateway", "metadata.name"],
      ["HTTPRoute", "spec.rules.0.matches", match, "must not contain '//'"],
      ["HTTPRoute", "spec.rules.0.backendRefs.0.port", undefined, "Must have port for Service reference"],
      ["HTTPRoute", "spec.rules.0.backendRefs.0.port", "80", "must be of type integer"],
      ["HTTPRoute", "spec.parentRefs.0.sectionName", "A b", "should match"],
      ["BackendTLSPolicy", "spec.validation.hostname", "10.0.0.5:1", "should match"],
      [
        "BackendTLSPolicy",
        "spec.validation.wellKnownCACertificates",
        undefined,
        "must specify either CACertificateRefs",
      ],
      ["Service", "spec.ports.0.port", "80", "cannot unmarshal string"],
      ["EndpointSlice", "endpoint", [], 'unknown field "endpoint"'],
      ["Secret", "data", { "tls.crt": "no base64" }, "illegal base64"],
      ["ConfigMap", "metadata.labels", { "app.kubernetes.io/part-of": "a b" }, "a valid label must be"],
    ];
    const lines = judge("1.5.1", ...faults.map(([kind, field, value]) => spoiled(objects, kind, field, value)));
    expect(lines).toHaveLength(faults.length);
    for (const [index, [kind, , , reason]] of faults.entries()) {
      expect(lines[index]).toMatch(new RegExp(`^${kind} `));
      expect(lines[index]).toContain(reason);
    }
  });
});
