// One gateway with all sites that its kind can serve, the upstreams behind it and a client before it.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "vitest";
import { type FeatureTable, type GatewayFeature, gatewayFeatures } from "../../provider/src/gateway/features";
import type { GatewayFile } from "../../provider/src/gateway/kind";
import type { SiteData } from "../../provider/src/gateway/site";
import { freePorts } from "./caddy";
import { type GatewayCertificates, makeGatewayCertificates, partOf } from "./gateway-certificates";
import { ask, type GatewayAnswer, type GatewayAsk, type GatewayTarget } from "./gateway-client";
import { type GatewayServer, kindNamed, type RunningGateway, startGateway } from "./gateway-server";
import { addresses, certificateNames, trialSites } from "./gateway-sites";
import { type GatewayUpstream, startUpstream } from "./gateway-upstream";

/** What is there while the tests run. */
export interface GatewayWorld {
  readonly certificates: GatewayCertificates;
  readonly upstreams: {
    readonly plain: GatewayUpstream;
    readonly secure: GatewayUpstream;
    readonly h2c: GatewayUpstream;
  };
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
    };
    const [tlsPort = 0, plainPort = 0, httpPort = 0, down = 0] = await freePorts(4);
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-trial-"));
    this.#stop.push(() => rmSync(folder, { recursive: true, force: true }));
    const { plain, secure, h2c } = upstreams;
    const ports = { plain: plain.port, secure: secure.port, h2c: h2c.port, down };
    const kind = kindNamed(this.server.kind);
    const placed = placeFiles(folder, certificates);
    const refused = new Set<string>(this.server.refusedActions);
    const sites = trialSites({ tlsPort, plainPort, upstreams: ports, placed }, this.#features).map((site) =>
      site.headers === undefined
        ? site
        : { ...site, headers: site.headers.filter(({ action }) => !refused.has(action)) },
    );
    const contents = (source: GatewayFile["source"]) => contentOf(certificates, source);
    const gateway = await startGateway(this.server, folder, sites, { httpPort }, contents);
    this.#stop.push(gateway.stop);
    const options = kind.parseOptions({ ...this.server.options, httpPort, directory: join(folder, "tls-gateway") });
    const replace = (name: string) => {
      for (const { path, source } of kind.files(sites, options)) {
        if (source.name !== name) continue;
        // another file, as in a new set: nginx from 1.27.2 on keeps what it read of one that did not change its inode or second
        writeFileSync(`${path}.new`, partOf(certificates.renewed, source.part));
        renameSync(`${path}.new`, path);
      }
    };
    this.#world = { certificates, upstreams, tlsPort, plainPort, httpPort, sites, gateway, replace };
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
  const ground = { tlsPort: 8443, plainPort: 8081, upstreams: { plain: 1, secure: 2, h2c: 3, down: 4 }, placed };
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
    return name === "other-mtls" ? certificates.otherRootPem : certificates.clientRootPem;
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
