// Plays the CA: Pebble, Let's Encrypt's own test server, and the DNS that it asks. No part of a real set-up.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { RunError } from "@pulumi/pulumi";

/** A CA that runs. */
export interface LocalCa {
  /** From now on the CA says that a certificate (PEM) is to be renewed at once, as after an incident (ARI, RFC 9773). */
  demandRenewal(certPem: string): Promise<void>;
  /** Resolves when both programs are gone. */
  stop(): Promise<void>;
}

/** Where the CA is, and what it is made of. */
export interface LocalCaOptions {
  /** Its server certificate is there; its root `root.pem` and its log `pebble.log` are written. */
  readonly folder: string;
  /** Paths of `pebble` and `pebble-challtestsrv`. */
  readonly programs: Readonly<Record<string, string>>;
  /** `https://localhost:<port>/dir` */
  readonly directory: string;
  /** Where it looks for the answer of http-01. Every name is at 127.0.0.1. Default: a free port. */
  readonly challengePort?: number;
  /** `127.0.0.1:<port>` of the DNS that it asks. Default: a free port. */
  readonly dnsAddress?: string;
  /** `http://127.0.0.1:<port>`, where records of this DNS are set (README of pebble-challtestsrv). Default: a free port. */
  readonly dnsApi?: string;
  /** Its own names, which CAA and standing records allow. With some it offers dns-persist-01. Default: none. */
  readonly caaIdentities?: readonly string[];
}

