import { describe, expect, test } from "vitest";
import { kubernetes } from "../../../../../provider/src/gateway/kubernetes/kubernetes";
import type { KubernetesObject } from "../../../../../provider/src/gateway/kubernetes/objects";
import { acceptedSites } from "../../../../support/gateway/cells-sites";
import { gateway, notes, objects, reasons, spec, web } from "../../../../support/gateway/kubernetes-sites";

describe("the Gateway API", () => {
  test("a site is a listener for each name, a route to its Service, and a redirect", () => {
    const site = { ...web, hostnames: ["www.example.com"], redirectToHttps: true, hsts: { maxAgeSeconds: 60 } };
    const group = "gateway.networking.k8s.io";
    const parent = (sectionName: string) => ({ group, kind: "Gateway", name: "tls-gateway", sectionName });
    const labels = { "app.kubernetes.io/part-of": "tls-gateway" };
    const tls = { mode: "Terminate", certificateRefs: [{ kind: "Secret", name: "web" }] };
    const https = { port: 443, protocol: "HTTPS", tls };
    expect(objects(gateway, site)).toEqual([
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "Gateway",
        metadata: { name: "tls-gateway", namespace: "default", labels },
        spec: {
          gatewayClassName: "envoy",
          listeners: [
            { name: "http-80", port: 80, protocol: "HTTP" },
            { name: "https-443.web.example.com", hostname: "web.example.com", ...https },
            { name: "https-443.www.example.com", hostname: "www.example.com", ...https },
          ],
        },
      },
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name: "web", namespace: "default", labels },
        spec: {
          parentRefs: [parent("https-443.web.example.com"), parent("https-443.www.example.com")],
          rules: [
            {
              matches: [{ path: { type: "PathPrefix", value: "/" } }],
              filters: [
                {
                  type: "ResponseHeaderModifier",
                  responseHeaderModifier: { set: [{ name: "Strict-Transport-Security", value: "max-age=60" }] },
                },
              ],
              backendRefs: [{ name: "web", port: 8080 }],
            },
          ],
        },
      },
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name: "web-redirect", namespace: "default", labels },
        spec: {
          parentRefs: [parent("http-80")],
          hostnames: ["web.example.com", "www.example.com"],
          rules: [{ filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https", statusCode: 308 } }] }],
        },
      },
    ]);
  });

  test("a redirect names a port that is not 443, and is 301 before 1.5, with a note", () => {
    const site = { ...web, binds: ["web.example.com:8443"], redirectToHttps: true };
    const old = kubernetes.parseOptions({ gatewayClassName: "envoy", version: "1.4", httpPort: 8080 });
    expect(spec(old, "HTTPRoute", "web-redirect", site)).toMatchObject({
      parentRefs: [{ sectionName: "http-8080" }],
      rules: [{ filters: [{ requestRedirect: { scheme: "https", port: 8443, statusCode: 301 } }] }],
    });
    expect(notes(old, site)).toEqual(['Site "web" redirects with 301: the Gateway API 1.4 does not know 308.']);
    expect(notes(gateway, site)).toEqual([]);
  });

  test("headers are set, appended and removed by direction", () => {
    const headers = [
      { on: "request", action: "set", name: "X-A", value: '$a %b "c" \\d' },
      { on: "request", action: "append", name: "X-B", value: "b" },
      { on: "request", action: "remove", name: "X-C" },
      { on: "response", action: "remove", name: "Server" },
    ];
    expect(spec(gateway, "HTTPRoute", "web", { ...web, headers })).toMatchObject({
      rules: [
        {
          filters: [
            {
              type: "RequestHeaderModifier",
              requestHeaderModifier: {
                set: [{ name: "X-A", value: '$a %b "c" \\d' }],
                add: [{ name: "X-B", value: "b" }],
                remove: ["X-C"],
              },
            },
            { type: "ResponseHeaderModifier", responseHeaderModifier: { remove: ["Server"] } },
          ],
        },
      ],
    });
  });

  test("changes whose order or condition can't be said are refused by the header's name", () => {
    const change = (action: string, name: string) => ({ on: "response", action, name, value: "a" });
    const site = {
      ...web,
      hsts: { maxAgeSeconds: 60 },
      headers: [
        change("addIfAbsent", "X-A"),
        change("set", "X-B"),
        change("append", "x-b"),
        change("set", "strict-transport-security"),
      ],
    };
    expect(reasons(gateway, site)).toEqual([
      'web.headers[0].action: the Gateway API can set, append and remove headers, but can\'t see whether X-A is there: use "set"',
      "web.headers[2].name: x-b is changed twice on the response, and the Gateway API knows no order of changes: merge them into one",
      "web.headers[3].name: strict-transport-security is changed twice on the response, and the Gateway API knows no order of changes: merge them into one",
    ]);
    const many = Array.from({ length: 17 }, (_, index) => change("set", `X-${index}`));
    expect(reasons(gateway, { ...web, headers: many })).toEqual([
      "web.headers: the Gateway API takes 16 changes of one kind on the response: leave some away",
    ]);
  });

  test("only paths that are allowed have a match, and a denied path below one is refused", () => {
    const rule = (route: string, effect: string) => ({ route, effect });
    const routing = [
      rule("/b", "allow"),
      rule("/a", "allow"),
      rule("/a/x", "allow"),
      rule("/c", "deny"),
      rule("*", "deny"),
    ];
    expect(spec(gateway, "HTTPRoute", "web", { ...web, routing })).toMatchObject({
      rules: [{ matches: [{ path: { value: "/a" } }, { path: { value: "/b" } }] }],
    });
    expect(notes(gateway, { ...web, routing })).toEqual([expect.stringContaining("with 404")]);
    const below = [rule("*", "allow"), rule("/admin", "deny")];
    expect(reasons(gateway, { ...web, routing: below })).toEqual([
      "web.routing: /admin is denied below a path that is allowed, and no rule of Kubernetes refuses a request: allow only the paths that are served",
    ]);
    expect(spec(gateway, "HTTPRoute", "web", { ...web, routing: [rule("*", "deny")] })).toBeUndefined();
  });

  test("an https upstream is verified by a policy beside its Service, by a root that is given or the system's", () => {
    const upstream = { url: "https://cells.prod.svc:8443", rootCa: true, serverName: "cells.internal" };
    const [policy] = objects(gateway, { ...web, upstream }).filter(({ kind }) => kind === "BackendTLSPolicy");
    expect(policy?.metadata).toMatchObject({ name: "web-upstream", namespace: "prod" });
    expect(policy?.spec).toEqual({
      targetRefs: [{ group: "", kind: "Service", name: "cells" }],
      validation: {
        caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "web-upstream" }],
        hostname: "cells.internal",
      },
    });
    const files = kubernetes.files(acceptedSites({ ...web, upstream }), gateway);
    expect(files[0]).toMatchObject({
      path: "configmaps/prod/web-upstream/ca.crt",
      source: { of: "upstream", name: "web" },
    });
    expect(notes(gateway, { ...web, upstream })).toEqual([
      expect.stringContaining("BackendTLSPolicy"),
      expect.stringContaining("needs a ReferenceGrant in namespace prod"),
    ]);
    expect(
      spec(gateway, "BackendTLSPolicy", "web-upstream", { ...web, upstream: { url: "https://cells:8443" } }),
    ).toMatchObject({ validation: { wellKnownCACertificates: "System", hostname: "cells" } });
  });

  test("sites that share a Service must speak to it in one way", () => {
    const other = { ...web, name: "other", binds: ["other.example.com:443"], upstream: { url: "https://web:8443" } };
    expect(reasons(gateway, web, other)).toEqual([
      expect.stringContaining("web.upstream: the Service web is spoken to in one way"),
    ]);
    const same = { ...other, name: "same", binds: ["same.example.com:443"] };
    expect(reasons(gateway, other, same)).toEqual([]);
    expect(objects(gateway, other, same).filter(({ kind }) => kind === "BackendTLSPolicy")).toHaveLength(1);
  });

  test("an address becomes a Service of its own, and other names are refused", () => {
    const at = (url: string) => ({ ...web, upstream: { url } });
    const made = objects(gateway, at("h2c://10.0.0.5:8080"));
    expect(made.find(({ kind }) => kind === "EndpointSlice")).toMatchObject({
      metadata: { name: "web-upstream", labels: { "kubernetes.io/service-name": "web-upstream" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.0.0.5"] }],
      ports: [{ name: "upstream", port: 8080, appProtocol: "kubernetes.io/h2c" }],
    });
    expect(spec(gateway, "Service", "web-upstream", at("http://[2001:db8::5]:80"))).toMatchObject({
      ipFamilyPolicy: "PreferDualStack",
      ports: [{ port: 80 }],
    });
    expect(reasons(gateway, at("http://cells.example.com:80"))).toEqual([
      "web.upstream.url: cells.example.com is no Service of the cluster: write http://service:port, http://service.namespace.svc:port or an address. The Gateway API knows no other names",
    ]);
    for (const host of ["127.0.0.1", "[::1]", "169.254.1.1", "[fe80::1]", "224.0.0.1", "0.0.0.0", "localhost"]) {
      expect(reasons(gateway, at(`http://${host}:80`)), host).toEqual([
        expect.stringMatching(/^web\.upstream\.url: .+ name a Service/),
      ]);
    }
    expect(reasons(gateway, at("http://[::ffff:10.0.0.5]:80"))).toEqual([expect.stringContaining("write it as IPv4")]);
  });

  test("client certificates are asked for on a port that one site has", () => {
    const site = { ...web, clientAuth: { ca: true } };
    expect(spec(gateway, "Gateway", "tls-gateway", site)).toMatchObject({
      tls: {
        frontend: {
          default: {},
          perPort: [
            {
              port: 443,
              tls: { validation: { caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "web-clients" }] } },
            },
          ],
        },
      },
    });
    const other = { ...web, name: "other", binds: ["other.example.com:443"] };
    expect(reasons(gateway, site, other)).toEqual([
      'other.clientAuth: the Gateway API asks for client certificates on a whole port, and site "web" does so on 443: give one of them another port, or put their names into one site',
    ]);
    expect(reasons(gateway, site, { ...other, binds: ["other.example.com:8443"] })).toEqual([]);
    expect(reasons(kubernetes.parseOptions({ gatewayClassName: "envoy", version: "1.4" }), site)).toEqual([
      "web.clientAuth: the Gateway API 1.4 can't ask clients for certificates: set options.version to what the cluster has, at least 1.5",
    ]);
  });

  test("a time-out counts for the answer, but for gRPC, and Cells has none", () => {
    const site = { ...web, upstream: { url: "http://web:8080", grpc: true }, timeouts: { responseSeconds: 120_000 } };
    expect(spec(gateway, "HTTPRoute", "web", site)).toMatchObject({
      rules: [
        {
          matches: [
            { headers: [{ name: "content-type", value: "application/grpc" }] },
            { headers: [{ name: "content-type", value: "application/grpc+proto" }] },
          ],
          timeouts: { request: "0s" },
        },
        { timeouts: { request: "33h1200s" } },
      ],
    });
    expect(
      spec(gateway, "HTTPRoute", "web", { ...web, upstream: { url: "http://web:8080", kind: "cells" } }),
    ).toMatchObject({
      rules: [{ timeouts: { request: "0s" } }],
    });
    expect(reasons(gateway, { ...web, timeouts: { tunnelSeconds: 5 }, maxBodyBytes: 5 })).toEqual([
      'web.maxBodyBytes: the Gateway API has no field for it: leave it away, or use api: "ingress" with ingressController: "nginx"',
      "web.timeouts.tunnelSeconds: the Gateway API has a time-out for the whole answer only (responseSeconds): leave it away",
    ]);
  });

  test("more than 64 listeners go into ListenerSets, and more names than a route holds into more routes", () => {
    const hostnames = Array.from({ length: 70 }, (_, index) => `n${String(index).padStart(2, "0")}.example.com`);
    const site = { ...web, binds: [":443"], hostnames, redirectToHttps: true };
    const made = objects(gateway, site);
    const listeners = ({ spec: given }: KubernetesObject) => (given as { listeners: object[] }).listeners.length;
    const sets = made.filter(({ kind }) => kind === "Gateway" || kind === "ListenerSet");
    expect(sets.map((one) => [one.metadata.name, listeners(one)])).toEqual([
      ["tls-gateway", 64],
      ["tls-gateway-part2", 7],
    ]);
    const routes = made.filter(({ kind }) => kind === "HTTPRoute").map(({ metadata }) => metadata.name);
    expect(routes).toEqual([
      "web",
      "web-part2",
      "web-part3",
      "web-redirect",
      "web-redirect-part2",
      "web-redirect-part3",
      "web-redirect-part4",
      "web-redirect-part5",
    ]);
    expect(spec(gateway, "HTTPRoute", "web-part3", site)).toMatchObject({
      parentRefs: expect.arrayContaining([expect.objectContaining({ kind: "ListenerSet", name: "tls-gateway-part2" })]),
    });
    expect(reasons(kubernetes.parseOptions({ gatewayClassName: "envoy", version: "1.4" }), site)).toEqual([
      expect.stringContaining("web.hostnames: the sites have 71 names and ports"),
    ]);
  });
});
