import type { ChallengeSolver, ChallengeTask } from "../challenge/solver";
import type { OrderContext, OrderRequest } from "./order";

/** Between which requests an order stands. */
export type OrderStep =
  | "new-order"
  | "ordered"
  | "present"
  | "presented"
  | "answer"
  | "answered"
  | "finalize"
  | "finalized"
  | "download"
  | "downloaded"
  | "clean-up";

/** What the next run needs to go on. Plain JSON; it holds a secret. */
export interface OrderProgress {
  readonly orderUrl?: string;
  /** When the CA took the certificate request, ISO 8601 UTC. */
  readonly finalizedAt?: string;
  /** Secret: the key that the certificate request was signed by. */
  readonly certificateKeyPem?: string;
  readonly certificateUrl?: string;
  /** The CA refused `replaces`: this certificate is ordered without. */
  readonly replacesDropped?: boolean;
  /** Answers to challenges that are in place, or half so: they are taken away by the run that sees them. */
  readonly presented?: readonly PresentedChallenge[];
}

/** The answer to one challenge. */
export interface PresentedChallenge {
  readonly type: ChallengeSolver["type"];
  readonly task: ChallengeTask;
}

/** A certificate request in DER, and the key that it was signed by unless the user keeps it. */
export interface FlowRequest {
  readonly der: Buffer;
  readonly keyPem?: string;
}

/** Everything that an order is placed with. */
export interface PlaceFlow extends OrderContext {
  readonly request: OrderRequest;
  /**
   * Awaited before each request that changes something at the CA, and after each step. What it was given last is what
   * the next run goes on with, also after a failure.
   */
  readonly save: (step: OrderStep, progress: OrderProgress) => Promise<void>;
  /** Throws when the run is to end between two steps. */
  readonly checkAlive: () => Promise<void>;
  readonly say: (line: string) => void;
}

/** Everything that an order is brought to its end with. */
export interface FulfilFlow extends PlaceFlow {
  /** Makes the certificate request, with the key given or one that it chooses. */
  readonly csr: (keyPem: string | undefined) => FlowRequest | Promise<FlowRequest>;
  /** The first one that fits a name and is offered for it is taken. */
  readonly solvers: readonly ChallengeSolver[];
  /** Common name of the issuer of the wanted chain's last certificate. */
  readonly preferredChain?: string;
  /** The order is placed by somebody else, who alone can place another one; the progress begins with its URL. */
  readonly isGiven?: true;
}

/** Where a run stands: each change is saved. */
export class OrderJourney<Flow extends PlaceFlow = PlaceFlow> {
  readonly flow: Flow;
  /** What the user is told beside the certificate. */
  readonly notes: string[] = [];
  #progress: OrderProgress;

  constructor(flow: Flow, progress: OrderProgress) {
    this.flow = flow;
    this.#progress = progress;
  }

  get progress(): OrderProgress {
    return this.#progress;
  }

  /** Before a request that changes something: whether the run goes on is asked, then `change` is saved. */
  async before(step: OrderStep, doing: string, change: OrderProgress = {}): Promise<void> {
    await this.flow.checkAlive();
    this.flow.deadline.check(doing);
    await this.after(step, change);
  }

  /** After a step. */
  async after(step: OrderStep, change: OrderProgress = {}): Promise<void> {
    this.#progress = { ...this.#progress, ...change };
    await this.flow.save(step, this.#progress);
  }

  /** Saves the progress without some of it. */
  async forget(step: OrderStep, ...names: readonly (keyof OrderProgress)[]): Promise<void> {
    const kept = Object.entries(this.#progress).filter(([name]) => !(names as readonly string[]).includes(name));
    this.#progress = Object.fromEntries(kept);
    await this.flow.save(step, this.#progress);
  }

  /** Forgets the order and all that belongs to it alone. */
  async forgetOrder(): Promise<void> {
    await this.forget("clean-up", "orderUrl", "finalizedAt", "certificateKeyPem", "certificateUrl");
  }

  /** The end of an order: it is forgotten, and the error that says why given back to be thrown. */
  async failed<Failure extends Error>(error: Failure): Promise<Failure> {
    // a failure to save it is the smaller one: the next run asks for the order, and learns the same
    await this.forgetOrder().catch(() => undefined);
    return error;
  }

  note(text: string): void {
    this.notes.push(text);
    this.flow.say(text);
  }
}

/** The same up to the certificate. */
export class FulfilJourney extends OrderJourney<FulfilFlow> {
  /** The challenges that names were proved by in this run. */
  readonly provedBy = new Set<ChallengeSolver["type"]>();
  #request: { readonly keyPem: string | undefined; readonly made: FlowRequest } | undefined;

  /** The certificate request, by the key that is known; made once as long as that is the same. */
  async request(): Promise<FlowRequest> {
    const keyPem = this.progress.certificateKeyPem;
    if (this.#request === undefined || (keyPem !== this.#request.keyPem && keyPem !== this.#request.made.keyPem)) {
      this.#request = { keyPem, made: await this.flow.csr(keyPem) };
    }
    return this.#request.made;
  }
}
