// Envoy can't be run here: its own API judges what the kind renders, and what its checker is given is put together by the
// very commands of the install script.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { envoy } from "../../../provider/src/gateway/envoy/envoy";
import { gatewayFeatures } from "../../../provider/src/gateway/model/features";
import type { GatewayRendering } from "../../../provider/src/gateway/model/kind";
import type { SiteData } from "../../../provider/src/gateway/model/site";
import { acceptedSites } from "../../support/gateway/cells-sites";
import { trialSites } from "../../support/gateway/sites";
import { describeWithPeer, type Peer } from "../../support/peer";

const placed = { certFile: "/p/a.pem", keyFile: "/p/a.key", clientRootFile: "/p/c.pem", upstreamRootFile: "/p/u.pem" };
const numbers = { plain: 8001, secure: 8002, h2c: 8003, down: 8004, second: 8005 };
const upstreams = { ...numbers, first: 8006, elsewhere: 8007, later: 8008, silent: 8009 };
const ports = { tlsPort: 8443, plainPort: 8080, openPort: 8444, otherPort: 8445 };
const trial = trialSites({ ...ports, upstreams, placed }, envoy.features);
const upstream = { url: "http://app.internal:8080" };

/** What the trial of running servers lacks. */
const further = acceptedSites(
  {
    name: "every change",
    binds: ["shop.test:443"],
    hostnames: ["*.shop.test"],
    tls: { certificate: { name: "shop" } },
    upstream: { url: "https://[2001:db8::5]:8443", grpc: true },
    redirectToHttps: true,
    hsts: { maxAgeSeconds: 63_072_000, includeSubDomains: true, preload: true },
    headers: [
      { on: "request", action: "set", name: "Host", value: "inner.test" },
      { on: "response", action: "append", name: "Vary", value: "100% %REQ(x)% \\ \"'`$(a)" },
      { on: "response", action: "remove", name: "Server" },
    ],
    maintenance: { except: ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "192.0.2.1"], retryAfterSeconds: 7 },
    routing: [
      { route: "/a.b~c", effect: "allow" },
      { route: "*", effect: "deny" },
    ],
    maxBodyBytes: 2 ** 40,
    timeouts: { connectSeconds: 1, responseSeconds: 2, tunnelSeconds: 3 },
    clientAuth: { ca: true },
  },
  { name: "plain é", binds: [":80"], hostnames: ["10.0.0.9", "::1"], tls: "disabled", upstream, maxBodyBytes: 1 },
  {
    name: "one",
    binds: [":80"],
    hostnames: ["one.test"],
    tls: "disabled",
    upstream,
    maintenance: { except: ["10.0.0.0/8"] },
  },
  {
    name: "two",
    binds: [":80"],
    hostnames: ["two.test"],
    tls: "disabled",
    upstream,
    maintenance: { except: ["10.1.0.0/16", "::1"] },
  },
  { name: "any", binds: [":81"], tls: "disabled", upstream: { url: "h2c://10.0.0.1:80" } },
);

describeWithPeer("envoy-validator", (validator) => {
  const folder = mkdtempSync(join(tmpdir(), "envoy-validator-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe("takes all files", () => {
    it.each([
      ["of the trial's sites", trial],
      ["of sites with all the rest", further],
      ["of no sites", []],
    ])("%s", (_name, sites) => {
      const rendering = render(sites, folder);
      expect(judge(validator, layFiles(rendering, join(folder, "set")))).toBe("");
      expectWhole(rendering, folder);
    });
  });

  it("every feature that the kind claims is in use by one of the sites", () => {
    const unused = Object.entries(gatewayFeatures)
      .filter(([name]) => envoy.features[name as keyof typeof gatewayFeatures] === true)
      .filter(([, feature]) => ![...trial, ...further].some((site) => feature.isUsed(site)));
    expect(unused.map(([name]) => name)).toEqual([]);
  });

  it("takes a bootstrap with all listeners and clusters in it, as the install script makes one for the checker", () => {
    const set = mkdtempSync(join(folder, "checked-"));
    layFiles(render([...further], folder), join(set, "check"));
    const programs = mkdtempSync(join(folder, "bin-"));
    writeFileSync(
      join(programs, "envoy"),
      `#!/bin/sh\n[ "$1 $2 $3" = "--mode validate -c" ] && exec ${validator.path} "$4"\n`,
      { mode: 0o755 },
    );
    const { check = "" } = envoy.install?.(further, envoy.parseOptions({})) ?? {};
    const run = () =>
      spawnSync("sh", ["-c", check], {
        encoding: "utf8",
        env: { ...process.env, set, PATH: `${programs}${delimiter}${process.env.PATH}` },
      });
    expect(run()).toMatchObject({ status: 0, stdout: `${set}/check/static.json: ok\n` });
    const { static_resources: all } = JSON.parse(readFileSync(join(set, "check/static.json"), "utf8"));
    expect(all).toMatchObject({ listeners: { length: 3 }, clusters: { length: 6 } });
    const clusters = join(set, "check/cds.json");
    writeFileSync(
      clusters,
      readFileSync(clusters, "utf8").replace('"connect_timeout": "1s"', '"connect_timeout": "-1s"'),
    );
    expect(run()).toMatchObject({ status: 1, stdout: expect.stringContaining("ConnectTimeout") });
  });

  it("does without what came in after 1.34 for an older Envoy", () => {
    const options = envoy.parseOptions({ directory: folder, version: "1.34" });
    const sites = further.map(({ maxBodyBytes, ...site }) => site);
    expect(envoy.checkSites(sites, options)).toEqual([]);
    expect(JSON.stringify(envoy.render(sites, options))).not.toMatch(/body_size_limit|filter_chain\.v3/);
  });

  it.each([
    ["a misspelt field", "lds.json", '"stat_prefix"', '"stat_prefixes"'],
    ["an unknown type", "lds.json", "router.v3.Router", "router.v3.Routers"],
    ["a missing value inside of an Any", "lds.json", '"tls_gateway"', '""'],
    ["a value that is none of an enumeration", "lds.json", '"OVERWRITE_IF_EXISTS_OR_ADD"', '"OVERWRITE"'],
    ["a time below zero", "cds.json", '"connect_timeout": "10s"', '"connect_timeout": "-1s"'],
    ["a port that is none", "cds.json", '"port_value": 8001', '"port_value": 70000'],
    ["a field that Envoy gives up", "lds.json", '"append_action": "OVERWRITE_IF_EXISTS_OR_ADD"', '"append": false'],
    ["a certificate without a file", "sds/certs/wild.json", '"filename"', '"file"'],
    ["a path that is empty", "envoy.json", /"path": "[^"]+"/, '"path": ""'],
  ])("refuses %s", (_name, file, from, to) => {
    const set = mkdtempSync(join(folder, "spoiled-"));
    layFiles(render(trial, folder), set);
    const path = join(set, file);
    const spoiled = readFileSync(path, "utf8").replace(from, to);
    expect(spoiled).not.toBe(readFileSync(path, "utf8"));
    writeFileSync(path, spoiled);
    expect(judge(validator, [path])).toContain(path);
  });
});