/** Makes the certificate of the CA's own https server when it is missing, for twenty years; it is no root of the CA's. */
export function ensureServerCertificate(folder: string): void {
  const [key, certificate] = [join(folder, "server-key.pem"), join(folder, "server.pem")];
  if (existsSync(certificate)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const extensions = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost\n";
  const config = join(folder, "server.cnf");
  writeFileSync(config, `[req]\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\n[v3]\n${extensions}`);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key];
  const about = ["-config", config, "-subj", "/CN=localhost", "-days", "7300", "-out", `${certificate}.new`];
  try {
    execFileSync("openssl", ["req", "-x509", ...curve, ...about], { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new RunError("The program openssl is not on PATH: the local CA needs it once. Install the package openssl.");
  }
  // last, so that a run that was broken off begins anew
  renameSync(`${certificate}.new`, certificate);
  rmSync(config);
}

/**
 * Starts the CA, with an empty database and a root of its own each time; resolves when it answers.
 *
 * @throws RunError with the last lines of its log when it ends before, for instance since another program has its port.
 */
export async function startLocalCa(options: LocalCaOptions): Promise<LocalCa> {
  const { folder, programs, directory } = options;
  const [management = 0, tls = 0, http = 0, dns = 0, api = 0] = await freePorts(5);
  const at = (port: number | string) => `127.0.0.1:${port}`;
  const { challengePort = http, dnsAddress = at(dns), dnsApi = `http://${at(api)}`, caaIdentities = [] } = options;
  const pebble = {
    listenAddress: at(new URL(directory).port),
    managementListenAddress: at(management),
    ...{ certificate: join(folder, "server.pem"), privateKey: join(folder, "server-key.pem") },
    ...{ httpPort: challengePort, tlsPort: tls, ocspResponderURL: "", keyAlgorithm: "ecdsa", caaIdentities },
    retryAfter: { authz: 1, order: 1 },
    profiles: { default: { description: "90 days, as Let's Encrypt's", validityPeriod: 90 * 86_400 } },
  };
  writeFileSync(join(folder, "pebble.json"), JSON.stringify({ pebble }));
  // a CA waits some seconds and refuses some nonces at random, to test its clients; that would only be slow here
  const env = { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0", PEBBLE_AUTHZREUSE: "0" };
  const none = ["-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", ""];
  const names = ["-dnsserver", dnsAddress, "-management", new URL(dnsApi).host, "-defaultIPv4", "127.0.0.1"];
  const logFile = join(folder, "pebble.log");
  const log = openSync(logFile, "w", 0o600);
  const start = (name: string, args: readonly string[]) => startProgram(programs[name] ?? name, args, env, log);
  const running = [
    start("pebble-challtestsrv", [...names, "-defaultIPv6", "", ...none]),
    start("pebble", ["-config", join(folder, "pebble.json"), "-dnsserver", dnsAddress]),
  ];
  closeSync(log);
  const ca = readFileSync(join(folder, "server.pem"), "utf8");
  const stop = async () => void (await Promise.all(running.map(stopProgram)));
  const failure = () => {
    // what answers may be another program, which has the port
    if (running.some(hasEnded)) return "one of its programs has ended";
    // pebble-challtestsrv goes on without the port
    return readFileSync(logFile, "utf8").includes(PORT_TAKEN) ? "another program has one of its ports" : undefined;
  };
  try {
    await untilAnswered(() => Promise.all([ask(directory, ca), askDns(dnsApi)]), failure);
    writeFileSync(join(folder, "root.pem"), await ask(`https://localhost:${management}/roots/0`, ca));
  } catch (error) {
    await stop();
    const lines = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-10).join("\n");
    const taken = new RegExp(`:(\\d+): ${PORT_TAKEN}`).exec(lines)?.[1];
    const addresses = Object.entries({ directory, dnsAddress: `dns://${dnsAddress}`, dnsApi });
    const setting = addresses.find(([, url]) => new URL(url).port === taken)?.[0];
    const advice = setting === undefined ? "" : `\nGive it another port in Pulumi.yaml, config.${setting}.`;
    throw new RunError(`The local CA does not answer at ${directory}: ${String(error)}\n${lines}${advice}`);
  }
  return {
    demandRenewal: async (certPem) => {
      const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
      const answer = { suggestedWindow: { start: hoursAgo(48), end: hoursAgo(24) }, explanationURL: INCIDENT };
      const body = { Certificate: certPem, ARIResponse: JSON.stringify(answer) };
      await ask(`https://localhost:${management}/set-renewal-info/`, ca, JSON.stringify(body));
    },
    stop,
  };
}

const INCIDENT = "https://ca.example/incidents/1";
/** What Go's programs say. */
const PORT_TAKEN = "bind: address already in use";

/** A program that ends with this process. */
function startProgram(path: string, args: readonly string[], env: NodeJS.ProcessEnv, log: number): ChildProcess {
  const child = spawn(path, args, { env, stdio: ["ignore", log, log] });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  // the caller sees that it does not answer
  child.once("error", () => {});
  return child;
}

async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
  await ended;
  clearTimeout(timer);
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

/** Tries for 20 s, or until there is a failure. */
async function untilAnswered(attempt: () => Promise<unknown>, failure: () => string | undefined): Promise<void> {
  const end = Date.now() + 20_000;
  for (;;) {
    const [result] = await Promise.allSettled([attempt()]);
    const reason = failure();
    if (reason !== undefined) throw new Error(reason);
    if (result.status === "fulfilled") return;
    if (Date.now() > end) throw result.reason;
    await pause(20);
  }
}

/** GET, or POST of a body; `fetch` would need another package to take a CA. */
async function ask(url: string, ca: string, body?: string): Promise<string> {
  // RFC 8555 section 6.1 asks for the first
  const headers = { "user-agent": "letsencrypt-example" };
  const method = body === undefined ? "GET" : "POST";
  const asked = request(url, { ca, headers, method, agent: false, signal: AbortSignal.timeout(3000) });
  asked.end(body);
  const [response] = await once(asked, "response");
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  const text = Buffer.concat(parts).toString();
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}: ${text}`);
  return text;
}

/** Whether records can be set; there is none of this name. */
async function askDns(api: string): Promise<void> {
  const body = JSON.stringify({ host: "none.invalid." });
  const { ok, status } = await fetch(`${api}/clear-txt`, { method: "POST", body, signal: AbortSignal.timeout(3000) });
  if (!ok) throw new Error(`${api} answered ${status}`);
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  const ports = await Promise.all(
    servers.map(async (server) => {
      await once(server, "listening");
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : 0;
    }),
  );
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
