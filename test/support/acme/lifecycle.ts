// Guards: a lifecycle that is right only on its own. Runs that of ACME certificates as the adapter and the reason hook do,
// with an account made by its own lifecycle, against whatever CA is behind the account.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { HOME } from "../../../provider/src/acme/journal/journal";
import type { Issued } from "../../../provider/src/acme/order/flow";
import { isTlsError, type TlsError } from "../../../provider/src/errors";
import { acmeAccount } from "../../../provider/src/lifecycle/acme/account";
import { acmeCertificate } from "../../../provider/src/lifecycle/acme/certificate";
import {
  isSameValue,
  type Lifecycle,
  type Properties,
  type Reason,
  UnfinishedError,
} from "../../../provider/src/lifecycle/lifecycle";
import { checked, created } from "../engine/lifecycle";
import { findLeaks } from "../engine/secret-scan";
import type { FaultProxy } from "./fault-proxy";
import { verifyByOpenssl } from "./pebble-orders";

/** A CA, or a proxy in front of it. */
export interface Entrance {
  readonly directoryUrl: string;
  readonly caBundlePem: string;
}

/** What a preview says. */
export interface Preview {
  readonly op: "create" | "update" | "same";
  readonly reason: Reason;
}

/** The moment that is so many seconds ahead. */
export function later(seconds: number): Date {
  return new Date(Date.now() + 1000 * seconds);
}

/**
 * Lets a day pass at once for everything in this process that asks for the time, so that the time limit of a step is over;
 * `vi.useRealTimers()` takes it back.
 */
export function passTimeLimits(): void {
  vi.setSystemTime(later(24 * 3600));
}

/** From now on orders are processed for ever; when one has been looked at three times, {@link passTimeLimits}. */
export function stallOrders(proxy: FaultProxy): void {
  let looks = 0;
  const rewrite = (body: string) => {
    looks += 1;
    if (looks === 3) passTimeLimits();
    return JSON.stringify({ ...JSON.parse(body), status: "processing", certificate: undefined });
  };
  for (const on of ["order", "finalize"] as const) proxy.plan({ on, times: 1000, action: { rewrite } });
}

/** From now on no connection for a new order comes about, and after the first one {@link passTimeLimits}. */
export function cutNewOrders(proxy: FaultProxy): void {
  const ask = async () => {
    passTimeLimits();
    return "cut" as const;
  };
  proxy.plan({ on: "newOrder", times: 1000, action: { ask, at: "before" } });
}

/** A journal of its own for the tests of a file, without a key in clear, and the sentences that the user is told: not printed. */
export function useAcmeHome(): { readonly home: string; readonly said: string[] } {
  const used = { home: mkdtempSync(join(tmpdir(), "acme-lifecycle-")), said: [] as string[] };
  const before = process.env[HOME];
  beforeAll(() => {
    process.env[HOME] = used.home;
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      used.said.push(String(text).trimEnd());
      return true;
    });
  });
  afterAll(() => {
    vi.restoreAllMocks();
    if (before === undefined) delete process.env[HOME];
    else process.env[HOME] = before;
    for (const file of readdirSync(used.home, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name), "utf8")).not.toContain("PRIVATE KEY");
    }
    rmSync(used.home, { recursive: true, force: true });
  });
  return used;
}

/** Makes an account, and gives what a certificate takes of it, as the class does. */
export async function openAccount({ directoryUrl, caBundlePem }: Entrance, more: Properties = {}): Promise<Properties> {
  const args = { directory: directoryUrl, caBundlePem, acceptTermsOfService: true, ...more };
  const { state } = await created(acmeAccount, args, new Date());
  const names = [
    ...(["accountUrl", "accountKeyPem", "directoryUrl", "caBundlePem", "requestTimeoutSeconds"] as const),
    ...(["rehearsalDirectoryUrl", "rehearsalAccountKeyPem"] as const),
  ];
  return Object.fromEntries(names.filter((name) => state[name] != null).map((name) => [name, state[name]]));
}

/** One certificate of a stack: what the engine holds of it from run to run. */
export class HeldCertificate {
  /** Of the account, and those that all its runs share. */
  readonly base: Properties;
  /** Undefined before the first run. */
  state: Properties | undefined;
  /** A failure half way was kept. */
  isUnfinished = false;
  #inputs: Properties = {};

  constructor(base: Properties) {
    this.base = base;
  }

