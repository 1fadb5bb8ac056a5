import { describe, expect, test } from "vitest";
import { kubernetes } from "../../../../../provider/src/gateway/kubernetes/kubernetes";
import { acceptedSites } from "../../../../support/gateway/cells-sites";
import {
  ingress,
  nginx,
  notes,
  objects,
  plain,
  reasons,
  spec,
  web,
} from "../../../../support/gateway/kubernetes-sites";

describe("Ingress", () => {
  test("a site is one Ingress with its Secret, and what stands beside it is said by ingress-nginx only", () => {
    const site = {
      ...web,
      redirectToHttps: true,
      maxBodyBytes: 1000,
      timeouts: { responseSeconds: 9 },
      clientAuth: { ca: true },
    };
    const [found] = objects(nginx, site);
    expect(found?.metadata.annotations).toEqual({
      "nginx.ingress.kubernetes.io/auth-tls-secret": "default/web-clients",
      "nginx.ingress.kubernetes.io/auth-tls-verify-client": "on",
      "nginx.ingress.kubernetes.io/auth-tls-verify-depth": "4",
      "nginx.ingress.kubernetes.io/proxy-body-size": "1000",
      "nginx.ingress.kubernetes.io/proxy-read-timeout": "9",
      "nginx.ingress.kubernetes.io/proxy-send-timeout": "9",
      "nginx.ingress.kubernetes.io/ssl-redirect": "true",
    });
    expect(found?.spec).toEqual({
      ingressClassName: "nginx",
      tls: [{ hosts: ["web.example.com"], secretName: "web" }],
      rules: [
        {
          host: "web.example.com",
          http: {
            paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 8080 } } } }],
          },
        },
      ],
    });
    expect(reasons(ingress, site).map((reason) => reason.split(":")[0])).toEqual([
      "web.redirectToHttps",
      "web.clientAuth",
      "web.maxBodyBytes",
      "web.timeouts",
    ]);
    expect(objects(ingress, plain)).toMatchObject([{ kind: "Ingress", spec: { rules: [{ http: {} }] } }]);
    expect(objects(ingress, plain)[0]?.metadata.annotations).toBeUndefined();
  });

  test("ingress-nginx verifies an https upstream by the root in a Secret", () => {
    const upstream = { url: "https://web:8443", rootCa: true, serverName: "web.internal" };
    expect(objects(nginx, { ...web, upstream })[0]?.metadata.annotations).toMatchObject({
      "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS",
      "nginx.ingress.kubernetes.io/proxy-ssl-name": "web.internal",
      "nginx.ingress.kubernetes.io/proxy-ssl-secret": "default/web-upstream",
      "nginx.ingress.kubernetes.io/proxy-ssl-verify": "on",
    });
    expect(kubernetes.files(acceptedSites({ ...web, upstream }), nginx).map(({ path }) => path)).toEqual([
      "secrets/default/web-upstream/ca.crt",
      "secrets/default/web/tls.crt",
      "secrets/default/web/tls.key",
    ]);
    expect(reasons(nginx, { ...web, upstream: { url: "https://web:8443" } })).toEqual([
      "web.upstream.url: ingress-nginx verifies an https upstream by a root that is given: give rootCaPem",
    ]);
  });

  test("a name that is no Service of the namespace becomes an ExternalName, with a note", () => {
    const at = (url: string) => ({ ...plain, upstream: { url } });
    expect(spec(ingress, "Service", "plain-upstream", at("http://app.example.com:80"))).toMatchObject({
      type: "ExternalName",
      externalName: "app.example.com",
    });
    expect(spec(ingress, "Service", "plain-upstream", at("http://app.prod.svc:80"))).toMatchObject({
      externalName: "app.prod.svc.cluster.local",
    });
    expect(notes(ingress, at("http://app.prod.svc:80"))).toEqual([expect.stringContaining("ExternalName")]);
    expect(objects(ingress, at("http://app.default.svc.cluster.local:80")).map(({ kind }) => kind)).toEqual([
      "Ingress",
    ]);
  });

  test("ports, headers, HSTS and HTTP/2 are refused, and a host that is there with TLS and without", () => {
    const site = {
      ...web,
      binds: ["web.example.com:8443"],
      hsts: { maxAgeSeconds: 1 },
      headers: [{ on: "response", action: "remove", name: "Server" }],
      upstream: { url: "h2c://web:80", grpc: true },
    };
    expect(reasons(nginx, site).map((reason) => reason.split(":")[0])).toEqual([
      "web.binds",
      "web.hsts",
      "web.headers",
      "web.upstream.url",
      "web.upstream.grpc",
    ]);
    const clear = { ...plain, name: "clear", binds: ["web.example.com:80"] };
    expect(reasons(nginx, web, clear)).toEqual([
      'web.hostnames: both answer web.example.com, one with TLS and one without, and an Ingress tells ports not apart: use one site with redirectToHttps, or api: "gateway"',
    ]);
  });
});
