// Every kind of gateway with a large fleet: rendering in process, the servers' own reading of it, and a preview in which
// one header of a thousand sites differs.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Gateway, type GatewayArgs, type GatewayKindName, type GatewaySiteArgs } from "pulumi-tls-gateway";
import { gatewayKinds } from "../../provider/dist/gateway/kinds.js";
import type { GatewayKind } from "../../provider/dist/gateway/model/kind.js";
import type { SiteData } from "../../provider/dist/gateway/model/site.js";
import { checkSiteListInput } from "../../provider/dist/lifecycle/site/schema.js";
import { BenchStack, TrivialResource } from "./bench-stack.ts";
import { type Benchmark, describeSpread, interleave, type Measurement, median, timed } from "./measurement.ts";

/** "Speed and memory": milliseconds for 10,000 sites of each kind, and the exponent of growth, of which 1 is linear. */
const LARGE = { sites: 10_000, render: 2_000, growth: 1.15 };
const SMALL = 1_000;
const SERVED = 2_000;
/** A preview, against a trivial resource that carries the same text. */
const PREVIEW = { sites: 1_000, ratio: 1.2 };

/** What a kind can't do without, or serves all of the fleet by. */
const optionsOf: { readonly [Kind in GatewayKindName]?: object } = {
  cells: { version: "5" },
  kubernetes: { gatewayClassName: "envoy" },
};

const kinds = Object.keys(gatewayKinds) as readonly GatewayKindName[];

export const gateways: Benchmark = {
  name: "gateways",
  title: "each kind of gateway with a large fleet",
  run: async ({ runs = 5 }) => {
    const results: Measurement[] = [];
    for (const kind of kinds) results.push(...(await measureRendering(kind, runs)));
    results.push(...(await measureServers(runs)));
    for (const kind of kinds) results.push(await measurePreview(kind, runs));
    return results;
  },
};

/** Sites with all that is common: redirect, HSTS, two headers, an upstream, one certificate for all. */
function makeFleet(kind: GatewayKindName, size: number, certFile = "/etc/tls/all.pem"): GatewaySiteArgs[] {
  return Array.from({ length: size }, (_, index): GatewaySiteArgs => {
    const name = `site-${String(index).padStart(5, "0")}`;
    const isProxy = kind !== "cells";
    return {
      ...{ name, binds: [`${name}.example.com:443`], redirectToHttps: true },
      // Kubernetes has no files
      tls:
        kind === "kubernetes"
          ? { certificate: { name: "all" } as never }
          : { certificate: { certFile, keyFile: keyFileOf(kind, certFile) } },
      ...(isProxy && {
        hsts: kind !== "kubernetes",
        upstream: { url: kind === "kubernetes" ? "http://app:8080" : "http://127.0.0.1:8080" },
      }),
      headers: [
        { on: "response", action: "set", name: "X-Frame-Options", value: "DENY" },
        { on: "request", action: "set", name: "X-Site", value: name },
      ],
    };
  });
}

/** HAProxy 2.6 takes a key from the certificate's own file. */
function keyFileOf(kind: GatewayKindName, certFile: string): string {
  return kind === "haproxy" ? certFile : certFile.replace(".pem", "-key.pem");
}

function readFleet(kind: GatewayKindName, size: number, certFile?: string): readonly SiteData[] {
  const result = checkSiteListInput(makeFleet(kind, size, certFile));
  if ("issues" in result) throw new Error(`the fleet was refused: ${JSON.stringify(result.issues.slice(0, 3))}`);
  return result.sites;
}

function kindOf(name: GatewayKindName): { kind: GatewayKind<unknown>; options: unknown } {
  const kind = gatewayKinds[name] as unknown as GatewayKind<unknown>;
  return { kind, options: kind.parseOptions(optionsOf[name] ?? {}) };
}

async function measureRendering(name: GatewayKindName, runs: number): Promise<readonly Measurement[]> {
  const { kind, options } = kindOf(name);
  const work = (sites: readonly SiteData[]) => () =>
    timed(() => {
      const problems = kind.checkSites(sites, options);
      if (problems[0] !== undefined) throw new Error(`${name}: ${problems[0].reason}`);
      kind.render(sites, options);
      kind.files(sites, options);
      kind.firewallPorts(sites, options);
      kind.install?.(sites, options);
    });
  const [large, small] = [readFleet(name, LARGE.sites), readFleet(name, SMALL)];
  const samples = await interleave(runs, { large: work(large), small: work(small) }, 1);
  const value = median(samples.large);
  const exponent = Math.log(value / median(samples.small)) / Math.log(LARGE.sites / SMALL);
  return [
    {
      subject: `${name}: ${LARGE.sites} sites checked and rendered`,
      measured: { value, unit: "ms" },
      target: { of: "measured", atMost: LARGE.render },
      note: describeSpread(samples.large),
    },
    {
      subject: `${name}: growth from ${SMALL} to ${LARGE.sites} sites, exponent`,
      measured: { value: exponent, unit: "" },
      target: { of: "measured", atMost: LARGE.growth },
    },
  ];
}

