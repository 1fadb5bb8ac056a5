// A Pebble for the benchmark of ACME: it looks for http-01 at one port of 127.0.0.1, whatever the name, and writes its log
// to a file, so that reading it costs nothing while something is measured. What test/support has imports vitest.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, closeSync, openSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePorts } from "../support/ports.ts";
import { leafExtensions, OpensslPki } from "../support/x509/openssl-pki.ts";
import { ConnectionCounter } from "./acme-connection-counter.ts";

/** More than this is a Pebble that does not start. Milliseconds. */
const MOST_TO_START = 20_000;

/**
 * Seconds in Retry-After of what is pending: the least that Pebble takes, by which it says nothing. The header knows whole
 * seconds, and a client that heeds it, unlike its rivals, would be measured by its waiting.
 */
const retryAfter = { authz: 0, order: 0 };

/** What reached the CA since it was last asked. */
export interface RequestCounts {
  /** By POST, with a signature. */
  readonly signed: number;
  readonly newNonce: number;
  /** GET of renewalInfo (RFC 9773 section 4.1). */
  readonly renewalInfo: number;
  /** Opened by the client. */
  readonly connections: number;
  readonly certificates: number;
  /** The most orders that were placed and had no certificate yet. */
  readonly mostInFlight: number;
}

/** Absolute path of a program that the set-up built or that is on PATH; undefined when it is not there. */
export function findProgram(name: string): string | undefined {
  const folders = [process.env.TLS_GATEWAY_TOOLS, process.env.PATH].flatMap((list) => list?.split(delimiter) ?? []);
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path);
        return true;
      } catch {
        return false;
      }
    });
}

/** A Pebble that runs, with its DNS. */
export class BenchPebble {
  /** Leads through a counter of connections. */
  readonly directoryUrl: string;
  readonly caBundlePem: string;
  readonly caBundleFile: string;
  /** Where it looks for http-01. */
  readonly httpPort: number;
  /** The DNS that it asks, `127.0.0.1:…`. */
  readonly dnsAddress: string;
  readonly #dnsManagement: string;
  readonly #children: readonly ChildProcess[];
  readonly #counter: ConnectionCounter;
  readonly #pki: OpensslPki;
  readonly #log: string;
  #counted = 0;

