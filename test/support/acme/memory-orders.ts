// Guards: a run that can't be seen into. Orders at a CA in memory, with what was saved, said and put in place.
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import type { ChallengeSolver, ChallengeTask } from "../../../provider/src/acme/challenge/solver";
import type { AcmeIdentifier } from "../../../provider/src/acme/client/identifier";
import { makeCertificateRequest } from "../../../provider/src/acme/order/certificate-request";
import {
  type FulfilFlow,
  fulfilOrder,
  type Issued,
  type OrderProgress,
  type OrderStep,
} from "../../../provider/src/acme/order/flow";
import { Deadline } from "../../../provider/src/acme/run/deadline";
import { isTlsError, type TlsError } from "../../../provider/src/errors";
import { parseIdentifier } from "../../../provider/src/x509/names/identifier";
import { MemoryCa } from "./memory-ca";

export const accountUrl = "https://ca.test/account/1";

/** A solver that remembers what stands where. */
export class MemorySolver implements ChallengeSolver {
  readonly type: ChallengeSolver["type"];
  /** Tokens. */
  readonly inPlace = new Set<string>();
  readonly presented: (readonly ChallengeTask[])[] = [];
  cleanUps = 0;
  refusal: string | undefined;
  failure: TlsError | undefined;
  cleanUpFailure: TlsError | undefined;

  constructor(type: ChallengeSolver["type"] = "dns-01") {
    this.type = type;
  }

  refuse: ChallengeSolver["refuse"] = () => this.refusal;

  async present(tasks: readonly ChallengeTask[]): Promise<void> {
    this.presented.push(tasks);
    for (const { token } of tasks) this.inPlace.add(token);
    if (this.failure !== undefined) throw this.failure;
  }

  async cleanUp(tasks: readonly ChallengeTask[]): Promise<void> {
    this.cleanUps += 1;
    if (this.cleanUpFailure !== undefined) throw this.cleanUpFailure;
    for (const { token } of tasks) this.inPlace.delete(token);
  }
}

/** What a run is changed by; one name, "a.test", by default. */
export interface MemoryWanted extends Partial<FulfilFlow> {
  readonly names?: readonly string[];
  readonly seconds?: number;
}

/** A CA, a solver for dns-01, and runs that go on with what the last one saved. */
export class MemoryOrders {
  readonly ca = new MemoryCa();
  readonly solver = new MemorySolver();
  readonly saved: { readonly step: OrderStep; readonly progress: OrderProgress }[] = [];
  readonly said: string[] = [];

  /** What was saved last. */
  readonly last = (): OrderProgress => this.saved[this.saved.length - 1]?.progress ?? {};

  readonly run = async (progress: OrderProgress = {}, wanted: MemoryWanted = {}): Promise<Issued> => {
    const { names = ["a.test"], seconds = 600, ...changes } = wanted;
    const deadline = new Deadline(seconds, this.ca.clock);
    const identifiers = namesOf(...names);
    const flow: FulfilFlow = {
      session: this.ca.session(),
      accountUrl,
      request: { identifiers },
      csr: (known) => {
        const keyPem = known ?? newKeyPem();
        return { der: makeCertificateRequest(createPrivateKey(keyPem), identifiers), keyPem };
      },
      solvers: [this.solver],
      deadline,
      save: async (step, now) => void this.saved.push({ step, progress: now }),
      checkAlive: async () => {},
      say: (line) => void this.said.push(line),
      ...changes,
    };
    return await fulfilOrder(flow, progress).finally(() => deadline.dispose());
  };

  /** The error of a run that must not end well. */
  readonly failure = async (progress: OrderProgress = {}, wanted: MemoryWanted = {}): Promise<TlsError> => {
    try {
      await this.run(progress, wanted);
    } catch (error) {
      if (isTlsError(error)) return error;
      throw error;
    }
    throw new Error("a certificate was issued");
  };

  /** Has a run end at its first step of this name; what was saved then is what the next one knows. */
  readonly stopAt = async (step: OrderStep, wanted: MemoryWanted = {}): Promise<OrderProgress> => {
    const stop = new Error("stopped");
    let known: OrderProgress | undefined;
    const save = async (now: OrderStep, progress: OrderProgress) => {
      this.saved.push({ step: now, progress });
      if (now !== step) return;
      known ??= progress;
      throw stop;
    };
    try {
      await this.run({}, { ...wanted, save });
    } catch (error) {
      if (error === stop && known !== undefined) return known;
      throw error;
    }
    throw new Error(`no run came to ${step}`);
  };
}

export function namesOf(...names: readonly string[]): readonly AcmeIdentifier[] {
  return names.map(parseIdentifier) as readonly AcmeIdentifier[];
}

export function newKeyPem(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
