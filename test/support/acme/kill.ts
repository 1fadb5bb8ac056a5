// Guards: an order whose processes die at a moment that the test chose. A stack of one account and one certificate on the
// real engine, and between it and a real Pebble a proxy and a DNS hook that say when the moment has come.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as timeout } from "node:timers/promises";
import { AcmeAccount, AcmeCertificate, type AcmeCertificateArgs } from "pulumi-tls-gateway";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { descendantsOf, listProcesses, type RunningProcess } from "../../../scripts/lib/processes.mjs";
import { readLocks } from "../../../scripts/lib/stack-lock.mjs";
import { type DnsHook, startDnsHook } from "../dns/hook";
import type { EngineStack } from "../engine/engine";
import { findLeaks } from "../engine/secret-scan";
import { type Observed, useStack } from "../engine/shared-stack";
import { type FaultProxy, type ProxiedKind, startFaultProxy } from "./fault-proxy";
import { type Pebble, startPebble } from "./pebble";

/** A moment of an order, counted from when it is waited for: `before` it takes effect, or `after`, when nobody knows yet. */
export type Moment =
  | { readonly request: ProxiedKind; readonly nth?: number; readonly at: "before" | "after" }
  | { readonly hook: "present" | "cleanup"; readonly nth?: number; readonly at: "before" | "after" };

/** The processes of a run that is under way. */
export interface Run {
  readonly cli: RunningProcess;
  /** The one process of all dynamic providers, a child of the CLI. */
  readonly provider: RunningProcess;
}

/** What the stack wants. */
export type Wanted = Pick<AcmeCertificateArgs, "hostnames"> & Partial<AcmeCertificateArgs>;

/** An order that is to be killed. */
export class KillPlace {
  pebble!: Pebble;
  proxy!: FaultProxy;
  hook!: DnsHook;
  /** TLS_GATEWAY_HOME of all runs. */
  readonly folder = mkdtempSync(join(tmpdir(), "tls-gateway-acme-kill-"));
  readonly home = join(this.folder, "home");
  /** Pulumi names. */
  account = "ca";
  resource = "none";
  wanted: Wanted | undefined;
  #shared: { readonly engine: EngineStack; readonly seen: Observed } | undefined;
  readonly #providers: RunningProcess[] = [];
  #shown: string | undefined;