  private constructor(ports: Ports, started: Started) {
    this.directoryUrl = `https://localhost:${ports.counter}/dir`;
    this.httpPort = ports.http;
    this.dnsAddress = `127.0.0.1:${ports.dns}`;
    this.#dnsManagement = `http://127.0.0.1:${ports.dnsManagement}`;
    [this.caBundlePem, this.caBundleFile] = [started.caBundlePem, join(started.pki.folder, started.caBundleFile)];
    [this.#children, this.#counter] = [started.children, started.counter];
    [this.#pki, this.#log] = [started.pki, started.log];
  }

  /**
   * Resolves when its directory and its DNS answer.
   * @param believes every challenge is valid without being looked at.
   */
  static async start({ believes = false }: { readonly believes?: boolean } = {}): Promise<BenchPebble> {
    const [acme, management, http, tls, dns, dnsManagement, counterPort] = (await freePorts(7)) as Seven;
    const ports: Ports = { acme, management, http, tls, dns, dnsManagement, counter: counterPort };
    const pki = new OpensslPki();
    const server = pki.issue("localhost", { extensions: leafExtensions("DNS:localhost,IP:127.0.0.1") });
    const log = join(pki.folder, "pebble.log");
    const config = pki.write("pebble.json", JSON.stringify({ pebble: configuration(ports, server) }));
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
    const counter = await ConnectionCounter.start(ports.counter, acme);
    const pebble = new BenchPebble(ports, {
      ...{ children, counter, pki, log },
      ...{ caBundlePem: server.pem, caBundleFile: server.file },
    });
    try {
      await pebble.#untilItAnswers();
    } catch (error) {
      await pebble.stop();
      throw error;
    }
    pebble.takeCounts();
    return pebble;
  }

  /** What came since the last call. */
  takeCounts(): RequestCounts {
    const lines = readFileSync(this.#log, "utf8").split("\n");
    const fresh = lines.slice(this.#counted);
    this.#counted = lines.length - 1;
    let [inFlight, mostInFlight] = [0, 0];
    for (const line of fresh) {
      if (isOrder(line)) inFlight += 1;
      if (isCertificate(line)) inFlight -= 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
    }
    return {
      signed: fresh.filter((line) => / POST \/\S* -> /.test(line)).length,
      newNonce: fresh.filter((line) => / HEAD \/nonce-plz -> /.test(line)).length,
      renewalInfo: fresh.filter((line) => / GET \/\S*renewalInfo\/\S* -> /.test(line)).length,
      connections: this.#counter.take(),
      certificates: fresh.filter(isCertificate).length,
      mostInFlight,
    };
  }

  /** Puts one TXT record into its DNS, in place of those that were there. */
  async setTxt(name: string, value: string): Promise<void> {
    const body = JSON.stringify({ host: `${name}.`, value });
    for (const command of ["clear-txt", "set-txt"]) {
      const { ok, status } = await fetch(`${this.#dnsManagement}/${command}`, { method: "POST", body });
      if (!ok) throw new Error(`pebble-challtestsrv answers ${command} of ${name} with ${status}`);
    }
  }

  /** Ends the programs and removes their folder. */
  async stop(): Promise<void> {
    await Promise.all(this.#children.map(stopProgram));
    this.#counter.stop();
    this.#pki.remove();
  }

  async #untilItAnswers(): Promise<void> {
    for (const end = Date.now() + MOST_TO_START; ; ) {
      const asked = [this.#ask(), fetch(this.#dnsManagement)];
      const failure = await Promise.all(asked).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      if (Date.now() > end || this.#children.some(({ exitCode }) => exitCode !== null)) {
        throw new Error(`pebble does not answer: ${String(failure)}\n${readFileSync(this.#log, "utf8").slice(-2000)}`);
      }
      await pause(20);
    }
  }

  #ask(): Promise<undefined> {
    return new Promise((resolve, reject) => {
      const options = { ca: this.caBundlePem, headers: { "user-agent": "bench" }, agent: false };
      const asked = request(this.directoryUrl, options, (response) => {
        response.resume().once("end", () => resolve(undefined));
      });
      asked.once("error", reject);
      asked.end();
    });
  }
}

type Seven = [number, number, number, number, number, number, number];

type Ports = Readonly<Record<"acme" | "management" | "http" | "tls" | "dns" | "dnsManagement" | "counter", number>>;

interface Started {
  readonly children: readonly ChildProcess[];
  readonly counter: ConnectionCounter;
  readonly pki: OpensslPki;
  readonly log: string;
  readonly caBundlePem: string;
  readonly caBundleFile: string;
}

function isOrder(line: string): boolean {
  return /Added order "[^"]*" to the db/.test(line);
}

function isCertificate(line: string): boolean {
  return line.includes("Issued certificate serial");
}

function configuration(ports: Ports, server: { readonly file: string; readonly keyFile: string }) {
  return {
    listenAddress: `127.0.0.1:${ports.acme}`,
    managementListenAddress: `127.0.0.1:${ports.management}`,
    certificate: server.file,
    privateKey: server.keyFile,
    httpPort: ports.http,
    tlsPort: ports.tls,
    ocspResponderURL: "",
    externalAccountBindingRequired: false,
    keyAlgorithm: "ecdsa",
    retryAfter,
    profiles: { default: { description: "90 days", validityPeriod: 90 * 86_400 } },
  };
}

/** Starts a program that is killed with this process, whatever happens. */
function startProgram(
  name: string,
  folder: string,
  log: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): ChildProcess {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed: run node scripts/setup.mjs --peers`);
  const output = openSync(log, "w");
  // README of Pebble, "Testing at random": nothing is left to chance
  const env = { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0", PEBBLE_AUTHZREUSE: "0", ...more };
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