/** The checkers of nginx and HAProxy, which read all that a start reads. */
async function measureServers(runs: number): Promise<readonly Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-bench-"));
  try {
    const certFile = join(folder, "all.pem");
    const flags = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=bench";
    const names = ["-addext", "subjectAltName=DNS:*.example.com"];
    execFileSync("openssl", [...flags.split(" "), ...names, "-keyout", join(folder, "all-key.pem"), "-out", certFile], {
      stdio: "ignore",
    });
    const nginx = writeConfiguration("nginx", folder, certFile, { version: "1.22", opensslVersion: "3.0" });
    const main = join(folder, "main.conf");
    const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    writeFileSync(main, `events {}\nhttp {\naccess_log off;\n${temp.join("\n")}\ninclude ${nginx};\n}\n`);
    const nginxCheck = () =>
      timed(() => run("nginx", ["-t", "-q", "-e", "stderr", "-c", main, "-g", `pid ${folder}/pid;`]));
    // after nginx's check would be too early: both run in turns, and nginx takes a certificate with a key behind it
    execFileSync("sh", ["-c", 'cat "$1/all-key.pem" >>"$1/all.pem"', "sh", folder]);
    const haproxy = writeConfiguration("haproxy", folder, certFile, { version: "2.6", opensslVersion: "3.0" });
    const haproxyCheck = () => timed(() => run("haproxy", ["-c", "-q", "-f", haproxy]));
    const samples = await interleave(runs, { nginx: nginxCheck, haproxy: haproxyCheck });
    return (["nginx", "haproxy"] as const).map((name) => ({
      subject: `${name}: its own checker reads ${SERVED} sites`,
      measured: { value: median(samples[name]), unit: "ms" },
      note: describeSpread(samples[name]),
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
}

/** Lays the configuration as the install script would; its path. */
function writeConfiguration(name: GatewayKindName, folder: string, certFile: string, given: object): string {
  const kind = gatewayKinds[name] as unknown as GatewayKind<unknown>;
  const options = kind.parseOptions({ ...given, directory: join(folder, name), httpPort: 8080 });
  const sites = readFleet(name, SERVED, certFile);
  const { configuration, texts = {} } = kind.render(sites, options);
  const file = join(folder, name, "current", kind.install?.(sites, options).configurationFile ?? "");
  for (const [path, text] of Object.entries({ ...texts, [file]: configuration })) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return file;
}

async function measurePreview(kind: GatewayKindName, runs: number): Promise<Measurement> {
  let value = "DENY";
  // without TLS, as every kind takes it without files
  const plain = makeFleet(kind, PREVIEW.sites).map(({ redirectToHttps: _, hsts: __, ...site }) => ({
    ...site,
    binds: [`${site.name}.example.com:8080`],
    tls: "disabled" as const,
  }));
  const fleet = (): GatewaySiteArgs[] =>
    plain.map((site, index) => {
      if (index !== PREVIEW.sites / 2) return site;
      return { ...site, headers: [{ on: "response", action: "set", name: "X-Frame-Options", value }] };
    });
  const options = { options: optionsOf[kind] ?? {} };
  const ours = await BenchStack.create("ours", async () => {
    // all of it is rendered for the hash, which triggers the command that installs; the text itself is not shown
    const { contentHash } = new Gateway("fleet", { kind, sites: fleet(), ...options } as GatewayArgs);
    return { contentHash };
  });
  const floor = await BenchStack.create("flat", async () => {
    const payload = JSON.stringify(fleet());
    new TrivialResource("fleet", { payload });
  });
  try {
    await ours.up();
    await floor.up();
    value = "SAMEORIGIN";
    const samples = await interleave(runs, { ours: () => ours.preview("any"), floor: () => floor.preview("any") });
    return {
      subject: `${kind}: preview of one changed header in ${PREVIEW.sites} sites`,
      measured: { value: median(samples.ours), unit: "ms" },
      reference: { value: median(samples.floor), unit: "ms", what: "a trivial resource with the same text" },
      target: { of: "ratio", atMost: PREVIEW.ratio },
      note: describeSpread(samples.ours),
    };
  } finally {
    ours.remove();
    floor.remove();
  }
}
