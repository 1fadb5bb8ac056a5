import { expect, test } from "vitest";
import { gatewayKinds } from "../../../../provider/src/gateway/kinds";
import { kubernetesSecrets } from "../../../../provider/src/gateway/kubernetes/files";
import { kubernetes } from "../../../../provider/src/gateway/kubernetes/kubernetes";
import { objectName, sectionName } from "../../../../provider/src/gateway/kubernetes/names";
import { acceptedSites } from "../../../support/gateway/cells-sites";
import { gateway, plain, reasons, web } from "../../../support/gateway/kubernetes-sites";

test("it is the kind kubernetes", () => {
  expect(gatewayKinds.kubernetes).toBe(kubernetes);
  expect(kubernetes.kind).toBe("kubernetes");
});

test("a note says what the class decides, since no object of Kubernetes can", () => {
  const noted = kubernetes.notes(acceptedSites(plain, web), gateway)[0];
  for (const what of ["h2c", "Host", "X-Real-IP", "underscores", "TRACE", "percent-encoding"]) {
    expect(noted).toContain(what);
  }
  expect(noted).toContain('GatewayClass "envoy"');
  expect(kubernetes.notes([], gateway)).toEqual([]);
});

test("the configuration holds no key, whatever the order of the sites", () => {
  const sites = acceptedSites(plain, web, { ...web, name: "a", binds: ["a.example.com:443"] });
  const { configuration } = kubernetes.render(sites, gateway);
  expect(configuration).not.toMatch(/Secret",\n\s+"metadata|tls\.key/);
  expect(kubernetes.render([...sites].reverse(), gateway).configuration).toBe(configuration);
  expect(kubernetes.files([...sites].reverse(), gateway)).toEqual(kubernetes.files(sites, gateway));
});

test("Secrets and ConfigMaps are made of the files and their contents", () => {
  const sites = acceptedSites({ ...web, clientAuth: { ca: true } });
  const files = kubernetes.files(sites, gateway);
  const contents = Object.fromEntries(files.map(({ path, source }) => [path, `${source.part} é`]));
  const labels = { "app.kubernetes.io/part-of": "tls-gateway" };
  const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");
  expect(kubernetesSecrets(files, contents, gateway)).toEqual([
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "web-clients", namespace: "default", labels },
      data: { "ca.crt": "caPem é" },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/tls",
      metadata: { name: "web", namespace: "default", labels },
      data: { "tls.crt": base64("fullChainPem é"), "tls.key": base64("privateKeyPem é") },
    },
  ]);
  const { "secrets/default/web/tls.key": key, ...rest } = contents;
  expect(() => kubernetesSecrets(files, rest, gateway)).toThrow("secrets/default/web/tls.key: found no content");
  expect(key).toBeDefined();
});

test("names of objects are DNS labels, and different names stay different", () => {
  const long = "x".repeat(128);
  const names = [
    "web",
    "Web",
    "web site",
    "web-site",
    "a".repeat(44),
    long,
    `${long}y`,
    "1a",
    "é",
    "web-redirect",
    "web-part2",
    "-",
  ];
  const found = names.flatMap((name) => [objectName(name), objectName(name, "redirect"), objectName(name, "upstream")]);
  expect(new Set(found).size).toBe(found.length);
  for (const name of found) expect(name).toMatch(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);
  // a name that looks like what another one became
  expect(objectName(objectName("Web"))).not.toBe(objectName("Web"));
  expect(objectName("web")).toBe("web");
});

test("names of listeners tell a wildcard from a host of that name, and are never too long", () => {
  const hosts = [
    "*.example.com",
    "wildcard.example.com",
    "example.com",
    `${"a.".repeat(126)}a`,
    `${"a.".repeat(126)}b`,
  ];
  const found = [undefined, ...hosts].map((host) => sectionName("https", 443, host));
  expect(new Set(found).size).toBe(found.length);
  for (const name of found) {
    expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    expect(name.length).toBeLessThanOrEqual(253);
  }
});

test("binds to addresses, and addresses as names, are refused", () => {
  expect(reasons(gateway, { ...plain, binds: ["10.0.0.5:80"] })).toEqual([
    "plain.binds: 10.0.0.5:80: a cluster gives its gateway an address, not the site: bind to 0.0.0.0:80 or to a name",
  ]);
  expect(reasons(gateway, { ...plain, binds: ["[::]:80"] })).toEqual([expect.stringContaining("[::]:80")]);
  expect(reasons(gateway, { ...plain, binds: ["[::]:80", "0.0.0.0:80"] })).toEqual([]);
  expect(reasons(gateway, { ...plain, hostnames: ["10.0.0.5"] })).toEqual([expect.stringContaining("plain.hostnames")]);
});

test("files that lie on a server are refused: there is none", () => {
  const site = {
    ...web,
    clientAuth: { caFile: "/etc/ca.pem" },
    upstream: { url: "https://web:443", rootCaFile: "/etc/r.pem" },
  };
  expect(reasons(gateway, site)).toEqual([
    "web.upstream.rootCaFile: a cluster's gateway reads no file of a server: give its content as rootCaPem",
    "web.clientAuth.caFile: a cluster's gateway reads no file of a server: give its content as caPem",
  ]);
});

test("the class is asked for, and options are told by name", () => {
  expect(() => kubernetes.parseOptions({})).toThrow(
    "options.gatewayClassName: found undefined, expected the name of a class of the cluster",
  );
  expect(() => kubernetes.parseOptions({ ...gateway, namespace: "Prod" })).toThrow('options.namespace: found "Prod"');
  expect(() => kubernetes.parseOptions({ ...gateway, gatewayName: "a.b" })).toThrow("options.gatewayName");
  expect(kubernetes.parseOptions({ gatewayClassName: "a.b" }).gatewayClassName).toBe("a.b");
  expect(kubernetes.parseOptions({ api: "ingress" }).ingressController).toBeUndefined();
});

test("commands apply on the server's side, so that kubectl keeps no copy of a key", () => {
  const sites = acceptedSites(web);
  const { apply, install } = kubernetes.commands(sites, gateway);
  expect(apply).toEqual(["kubectl apply --server-side -f kubernetes-objects.json"]);
  expect(install.at(-1)).toBe(apply[0]);
  expect(kubernetes.install).toBeUndefined();
  expect(kubernetes.firewallPorts(sites, gateway)).toEqual([
    { port: 443, protocol: "tcp", reason: "HTTPS of the sites", sites: ["web"] },
  ]);
});
