// Guards: servers that outlive their test, and files that lie elsewhere than the install script lays them.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { gatewayKinds } from "../../../provider/src/gateway/kinds";
import type { GatewayFile, GatewayKind } from "../../../provider/src/gateway/model/kind";
import type { HeaderChange, SiteData } from "../../../provider/src/gateway/model/site";
import type { ProxyOptions } from "../../../provider/src/gateway/proxy/options";

/** A server of some kind that is installed here. */
export interface GatewayServer {
  /** Name in `gatewayKinds`. */
  readonly kind: string;
  /** Options of the kind that tell which program it is: version and the like. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Whether it can refuse a handshake by its name; who can't answers 421. */
  readonly refusesHandshakes: boolean;
  /** Answers of a server that has others (Apache) than 504, 502 or 503, and 400 or 403. */
  readonly statuses?: {
    /** To an upstream's answer that does not come in time. */
    readonly slow: number;
    /** To an upstream whose certificate is not the right one. */
    readonly unverified: number;
    /** To a path that it can't decode. */
    readonly undecodable: number;
  };
  /** Whether WebSockets outlive a reload. */
  readonly keepsTunnels: boolean;
  /** What a server does otherwise, as its kind's notes say (Traefik). */
  readonly differs?: {
    /** Answer to a GET that is sent on to https, in place of 308. */
    readonly redirectOfGet: number;
    /** Names of one wildcard in handshake and request are one to it. */
    readonly mixesWildcard: true;
    /** It ends no tunnel by itself. */
    readonly keepsSilentTunnels: true;
    /** What becomes of a target on its way to the upstream: another spelling of the same. */
    readonly spelling: (target: string) => string;
  };
  /** It answers 503 over HTTP/1.1 to an upstream that takes no connection, and over HTTP/2 that nothing was done (HAProxy). */
  readonly refusesStreams?: true;
  /** Over HTTP/1.1 it closes after an answer when much of the body is still to come, without reading that (Go). */
  readonly cutsUnreadBodies?: true;
  /** What begins like a PROXY header, is none, and counts for it, by the names of gateway-features-proxy-protocol.ts. */
  readonly lenientProxyHeaders?: readonly string[];
  /** Changes of headers that its kind refuses, as its checks say; they are left out. */
  readonly refusedActions?: readonly HeaderChange["action"][];
  /** Starts it in the foreground on the configuration, in a folder of its own. */
  readonly start: (folder: string, configuration: string) => ServerProcess | Promise<ServerProcess>;
}

/** A process, and how it is told to take over its files anew. */
interface ServerProcess {
  readonly child: ChildProcess;
  readonly reload: (child: ChildProcess) => void | Promise<void>;
}

/** A server that serves. */
export interface RunningGateway {
  readonly stop: () => Promise<void>;
  /** Resolves when it was told; old workers may answer for a moment. */
  readonly reload: () => Promise<void>;
  /** What it wrote so far. */
  readonly log: () => string;
  /** What its kind says of these sites. */
  readonly notes: readonly string[];
}

/** The kind of this name, whatever its options. */
export function kindNamed(name: string): GatewayKind<ProxyOptions> {
  const found = Object.entries(gatewayKinds).find(([kind]) => kind === name)?.[1];
  if (found === undefined) throw new Error(`no kind of gateway is called ${name}`);
  return found as unknown as GatewayKind<ProxyOptions>;
}

/** The contents of the files that a kind asks for. */
export type FileContents = (source: GatewayFile["source"]) => string;

/**
 * Renders the sites, lays everything below `<folder>/tls-gateway/current/` as an install script does, starts the server and
 * waits until it listens everywhere; rejects with what it wrote when it ends before.
 *
 * @param options of the kind, beside those of the server
 */
export async function startGateway(
  server: GatewayServer,
  folder: string,
  sites: readonly SiteData[],
  options: Readonly<Record<string, unknown>>,
  contents: FileContents,
): Promise<RunningGateway> {
  const kind = kindNamed(server.kind);
  const directory = join(folder, "tls-gateway");
  const parsed = kind.parseOptions({ ...server.options, ...options, directory });
  const problems = kind.checkSites(sites, parsed);
  if (problems.length > 0) throw new Error(problems.map((one) => JSON.stringify(one)).join("\n"));
  mkdirSync(join(directory, "sets", "first"), { recursive: true });
  symlinkSync("sets/first", join(directory, "current"));
  const rendering = kind.render(sites, parsed);
  const configuration = join(directory, "current", kind.install?.(sites, parsed).configurationFile ?? "configuration");
  lay(configuration, rendering.configuration, "0644");
  for (const [path, text] of Object.entries(rendering.texts ?? {})) lay(path, text, "0644");
  for (const { path, mode, source } of kind.files(sites, parsed)) lay(path, contents(source), mode);
  const { child, reload } = await server.start(folder, configuration);
  const places = listeningPlaces(sites, parsed.httpPort);
  return { ...(await listening(server.kind, child, places, reload)), notes: kind.notes(sites, parsed) };
}

function lay(path: string, text: string, mode: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: Number.parseInt(mode, 8) });
}

/** `host:port` of all binds, which are loopback addresses, and of their redirects. */
function listeningPlaces(sites: readonly SiteData[], httpPort: number): readonly string[] {
  const places = sites.flatMap(({ binds, redirectToHttps }) =>
    redirectToHttps === true ? [...binds, ...binds.map((bind) => bind.replace(/\d+$/, String(httpPort)))] : binds,
  );
  return [...new Set(places)];
}

/** Starts a program in the foreground that writes to stderr or stdout. */
export function spawnServer(path: string, args: readonly string[], folder: string): ChildProcess {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    XDG_DATA_HOME: join(folder, "data"),
    XDG_CONFIG_HOME: join(folder, "config"),
  };
  return spawn(path, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
}

/** Tries with 20 ms between them: a minute, for a machine that does much else. */
const MAX_TRIES = 3000;

async function listening(
  name: string,
  child: ChildProcess,
  places: readonly string[],
  reload: ServerProcess["reload"],
): Promise<Omit<RunningGateway, "notes">> {
  // not "exit": what was written may still be on its way
  const ended = once(child, "close");
  const written: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (part: string) => written.push(part));
  }
  const log = () => written.join("");
  const stop = async () => {
    child.kill("SIGTERM");
    // what keeps connections open until they end is asked twice
    const hasEnded = await Promise.race([ended.then(() => true), pause(5000, false)]);
    if (!hasEnded) child.kill("SIGKILL");
    await ended;
  };
  const waiting = new Set(places);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
    for (const place of waiting) if (await isListening(place)) waiting.delete(place);
    if (waiting.size === 0) return { stop, log, reload: async () => reload(child) };
    await Promise.race([pause(20), ended]);
  }
  await stop();
  throw new Error(`${name} does not listen on ${[...waiting].join(", ")}:\n${log()}`);
}

async function isListening(place: string): Promise<boolean> {
  const [, host = "", port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(place) ?? [];
  const socket = connect({ host, port: Number(port) });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