  /** Another stack in the same state. */
  copy(): HeldCertificate {
    const other = new HeldCertificate(this.base);
    [other.state, other.isUnfinished, other.#inputs] = [this.state, this.isUnfinished, this.#inputs];
    return other;
  }

  /** The inputs that `check` makes. */
  inputs(args: Properties = {}, now = new Date()): Properties {
    return checked(acmeCertificate, { ...this.base, ...args }, now, this.#inputs);
  }

  /** What a run would do; rejects where it would be refused. */
  async preview(args: Properties = {}, now = new Date()): Promise<Preview> {
    const { state } = this;
    const inputs = this.inputs(args, now);
    const reason = await acmeCertificate.explain?.(state, inputs, now);
    if (state === undefined) return { op: "create", reason };
    const isDue = this.isUnfinished || (await acmeCertificate.isDue?.(state, inputs, now)) === true;
    return { op: isDue || showsDifference(acmeCertificate, state, inputs) ? "update" : "same", reason };
  }

  /** A preview and what it says; the state is that of the engine afterwards, also after a failure. */
  async up(args: Properties = {}, now = new Date()): Promise<Properties> {
    const { op } = await this.preview(args, now);
    if (op !== "same") await this.effect(args, now);
    return this.state as Properties;
  }

  /** Create or update, whatever a preview says. */
  async effect(args: Properties = {}, now = new Date()): Promise<Properties> {
    const inputs = this.inputs(args, now);
    const { state } = this;
    try {
      const outputs =
        state === undefined
          ? (await acmeCertificate.create(inputs, { now })).outputs
          : await acmeCertificate.update("id", state, inputs, { now });
      this.#keep(inputs, outputs, false);
    } catch (error) {
      if (error instanceof UnfinishedError) this.#keep(inputs, error.outputs, true);
      throw error;
    }
    return this.state as Properties;
  }

  /**
   * What an effect that must fail half way fails with. The certificate that was there stays, and the message is one for a
   * person: it tells of each name that is asked for, or of what stands in `told`, has a hint, and shows no secret.
   */
  async failure(args: Properties, now = new Date(), told?: readonly string[]): Promise<TlsError> {
    const before = this.state;
    const error = await this.effect(args, now).then(
      () => new Error("it did not fail"),
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof UnfinishedError) || !isTlsError(error.cause)) throw error;
    for (const name of ["certPem", "issuerPem", "privateKeyPem", "serialNumber", "issuedFor", "validTo"]) {
      expect(error.outputs[name], name).toBe(before?.[name]);
    }
    const { message } = error;
    expect(message).toBe(error.cause.message);
    expect(message).toMatch(/ Hint: \S/);
    for (const text of told ?? (this.inputs(args, now).hostnames as readonly string[])) expect(message).toContain(text);
    expect(message).not.toContain("-----BEGIN");
    expect(this.leaks(message)).toEqual([]);
    return error.cause;
  }

  /** What a text shows of the keys of this certificate and its accounts, and of `words`. */
  leaks(text: string, words: readonly string[] = []): readonly string[] {
    const { accountKeyPem, rehearsalAccountKeyPem } = this.base;
    return findLeaks([accountKeyPem, rehearsalAccountKeyPem, this.state?.privateKeyPem].join("\n"), words, { text });
  }

  /** The verdict of openssl under a root, as a server of each of the names. */
  verdict(rootPem: string): Promise<string> {
    const {
      certPem,
      issuerPem = "",
      hostnames,
    } = this.state as { hostnames: readonly string[]; [name: string]: unknown };
    return verifyByOpenssl({ certPem, issuerPem } as Issued, rootPem, hostnames);
  }

  #keep(inputs: Properties, outputs: Properties, isUnfinished: boolean): void {
    const policy = new Set(acmeCertificate.policyProperties);
    const entries = Object.entries({ ...inputs, ...outputs }).filter(([name]) => !policy.has(name));
    for (const [name, value] of entries) expect(value, `${name} in the state`).not.toBeUndefined();
    // through the engine it goes as JSON, and the adapter hands no null on
    this.state = JSON.parse(JSON.stringify(Object.fromEntries(entries.filter(([, value]) => value !== null))));
    [this.#inputs, this.isUnfinished] = [inputs, isUnfinished];
  }
}

function showsDifference(lifecycle: Lifecycle, state: Properties, inputs: Properties): boolean {
  const hidden = new Set([...lifecycle.policyProperties, ...lifecycle.computedProperties(state)]);
  const names = [...new Set([...Object.keys(state), ...Object.keys(inputs)])];
  return names.some((name) => !hidden.has(name) && !isSameValue(state[name], inputs[name]));
}
