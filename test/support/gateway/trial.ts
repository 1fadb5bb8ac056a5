// One gateway with all sites that its kind can serve, the upstreams behind it and a client before it.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "vitest";
import { type FeatureTable, type GatewayFeature, gatewayFeatures } from "../../../provider/src/gateway/model/features";
import type { GatewayFile } from "../../../provider/src/gateway/model/kind";
import type { SiteProblem } from "../../../provider/src/gateway/model/problem";
import type { SiteData } from "../../../provider/src/gateway/model/site";
import { freePorts } from "../ports";
import { type GatewayCertificates, makeGatewayCertificates, partOf } from "./certificates";
import { ask, type GatewayAnswer, type GatewayAsk, type GatewayTarget } from "./client";
import { type GatewayServer, kindNamed, type RunningGateway, startGateway } from "./server";
import { startSilentListener } from "./silent-listener";
import { addresses, certificateNames, trialSites } from "./sites";
import { refusableSites } from "./sites-edge";
import { type GatewayUpstream, startUpstream } from "./upstream";

/** What is there while the tests run. */
export interface GatewayWorld {
  readonly certificates: GatewayCertificates;
  readonly upstreams: {
    readonly plain: GatewayUpstream;
    readonly secure: GatewayUpstream;
    readonly h2c: GatewayUpstream;
    readonly second: GatewayUpstream;
    readonly first: GatewayUpstream;
    readonly elsewhere: GatewayUpstream;
  };
  /** Where a test may start the upstream of the site "returning". */
  readonly laterPort: number;
  /** Where the names of the site "mtls" are served without client certificates, and with those of another authority. */
  readonly openPort: number;
  readonly otherPort: number;
  /** What the kind's checks say of sites that were left out, by their names. */
  readonly refusals: ReadonlyMap<string, readonly SiteProblem[]>;
  readonly tlsPort: number;
  readonly plainPort: number;
  /** Where `redirectToHttps` listens. */
  readonly httpPort: number;
  readonly sites: readonly SiteData[];
  readonly gateway: RunningGateway;
  /** Writes a certificate in place of a served one. */
  readonly replace: (name: string) => void;
}

/** A request to a site of the main listener; its host is `<site>.gw.test` unless told otherwise. */
export type SiteAsk = Partial<GatewayAsk> & {
  readonly target?: Omit<GatewayTarget, "port" | "tls">;
  readonly tls?: GatewayTarget["tls"];
};

/** What the tests of one server share. */
export class GatewayTrial {
  readonly server: GatewayServer;
  readonly #features: FeatureTable;
  #world: GatewayWorld | undefined;
  #stop: (() => void | Promise<void>)[] = [];

  constructor(server: GatewayServer) {
    this.server = server;
    this.#features = featuresOf(server);
  }

