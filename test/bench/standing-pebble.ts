// A Pebble whose DNS takes records that stand, and which can be told to believe every name. It is set up as the one of
// acme-pebble.ts is, and asked through the same counter of connections, so that both may be compared.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePorts } from "../support/caddy.ts";
import { leafExtensions, OpensslPki } from "../support/openssl-pki.ts";
import { ConnectionCounter } from "./acme-connection-counter.ts";
import { findProgram } from "./acme-pebble.ts";

/** More than this is a Pebble that does not start. Milliseconds. */
const MOST_TO_START = 20_000;

/** README of Pebble, "Testing at random": nothing is left to chance. */
const steady = { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0", PEBBLE_AUTHZREUSE: "0" } as const;

/** What reached the CA since it was last asked. */
export interface StandingCounts {
  /** By POST, with a signature. */
  readonly signed: number;
  /** GET of renewalInfo (RFC 9773 section 4.1). */
  readonly renewalInfo: number;
  readonly certificates: number;
}

/** A Pebble that runs, with its DNS. */
export class StandingPebble {
  /** Leads through a counter of connections. */
  readonly directoryUrl: string;
  readonly caBundlePem: string;
  /** The DNS that the CA asks, `127.0.0.1:…`. */
  readonly dnsAddress: string;
  readonly #management: string;
  readonly #children: readonly ChildProcess[];
  readonly #counter: ConnectionCounter;
  readonly #pki: OpensslPki;
  readonly #log: string;
  #counted = 0;

  private constructor({ ports, children, counter, pki, caBundlePem, log }: Started) {
    this.directoryUrl = `https://localhost:${ports.counter}/dir`;
    this.dnsAddress = `127.0.0.1:${ports.dns}`;
    this.#management = `http://127.0.0.1:${ports.dnsManagement}`;
    this.caBundlePem = caBundlePem;
    [this.#children, this.#counter] = [children, counter];
    [this.#pki, this.#log] = [pki, log];
  }

  /**
   * Resolves when it listens.
   * @param believes every challenge is valid without being looked at.
   */
  static async start({ believes = false }: { readonly believes?: boolean } = {}): Promise<StandingPebble> {
    const [acme, management, http, tls, dns, dnsManagement, counterPort] = (await freePorts(7)) as Seven;
    const pki = new OpensslPki();
    const server = pki.issue("localhost", { extensions: leafExtensions("DNS:localhost,IP:127.0.0.1") });
    const log = join(pki.folder, "pebble.log");
    const pebble = {
      listenAddress: `127.0.0.1:${acme}`,
      managementListenAddress: `127.0.0.1:${management}`,
      ...{ certificate: server.file, privateKey: server.keyFile, httpPort: http, tlsPort: tls },
      ...{ ocspResponderURL: "", externalAccountBindingRequired: false, keyAlgorithm: "ecdsa" },
      // a client that heeds it would be measured by its waiting
      retryAfter: { authz: 0, order: 0 },
      profiles: { default: { description: "90 days", validityPeriod: 90 * 86_400 } },
    };
    const config = pki.write("pebble.json", JSON.stringify({ pebble }));
    const children = [
      startProgram("pebble-challtestsrv", pki.folder, join(pki.folder, "dns.log"), [
        ...["-dnsserver", `127.0.0.1:${dns}`, "-management", `127.0.0.1:${dnsManagement}`],
        ...["-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", ""],
        ...["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""],
      ]),
      startProgram("pebble", pki.folder, log, ["-config", config, "-dnsserver", `127.0.0.1:${dns}`], {
        ...(believes && { PEBBLE_VA_ALWAYS_VALID: "1" }),
      }),
    ];
    const counter = await ConnectionCounter.start(counterPort, acme);
    const ports = { counter: counterPort, dns, dnsManagement };
    const started = new StandingPebble({ ports, children, counter, pki, caBundlePem: server.pem, log });
    try {
      await untilListening([acme, dnsManagement], children);
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  /** Puts one TXT record into its DNS, in place of those that were there. */
  async setTxt(name: string, value: string): Promise<void> {
    const body = JSON.stringify({ host: `${name}.`, value });
    for (const command of ["clear-txt", "set-txt"]) {
      const { ok, status } = await fetch(`${this.#management}/${command}`, { method: "POST", body });
      if (!ok) throw new Error(`pebble-challtestsrv answers ${command} of ${name} with ${status}`);
    }
  }

  /** What came since the last call. */
  takeCounts(): StandingCounts {
    const lines = readFileSync(this.#log, "utf8").split("\n");
    const fresh = lines.slice(this.#counted);
    this.#counted = lines.length - 1;
    return {
      signed: fresh.filter((line) => / POST \/\S* -> /.test(line)).length,
      renewalInfo: fresh.filter((line) => / GET \/\S*renewalInfo\/\S* -> /.test(line)).length,
      certificates: fresh.filter((line) => line.includes("Issued certificate serial")).length,
    };
  }

  /** Ends the programs and removes their folder. */
  async stop(): Promise<void> {
    await Promise.all(this.#children.map(stopProgram));
    this.#counter.stop();
    this.#pki.remove();
  }
}

type Seven = [number, number, number, number, number, number, number];

interface Started {
  readonly ports: Readonly<Record<"counter" | "dns" | "dnsManagement", number>>;
  readonly children: readonly ChildProcess[];
  readonly counter: ConnectionCounter;
  readonly pki: OpensslPki;
  readonly caBundlePem: string;
  readonly log: string;
}

async function untilListening(ports: readonly number[], children: readonly ChildProcess[]): Promise<void> {
  for (const end = Date.now() + MOST_TO_START; ; await pause(20)) {
    if ((await Promise.all(ports.map(isListening))).every(Boolean)) return;
    if (Date.now() > end || children.some(({ exitCode }) => exitCode !== null)) {
      throw new Error("pebble and pebble-challtestsrv do not start");
    }
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Starts a program that is killed with this process, whatever happens. */
function startProgram(
  name: string,
  folder: string,
  log: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed: run node scripts/setup.mjs --peers`);
  const output = openSync(log, "w");
  const env = { ...steady, ...environment };
  const child = spawn(path, args, { cwd: folder, env, stdio: ["ignore", output, output] });
  // the program has its own by now
  closeSync(output);
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  return child;
}

async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
