// Guards: DNS that outlives its test. pebble-challtestsrv is the DNS of Pebble: what a test puts there, the CA sees.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type Peer, peer } from "../peer";

/** Where pebble-challtestsrv listens, all on 127.0.0.1. */
export interface ChallengeTestServerOptions {
  readonly dnsPort: number;
  readonly managementPort: number;
  /** It answers challenges itself at these ports; by default the test does. */
  readonly httpPort?: number;
  readonly tlsPort?: number;
  /** What names have whose addresses nobody set; 127.0.0.1 by default, "" for none. */
  readonly defaultIPv4?: string;
  /** None by default, so that the CA does not try IPv6 first. */
  readonly defaultIPv6?: string;
}

/** A name, a challenge or an address that is asked about. */
export type QuestionKind = "dns" | "http" | "tlsalpn01";

/** The records that Pebble sees. Names are written without the last dot. */
export class ChallengeTestServer {
  readonly #child: ChildProcess;
  readonly #url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.#url = url;
  }

  /** Resolves when it answers; rejects with what it wrote when it ends before. */
  static async start(options: ChallengeTestServerOptions): Promise<ChallengeTestServer> {
    const { dnsPort, managementPort, httpPort, tlsPort, defaultIPv4 = "127.0.0.1", defaultIPv6 = "" } = options;
    const at = (port: number | undefined) => (port === undefined ? "" : `127.0.0.1:${port}`);
    const child = startProgram(requirePeer("pebble-challtestsrv"), [
      ...["-dnsserver", at(dnsPort), "-management", at(managementPort), "-doh", "", "-https01", ""],
      ...["-http01", at(httpPort), "-tlsalpn01", at(tlsPort)],
      ...["-defaultIPv4", defaultIPv4, "-defaultIPv6", defaultIPv6],
    ]);
    const server = new ChallengeTestServer(child.process, `http://${at(managementPort)}`);
    await child.until(() => server.command("clear-request-history", { type: "dns", host: "none.test" }));
    return server;
  }

  /** Any of its management commands by its path; rejects when it does not answer 200. */
  async command(path: string, body: Readonly<Record<string, unknown>>): Promise<string> {
    const response = await fetch(`${this.#url}/${path}`, { method: "POST", body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`pebble-challtestsrv answered ${response.status} to ${path}: ${text}`);
    return text;
  }

  /** Adds one value; it cuts longer ones into strings of 255 octets. */
  async setTxt(name: string, value: string): Promise<void> {
    await this.command("set-txt", { host: `${name}.`, value });
  }

  /** Removes all values. */
  async clearTxt(name: string): Promise<void> {
    await this.command("clear-txt", { host: `${name}.` });
  }

  async addA(name: string, ...addresses: readonly string[]): Promise<void> {
    await this.command("add-a", { host: `${name}.`, addresses });
  }

  async clearA(name: string): Promise<void> {
    await this.command("clear-a", { host: `${name}.` });
  }

  async addAaaa(name: string, ...addresses: readonly string[]): Promise<void> {
    await this.command("add-aaaa", { host: `${name}.`, addresses });
  }

  async addCaa(name: string, ...policies: readonly { readonly tag: string; readonly value: string }[]): Promise<void> {
    await this.command("add-caa", { host: `${name}.`, policies });
  }

  async setCname(name: string, target: string): Promise<void> {
    await this.command("set-cname", { host: `${name}.`, target: `${target}.` });
  }

  async clearCname(name: string): Promise<void> {
    await this.command("clear-cname", { host: `${name}.` });
  }

  /** Every question about the name fails. */
  async setServfail(name: string): Promise<void> {
    await this.command("set-servfail", { host: `${name}.` });
  }

  async clearServfail(name: string): Promise<void> {
    await this.command("clear-servfail", { host: `${name}.` });
  }

  /** What was asked about a name, as pebble-challtestsrv notes it. */
  async history(kind: QuestionKind, name: string): Promise<readonly unknown[]> {
    const host = kind === "dns" ? `${name}.` : name;
    const text = await this.command(`${kind}-request-history`, { host });
    return (JSON.parse(text) ?? []) as readonly unknown[];
  }

  async stop(): Promise<void> {
    await stopProgram(this.#child);
  }
}

/** A program that runs, and the lines that it wrote. */
export interface StartedProgram {
  readonly process: ChildProcess;
  readonly lines: readonly string[];
  /** Repeats an attempt until it succeeds; rejects with the lines when the program ends before, or after a minute. */
  until(attempt: () => Promise<unknown>): Promise<void>;
}

/** Starts a program that is killed with this process, whatever happens. */
export function startProgram(
  program: Peer,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): StartedProgram {
  const child = spawn(program.path, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", (line) => lines.push(line));
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  child.once("error", (error) => lines.push(String(error)));
  return {
    process: child,
    lines,
    until: async (attempt) => {
      const end = Date.now() + 60_000;
      for (;;) {
        const failure = await attempt().then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure === undefined) return;
        if (child.exitCode !== null || Date.now() > end) {
          child.kill("SIGKILL");
          throw new Error(`${program.path} does not answer: ${String(failure)}\n${lines.slice(-20).join("\n")}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}

/** Resolves when the program is gone. */
export async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
  await ended;
  clearTimeout(timer);
}

export function requirePeer(name: string): Peer {
  const found = peer(name);
  if (found === undefined) throw new Error(`${name} is not installed: run node scripts/setup.mjs --peers`);
  return found;
}