  get engine(): EngineStack {
    if (this.#shared === undefined) throw new TypeError("used before the tests begin");
    return this.#shared.engine;
  }

  /** What the program saw of the certificate. */
  get seen(): Observed {
    return this.#shared?.seen ?? {};
  }

  set shared(shared: { readonly engine: EngineStack; readonly seen: Observed }) {
    this.#shared = shared;
  }

  /** From now on the stack has this certificate and no other; by dns-01 through the hook unless told otherwise. */
  want(resource: string, more: Partial<AcmeCertificateArgs> = {}): void {
    this.resource = resource;
    this.wanted = { hostnames: [`${resource}.test`], ...more };
  }

  /** An `up` during which something happens at a moment; fails when the run ends without coming to it. */
  async upUntil(moment: Moment, act: (run: Run) => Promise<"pass" | "cut">): Promise<{ text: string; run: Run }> {
    let met: Run | undefined;
    this.#plan(moment, async () => {
      met = this.findRun();
      return act(met);
    });
    const text = await this.failedUp();
    if (met === undefined) throw new Error(`the run ended before ${JSON.stringify(moment)}:\n${text}`);
    return { text, run: met };
  }

  /** An `up` that has to fail; what it printed. When it does not, what the CA was asked is told. */
  async failedUp(): Promise<string> {
    const mark = this.engine.printed.length;
    try {
      return await this.engine.failure(() => this.engine.up());
    } catch (cause) {
      const [printed, asked] = [this.engine.printed.slice(mark).join(""), this.proxy.requests.map(({ kind }) => kind)];
      throw new Error(`${printed}\n${asked.join(", ")}\n${this.pebble.log.slice(-40).join("\n")}`, { cause });
    }
  }

  /** Finds the CLI and the provider process among the descendants of the tests. */
  findRun(): Run {
    const all = descendantsOf(process.pid);
    const provider = all.find((one) => commandLine(one.pid).includes("dynamic-provider"));
    const cli = all.find((one) => one.pid === provider?.ppid);
    if (provider === undefined || cli === undefined) throw new Error("no run is under way");
    if (!isAmong(provider, this.#providers)) this.#providers.push(provider);
    return { cli, provider };
  }

  /** Provider processes of killed runs that live on. */
  orphans(): readonly RunningProcess[] {
    return this.#providers.filter((provider) => isAmong(provider, listProcesses()));
  }

  /** What a user does after the CLI was killed: its lock goes, then what Pulumi takes for half created. */
  async unlock(): Promise<void> {
    await this.engine.stack.cancel();
    await this.engine.refresh({ clearPendingCreates: true });
  }

  /** The same without starting the CLI twice, for tests that are not about it. */
  clear(): void {
    rmSync(join(this.engine.folder, ".pulumi/locks"), { recursive: true, force: true });
    this.engine.editState((checkpoint) => {
      delete checkpoint.latest.pending_operations;
    });
  }

  /** Forgets what was planned, and ends what a test has left: orphans, which Pulumi lets run for ever, a lock, a journal. */
  async reset(): Promise<void> {
    this.hook.watch(undefined);
    this.proxy.reset();
    for (const orphan of this.orphans()) await kill(orphan);
    const locks = readLocks({ folder: this.engine.folder, project: "test", stack: this.engine.stack.name });
    if (locks.length > 0) this.clear();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** What is in `<home>/orders`, but for the file that makes git ignore it. */
  journalFiles(ending = ""): readonly string[] {
    const orders = join(this.home, "orders");
    if (!existsSync(orders)) return [];
    return readdirSync(orders).filter((file) => file !== ".gitignore" && file.endsWith(ending));
  }

  /** TXT records that are in place. */
  records(): readonly string[] {
    return [...this.hook.records].flatMap(([name, values]) => [...values].map((value) => `${name} ${value}`));
  }

  /** All that is written to disk: the journal, and the folder of the state with its backups. */
  disk(): Readonly<Record<string, string>> {
    return { journal: readFolder(this.home), state: readFolder(join(this.engine.folder, ".pulumi")) };
  }

  /** A further run, which finds nothing to do, and after which nothing lies about. */
  async expectNothingLeft(): Promise<void> {
    const { changes, messages } = await this.engine.up({ expectNoChanges: true });
    expect(changes).toEqual({ same: 2 });
    expect(messages).toEqual([]);
    expect({ journal: this.journalFiles(), records: this.records() }).toEqual({ journal: [], records: [] });
  }

  /** Makes the CA say that the certificate, which is in the state then, is to be renewed at once. */
  async callForRenewal(): Promise<void> {
    const suggestedWindow = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };
    await this.pebble.setRenewalInfo(String(this.seen.certPem), { suggestedWindow });
    await this.engine.refresh();
  }

  /** The serial number of the certificate in the state. */
  async storedSerial(): Promise<unknown> {
    return this.engine.resources()[this.resource]?.outputs.serialNumber;
  }

  /** Where in `places` a private key of the state of now stands in clear, or any private key in PEM. */
  async leaksIn(places: Readonly<Record<string, string>>): Promise<readonly string[]> {
    // the account's keys stay the same; the certificate's is what the program saw
    this.#shown ??= await this.engine.cli("stack", "export", "--show-secrets");
    return findLeaks(`${this.#shown}\n${this.seen.privateKeyPem}`, [], places);
  }

  /** What openssl says of the certificate, by the root that Pebble issues under. */
  async verify(): Promise<string> {
    const { certPem, fullChainPem } = this.seen;
    writeFileSync(join(this.folder, "root.pem"), await this.pebble.roots());
    writeFileSync(join(this.folder, "leaf.pem"), String(certPem));
    writeFileSync(join(this.folder, "chain.pem"), String(fullChainPem));
    const host = String(this.wanted?.hostnames).split(",")[0] ?? "";
    const args = ["verify", "-CAfile", "root.pem", "-untrusted", "chain.pem", "-verify_hostname", host, "leaf.pem"];
    return execFileSync("openssl", args, { cwd: this.folder, encoding: "utf8" });
  }

  #plan(moment: Moment, act: () => Promise<"pass" | "cut">): void {
    const { nth = 1, at } = moment;
    if ("request" in moment) {
      this.proxy.plan({ on: moment.request, from: nth, action: { ask: act, at } });
      return;
    }
    let seen = 0;
    this.hook.watch(async ({ action }, reached) => {
      if (action !== moment.hook || reached !== at) return;
      seen += 1;
      // the program is a process of its own: whoever dies, it does what it was called for
      if (seen === nth) await act();
    });
  }
}