  /** @throws Error before {@link start}, and when that failed */
  get world(): GatewayWorld {
    if (this.#world === undefined) throw new Error("the gateway did not start");
    return this.#world;
  }

  /** A test that the table of the kind skips, by its reason, when it has one for any of the features. */
  test(features: readonly GatewayFeature[], sentence: string, body: (context: TestContext) => Promise<void>): void {
    const reason = features.map((feature) => this.#features[feature]).find((served) => served !== true);
    if (reason === undefined) it(sentence, body);
    else it.skip(`${sentence}: ${this.server.kind} ${reason}`);
  }

  async start(): Promise<void> {
    const certificates = makeGatewayCertificates(certificateNames);
    this.#stop.push(certificates.remove);
    const secureTls = { tls: certificates.upstream };
    const upstreams = {
      plain: await this.#upstream({ label: "plain" }),
      secure: await this.#upstream({ label: "secure", ...secureTls }),
      h2c: await this.#upstream({ label: "h2c", http2: "echo" }),
      second: await this.#upstream({ label: "second" }),
      first: await this.#upstream({ label: "first", ...secureTls }),
      elsewhere: await this.#upstream({ label: "elsewhere", tls: certificates.upstreamElsewhere }),
    };
    const silent = await startSilentListener();
    this.#stop.push(silent.stop);
    const [tlsPort = 0, plainPort = 0, httpPort = 0, down = 0, later = 0, openPort = 0, otherPort = 0] =
      await freePorts(7);
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-trial-"));
    this.#stop.push(() => rmSync(folder, { recursive: true, force: true }));
    const { plain, secure, h2c, second, first, elsewhere } = upstreams;
    const ports = {
      plain: plain.port,
      secure: secure.port,
      h2c: h2c.port,
      second: second.port,
      first: first.port,
      elsewhere: elsewhere.port,
      silent: silent.port,
      down,
      later,
    };
    const kind = kindNamed(this.server.kind);
    const options = kind.parseOptions({ ...this.server.options, httpPort, directory: join(folder, "tls-gateway") });
    const placed = placeFiles(folder, certificates);
    const refused = new Set<string>(this.server.refusedActions);
    const ground = { tlsPort, plainPort, openPort, otherPort, upstreams: ports, placed };
    const asked = trialSites(ground, this.#features).map((site) =>
      site.headers === undefined
        ? site
        : { ...site, headers: site.headers.filter(({ action }) => !refused.has(action)) },
    );
    const refusals = new Map(
      asked
        .filter(({ name }) => refusableSites.has(name))
        .map((site) => [site.name, kind.checkSites([site], options)] as const)
        .filter(([, problems]) => problems.length > 0),
    );
    // what is refused beside the others alone
    const together = kind.checkSites(
      asked.filter(({ name }) => !refusals.has(name)),
      options,
    );
    for (const problem of together) {
      if (refusableSites.has(problem.site)) refusals.set(problem.site, [problem]);
    }
    const sites = asked.filter(({ name }) => !refusals.has(name));
    const contents = (source: GatewayFile["source"]) => contentOf(certificates, source);
    const gateway = await startGateway(this.server, folder, sites, { httpPort }, contents);
    this.#stop.push(gateway.stop);
    const replace = (name: string) => {
      for (const { path, source } of kind.files(sites, options)) {
        if (source.name !== name) continue;
        // another file, as in a new set: nginx from 1.27.2 on keeps what it read of one that did not change its inode or second
        writeFileSync(`${path}.new`, partOf(certificates.renewed, source.part));
        renameSync(`${path}.new`, path);
      }
    };
    const places = { tlsPort, plainPort, httpPort, openPort, otherPort, laterPort: later };
    this.#world = { certificates, upstreams, ...places, sites, refusals, gateway, replace };
  }

  async stop(): Promise<void> {
    for (const stop of this.#stop.reverse()) await stop();
  }

  async #upstream(options: Parameters<typeof startUpstream>[0]): Promise<GatewayUpstream> {
    const upstream = await startUpstream(options);
    this.#stop.push(upstream.stop);
    return upstream;
  }

  /** A connection of TLS that asks for a name; `name` undefined sends none. */
  secure(name: string | undefined, address: string = addresses.main): GatewayTarget & { readonly tls: object } {
    const { certificates, tlsPort } = this.world;
    const servername = name === undefined ? {} : { servername: name };
    return { address, port: tlsPort, tls: { ca: certificates.rootPem, ...servername } };
  }

  /** One request over TLS to the site of this name on the main listener. */
  async ask(site: string, { target, tls, ...request }: SiteAsk = {}): Promise<GatewayAnswer> {
    const name = `${site}.gw.test`;
    const secure = this.secure(name);
    const host = `${name}:${this.world.tlsPort}`;
    return await ask({ ...secure, ...target, tls: { ...secure.tls, ...tls } }, { host, ...request });
  }

  /** One request without TLS to the plain listener. */
  async askPlain(host: string, request: Partial<GatewayAsk> = {}, target: object = {}): Promise<GatewayAnswer> {
    return await ask({ address: addresses.main, port: this.world.plainPort, ...target }, { host, ...request });
  }

  /** One request without TLS to the listener of the redirects. */
  async askRedirect(host: string, request: Partial<GatewayAsk> = {}, target: object = {}): Promise<GatewayAnswer> {
    return await ask({ address: addresses.main, port: this.world.httpPort, ...target }, { host, ...request });
  }

  /** How many requests reached any upstream while this went on. */
  async reaching(action: () => Promise<unknown>): Promise<number> {
    const count = () => Object.values(this.world.upstreams).reduce((sum, upstream) => sum + upstream.seen(), 0);
    const before = count();
    await action();
    return count() - before;
  }
}

/** The table of the kind, and what it says that the version of this server can't do. */
function featuresOf({ kind: name, options }: GatewayServer): FeatureTable {
  const kind = kindNamed(name);
  const parsed = kind.parseOptions({ ...options, directory: "/srv/gateway" });
  const placed = { certFile: "/c.pem", keyFile: "/k.pem", clientRootFile: "/r.pem", upstreamRootFile: "/u.pem" };
  const upstreams = { plain: 1, secure: 2, h2c: 3, down: 4, second: 5, first: 6, elsewhere: 7, later: 8, silent: 9 };
  const ground = { tlsPort: 8443, plainPort: 8081, openPort: 8444, otherPort: 8445, upstreams, placed };
  const table: Partial<Record<GatewayFeature, string>> = {};
  for (const site of trialSites(ground, kind.features)) {
    for (const { property, reason } of kind.checkSites([site], parsed)) {
      if (!/\bversion\b/.test(reason)) continue;
      for (const [feature, { property: asked, isUsed }] of Object.entries(gatewayFeatures)) {
        if (asked === property && isUsed(site)) table[feature as GatewayFeature] = `says: ${reason}`;
      }
    }
  }
  return { ...kind.features, ...table };
}

function contentOf(certificates: GatewayCertificates, source: GatewayFile["source"]): string {
  const { name, part } = source;
  if (source.of === "upstream") {
    return name.endsWith("wrong-root") ? certificates.otherRootPem : certificates.upstreamRootPem;
  }
  if (source.of === "clientAuth") {
    return name === "other-mtls" || name === "mtls-other" ? certificates.otherRootPem : certificates.clientRootPem;
  }
  const served = certificates.served[name];
  if (served === undefined) throw new Error(`no certificate is called ${name}`);
  return partOf(served, part);
}

/** Lays what sites find on their server by themselves. */
function placeFiles(folder: string, { served, clientRootPem, upstreamRootPem }: GatewayCertificates) {
  const own = join(folder, "own");
  mkdirSync(own);
  const write = (name: string, text = "") => {
    writeFileSync(join(own, name), text, { mode: 0o600 });
    return join(own, name);
  };
  return {
    certFile: write("placed.pem", served.placed?.cert),
    keyFile: write("placed.pem.key", served.placed?.key),
    clientRootFile: write("clients.pem", clientRootPem),
    upstreamRootFile: write("upstream.pem", upstreamRootPem),
  };
}
