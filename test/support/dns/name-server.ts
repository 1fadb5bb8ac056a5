// Guards: name servers that outlive their test. BIND and Knot, as Debian has them, authoritative for the zones of a test, with
// updates by nsupdate; and a resolver that remembers, as those of CAs do.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { requirePeer, type StartedProgram, stopProgram } from "../acme/challenge-test-server";
import { describeWithPeer } from "../peer";
import { freePorts } from "../ports";
import {
  type NameServerPlace,
  type NameZone,
  renderBind,
  renderKeyFile,
  renderKnot,
  renderResolver,
  renderZoneFile,
  type UpdateKey,
} from "./name-server-configuration";
import { startBind, startKnot, whenReady } from "./name-server-program";
import { dig, query, renderText } from "./name-server-query";

export type NameServerKind = "bind" | "knot";

/** Where each kind listens: BIND on addresses of an interface alone, so that the other one must have another. */
export const nameServerAddresses: Readonly<Record<NameServerKind, string>> = { bind: "127.0.0.1", knot: "127.0.0.2" };

const programs = { bind: "named", knot: "knotd" } as const;
const run = promisify(execFile);

/** A `describe` that needs both servers and the tools of BIND; see {@link describeWithPeer}. */
export function describeWithNameServers(tests: () => void): void {
  const needed = [...Object.values(programs), "nsupdate", "dig"];
  needed.reduceRight<() => void>((inner, name) => () => describeWithPeer(name, inner), tests)();
}

/** A server that runs. */
export class NameServer {
  readonly kind: NameServerKind;
  readonly address: string;
  readonly port: number;
  /** `address:port`, as a setting of propagation and Pebble take it. */
  readonly endpoint: string;
  /** What nsupdate's `-k` takes; mode 0600. */
  readonly keyFile: string;
  /** All that it answers for. */
  readonly zones: readonly string[];
  readonly #program: StartedProgram;
  readonly #folder: string;
  readonly #primary: NameServer | undefined;

  private constructor(
    kind: NameServerKind,
    place: NameServerPlace,
    zones: readonly string[],
    program: StartedProgram,
    folder: string,
    primary: NameServer | undefined,
  ) {
    [this.kind, this.address, this.port] = [kind, place.address, place.port];
    [this.endpoint, this.keyFile, this.zones] = [`${place.address}:${place.port}`, join(folder, "key"), zones];
    [this.#program, this.#folder, this.#primary] = [program, folder, primary];
  }

  /** Resolves when it answers for all zones; `copyOf` adds the zones of another server, copied when it starts. */
  static async start(
    kind: NameServerKind,
    zones: readonly NameZone[],
    copyOf?: NameServer,
    address = nameServerAddresses[kind],
  ): Promise<NameServer> {
    const [port = 0] = await freePorts(1, address);
    const place = { address, port };
    const folder = mkdtempSync(join(tmpdir(), "name-server-"));
    const key: UpdateKey = { name: "update", secret: randomBytes(32).toString("base64") };
    const names = zones.map(({ name }) => name);
    const copied = copyOf?.zones ?? [];
    const setting = { ...place, folder, key, zones: names, copied, primary: copyOf };
    for (const zone of zones) writeFileSync(join(folder, `${zone.name}.zone`), renderZoneFile(zone));
    writeFileSync(join(folder, "key"), renderKeyFile(key), { mode: 0o600 });
    const program = kind === "bind" ? startBind(folder, renderBind(setting)) : startKnot(folder, renderKnot(setting));
    const server = new NameServer(kind, place, [...names, ...copied], program, folder, copyOf);
    await whenReady(server, program, async () => {
      for (const zone of server.zones) await server.serial(zone);
    });
    return server;
  }

  /** Adds values to a name in one of its own zones; texts of TXT as they are, other values as a zone file has them. */
  add(name: string, type: string, values: readonly string[], ttl = 0): Promise<void> {
    const data = type === "TXT" ? values.map(renderText) : values;
    return this.#update(data.map((value) => `update add ${name}. ${ttl} ${type} ${value}`));
  }

  /** Takes values away; all of the type by default. */
  delete(name: string, type: string, values?: readonly string[]): Promise<void> {
    if (values === undefined) return this.#update([`update delete ${name}. ${type}`]);
    const data = type === "TXT" ? values.map(renderText) : values;
    return this.#update(data.map((value) => `update delete ${name}. ${type} ${value}`));
  }

  /** The values, as dig prints them; of TXT the texts. */
  query(name: string, type: string): Promise<readonly string[]> {
    return query(this, name, type);
  }

  /** The number of a zone's state (RFC 1035 section 3.3.13). */
  async serial(zone: string): Promise<number> {
    const [soa = ""] = await this.query(zone, "SOA");
    const serial = Number(soa.split(" ")[2]);
    if (Number.isNaN(serial)) throw new Error(`no SOA of ${zone}: ${soa}`);
    return serial;
  }

  /** A copy lags behind its primary until it is told (NOTIFY, RFC 1996); resolves when it has all. */
  async catchUp(): Promise<void> {
    const primary = this.#primary;
    if (primary === undefined) throw new TypeError("this server copies none");
    for (const zone of primary.zones) {
      await dig(this, ["+opcode=notify", "+aaflag", "+norecurse", zone, "SOA"]);
      await this.#program.until(async () => {
        const [here, there] = [await this.serial(zone), await primary.serial(zone)];
        if (here !== there) throw new Error(`${zone} has serial ${here}, its primary ${there}`);
      });
    }
  }

  /** What it wrote. */
  get log(): readonly string[] {
    return this.#program.lines;
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await stopProgram(this.#program.process);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #update(lines: readonly string[]): Promise<void> {
    const running = run(requirePeer("nsupdate").path, ["-k", this.keyFile]);
    running.child.stdin?.end([`server ${this.address} ${this.port}`, ...lines, "send", ""].join("\n"));
    await running;
  }
}

/** A resolver for the zones of some servers; of two servers of a zone the first is asked. */
export interface NameResolver extends NameServerPlace {
  readonly endpoint: string;
  /** As {@link NameServer.query}, by recursion. */
  query(name: string, type: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Starts a resolver, BIND as well, which remembers what it was answered, and that there was nothing. */
export async function startResolver(servers: readonly NameServer[]): Promise<NameResolver> {
  const address = nameServerAddresses.bind;
  const [port = 0] = await freePorts(1, address);
  const place = { address, port };
  const folder = mkdtempSync(join(tmpdir(), "name-resolver-"));
  const zones = new Map([...servers].reverse().flatMap((server) => server.zones.map((zone) => [zone, server])));
  const program = startBind(folder, renderResolver({ ...place, folder }, zones));
  const resolver: NameResolver = {
    ...place,
    endpoint: `${place.address}:${place.port}`,
    query: (name, type) => query(place, name, type, "+recurse"),
    stop: async () => {
      await stopProgram(program.process);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await whenReady(resolver, program, async () => {
    for (const zone of zones.keys()) {
      if ((await resolver.query(zone, "SOA")).length === 0) throw new Error(`no SOA of ${zone}`);
    }
  });
  return resolver;
}