/** Kills the provider process of a run; the request that it was at is cut. */
export async function killProvider({ provider }: Run): Promise<"cut"> {
  await kill(provider);
  return "cut";
}

/** Kills the CLI of a run; the request that the provider process was at goes on. */
export async function killCli({ cli, provider }: Run): Promise<"pass"> {
  const [, port] = /127\.0\.0\.1:(\d+)/.exec(commandLine(provider.pid)) ?? [];
  await kill(cli);
  // of a process with threads the first one may be gone and the last one still have its sockets
  while (await isListening(Number(port))) await timeout(5);
  return "pass";
}

/** Whether somebody listens at a port of this machine. */
export async function isListening(port: number): Promise<boolean> {
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

async function kill(one: RunningProcess): Promise<void> {
  process.kill(one.pid, "SIGKILL");
  while (isAmong(one, listProcesses())) await timeout(5);
}

/** Starts Pebble, what stands before it, and a stack, before the tests of this `describe`; its account is there. */
export function useKillPlace(stack: string): KillPlace {
  const place = new KillPlace();
  beforeAll(async () => {
    process.env.TLS_GATEWAY_HOME = place.home;
    place.pebble = await startPebble();
    place.proxy = await startFaultProxy(place.pebble);
    place.hook = await startDnsHook(place.pebble);
  });
  afterAll(async () => {
    delete process.env.TLS_GATEWAY_HOME;
    for (const orphan of place.orphans()) await kill(orphan);
    await place.proxy?.stop();
    await Promise.all([place.pebble?.stop(), place.hook?.stop()]);
    rmSync(place.folder, { recursive: true, force: true });
  });
  const shared = useStack(stack, () => {
    const account = new AcmeAccount(place.account, {
      directory: place.proxy.directoryUrl,
      caBundlePem: place.proxy.caBundlePem,
      acceptTermsOfService: true,
    });
    if (place.wanted === undefined) return {};
    const certificate = new AcmeCertificate(place.resource, {
      account,
      challenge: { type: "dns-01", command: place.hook.command, propagation: false },
      rehearsal: "off",
      ...place.wanted,
    });
    const { certPem, fullChainPem, privateKeyPem, serialNumber } = certificate;
    return { certPem, fullChainPem, privateKeyPem, serialNumber };
  });
  beforeAll(async () => {
    place.shared = shared;
    await place.engine.up();
  });
  beforeEach(() => place.reset());
  return place;
}

function isAmong({ pid, started }: RunningProcess, all: readonly RunningProcess[]): boolean {
  return all.some((other) => other.pid === pid && other.started === started);
}

function commandLine(pid: number): string {
  try {
    if (existsSync("/proc/self/cmdline")) return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    // ended since it was listed
    return "";
  }
}

function readFolder(folder: string): string {
  if (!existsSync(folder)) return "";
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");
}