function render(sites: readonly SiteData[], directory: string): GatewayRendering {
  const options = envoy.parseOptions({ directory });
  expect(envoy.checkSites(sites, options)).toEqual([]);
  return envoy.render(sites, options);
}

/** Writes what was rendered as it would lie in a set; returns the paths. */
function layFiles({ configuration, texts = {} }: GatewayRendering, set: string): readonly string[] {
  rmSync(set, { recursive: true, force: true });
  const files = Object.entries({ "/current/envoy.json": configuration, ...texts }).map(([path, text]) => {
    const file = join(set, path.slice(path.indexOf("/current/") + "/current/".length));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  });
  expect(files.map((file) => basename(file))).toEqual(expect.arrayContaining(["envoy.json", "lds.json", "cds.json"]));
  return files;
}

/** What the validator has against these files; nothing: they are right. */
function judge({ path }: Peer, files: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(path, files, { encoding: "utf8" });
  const refused = stdout.split("\n").filter((line) => line !== "" && !line.endsWith(": ok"));
  expect(status).toBe(refused.length === 0 ? 0 : 1);
  return stderr + refused.join("\n");
}

interface Route {
  readonly route?: { readonly cluster: string };
}
interface Chain {
  readonly name: string;
  readonly filter_chain_match?: object;
  readonly filters: readonly {
    readonly typed_config: {
      readonly route_config: {
        readonly virtual_hosts: readonly { readonly name: string; readonly domains: string[]; routes: Route[] }[];
      };
    };
  }[];
}

/** What Envoy refuses beyond its API: names, matches and domains that stand there twice, and what is referred to and is not there. */
function expectWhole({ texts = {} }: GatewayRendering, directory: string): void {
  const read = (name: string) => JSON.parse(texts[`${directory}/current/${name}`] ?? "").resources;
  const listeners = read("lds.json") as { name: string; filter_chains: Chain[] }[];
  const clusters = (read("cds.json") as { name: string }[]).map(({ name }) => name);
  expectOnce(listeners.map(({ name }) => name));
  expectOnce(clusters);
  for (const { filter_chains: chains } of listeners) {
    expectOnce(chains.map(({ name }) => name));
    expectOnce(chains.map((chain) => JSON.stringify(chain.filter_chain_match ?? {})));
    for (const { virtual_hosts: hosts } of chains.map(
      ({ filters }) => filters[0]?.typed_config.route_config ?? { virtual_hosts: [] },
    )) {
      expect(hosts.length).toBeGreaterThan(0);
      expectOnce(hosts.map(({ name }) => name));
      expectOnce(hosts.flatMap(({ domains }) => domains));
      for (const { route } of hosts.flatMap(({ routes }) => routes)) {
        if (route !== undefined) expect(clusters).toContain(route.cluster);
      }
    }
  }
  const named = Object.entries(texts).flatMap(([, text]) =>
    [...text.matchAll(/"path": "([^"]+\.json)"/g)].map(([, path]) => path),
  );
  expect(Object.keys(texts)).toEqual(expect.arrayContaining(named));
}

function expectOnce(names: readonly string[]): void {
  expect(names).toEqual([...new Set(names)]);
}
