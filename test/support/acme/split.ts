// Guards: an order and its certificate that are right only one by one. Runs their lifecycles from run to run through the adapter,
// with the engine's part played: its comparison, its hook, and what it keeps of a failure.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect } from "vitest";
import type { Issued } from "../../../provider/src/acme/order/flow";
import { createDynamicProvider } from "../../../provider/src/adapter/dynamic-provider";
import { acmeCertificate } from "../../../provider/src/lifecycle/acme/certificate";
import { acmeOrder } from "../../../provider/src/lifecycle/acme/order";
import { listRecordNames, valuesOf } from "../../../provider/src/lifecycle/acme/order-records";
import type { StoredChallenge } from "../../../provider/src/lifecycle/acme/order-state";
import {
  isSameValue,
  type Lifecycle,
  type Properties,
  type Reason,
  UNKNOWN,
} from "../../../provider/src/lifecycle/lifecycle";
import { opened } from "../engine/mocks";
import type { Pebble } from "./pebble";
import { verifyByOpenssl } from "./pebble-orders";

/** What a preview says of a resource. */
export interface Preview {
  readonly op: "create" | "update" | "same";
  readonly reason: Reason;
}

/** What the engine holds of one resource, without the envelopes of secrets. */
export class HeldResource {
  /** Undefined before the first run that made anything. */
  state: Record<string, unknown> | undefined;
  /** Of the last return: what travels as a secret. */
  secrets: readonly string[] = [];
  readonly #lifecycle: Lifecycle;
  #inputs: Record<string, unknown> = {};

  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle;
  }

  /** What a run would do; rejects where the hook would refuse it. */
  async preview(args: Properties): Promise<Preview> {
    const { op, inputs } = await this.#plan(args);
    if (op === "same") return { op, reason: undefined };
    const { secretProperties, explainedSecrets = [] } = this.#lifecycle;
    const hide = (values: Record<string, unknown>, shown: readonly string[]) =>
      Object.fromEntries(
        Object.entries(values)
          .filter(([name, value]) => value !== null && !name.startsWith("__"))
          .map(([name, value]) => [name, secretProperties.includes(name) && !shown.includes(name) ? UNKNOWN : value]),
      );
    const state = this.state === undefined ? undefined : hide(this.state, []);
    return { op, reason: await this.#lifecycle.explain?.(state, hide(inputs, explainedSecrets), new Date()) };
  }

  /** A preview, and what it says; the failure is the one that the engine shows. */
  async up(args: Properties): Promise<Properties> {
    await this.preview(args);
    return this.effect(args);
  }

  /** What a run does, without its hook. */
  async effect(args: Properties): Promise<Properties> {
    const provider = createDynamicProvider(() => this.#lifecycle);
    const { op, inputs } = await this.#plan(args);
    try {
      if (op === "create") this.#keep((await provider.create(inputs)).outs);
      if (op === "update") this.#keep((await provider.update("id", this.state ?? {}, inputs)).outs);
    } catch (error) {
      const { properties } = error as { readonly properties?: Record<string, unknown> };
      if (properties !== undefined) this.#keep(properties);
      if (properties !== undefined) this.#inputs = inputs;
      throw error;
    }
    this.#inputs = inputs;
    return this.state as Properties;
  }

  /** What a run does in a process of its own, which is killed as soon as `moment` is there; the state never hears of it. */
  async killed(args: Properties, moment: (kill: () => Promise<unknown>) => void): Promise<void> {
    const { op, inputs } = await this.#plan(args);
    const call =
      op === "create" ? { method: "create", args: [inputs] } : { method: "update", args: ["id", this.state, inputs] };
    const lifecycle = `${this.#lifecycle.name.charAt(0).toLowerCase()}${this.#lifecycle.name.slice(1)}`;
    const child = spawn(process.execPath, [join(import.meta.dirname, "effect.cjs")], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const ended = once(child, "close");
    let said = "";
    child.stdout.on("data", (text) => {
      said += text;
    });
    moment(async () => {
      child.kill("SIGKILL");
      await ended;
    });
    child.stdin.end(JSON.stringify({ lifecycle, ...call }));
    await ended;
    expect([child.signalCode, said]).toEqual(["SIGKILL", ""]);
  }

  /** `pulumi refresh`. */
  async refresh(): Promise<Properties> {
    const provider = createDynamicProvider(() => this.#lifecycle);
    this.#keep((await provider.read("id", this.state ?? {})).props);
    return this.state as Properties;
  }

  /** The text of an up that has to fail. */
  async failure(args: Properties): Promise<string> {
    const error = await this.up(args).then(
      () => new Error("it did not fail"),
      (thrown: unknown) => thrown as Error,
    );
    expect(error.message).toMatch(/^[A-Z_]+: /);
    expect(error.message).not.toContain("-----BEGIN");
    return error.message;
  }

  async #plan(args: Properties): Promise<{ readonly op: Preview["op"]; readonly inputs: Record<string, unknown> }> {
    const provider = createDynamicProvider(() => this.#lifecycle);
    const checked = await provider.check(this.#inputs, { ...args });
    if (checked.inputs === undefined) throw new Error(checked.failures?.map(({ reason }) => reason).join("\n"));
    const inputs = opened(checked.inputs);
    if (this.state === undefined) return { op: "create", inputs };
    const { changes, replaces } = await provider.diff("id", this.state, inputs);
    expect(replaces).toEqual([]);
    const differs = changes ?? !isSameValue(present(this.#inputs), present(inputs));
    return { op: differs ? "update" : "same", inputs };
  }

  #keep(properties: Record<string, unknown>): void {
    expect(JSON.stringify(properties)).toBe(JSON.stringify(JSON.parse(JSON.stringify(properties))));
    this.state = opened(properties);
    this.secrets = Object.keys(properties).filter((name) => this.state?.[name] !== properties[name]);
  }
}

/** An order and its certificate, as two resources of one program. */
export class SplitCertificate {
  readonly order = new HeldResource(acmeOrder);
  readonly certificate = new HeldResource(acmeCertificate);
  readonly #account: Properties;
  readonly #pebble: Pebble;
  readonly #args: Properties;

  constructor(pebble: Pebble, account: Properties, args: Properties) {
    const { rehearsalDirectoryUrl: _, rehearsalAccountKeyPem: __, ...ordering } = account;
    [this.#pebble, this.#account, this.#args] = [pebble, ordering, args];
  }

  orderArgs(more: Properties = {}): Properties {
    return { ...this.#account, name: "split", ...this.#args, ...more };
  }

  /** As the class takes them of the order's outputs; by its records, which are thought to stand, unless told otherwise. */
  certificateArgs(more: Properties = {}): Properties {
    const { hostnames, profile, orderUrl } = this.order.state ?? {};
    const challenge = { type: "dns-01", via: "order", propagation: false };
    const ofOrder = { hostnames, profile, fromOrderUrl: orderUrl };
    return { ...this.#account, name: "split", ...ofOrder, challenge, ...more };
  }

  /** The challenges of the order. */
  get challenges(): readonly StoredChallenge[] {
    return (this.order.state?.challenges ?? []) as readonly StoredChallenge[];
  }

  /** What the resources of a DNS provider do: the values of each record set take the place of others. */
  async putRecords(): Promise<void> {
    for (const { name } of listRecordNames(this.challenges.map(({ hostname }) => hostname))) {
      await this.#pebble.clearTxt(name);
      for (const value of valuesOf(name, this.challenges)) await this.#pebble.setTxt(name, value);
    }
  }

  /** One run: the order, its records, the certificate. */
  async up(order: Properties = {}, certificate: Properties = {}): Promise<Properties> {
    await this.order.up(this.orderArgs(order));
    await this.putRecords();
    return this.certificate.up(this.certificateArgs(certificate));
  }

  /** What a run would do to both. */
  async preview(): Promise<readonly Preview["op"][]> {
    const order = await this.order.preview(this.orderArgs());
    return [order.op, (await this.certificate.preview(this.certificateArgs())).op];
  }

  /** The verdict of openssl on the certificate, as a server of each of its names. */
  async verdict(): Promise<string> {
    const { certPem, issuerPem, hostnames } = this.certificate.state as { readonly [name: string]: unknown };
    const issued = { certPem, issuerPem: issuerPem ?? "" } as Issued;
    return verifyByOpenssl(issued, await this.#pebble.roots(), hostnames as readonly string[]);
  }
}

/** `null` is absent to the engine; what begins with two underscores is the adapter's own. */
function present(inputs: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(inputs).filter(([name, value]) => value !== null && !name.startsWith("__")));
}
